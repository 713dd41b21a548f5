"""The siting engines layer."""
