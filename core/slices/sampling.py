"""Which rows stand for all where an answer is wanted at once."""

from __future__ import annotations


def sampled(share: float) -> str:
    """SQL that keeps about this share of the rows, always the same ones: Knuth's multiplicative hash of the place."""
    return f'((("__row" + 1) * 2654435761) & 4294967295) < {int(share * 4294967296)}'
