"""Checkpoints: reading them without running anything, and transferring them to a config."""
