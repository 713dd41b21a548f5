"""The inventory layer."""
