"""The rules of ``check``: each a function that is registered where it is written."""
