"""What a config was made from: how its layers lie in those of a base, and which base that is."""
