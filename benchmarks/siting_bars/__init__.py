"""Siting engines against published values and their bars, set by set (``--help`` says how)."""
