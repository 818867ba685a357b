"""Fisher's noncentral hypergeometric law: how the events of a look fall on two arms, whatever the rate of events is.

Given ``K`` events among ``n_c`` units of the candidate and ``n_b`` of the control, the candidate's share of them has
``P(k) ~ C(n_c, k) C(n_b, K - k) psi**k``: only the odds ratio ``psi`` is left (Fisher 1935, JRSS 98, 39-82). All here
is held against ``psi = 1``: the log-likelihood ratio of one look is
``k_c ln(psi) - ln(E(psi**k))``, the expectation being that of the central law.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Points = tuple[float, ...]


@lru_cache(maxsize=1 << 14)
def log_mean_power(canary: int, control: int, events: int, points: Points) -> Floats:
    """``ln(E(psi**k))`` of the central law at each ``ln(psi)`` of ``points``: 0.0 at 0.0; read-only.

    The number of events in the candidate's arm is a sum of independent Bernoullis (its generating polynomial has only
    real roots), so Hoeffding's inequality holds: what lies further than ``6 sqrt(S)`` from the mode, ``S`` the length
    of the support, has a share under 2e-31 and is left out. That keeps a look of a million events at milliseconds.
    """
    low, high = max(0, events - control), min(canary, events)
    x: Floats = np.array(points, dtype=np.float64)
    steps = high - low
    if steps <= 0:
        found = low * x
        found.flags.writeable = False
        return found
    k = np.arange(low, high, dtype=np.float64)
    # ln(P(k + 1) / P(k)) falls with k; logs of ratios need no factorials and lose no digits.
    rise = np.log((canary - k) * (events - k)) - np.log((k + 1.0) * (control - events + k + 1.0))
    modes = np.searchsorted(-rise, np.append(x, 0.0), side="left")
    centre = int(modes[-1])
    log_p = np.zeros(steps + 1)
    np.cumsum(rise[centre:], out=log_p[centre + 1 :])
    log_p[:centre] = -np.cumsum(rise[:centre][::-1])[::-1]
    x0 = np.append(x, 0.0)
    half = int(6.0 * np.sqrt(steps)) + 3
    if 2 * half >= steps:
        place = np.broadcast_to(np.arange(steps + 1), (x0.size, steps + 1))
        terms = log_p[None, :] + x0[:, None] * np.arange(steps + 1)[None, :]
    else:
        place = modes[:, None] + np.arange(-half, half + 1)[None, :]
        inside = np.clip(place, 0, steps)
        terms = np.where(place == inside, log_p[inside] + x0[:, None] * inside, -np.inf)
    top = log_p[modes] + x0 * modes
    log_total = top + np.log(np.exp(terms - top[:, None]).sum(axis=1))
    answer: Floats = log_total[:-1] - log_total[-1] + low * x
    answer[x == 0.0] = 0.0
    answer.flags.writeable = False
    return answer


def log_ratios(
    canary: NDArray[np.int64],
    canary_events: NDArray[np.int64],
    control: NDArray[np.int64],
    control_events: NDArray[np.int64],
    points: Points,
) -> Floats:
    """Log-likelihood ratios of many looks at once: shape of the counts (after broadcasting) plus one axis of points.

    Counts are taken as valid. Looks with the same sizes and the same number of events share their work.
    """
    n_c, k_c, n_b, k_b = np.broadcast_arrays(canary, canary_events, control, control_events)
    shape = n_c.shape
    keys = np.stack([n_c.ravel(), n_b.ravel(), (k_c + k_b).ravel()], axis=1)
    radix = keys.max(axis=0, initial=0).astype(object) + 1
    if int(radix[0]) * int(radix[1]) * int(radix[2]) < 2**62:
        code = (keys[:, 0] * int(radix[1]) + keys[:, 1]) * int(radix[2]) + keys[:, 2]
        _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
        distinct = keys[first]
    else:
        distinct, inverse = np.unique(keys, axis=0, return_inverse=True)
    power = np.empty((len(distinct), len(points)))
    for row, (a, b, events) in enumerate(distinct.tolist()):
        power[row] = log_mean_power(a, b, events, points) if a and b else 0.0
    used = np.where((n_c > 0) & (n_b > 0), k_c, 0).ravel()
    x = np.array(points)
    answer: Floats = (used[:, None] * x[None, :] - power[inverse.ravel()]).reshape(*shape, len(points))
    return answer
