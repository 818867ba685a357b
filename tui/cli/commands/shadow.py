"""``midwatch shadow MODEL VERSION``: a candidate beside the version that users saw, request by request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui.cli import diagnostics, output
from tui.cli.options import reading, shared

if TYPE_CHECKING:
    from core.shadow.comparison import ShadowComparison, SliceGap


@click.command("shadow")
@click.argument("model", metavar="MODEL")
@click.argument("version", metavar="VERSION")
@click.option("--against", metavar="V", help="The version to hold it against; else the one live in full.")
@click.option("--stage", metavar="S", help="Rows of this stage; else of a shadow stage, where it answered in one.")
@click.option("--batch", "batch_ids", type=click.IntRange(1, 2**63 - 1), multiple=True, metavar="ID", help="Only this.")
@click.option("--report", "target", metavar="FILE", help="Write the one-page report there; - is stdout.")
@shared
def command(
    model: str,
    version: str,
    against: str | None,
    stage: str | None,
    batch_ids: tuple[int, ...],
    target: str | None,
    store: str | None,
    as_json: bool,
) -> int:
    """Compare the answers of VERSION with the baseline's over the same requests: no label is needed.

    Exit code 1 when they disagree in more than the model file allows, 2 when nothing could be compared.
    """
    from core.rollouts import opening
    from core.rollouts.gate_says import gate_says
    from core.shadow.compare import compare_versions
    from core.shadow.report import report, write
    from core.shadow.versions import baseline_of, batches_of
    from storage.tables import models

    with reading(store) as session:
        found = models.get(session.db, model)
        baseline = against or baseline_of(session.db, found, version, session.now)
        over = batches_of(session.db, found, batch_ids) if batch_ids else None
        told = compare_versions(session.db, found, version, baseline, now=session.now, over=over, stage=stage)
        rollout = opening.find(session.db, found, version)
        gate = gate_says(session.db, found, rollout, now=session.now) if rollout is not None else None
        if target is not None:
            made = report(told, now=session.now, gate=gate)
            if target == "-":
                output.text(made.markdown)
            else:
                diagnostics.note(f"midwatch: wrote {write(made, session.path, target)}")
    if as_json and target != "-":
        output.document({"gate": gate, **output.plain(told)})
    elif target is None:
        for line in (gate.line, *(f"  {reason}" for reason in gate.reasons)) if gate is not None else ():
            output.text(line)
        _print(told)
    if told.not_answered is not None:
        return 2
    return 1 if told.within is False else 0


def _print(f: ShadowComparison) -> None:
    from core.report_words import moment
    from core.shadow.wording import headline, metric_rows, percent, plain, signed, verdict_words

    output.text(headline(f))
    if f.batches:
        output.text(f"{len(f.batches)} batches, {moment(f.start)} to {moment(f.end)}, stage {f.stage or 'any'}")
    rows = [
        (a.version, f"{a.rows:,}", f"{a.requests:,}", f"{a.only:,}", a.repeated, a.without_id, a.unreadable)
        for a in f.answers
    ]
    output.table(("VERSION", "ROWS", "REQUESTS", "ALONE", "RETRIES", "NO ID", "NOT READABLE"), rows)
    if f.not_answered is None:
        output.text(f"both answered {f.both:,} requests, {percent(f.coverage)} of those of {f.baseline}")
        for move in f.moves:
            output.text(f"  {move.baseline} -> {move.candidate}: {move.requests:,}")
        if f.shift is not None:
            s = f.shift
            output.text(f"scores: {signed(s.mean, s.low, s.high)} on average, PSI {s.psi:.3f}, {s.n:,} requests")
        if f.latency is not None:
            t = f.latency
            output.text(f"latency: {signed(t.difference, t.low, t.high)} ms on average, {t.n:,} requests")
        output.text("")
        _slices(f)
        output.text("")
        if f.why_no_metrics is not None:
            output.text(f"metrics: {f.why_no_metrics}")
        else:
            cells = [
                (of, m.metric, plain(m.candidate.value), plain(m.baseline.value), signed(m.difference, m.low, m.high),
                 f"{m.n:,}", verdict_words(m.better, m.low, m.high, m.note))
                for of, m in metric_rows(f)
            ]  # fmt: skip
            output.table(("OF", "METRIC", f.candidate, f.baseline, "DIFFERENCE", "REQUESTS", "SAYS"), cells)
    for told in f.unknown:
        output.text(f"not known: {told}")


def _slices(f: ShadowComparison) -> None:
    from core.shadow.wording import plain, share_words, signed, slice_words

    def cells(why: str, found: tuple[SliceGap, ...]) -> list[tuple[str, ...]]:
        return [
            (why, slice_words(one), one.note or f"{one.requests:,}", share_words(one.disagreement),
             signed(one.shift, one.shift_low, one.shift_high), plain(one.distance))
            for one in found
        ]  # fmt: skip

    rows = cells("kept", f.slices) + cells("disagreement", f.by_disagreement) + cells("shift", f.by_shift)
    output.table(("WHY", "SLICE", "REQUESTS", "DISAGREEMENT", "SHIFT", "DISTANCE"), rows, empty="no slice stands out")
