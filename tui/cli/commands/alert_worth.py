"""``midwatch alerts worth``: how it is known which alerts are worth acting on, and how good that was."""

from __future__ import annotations

import click

from core.worth.overview import Overview, Turned, overview
from storage.tables import models
from tui.cli import output
from tui.cli.options import reading, shared

FEWEST = 10
"""Under this many answers no share is told, only the counts."""

WEIGHTS = 16
"""How many weights are shown; ``--json`` has all."""


@click.command("worth")
@click.option("--model", help="Answers and moves of this model; what is learned is one for the whole store.")
@shared
def command(model: str | None, store: str | None, as_json: bool) -> None:
    """Which alerts are worth acting on: answers so far, the method in force, how good it was, what it moved."""
    with reading(store) as session:
        chosen = models.get(session.db, model) if model else None
        found = overview(session.db, chosen, session.now)
    if as_json:
        output.document({"minimum_for_a_share": FEWEST, "total": found.total, **output.plain(found)})
        return
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in sorted(found.answers.items())) or "none yet"
    output.text(f"answers{f' to alerts of {model}' if model else ''}: {found.total} ({verdicts})")
    silences = f"; {found.silences} left unanswered for days, as weak signs" if found.silences else ""
    output.text(f"to learn from, over all models: {found.usable}{silences}")
    output.text(f"in force: {'what was learned' if found.method == 'model' else 'counting'}; {found.why}")
    when = f"learned {found.learned_at:%Y-%m-%d %H:%MZ}, " if found.learned_at else ""
    output.text(f"{when}{f'again after {found.due} more answers' if found.due else 'again with the next alert'}")
    if found.fitted is not None and found.fitted.held_out.model.n:
        _held_out(found)
    output.text("")
    _turned("tickets turned down to the digest", "noise", found.lowered)
    _turned("digests turned up to tickets", "worth it", found.raised)


def _held_out(found: Overview) -> None:
    fitted = found.fitted
    assert fitted is not None  # noqa: S101  -- the caller asked
    held = fitted.held_out
    output.text(f"\non the newest {held.model.n} answers, unseen by what {held.trained} earlier ones taught:")
    rows = [
        (name, None if told.auc is None else f"{told.auc:.3f}", f"{told.brier:.3f}", "yes" if told.calibrated else "no")
        for name, told in (("learned", held.model), ("counting", held.counts))
    ]
    output.table(("METHOD", "AUC", "BRIER", "CALIBRATED"), rows)
    output.text("")
    bins = [(b.n, f"{b.said:.0%}", f"{b.came_true:.0%}") for b in held.model.bins]
    output.table(("ANSWERS", "SAID", "WORTH IT"), bins)
    if held.floor:
        output.text(
            f"\nfloor {held.floor:.0%}: {held.kept:.1%} of {held.worthy} worthy tickets lie above it "
            f"(at least {held.kept_at_least:.1%} with 90 % confidence); {held.lowered} answered tickets lie under it"
        )
    else:
        output.text(
            "\nno floor: no ticket is turned down, since too few answers show that nothing worthy would be lost"
        )
    ranked = sorted(fitted.weights, key=lambda w: (-abs(w.weight), w.name))
    output.text("\nweights (log odds for a standard deviation of each):")
    output.table(("FEATURE", "WEIGHT"), [(w.name, f"{w.weight:+.2f}") for w in ranked[:WEIGHTS]])


def _turned(what: str, right: str, turned: Turned) -> None:
    if turned.judged >= FEWEST:
        share = f"; {turned.right / turned.judged:.0%} of {turned.judged} judged since were {right}"
    elif turned.judged:
        share = f"; {turned.right} of {turned.judged} judged since were {right}, too few for a share"
    else:
        share = "; none judged since" if turned.moved else ""
    output.text(f"{what}: {turned.moved}{share}")
    if turned.lately:
        output.table(
            ("ALERT", "RAISED", "P", "SAID SINCE", "WHAT"),
            [
                (
                    m.alert_id,
                    f"{m.fired_at:%m-%d %H:%MZ}",
                    f"{m.probability:.0%}",
                    m.verdict or ("incident" if m.incident_id else None),
                    m.title,
                )
                for m in turned.lately
            ],
        )
