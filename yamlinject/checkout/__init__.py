"""Patching a checkout of a framework, and taking the patch back."""
