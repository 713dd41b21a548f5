"""The simulation layer."""
