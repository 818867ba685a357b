"""Storms: one cause that raises many alerts is one line, one answer and one incident."""
