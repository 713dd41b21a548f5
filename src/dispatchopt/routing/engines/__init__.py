"""The routing engines layer."""
