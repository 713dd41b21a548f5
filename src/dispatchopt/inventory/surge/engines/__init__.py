"""The engines for live-stream surges."""
