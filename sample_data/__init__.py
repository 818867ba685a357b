"""Seeded scenarios with planted faults; README.md tells what is planted and what must be said."""
