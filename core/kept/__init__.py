"""Slices that somebody keeps with a name, watched on every batch."""
