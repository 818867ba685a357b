"""``midwatch gate [MODEL [VERSION]]``: what the gates say, and what people say to them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import click

from core.rollouts import deciding, opening, overview
from storage.db import store_path
from storage.errors import UsageError
from storage.file_system import why_unwritable
from storage.records.models import Model
from storage.records.rollouts import Rollout
from storage.tables import gates, models
from tui.cli import diagnostics, gate_answers, output, promotion_words
from tui.cli.options import ROW_ID, Session, reading, shared, writing

HELD = 1


@click.command("gate")
@click.argument("model", required=False)
@click.argument("version", required=False)
@click.option("--plan", is_flag=True, help="What this gate can find at this traffic, and how fast.")
@click.option("--item", nargs=2, metavar="NAME yes|no", help="Answer an item of the gate, as: --item legal yes.")
@click.option("--give", nargs=2, metavar="NAME PERSON", help="Give an item to its owner.")
@click.option("--approve", is_flag=True, help="Approve what the gate shows now.")
@click.option("--note", help="Words beside an answer, an approval or a review.")
@click.option("--review", type=ROW_ID, metavar="ID", help="Close an override of somebody else.")
@click.option("--arm", metavar="STAGE", help="Let the gate behind STAGE hold candidates up; needs --reason.")
@click.option("--disarm", metavar="STAGE", help="Back to dry run; needs --reason.")
@click.option("--reason", default="", help="Why a gate is armed or disarmed.")
@click.option(
    "--replay", metavar="FILE.toml", help="What other gates had said to these looks: a model file, or [thresholds]."
)
@click.option("--shadow-report", is_flag=True, help="The one-page report of the shadow, in Markdown.")
@click.option(
    "--verify", is_flag=True, help="Work every decision out again and compare the bytes; exit 1 when one differs."
)
@shared
def command(model: str | None, version: str | None, store: str | None, as_json: bool, **asked: Any) -> None:
    """Show all candidates, those of MODEL, or one VERSION with its gate: verdict, reasons, evidence, conditions.

    With a VERSION: exit 0 when its gate says promote, 1 when it says hold or roll back (in dry run too). A read-only
    store is shown as it stands; else looks that are missing are taken first.
    """
    chosen = [name for name, value in asked.items() if value and name not in ("note", "reason")]
    if len(chosen) > 1:
        raise UsageError(f"--{' and --'.join(c.replace('_', '-') for c in chosen)} are asked one at a time", "")
    act = chosen[0] if chosen else None
    if act == "review":
        gate_answers.review(store, asked["review"], asked["note"], as_json)
    elif act in ("arm", "disarm"):
        stage = asked[act]
        gate_answers.arm(store, _named(model, "MODEL"), version, stage, act == "arm", asked["reason"], as_json)
    elif model is None or version is None:
        if act is not None:
            raise UsageError(
                f"--{act.replace('_', '-')} is about one candidate", "name it: midwatch gate MODEL VERSION"
            )
        _list(store, model, as_json)
    elif act in ("item", "give", "approve"):
        with writing(store) as session:
            found = models.get(session.db, model)
            rollout = _open(session, found, version)
            if act == "approve":
                gate_answers.approve(session, found, rollout, asked["note"], as_json)
            else:
                gate_answers.answer(session, rollout, asked["item"], asked["give"], asked["note"], as_json)
    else:
        _one(store, model, version, act, asked, as_json)


def _list(store: str | None, name: str | None, as_json: bool) -> None:
    """Every candidate; reads what is there."""
    with reading(store) as session:
        lines = overview.candidates(session.db, session.now, model=name)
        unreviewed = [one for one in gates.overrides(session.db, only_open=True) if name in (None, one.model)]
    if as_json:
        output.document({"candidates": lines, "overrides": unreviewed})
    else:
        promotion_words.listing(lines, unreviewed)


def _one(store: str | None, name: str, version: str, act: str | None, asked: dict[str, Any], as_json: bool) -> None:
    shown: dict[str, Callable[[Session, Model, Rollout], int]] = {
        "verify": lambda s, _, r: gate_answers.verify(s, r, as_json),
        "replay": lambda s, m, r: gate_answers.replayed(s, m, r, asked["replay"], as_json),
        "shadow_report": lambda s, m, r: gate_answers.shadow_report(s, m, r, as_json),
    }
    if act in shown:
        with reading(store) as session:
            found = models.get(session.db, name)
            code = shown[act](session, found, _any(session, found, version))
        click.get_current_context().exit(code)
    with _caught_up(store) as session:
        found = models.get(session.db, name)
        rollout = _any(session, found, version)
        if session.writes and rollout.state == "open":
            deciding.gate(session.db, found, rollout, now=session.now)
        told = overview.candidate(session.db, rollout.id, session.now)
    if act == "plan":
        _plan(told, as_json)
    elif as_json:
        said = told.verdict
        output.document(
            {
                "model": name, "version": version, "stage": said.stage, "outcome": said.outcome,
                "dry_run": told.line.dry_run, **output.plain(told),
            }
        )  # fmt: skip
    else:
        promotion_words.detail(told)
    passed = told.verdict.outcome == "promote" or told.line.state == "done"
    click.get_current_context().exit(0 if passed or act == "plan" else HELD)


def _plan(told: overview.CandidateDetail, as_json: bool) -> None:
    if as_json:
        output.document({"model": told.line.model, "version": told.line.version, "planner": told.planner})
    else:
        nothing = "nothing to plan with yet: no guardrail here counts events, or nobody knows their rate or the traffic"
        output.text("\n".join(told.planner) or nothing)


def _caught_up(store: str | None) -> AbstractContextManager[Session]:
    """A session that takes the looks that are missing, where this person may write; else one that reads."""
    refused = why_unwritable(store_path(store))
    if refused:
        diagnostics.note(f"midwatch: {refused}: looks that are missing are not taken")
        return reading(store)
    return writing(store)


def _any(session: Session, model: Model, version: str) -> Rollout:
    found = opening.find(session.db, model, version)
    if found is None:
        known = ", ".join(dict.fromkeys(r.version for r in overview.known(session.db, model))) or "none yet"
        raise UsageError(
            f"there is no rollout of {version!r}: {known} of {model.name} had one",
            f"open it: midwatch promote {model.name} {version}",
        )
    return found


def _open(session: Session, model: Model, version: str) -> Rollout:
    found = _any(session, model, version)
    if found.state == "open":
        deciding.gate(session.db, model, found, now=session.now)
        return opening.find(session.db, model, version) or found
    return found


def _named(value: str | None, what: str) -> str:
    if value is None:
        raise UsageError(f"{what} is missing", "as in: midwatch gate MODEL --arm STAGE --reason TEXT")
    return value
