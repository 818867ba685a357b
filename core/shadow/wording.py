"""How numbers of a comparison are written: alike on the screen, on the command line and in a report."""

from __future__ import annotations

from collections.abc import Iterator

from core.shadow.comparison import MetricGap, ShadowComparison, Share, SliceGap

NOT_KNOWN = "not known"


def percent(value: float | None) -> str:
    """A share with as many digits as tell small ones apart.

    >>> percent(0.0535), percent(0.0004), percent(None)
    ('5.35 %', '0.04 %', 'not known')
    """
    return NOT_KNOWN if value is None else f"{100 * value:.2f} %"


def share_words(share: Share | None) -> str:
    """A share with its interval and counts.

    >>> share_words(Share(5, 100, 0.05, 0.0215, 0.1118))
    '5.00 % [2.15 % 11.18 %], 5 of 100'
    """
    if share is None:
        return NOT_KNOWN
    return f"{percent(share.value)} [{percent(share.low)} {percent(share.high)}], {share.count:,} of {share.n:,}"


def plain(value: float | None) -> str:
    """A number of no certain unit."""
    return NOT_KNOWN if value is None else f"{value:.4g}"


def signed(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """A difference with its interval, where it has one.

    >>> signed(0.0123, -0.002, 0.0269)
    '+0.0123 [-0.002 +0.0269]'
    """
    if value is None:
        return NOT_KNOWN
    ends = "" if low is None or high is None else f" [{low:+.4g} {high:+.4g}]"
    return f"{value:+.4g}{ends}"


def slice_words(gap: SliceGap) -> str:
    """A slice by its name and condition."""
    return gap.words if gap.name is None else f"{gap.kind} {gap.name} ({gap.words})"


def verdict_words(better: str | None, low: float | None, high: float | None, note: str | None) -> str:
    """What the interval of a metric's difference says.

    >>> verdict_words(None, -0.1, 0.2, None), verdict_words("v2", 0.1, 0.2, None)
    ('no difference beyond chance', 'v2 is better')
    """
    if note is not None:
        return note
    if better is not None:
        return f"{better} is better"
    if low is None or high is None:
        return "no interval"
    return "no difference beyond chance" if low <= 0 <= high else "they differ; neither side is better"


def metric_rows(found: ShadowComparison) -> Iterator[tuple[str, MetricGap]]:
    """Each metric with what it is of: kept slices, critical ones first, and then all requests."""
    for part in found.slices:
        for one in part.metrics:
            yield f"{part.kind} {part.name}", one
    for one in found.metrics:
        yield "all requests", one


def headline(found: ShadowComparison) -> str:
    """The answer in one sentence."""
    if found.not_answered is not None:
        return f"nothing could be compared: {found.not_answered}"
    if found.disagreement is None:
        return f"disagreement is not known: {found.why_no_disagreement}"
    bound = {True: ", within", False: ", over", None: ""}[found.within]
    allowed = "" if found.allowed is None else f"{bound} the allowed {percent(found.allowed)}"
    return f"{found.candidate} answers otherwise than {found.baseline} in {share_words(found.disagreement)}{allowed}"
