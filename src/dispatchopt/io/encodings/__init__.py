"""Encodings of documents: a file here is one encoding, and exports ``ENCODING``."""
