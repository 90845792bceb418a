"""The picture of a config: a row for each stride, a column for each pass over the strides."""
