"""The rebalancing engines."""
