"""Offline evaluation: the suite as a hashed spec, candidate against baseline on the same rows, the primary metric."""
