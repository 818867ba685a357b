"""``midwatch arms MODEL VERSION --stage S``: both arms of an experiment in one table, for a window fixed beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui.cli import output
from tui.cli.options import reading, shared

if TYPE_CHECKING:
    from core.shadow.arms import ArmsTable


@click.command("arms")
@click.argument("model", metavar="MODEL")
@click.argument("version", metavar="VERSION")
@click.option("--stage", required=True, metavar="S", help="The canary or A/B stage that VERSION is served in.")
@click.option("--against", metavar="V", help="The version in the other arm; else the one live in full.")
@click.option("--batch", "batch_ids", type=click.IntRange(1, 2**63 - 1), multiple=True, metavar="ID", help="Only this.")
@shared
def command(
    model: str,
    version: str,
    stage: str,
    against: str | None,
    batch_ids: tuple[int, ...],
    store: str | None,
    as_json: bool,
) -> int:
    """Read every metric of both arms with the difference and its interval; not valid for peeking, which the gate is.

    Exit code 1 when the traffic is split otherwise than the stage says, 2 when there are no two arms.
    """
    from core.shadow.arms import arms
    from core.shadow.versions import baseline_of, batches_of
    from storage.tables import models

    with reading(store) as session:
        found = models.get(session.db, model)
        control = against or baseline_of(session.db, found, version, session.now)
        over = batches_of(session.db, found, batch_ids) if batch_ids else None
        told = arms(session.db, found, version, control, stage, now=session.now, over=over)
    if as_json:
        output.document(told)
    else:
        _print(told)
    return 2 if told.not_answered is not None else 1 if told.split_off else 0


def _print(f: ArmsTable) -> None:
    from core.shadow.wording import percent, plain, signed, verdict_words

    if f.not_answered is not None:
        output.text(f"no table: {f.not_answered}")
        return
    output.text(f"{len(f.batches)} batches in the stage {f.stage}; {f.caution}")
    cells = [(a.version, f"{a.rows:,}", f"{a.labelled:,}", f"{a.hours:.1f}") for a in f.arms]
    output.table(("ARM", "ROWS", "LABELLED", "HOURS"), cells)
    expected = "" if f.expected is None else f", {percent(f.expected)} expected"
    output.text(f"{f.arms[0].version} has {percent(f.share)} of the rows{expected}")
    if f.split_off:
        output.text("the traffic is split otherwise than the stage says: nothing below can be trusted")
    for told in f.worse:
        output.text(told)
    for lack in f.short:
        output.text(f"minimum exposure is not reached: {lack}")
    output.text("")
    rows = [
        (
            f"{m.metric}{' (primary)' if m.primary else ''}",
            plain(m.candidate.value),
            plain(m.control.value),
            signed(m.difference, m.low, m.high),
            f"{m.labelled[0]:,}/{m.labelled[1]:,}",
            verdict_words(m.better, m.low, m.high, m.note),
        )
        for m in f.metrics
    ]
    output.table(("METRIC", f.arms[0].version, f.arms[1].version, "DIFFERENCE", "ROWS", "SAYS"), rows)
    for told in f.notes:
        output.text(f"not read: {told}")
    if f.alone:
        output.text(f"not read: {f.alone} batches in whose window one arm alone was served")
