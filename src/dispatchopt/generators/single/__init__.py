"""Generators of single problems: each file exports ``GENERATOR`` and is found by itself."""
