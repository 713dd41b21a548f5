"""The dispatch layer."""
