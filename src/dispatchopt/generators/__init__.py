"""The generators layer."""
