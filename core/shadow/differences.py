"""What can be told of two versions without any label: other answers, moved scores, other latency."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from core.shadow.comparison import Latency, Move, Quantile, Share, Shift
from core.shadow.pairs import PAIRS
from core.stats.drift import psi
from core.stats.intervals import mean_interval, wilson

if TYPE_CHECKING:
    from core.shadow.pairs import Pairs

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
TENTHS = tuple(i / 10 for i in range(1, 10))
MOVES = 10
"""Pairs of answers that are told, the most frequent ones."""


def share(count: float, n: int) -> Share | None:
    """A share with Wilson's interval; None of nothing.

    >>> share(5, 100).value
    0.05
    """
    return Share(round(count), n, count / n, *wilson(count, n)) if n else None


def disagreement(pairs: Pairs) -> tuple[Share | None, str | None]:
    """Share of requests that were answered otherwise, or why it can't be told.

    A request that only one version answered readably was answered otherwise; one that neither did tells nothing.
    """
    if pairs.file.task == "regression" and pairs.file.labels.tolerance is None:
        return None, "the model file does not say how far two answers may lie apart ([labels] tolerance)"
    [(n, count)] = pairs.side.source.query(f"select count(__differs), coalesce(sum(__differs), 0) from {PAIRS}")
    found = share(float(str(count)), int(str(n)))
    return found, None if found else "neither version's answers can be read"


def moves(pairs: Pairs) -> tuple[Move, ...]:
    """What the baseline answered and what the candidate said instead; nothing for a regression or a redacted answer."""
    file = pairs.file
    if file.task == "regression" or {file.columns.prediction, file.columns.predicted_class} & set(file.columns.redact):
        return ()
    answer = "__t{0}" if file.task == "multiclass" else "case __d{0} when 1 then 'positive' when 0 then 'negative' end"
    found = pairs.side.source.query(
        f"select coalesce({answer.format('b')}, 'not readable'), coalesce({answer.format('a')}, 'not readable'), "
        f"count(*) from {PAIRS} where __differs = 1 group by 1, 2 order by 3 desc, 1, 2 limit {MOVES}"
    )
    return tuple(Move(str(before), str(after), int(str(rows))) for before, after, rows in found)


def shift(pairs: Pairs) -> Shift | None:
    """How far the scores moved; None where answers are no numbers, or no request has a score of both."""
    ask = pairs.side.source.query
    points = ", ".join(f"quantile_cont({value}, {list(QUANTILES)})" for value in ("__sa", "__sb", "__shift"))
    [row] = ask(
        f"select count(*), avg(__shift), var_samp(__shift), avg(abs(__shift)), {points}, "
        f"quantile_cont(__sb, {list(TENTHS)}) from {PAIRS} where __shift is not null"
    )
    n = int(str(row[0]))
    if not n:
        return None
    mean, variance, absolute = (_float(value) for value in row[1:4])
    low, high = mean_interval(mean, variance, n) or (None, None)
    a, b, both, cuts = (_list(value) for value in row[4:8])
    secret = pairs.file.columns.prediction in pairs.file.columns.redact
    edges = sorted(set(cuts))
    counts = [_histogram(pairs, column, edges) for column in ("__sa", "__sb")]
    return Shift(
        n, mean, low, high, absolute, psi(*counts),
        () if secret else tuple(Quantile(*four) for four in zip(QUANTILES, a, b, both, strict=True)),
    )  # fmt: skip


def latency(pairs: Pairs) -> Latency | None:
    """How long both took, where a log tells."""
    [row] = pairs.side.source.query(
        "select count(*), quantile_cont(__la, 0.5), quantile_cont(__lb, 0.5), quantile_cont(__la, 0.95), "
        f"quantile_cont(__lb, 0.95), avg(__la - __lb), var_samp(__la - __lb) from {PAIRS} "
        "where (__la - __lb) is not null"
    )
    n = int(str(row[0]))
    if not n:
        return None
    p50a, p50b, p95a, p95b, mean, variance = (_float(value) for value in row[1:])
    low, high = mean_interval(mean, variance, n) or (None, None)
    return Latency(n, p50a, p50b, p95a, p95b, mean, low, high)


def _histogram(pairs: Pairs, column: str, edges: list[float]) -> list[int]:
    """Requests per bin; a value that is an edge belongs to the bin below it."""
    bounds = [-math.inf, *edges, math.inf]
    asked = ", ".join(
        f"count(*) filter (where {column} > '{low!r}'::double and {column} <= '{high!r}'::double)"
        for low, high in pairwise(bounds)
    )
    [row] = pairs.side.source.query(f"select {asked} from {PAIRS} where __shift is not null")
    return [int(str(count)) for count in row]


def _float(value: object) -> float:
    return 0.0 if value is None else float(str(value))


def _list(value: object) -> list[float]:
    return [float(str(one)) for one in value] if isinstance(value, list) else []
