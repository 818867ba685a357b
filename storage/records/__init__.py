"""Frozen dataclasses: what a row is. One file per family of tables."""
