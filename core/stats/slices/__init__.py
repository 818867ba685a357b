"""Exact search for slices on packed bits: coding, tables, counting, bounds, levels."""
