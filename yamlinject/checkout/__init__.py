"""Patching a checkout of a framework, and undoing the patch."""
