"""The version, in a separate file so that nothing needs to be imported to read it."""

__version__ = "0.2.0"
