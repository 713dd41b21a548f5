"""Policies for waves, one file each."""
