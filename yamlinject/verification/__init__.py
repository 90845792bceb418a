"""Building a config next to its base in the real framework."""
