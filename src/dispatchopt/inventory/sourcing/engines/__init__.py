"""The order sourcing engines."""
