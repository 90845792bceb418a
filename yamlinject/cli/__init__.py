"""The commands, a module for each kind of work; ``app.py`` puts them together."""
