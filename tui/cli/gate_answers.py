"""What ``midwatch gate`` does beside showing: answers, approvals, reviews, arming; replay, report, verification."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from core.rollouts import answers, arming, deciding, opening, overrides, rederiving, rule
from core.rollouts.replay import Replayed, replay
from core.rollouts.thresholds import Thresholds, in_file
from storage import model_file
from storage.clock import utc_now
from storage.errors import UsageError
from storage.records.models import Model
from storage.records.rollouts import Rollout, RolloutRule, StageRule
from storage.tables import models, rollouts
from tui.cli import diagnostics, output
from tui.cli.options import Session, writing
from tui.cli.promotion_words import overrides as override_lines

FOUND = 1


def answer(
    session: Session,
    rollout: Rollout,
    item: tuple[str, str] | None,
    give: tuple[str, str] | None,
    note: str | None,
    as_json: bool,
) -> None:
    """Answer an item, or give it to its owner."""
    verdict: Literal["yes", "no"] | None = None
    if item:
        if item[1] not in ("yes", "no"):
            raise UsageError(f"{item[1]!r} is no answer", f"as in: --item {item[0]} yes")
        verdict = "yes" if item[1] == "yes" else "no"
    name, owner = (item[0], None) if item else give or ("", None)
    done = answers.answer(
        session.db, rollout, name, verdict, owner=owner, note=note, actor=session.actor, now=session.now
    )
    if as_json:
        output.document(done)
    diagnostics.note(f"{done.item} of {rollout.model} {rollout.version}: {done.verdict or 'waits'} ({done.owner})")


def approve(session: Session, model: Model, rollout: Rollout, note: str | None, as_json: bool) -> None:
    """Approve what the gate shows now."""
    shown = deciding.standing(session.db, model, rollout, now=session.now)
    done = answers.approve(
        session.db, rollout, sha256=shown.sha256, document=shown.document, note=note, actor=session.actor,
        now=session.now,
    )  # fmt: skip
    left = deciding.standing(session.db, model, rollout, now=session.now)
    if as_json:
        output.document(done)
    told = next((one.text for one in left.verdict.conditions if one.kind == "approval"), "approved")
    diagnostics.note(f"{rollout.model} {rollout.version} in {rollout.stage}: {told}")


def review(store: str | None, override_id: int, note: str | None, as_json: bool) -> None:
    """Close somebody else's override."""
    with writing(store) as session:
        done = overrides.review(session.db, override_id, note=note, actor=session.actor, now=session.now)
    if as_json:
        output.document(done)
    for line in override_lines([done]):
        diagnostics.note(line)


def arm(store: str | None, name: str, version: str | None, stage: str, on: bool, reason: str, as_json: bool) -> None:
    """Arm or disarm the gate behind a stage: that of a version's rollout, else of every open one, else the file's."""
    with writing(store) as session:
        model = models.get(session.db, name)
        done = None
        for one in _gates(session, model, version, stage, on):
            done = arming.arm(session.db, model, one, on=on, reason=reason, actor=session.actor, now=utc_now())
    if as_json:
        output.document(done)
    diagnostics.note(f"the gate behind {stage} of {name} is {'armed' if on else 'in dry run'}: {reason.strip()}")


def verify(session: Session, rollout: Rollout, as_json: bool) -> int:
    """Work every decision out again; exit code 1 when one differs."""
    found = rederiving.verify(session.db, rollout)
    wrong = [one for one in found if one.wrong]
    if as_json:
        rows = [
            {"id": d.id, "kind": d.kind, "sha256": d.sha256, "same": not one.wrong, "wrong": one.wrong}
            for one, d in ((one, one.decision) for one in found)
        ]
        output.document({"decisions": rows, "different": len(wrong)})
    else:
        for one in wrong:
            d = one.decision
            output.text(f"decision {d.id} ({d.kind}, {d.outcome}, {d.sha256[:12]}): {one.wrong}")
        output.text(f"{len(found) - len(wrong)} of {len(found)} decisions come out the same to the last bit")
    return FOUND if wrong else 0


def replayed(session: Session, model: Model, rollout: Rollout, path: str, as_json: bool) -> int:
    """What the gates of another model file, or gates by thresholds, would have said to the same looks."""
    text = model_file.text_of(Path(path))
    other: Thresholds | RolloutRule | None = in_file(text, path)
    if other is None:
        file = model_file.parse(text, path)
        if file.name != model.name:
            raise UsageError(
                f"{path} is the model file of {file.name}, not of {model.name}", "replay takes another gate"
            )
        other = rule.resolve(session.db, replace(model, file=file))
    found = replay(rollout, rollouts.looks(session.db, rollout.id, None, rollout.baseline), other)
    if as_json:
        output.document(found)
    else:
        _table(found)
    return 0


def shadow_report(session: Session, model: Model, rollout: Rollout, as_json: bool) -> int:
    """The page that convinces, or kills an idea."""
    from core.shadow.compare import compare
    from core.shadow.report import report

    found = compare(session.db, model, rollout, now=session.now)
    made = report(found, now=session.now)
    output.document(found) if as_json else output.text(made.markdown)
    return 0


def _gates(session: Session, model: Model, version: str | None, stage: str, on: bool) -> list[StageRule]:
    """The rules of a stage that are to be armed: several where rollouts were opened with different files."""
    if version is not None:
        one = opening.find(session.db, model, version)
        rules = [one.rule] if one is not None else []
    else:
        rules = [one.rule for one in rollouts.open_rollouts(session.db, model.id)]
    rules = rules or [rule.resolve(session.db, model)]
    if version is None and stage in {one.name for one in model.file.stages}:
        rules.append(rule.resolve(session.db, model))
    found = [each for each in (one.stage(stage) for one in rules) if each is not None and each.kind != "full"]
    if not found:
        known = ", ".join(one.stage for one in rules[0].stages if one.kind != "full") or "none"
        raise UsageError(f"{model.name} has no gate behind {stage!r}", f"gates stand behind: {known}")
    unlike = [one for one in found if arming.armed(session.db, model, one) != on]
    return list({arming.gate_sha(one): one for one in unlike or found[:1]}.values())


def _table(found: Replayed) -> None:
    was = {one.stage: one for one in found.happened}
    output.table(
        ("STAGE", "OTHER GATE", "AT", "LOOKS", "EXTRA EVENTS", "OWN GATE", "AT", "EXTRA EVENTS"),
        [
            (
                one.stage if one.reached else f"{one.stage} (not reached)", one.outcome, _moment(one.at),
                f"{one.looks} of {one.of}", _events(one.extra_events),
                was[one.stage].outcome if one.stage in was else None,
                _moment(was[one.stage].at) if one.stage in was else None,
                _events(was[one.stage].extra_events) if one.stage in was else None,
            )
            for one in found.stages
        ],
        empty="no stage of the other gate has two arms",
    )  # fmt: skip
    output.text(f"extra events: {found.extra_events:+.0f} under the other gate, {found.happened_events:+.0f} as it was")
    if found.apart:
        output.text(f"not replayed, the other file has no such stage: {', '.join(found.apart)}")


def _moment(at: object) -> str | None:
    return f"{at:%m-%d %H:%MZ}" if at is not None else None


def _events(count: float | None) -> str | None:
    return None if count is None else f"{count:+.0f}"
