"""Sums that are exact, so that their order and their grouping cannot change one bit.

Every finite double is a whole multiple of 2**-1074. Held as that whole number, doubles add up without rounding; only
reading the sum rounds, once.
"""

from __future__ import annotations

import math

_SHIFT = 1074
_ONE = 1 << _SHIFT


def units(value: float) -> int:
    """``value`` in multiples of 2**-1074.

    >>> value_of(units(0.1) + units(0.2) + units(-0.3)) == math.fsum([0.1, 0.2, -0.3])
    True

    Raises:
        ValueError: ``value`` is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    numerator, denominator = float(value).as_integer_ratio()
    return numerator << (_SHIFT + 1 - denominator.bit_length())


def value_of(total: int) -> float:
    """The double nearest to ``total`` multiples of 2**-1074."""
    return total / _ONE


def whole(value: float, what: str) -> int:
    """A count as an int.

    >>> whole(3.0, "units of the control")
    3

    Raises:
        ValueError: negative, broken or not a number; the message names ``what``.
    """
    if not math.isfinite(value) or value < 0 or value != math.floor(value):
        raise ValueError(f"{what}: {value} is not a count (a whole number, 0 or more)")
    return int(value)


def log_sum(logs: list[float]) -> float:
    """``ln(sum(exp(logs)))`` without overflow; minus infinity for none.

    >>> round(log_sum([-1000.0, -1000.0]), 6)
    -999.306853
    """
    top = max(logs, default=-math.inf)
    return top if math.isinf(top) else top + math.log(math.fsum(math.exp(one - top) for one in logs))
