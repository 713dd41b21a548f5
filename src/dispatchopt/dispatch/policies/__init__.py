"""The dispatch policies layer."""
