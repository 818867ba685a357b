"""The shadow report in Markdown: one page for those who decide whether a candidate may go on or is given up."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.markdown import escape, row
from core.report_words import cite, moment
from core.shadow.comparison import GateSays, ShadowComparison, SliceGap
from core.shadow.wording import (
    headline,
    metric_rows,
    percent,
    plain,
    share_words,
    signed,
    slice_words,
    verdict_words,
)
from storage.reports import report_path, write_report

SLICES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """A report: its file name and its Markdown."""

    name: str
    markdown: str


def report(found: ShadowComparison, *, now: datetime, gate: GateSays | None = None) -> ShadowReport:
    """One page about a comparison; every number is one of ``found``, written as screen and command write it.

    Args:
        gate: what the gate of the candidate's rollout says now, where it has one: the page opens with it.
    """
    sections = [_head(found, now, gate)]
    if found.not_answered is None:
        sections += [_metrics(found), _disagreement(found), _scores(found), _slices(found)]
    sections += [_unknown(found), _command(found)]
    lines = [line for section in sections for line in (*section, "")]
    name = re.sub(r"[^\w.-]+", "-", f"shadow-{found.model}-{found.candidate}-against-{found.baseline}")
    return ShadowReport(f"{name[:120]}.md", "\n".join(lines))


def write(made: ShadowReport, store: Path, target: str | None = None) -> Path:
    """Write a report to ``target``, else beside the store, readable by its owner only.

    Raises:
        SourceError: it can't be written there.
    """
    return write_report(report_path(store, made.name, target), made.markdown)


def _head(f: ShadowComparison, now: datetime, gate: GateSays | None) -> Iterator[str]:
    yield f"# {escape(f.candidate)} in the shadow of {escape(f.baseline)}: {escape(f.model)}"
    yield ""
    if gate is not None:
        yield f"**{escape(gate.line)}**"
        yield ""
        for reason in gate.reasons:
            yield f"- {escape(reason)}"
        if gate.reasons:
            yield ""
    yield f"**{escape(headline(f))}.**"
    yield ""
    yield row("what", "value")
    yield row("---", "---")
    yield row("as of", moment(now))
    yield row("window", f"{moment(f.start)} to {moment(f.end)}")
    yield row("stage", escape(f.stage) if f.stage else "any")
    yield row("batches", f"{len(f.batches)} {cite('batches', f.batches)}")
    yield row("requests that both answered", f"{f.both:,}")
    yield row(f"of the requests of {escape(f.baseline)}", percent(f.coverage))
    for one in f.answers:
        told = f"{one.requests:,} requests in {one.rows:,} rows; {one.only:,} answered by it alone"
        told += f"; {one.repeated:,} retries, the last answer counts" if one.repeated else ""
        told += f"; {one.without_id:,} rows without an id" if one.without_id else ""
        told += f"; {one.unreadable:,} answers not readable" if one.unreadable else ""
        yield row(escape(one.version), told)


def _disagreement(f: ShadowComparison) -> Iterator[str]:
    yield "## Disagreement"
    yield ""
    if f.disagreement is None:
        yield f"Not known: {escape(f.why_no_disagreement or '')}."
    else:
        yield f"{share_words(f.disagreement)} requests are answered otherwise."
    if f.moves:
        yield ""
        yield row(escape(f.baseline), escape(f.candidate), "requests")
        yield row("---", "---", "---")
        for one in f.moves:
            yield row(escape(one.baseline), escape(one.candidate), f"{one.requests:,}")


def _scores(f: ShadowComparison) -> Iterator[str]:
    yield "## Scores and latency"
    yield ""
    if f.shift is None:
        yield "Answers are no numbers, or no request has a score of both: there is no shift."
    else:
        s = f.shift
        yield f"- mean difference of scores: {signed(s.mean, s.low, s.high)} over {s.n:,} requests"
        yield f"- mean distance of scores: {plain(s.absolute)}; PSI {s.psi:.3f}"
    if f.shift is not None and f.shift.quantiles:
        yield ""
        yield row("quantile", escape(f.candidate), escape(f.baseline), "difference per request")
        yield row("---", "---", "---", "---")
        for q in f.shift.quantiles:
            yield row(f"{q.q:g}", plain(q.candidate), plain(q.baseline), signed(q.difference))
    if f.latency is not None:
        t = f.latency
        yield ""
        yield (
            f"Latency: p50 {plain(t.candidate_p50)} against {plain(t.baseline_p50)} ms, p95 {plain(t.candidate_p95)} "
            f"against {plain(t.baseline_p95)} ms; mean difference {signed(t.difference, t.low, t.high)} ms."
        )


def _slices(f: ShadowComparison) -> Iterator[str]:
    yield "## Slices"
    yield ""
    groups: tuple[tuple[str, Sequence[SliceGap]], ...] = (
        ("kept", f.slices), ("most disagreement", f.by_disagreement), ("largest shift", f.by_shift),
    )  # fmt: skip
    if not any(found for _, found in groups):
        yield "None is kept, and none stands out."
        return
    yield row("why", "slice", "requests", "disagreement", "shift", "distance")
    yield row("---", "---", "---", "---", "---", "---")
    for why, found in groups:
        for one in found[:SLICES_SHOWN]:
            words = escape(slice_words(one))
            if one.note is not None:
                yield row(why, words, escape(one.note), "-", "-", "-")
                continue
            moved = signed(one.shift, one.shift_low, one.shift_high)
            yield row(why, words, f"{one.requests:,}", share_words(one.disagreement), moved, plain(one.distance))
        if len(found) > SLICES_SHOWN:
            yield row(why, f"and {len(found) - SLICES_SHOWN} more", "", "", "", "")


def _metrics(f: ShadowComparison) -> Iterator[str]:
    yield "## Metrics on the same requests"
    yield ""
    if f.why_no_metrics is not None:
        yield f"None: {escape(f.why_no_metrics)}."
        return
    yield f"{f.labelled:,} of {f.both:,} requests have a label that had its time."
    yield ""
    yield row("of", "metric", escape(f.candidate), escape(f.baseline), "difference, paired", "requests", "says")
    yield row("---", "---", "---", "---", "---", "---", "---")
    for of, m in metric_rows(f):
        yield row(
            escape(of), escape(m.metric), plain(m.candidate.value), plain(m.baseline.value),
            signed(m.difference, m.low, m.high), f"{m.n:,}",
            escape(verdict_words(m.better, m.low, m.high, m.note)),
        )  # fmt: skip


def _unknown(f: ShadowComparison) -> Iterator[str]:
    yield "## Not known"
    yield ""
    for told in f.unknown or (f.not_answered or "",):
        yield f"- {escape(told)}"


def _command(f: ShadowComparison) -> Iterator[str]:
    yield "## To see it again"
    yield ""
    yield "```"
    call = ["midwatch", "shadow", f.model, f.candidate, "--against", f.baseline]
    call += ["--stage", f.stage] if f.stage and ", " not in f.stage else []
    yield " ".join(shlex.join(call).split())  # a name from outside stays on its line
    yield "```"
