"""Engines for guaranteed service: each file exports ``ENGINE``."""
