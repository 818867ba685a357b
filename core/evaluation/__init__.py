"""Failure cases, evaluation sets, and what versions answer to them."""
