"""Checkpoints: reading them without running anything, and carrying them over to a config."""
