"""Metrics while labels are late: learned from labelled batches, said of new ones, held against the truth later."""
