"""What a config was made from: which base that is, and which layers come from it."""
