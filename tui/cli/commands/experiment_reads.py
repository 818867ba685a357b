"""``midwatch experiments funnel|shrinkage|caught``: what a team's experiments and defects come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import click

from core.experiments import caught as use
from core.experiments.funnel import funnel as funnel_of
from core.experiments.gains import By, gains
from core.experiments.lives import lives
from storage.duration import duration
from storage.errors import UsageError
from storage.records.experiments import CAUGHT_AT, CaughtAt
from storage.tables import models
from tui.cli import output
from tui.cli.options import reading, shared, writing
from tui.present.page import span
from tui.typed_moments import ago

if TYPE_CHECKING:
    from core.experiments.predicting import History
    from core.stats.shrinkage import Estimate

GROUPS: tuple[tuple[By, str], ...] = (
    ("kind", "KIND"),
    ("driven", "DRIVEN BY"),
    ("source", "IDEA FROM"),
    ("guided", "SEARCH"),
    ("person", "BY"),
)


@click.command("funnel")
@click.option("--model", help="Only those of a model.")
@click.option("--target", metavar="7d", help="How soon an idea that is killed should be.")
@shared
def funnel(model: str | None, target: str | None, store: str | None, as_json: bool) -> None:
    """How far experiments get, how long it takes, what was spent on killed ones, and which ideas pay."""
    try:
        wanted = duration(target) if target else None
    except ValueError as error:
        raise UsageError(f"{target!r} is no time", "say 7d, 36h or 2w") from error
    with reading(store) as session:
        model_id = models.get(session.db, model).id if model else None
        every = lives(session.db, model_id, now=session.now)
    told = funnel_of(every, target=wanted)
    groups = {by: gains(every, by) for by, _ in GROUPS}
    if as_json:
        output.document({**output.plain(told), "gains": groups})
        return
    output.table(
        ("FARTHEST", "HERE", "REACHED", "RUNNING", "LAUNCHED", "ENDED", "RAN", "HOURS", "SPENT ON ENDED ONES"),
        [
            (x.place, x.here, x.reached, x.running, x.launched, x.ended, span(x.worked), f"{x.hours:g}", span(x.wasted))
            for x in told.lines
        ],
    )
    pace = told.pace
    output.text(f"registered to first result: {span(pace.to_first)} (median of {pace.to_first_of})")
    output.text(f"registered to farthest stage behind test: {span(pace.to_stage)} (median of {pace.to_stage_of})")
    aimed = f"; {pace.in_time} of them within {span(pace.target)}" if pace.target is not None else ""
    output.text(f"registered to killed: {span(pace.to_kill)} (median of {pace.to_kill_of}){aimed}")
    for by, title in GROUPS:
        output.table(
            (title, "IDEAS", "DECIDED", "LAUNCHED", "WIN RATE", "GAIN/WORTHWHILE", "HOURS", "AN HOUR", "LAUNCHED"),
            [
                (
                    x.name, x.registered, x.decided, x.won,
                    None if x.rate is None else f"{x.rate:.0%} [{x.low:.0%} {x.high:.0%}]",
                    None if x.mean_gain is None else f"{x.mean_gain:.2f} ({x.measured})",
                    f"{x.hours:g}",
                    None if x.gain_per_hour is None else f"{x.gain_per_hour:.3f}",
                    ", ".join(f"{name} {value:+.4g}" for name, value in x.total.items()) or None,
                )
                for x in groups[by]
            ],
            empty="no experiments",
        )  # fmt: skip


@click.command("shrinkage")
@click.option("--model", help="Of this model's team; needed when models have different owners.")
@shared
def shrinkage(model: str | None, store: str | None, as_json: bool) -> None:
    """What is left of offline gains in later stages, and what open experiments will be worth at the end."""
    from core.experiments.predicting import history_of, outlooks, team_of

    with reading(store) as session:
        known = models.list_all(session.db)
        owners = {one.file.owner for one in known}
        if model is None and len(owners) > 1:
            raise UsageError("the models of this store have different owners", "name one of a team's: --model NAME")
        if not known:
            raise UsageError("there is no model in this store yet", "midwatch init MODEL.toml")
        chosen = models.get(session.db, model) if model else known[0]
        told = history_of(session.db, chosen, now=session.now)
        open_ones = list(outlooks(session.db, team_of(session.db, chosen), now=session.now).values())
    if as_json:
        output.document({**history_document(told), "outlooks": open_ones})
        return
    _tell(told)
    output.table(
        ("EXPERIMENT", "EXPECTED AT THE END", "IF IT STAYS", "STAYS", ""),
        [
            (
                x.experiment_id,
                _interval(x.end.expected) if x.end else x.why_not,
                _interval(x.end.if_kept) if x.end else None,
                f"{x.end.survival:.0%}" if x.end else None,
                "kill it: its upper end is below the least worthwhile gain" if x.kill else "",
            )
            for x in open_ones
        ],
        empty="no experiment is open",
    )


def _tell(told: History) -> None:
    if told.shrinkage is None:
        output.text(f"too little history: {told.pairs} of 8 cases with an offline and a later gain")
    else:
        output.text(
            f"of a true offline gain {_interval(told.shrinkage.ratio)} is left in the farthest stage, "
            f"{told.shrinkage.spread:.2f} from idea to idea ({told.pairs} of {told.measured} ideas got there)"
        )
    chances = told.survival
    output.text(
        f"first launch: {told.launched} of {told.decided}, taken as {_share(chances.launch):.0%}; "
        f"stay after it: {told.kept} of {told.followed}, taken as {_share(chances.kept):.0%} "
        "(others' 45 % and 50 % count as ten cases each)"
    )
    output.table(
        ("STAGE", "PAIRS", "LEFT OF OFFLINE"),
        [(x.kind, x.pairs, _interval(x.ratio) if x.ratio else "too little history") for x in told.stages],
    )


@click.command("caught")
@click.option("--model", help="Only those of a model.")
@click.option("--since", metavar="90d", help="Only from then on.")
@click.option("--tag", metavar="DEFECT", help="With --stage: say where this one was caught.")
@click.option("--new", metavar="TITLE", help="With --stage: enter one that no other record tells of.")
@click.option("--stage", type=click.Choice(CAUGHT_AT), help="Where it was caught; live means that it escaped.")
@shared
def caught(
    model: str | None,
    since: str | None,
    tag: str | None,
    new: str | None,
    stage: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Where defects were caught, and how many escaped; with --tag or --new a person says so."""
    if tag is not None or new is not None:
        _enter(model, tag, new, stage, store, as_json)
        return
    with reading(store) as session:
        found = models.get(session.db, model) if model else None
        told = use.ledger(session.db, found, since=ago(since, session.now) if since else None)
    if as_json:
        output.document(told)
        return
    output.table(
        ("CAUGHT AT", "DEFECTS"), [*((name, n) for name, n in told.stages.items()), ("all", told.whole.defects)]
    )
    output.table(
        ("MONTH", "DEFECTS", "ESCAPED", "RATE"),
        [(x.name, x.defects, x.escaped, _rate(x)) for x in (*told.months, told.whole)],
    )
    output.table(
        ("DEFECT", "STAGE", "FOUND BY", "AT", "TITLE"),
        [
            (
                x.name,
                x.stage + (f" (says {x.tagged_by})" if x.tagged_by else ""),
                x.found_by,
                f"{x.at:%Y-%m-%d %H:%MZ}",
                x.title,
            )
            for x in told.defects[-50:]
        ],
        empty="no defect is recorded",
    )


def _enter(
    model: str | None, tag: str | None, new: str | None, stage: str | None, store: str | None, as_json: bool
) -> None:
    if stage is None or (tag is None) == (new is None):
        raise UsageError(
            "say which defect, and where it was caught", "--tag DEFECT --stage S, or --new TITLE --stage S"
        )
    where = cast("CaughtAt", stage)
    with writing(store) as session:
        if tag is not None:
            told = use.tag(session.db, tag, where, actor=session.actor, now=session.now)
        else:
            found = models.get(session.db, model) if model else None
            told = use.add(session.db, new or "", where, model=found, actor=session.actor, now=session.now)
    output.document(told) if as_json else output.text(f"{told.name} was caught at {told.stage}: {told.title}")


COMMANDS = (funnel, shrinkage, caught)


def history_document(told: History) -> dict[str, Any]:
    """A history as scripts read it, without the grid it was worked out on."""
    found = told.shrinkage
    return {
        "team": told.team, "measured": told.measured, "pairs": told.pairs,
        "shrinkage": None if found is None else {**output.plain(found.ratio), "spread": found.spread},
        "stages": told.stages, "launched": told.launched, "decided": told.decided, "kept": told.kept,
        "followed": told.followed, "survival": told.survival.mean,
    }  # fmt: skip


def _interval(told: Estimate) -> str:
    return f"{told.value:.4g} [{told.low:.4g} {told.high:.4g}]"


def _share(counts: tuple[float, float]) -> float:
    return counts[0] / (counts[0] + counts[1])


def _rate(told: use.Escapes) -> str | None:
    return None if told.rate is None else f"{told.rate:.0%} [{told.low:.0%} {told.high:.0%}]"
