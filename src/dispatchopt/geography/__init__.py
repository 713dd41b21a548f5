"""The geography layer."""
