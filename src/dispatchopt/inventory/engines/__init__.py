"""The inventory engines layer."""
