"""A normal mixture over possible harms: evidence that may be read after every look, from a score and its information.

With an estimate ``d`` of variance ``1 / I``, the score is ``S = d I``; under no difference ``S`` behaves as a Brownian
motion at time ``I``. Weighing all differences in one direction by a half-normal law of standard deviation ``tau``,
``2 (1 + tau^2 I)^(-1/2) exp(tau^2 S^2 / (2 (1 + tau^2 I))) Phi(tau S / sqrt(1 + tau^2 I))`` is a supermartingale that
starts at 1, so the chance that it ever reaches ``1 / alpha`` is at most ``alpha`` (Robbins 1970, Annals of Mathematical
Statistics 41, 1397-1409; Johari, Koomen, Pekelis, Walsh 2022, Operations Research 70, 1806-1821).

A trap: the same formula with a fixed ``tau`` on the scale of z (``I = 1``) is no such process, and its false alarms
grow with the number of looks.
"""

from __future__ import annotations

import math


def log_evidence(score: float, information: float, tau: float) -> float:
    """``ln`` of the e-value that the difference is positive; 0.0 without information.

    >>> round(log_evidence(score=40.0, information=100.0, tau=0.2), 4)
    6.2883
    """
    if information <= 0.0:
        return 0.0
    spread = 1.0 + tau * tau * information
    z = tau * score / math.sqrt(spread)
    return math.log(2.0) - 0.5 * math.log(spread) + 0.5 * z * z + log_normal_cdf(z)


def reach(information: float, tau: float, alpha: float) -> float:
    """Half the length of the interval for the difference, valid at every look together with chance ``1 - alpha``.

    Raises:
        ValueError: ``alpha`` is not between 0 and 1.
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha {alpha}: between 0 and 1 is needed")
    if information <= 0.0:
        return math.inf
    grown = math.log((1.0 + tau * tau * information) / (alpha * alpha))
    return math.sqrt((information + tau**-2) * grown) / information


def log_normal_cdf(z: float) -> float:
    """``ln(Phi(z))`` of the standard normal law, also far below 0, where ``Phi`` itself underflows.

    >>> round(log_normal_cdf(0.0), 6), round(log_normal_cdf(-40.0), 4)
    (-0.693147, -804.6084)
    """
    if z > -30.0:
        return math.log(0.5 * math.erfc(-z / math.sqrt(2.0)))
    # Abramowitz and Stegun 26.2.12: relative error below 105 / z**8.
    series = 1.0 - z**-2 + 3.0 * z**-4 - 15.0 * z**-6
    return -0.5 * z * z - math.log(-z) - 0.5 * math.log(2.0 * math.pi) + math.log(series)
