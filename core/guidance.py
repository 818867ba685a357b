"""What somebody needs who meets an alert for the first time: what it means, what to do, and what others did before."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.checks.meanings import MEANINGS, STANDING
from storage.records.alerts import Alert
from storage.records.models import CheckSpec, ModelFile
from storage.records.results import Finding
from storage.tables import escalations, models, past_answers
from storage.tables.past_answers import EndedBy, PastAnswer

LAST = 5
"""How many answers of people are told."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What one check, or one cause that the program raises by itself, means.

    Attributes:
        subject: the check's name, else the cause.
        runbook: of the check, from the model file.
    """

    subject: str
    meaning: str
    rationale: str
    response: str
    runbook: str | None = None


@dataclass(frozen=True, slots=True)
class Guidance:
    """What an alert means and what people did.

    Attributes:
        advice: one a check, the alert's root first.
        runbook: text or address of the model file; None when nobody wrote one.
        answers: the last answers of people: to this very alert's kind, then of the same cause anywhere.
        ended: how incidents ended that held such alerts, the latest first.
        calls: when the alert was passed on because nobody answered, and to whom, oldest first.
    """

    advice: tuple[Advice, ...]
    runbook: str | None
    answers: tuple[PastAnswer, ...]
    ended: tuple[EndedBy, ...]
    calls: tuple[tuple[datetime, str | None], ...]


def guidance(db: sqlite3.Connection, alert: Alert, findings: Sequence[Finding]) -> Guidance:
    """Everything of it that the store knows; short reads only."""
    file = models.get_by_id(db, alert.model_id).file
    same = past_answers.of_fingerprint(db, alert.fingerprint, LAST)
    others = past_answers.of_cause(db, alert.cause, alert.fingerprint, LAST - len(same)) if len(same) < LAST else []
    called = escalations.of_group(db, alert.model_id, alert.group_key)
    return Guidance(
        advice=tuple(advice(alert, findings, file)),
        runbook=file.alerts.runbook,
        answers=(*same, *others),
        ended=tuple(past_answers.ended_by(db, alert.cause, alert.fingerprint, alert.incident_id, LAST)),
        calls=tuple((call.at, call.called) for call in reversed(called)),
    )


def advice(alert: Alert, findings: Sequence[Finding], file: ModelFile) -> list[Advice]:
    """One advice a check; of an alert that the program raised itself by its cause."""
    found: dict[str, Advice] = {}
    for finding in findings:
        if finding.check in found:
            continue
        spec = _spec(file, finding)
        told = {key: str(finding.evidence.get(key) or "") for key in ("rationale", "response")}
        if not all(told.values()):
            told = {**_of_registry(finding.check), **{key: value for key, value in told.items() if value}}
        found[finding.check] = Advice(
            subject=finding.check,
            meaning=MEANINGS.get(finding.check, finding.message),
            rationale=(spec.rationale if spec else None) or told["rationale"],
            response=told["response"],
            runbook=spec.runbook if spec else None,
        )
    if not found and (standing := STANDING.get(alert.cause)) is not None:
        return [Advice(alert.cause, standing.meaning, standing.rationale, standing.response)]
    return list(found.values())


def _of_registry(name: str) -> dict[str, str]:
    """Rationale and response of a check; findings carry them, so that this import (numpy) is rarely needed."""
    from core.checks.registry import CHECKS

    check = next((check for check in CHECKS if check.name == name), None)
    return {"rationale": check.rationale, "response": check.response} if check else {"rationale": "", "response": ""}


def _spec(file: ModelFile, finding: Finding) -> CheckSpec | None:
    """What the model file says of a check: the column's own entry, else the one for all."""
    entries = [spec for spec in file.checks if spec.check == finding.check]
    own = [spec for spec in entries if spec.column == finding.column and finding.column is not None]
    return next(iter(own or [spec for spec in entries if spec.column is None]), None)
