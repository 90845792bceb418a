"""The rules of ``check``: what is wrong with a config, found without a framework."""
