"""Engines of the problem in hindsight."""
