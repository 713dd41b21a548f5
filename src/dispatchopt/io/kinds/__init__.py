"""Kinds of documents: a file here is one kind, and exports ``KIND``."""
