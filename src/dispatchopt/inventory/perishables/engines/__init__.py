"""The engines for goods that expire."""
