"""Values of a category: new ones, lost ones, renamed ones."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed, percent
from core.checks.gradual import gradual
from core.checks.measures import comparable
from core.checks.summary import answer, ratio
from core.stats.profile import BatchProfile, TextProfile
from storage.logs.quoting import sql_name, sql_text
from storage.records.results import Finding

SHOWN = 5
MANY_NEW = 0.2
"""Share of new values that is loud in a column of hundreds of values, where some always are new."""


def run(context: CheckContext) -> list[Finding]:
    """A lost value and a new one of the same share are one renamed value."""
    found, judged = [], 0
    for name, column in context.current.columns.items():
        spec = context.spec("categories", name)
        if spec is not None and spec.allowed is not None and column.text is not None:
            judged += 1
            found.extend(_allowed(context, name, column.text, spec.allowed))
    for name, now, before in context.pairs("feature", "prediction", "label"):
        if now.kind != "text" or now.text is None or before.text is None or now.rows - now.missing < MINIMUM_ROWS:
            continue
        judged += 1
        finding = _judge(context, name, now.text, before.text)
        if finding is not None:
            found.append(finding)
    return answer(CHECK, found, judged)


def _allowed(context: CheckContext, name: str, now: TextProfile, allowed: tuple[str, ...]) -> list[Finding]:
    strange = {value: rows for value, rows in now.values.counts.items() if value not in allowed}
    if not strange:
        return []
    rows = sum(strange.values())
    shown = "" if name in context.roles.redact else ": " + ", ".join(sorted(strange, key=lambda v: -strange[v])[:SHOWN])
    return [
        failed(
            context,
            CHECK,
            f"{name!r}: {rows:,} rows hold values that the model file does not allow{shown}",
            cause="category",
            ratio=5.0 + 10 * rows / max(now.rows, 1),
            column=name,
            value=rows / max(now.rows, 1),
            threshold=0.0,
            tier="ticket",
            rows=rows,
            rows_sql=f"{sql_name(name)} NOT IN ({', '.join(map(sql_text, allowed))})",
        )
    ]


def _judge(context: CheckContext, name: str, now: TextProfile, before: TextProfile) -> Finding | None:
    left, right = comparable(now.values, before.values)
    n, m = sum(left.values()), sum(right.values())
    if not n or not m:
        return None
    gain = {v: left.get(v, 0) / n - right.get(v, 0) / m for v in {**left, **right}}
    up, down = max(gain, key=lambda v: (gain[v], v)), min(gain, key=lambda v: (gain[v], v))
    fresh = {v: c for v, c in left.items() if v not in right}
    unseen, lost = (context.departures.get(name, stat) for stat in ("unseen", "lost"))
    moved = max(ratio(context, CHECK, name, d) for d in (unseen, lost, context.departures.get(name, "peak")))
    hidden = name in context.roles.redact
    renamed = (
        (up in fresh or down not in left or left[down] / n < 0.2 * right[down] / m)
        and gain[up] > 0.02
        and -gain[down] > 0.02
        and abs(gain[up] + gain[down]) <= 0.35 * max(gain[up], -gain[down])
        and (up in fresh or sum(abs(g) for v, g in gain.items() if v not in (up, down)) <= 0.5 * gain[up])
    )
    if renamed and moved >= 1 and not _faded(context, name, {up: left[up] / n, down: left.get(down, 0) / n}, before):
        told = "a value was renamed" if hidden else f"{down!r} became {up!r}"
        return failed(
            context,
            CHECK,
            f"{name!r}: {told} (share {percent(right.get(down, 0) / m)} then, {percent(left[up] / n)} now)",
            cause="category rename",
            ratio=moved,
            column=name,
            value=gain[up],
            threshold=0.02,
            rows=left[up],
            rows_sql=None if hidden else f"{sql_name(name)} = {sql_text(up)}",
            tier="ticket" if len(right) > 1 else "digest",  # a model learns nothing from a column of one value
            renamed=None if hidden else [down, up],
        )
    if unseen is not None and (loud := ratio(context, CHECK, name, unseen)) >= 1 and unseen.rise > 0:
        first = sorted(fresh, key=lambda v: (-fresh[v], v))[:SHOWN]
        shown = "" if hidden else ": " + ", ".join(repr(v) for v in first)
        known = ", ".join(sql_text(v) for v in sorted(right)) if len(right) <= 200 and before.values.complete else None
        return failed(
            context,
            CHECK,
            f"{name!r}: {percent(unseen.value)} of rows hold values never seen before{shown}",
            cause="new values",
            ratio=loud,
            column=name,
            value=unseen.value,
            threshold=unseen.bound,
            tier="ticket" if unseen.value >= (MANY_NEW if _many(now, before) else 0.02) else "digest",
            rows=sum(fresh.values()),
            rows_sql=f"{sql_name(name)} NOT IN ({known})" if known and not hidden else None,
        )
    if lost is not None and (loud := ratio(context, CHECK, name, lost)) >= 1 and lost.rise > 0:
        gone = [v for v in sorted(right, key=lambda v: (-right[v], v)) if v not in left][:SHOWN]
        shown = "" if hidden else ": " + ", ".join(repr(v) for v in gone)
        return failed(
            context,
            CHECK,
            f"{name!r}: values that held {percent(lost.value)} of rows are gone{shown}",
            cause="lost values",
            ratio=loud,
            column=name,
            value=lost.value,
            threshold=lost.bound,
            tier="ticket" if lost.value >= (MANY_NEW if _many(now, before) else 0.05) else "digest",
            rows=0,
        )
    return None


def _faded(context: CheckContext, name: str, shares: Mapping[str, float], before: TextProfile) -> bool:
    """Whether a value came or went by degrees: a rename happens between one batch and the next."""
    return any(
        gradual(context, share, _share(before, value) or 0.0, partial(_share_in, name=name, value=value))
        for value, share in shares.items()
    )


def _share_in(batch: BatchProfile, name: str, value: str) -> float | None:
    return _share(batch.columns[name].text if name in batch.columns else None, value)


def _share(text: TextProfile | None, value: str) -> float | None:
    kept = text.values.kept_rows if text is not None else 0
    return text.values.counts.get(value, 0) / kept if text is not None and kept else None


def _many(now: TextProfile, before: TextProfile) -> bool:
    """Names of things that come and go (tail numbers, users) rather than categories."""
    return max(now.values.distinct, before.values.distinct) > 500


CHECK = Check(
    "categories",
    "soft",
    "ticket",
    "text with values that repeat",
    "a value that the model never saw is scored by chance; a renamed one loses its past",
    run,
    "map the new value upstream, or retrain when it is there to stay",
)
