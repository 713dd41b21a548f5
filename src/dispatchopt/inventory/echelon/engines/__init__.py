"""The engines for base stock on several levels."""
