"""The siting layer."""
