"""Incidents: opened, investigated, closed, learned from. One concern a file; ``view.detail`` gathers them."""
