"""One batch against its reference and its past: every check, brought down to causes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Literal

from core.checks.base import CheckContext, not_checked
from core.checks.causes import explained
from core.checks.near_misses import nearest
from core.checks.registry import CHECKS, verify
from core.checks.traits import Trait
from storage.records.logs import LogFile, Roles
from storage.records.models import ModelFile
from storage.records.results import TIERS, Finding

Verdict = Literal["page", "ticket", "digest", "clear"]
PathText = str | PathLike[str]
_SAFE = frozenset({"cause", "columns", "rows", "response", "rationale", "owner", "reviewed", "explained_by", "basis"})


@dataclass(frozen=True, slots=True)
class Validation:
    """What all checks said.

    Attributes:
        findings: the failures, loudest and furthest first; what a cause explains is among them as evidence.
        passed: per check, how much it judged and found in order.
        not_checked: what was not judged, and why.
        rows, quarantined: of the batch.
        days: past batches that thresholds rest on, 0 when only the reference did.
    """

    findings: tuple[Finding, ...]
    passed: tuple[Finding, ...]
    not_checked: tuple[Finding, ...]
    rows: int
    quarantined: int
    days: int

    @property
    def checked_count(self) -> int:
        """Columns, slices and tables judged, over all checks."""
        return sum(int(f.evidence.get("judged", 0)) for f in self.passed) + len(self.findings)

    @property
    def verdict(self) -> Verdict:
        """The loudest tier that failed; ``clear`` when none did, or only evidence."""
        for tier in TIERS[:3]:
            if any(f.tier == tier for f in self.findings):
                return tier  # type: ignore[return-value]
        return "clear"

    @property
    def score(self) -> float:
        """Grows with the belief that a person should look: the furthest finding, a tier louder counts for ten."""
        weight = {"page": 20.0, "ticket": 10.0, "digest": 0.0, "evidence": 0.0}
        loud = [weight[f.tier] + f.score for f in self.findings if f.tier != "evidence"]
        return max(loud, default=0.0)

    @property
    def results(self) -> tuple[Finding, ...]:
        """Everything, as the store keeps it."""
        return self.findings + self.passed + self.not_checked


@dataclass(frozen=True, slots=True)
class FileCheck:
    """A validation of files, with what was opened and which roles were taken or guessed."""

    validation: Validation
    roles: Roles
    guessed: bool
    files: tuple[LogFile, ...]
    reference_files: tuple[LogFile, ...]


def validate(context: CheckContext) -> Validation:
    """Run every check that the model file has not switched off.

    Raises:
        ModelFileError: the model file names a check that does not exist.
    """
    verify(context.specs)
    failures, passed, unjudged = [], [], [*_unjudged(context)]
    for check in CHECKS:
        whole = context.spec(check.name, None)
        if whole is not None and not whole.enabled:
            unjudged.append(not_checked(check, f"switched off in the model file{_why(whole.rationale)}"))
            continue
        for finding in check.run(context):
            spec = context.spec(check.name, finding.column)
            if finding.status == "fail" and spec is not None and not spec.enabled:
                unjudged.append(
                    not_checked(check, f"switched off in the model file{_why(spec.rationale)}", finding.column)
                )
            elif finding.status == "fail":
                failures.append(finding)
            elif finding.status == "pass":
                passed.append(replace(finding, score=nearest(context, check.name)))
            else:
                unjudged.append(finding)
    told = [_overruled(context, _redacted(context, finding)) for finding in explained(context, failures)]
    return Validation(
        findings=tuple(told),
        passed=tuple(passed),
        not_checked=tuple(unjudged),
        rows=context.current.rows,
        quarantined=context.current.rejected,
        days=context.departures.days,
    )


def check_files(
    current: Sequence[PathText], reference: Sequence[PathText], model: ModelFile | None = None
) -> FileCheck:
    """Profile both sets of files and validate one against the other, with no store.

    Raises:
        SourceError: a file can't be read.
        ModelFileError: the model file names a check that does not exist.
    """
    from core.failing_rows import with_rows
    from core.guess_roles import guess_roles
    from core.profiles import profile_log
    from core.withholding import withheld
    from storage.logs.source import open_log

    verify(model.checks if model is not None else ())
    with open_log(reference) as source:
        roles = roles_of(model) if model is not None else guess_roles(source.columns)
        reference_files = source.files
        baseline = profile_log(source, roles)
    with open_log(current) as source:
        profile = profile_log(source, roles, list(baseline.slices))
        context = CheckContext(
            current=profile,
            reference=baseline,
            roles=roles,
            specs=model.checks if model is not None else (),
            calendar=model.columns.calendar if model is not None else (),
        )
        validation = validate(context)
        validation = replace(
            validation,
            findings=withheld(with_rows(validation.findings, source, roles), roles.redact),
            passed=withheld(validation.passed, roles.redact),
            not_checked=withheld(validation.not_checked, roles.redact),
        )
        return FileCheck(validation, roles, model is None, source.files, reference_files)


def roles_of(model: ModelFile) -> Roles:
    """The roles that a model file names."""
    c = model.columns
    return Roles(
        time=c.time,
        id=c.id,
        prediction=c.prediction,
        label=c.label,
        version=c.version,
        stage=c.stage,
        ignore=c.ignore,
        redact=c.redact,
    )


def _unjudged(context: CheckContext) -> list[Finding]:
    """Columns that no check of range or category may judge, and columns that were left out."""
    found = [
        Finding("all", "soft", "evidence", "not_checked", f"{name!r}: ignored, as the model file says", column=name)
        for name in context.roles.ignore
    ]
    for name, trait in context.traits.items():
        if trait.reason and name not in context.roles.ignore:
            found.append(Finding("range", "soft", "evidence", "not_checked", _reason(name, trait), column=name))
    return found


def _reason(name: str, trait: Trait) -> str:
    return f"{name!r}: {trait.reason}, so neither its range nor its values are judged"


def _why(rationale: str | None) -> str:
    return f": {rationale}" if rationale else ""


def _redacted(context: CheckContext, finding: Finding) -> Finding:
    """A finding in a redacted column without anything that could tell a value: the cause and the counts remain."""
    if finding.column not in context.roles.redact:
        return finding
    kept = {key: value for key, value in finding.evidence.items() if key in _SAFE}
    if str(finding.evidence.get("rows_sql", "")).endswith("IS NULL"):
        kept["rows_sql"] = finding.evidence["rows_sql"]
    rows = f" in {finding.evidence['rows']:,} rows" if finding.evidence.get("rows") else ""
    message = f"{finding.column!r}: {finding.evidence['cause']}{rows} (values are redacted)"
    return replace(finding, message=message, evidence=kept)


def _overruled(context: CheckContext, finding: Finding) -> Finding:
    """The tier that the model file names has the last word, unless another finding already speaks for the cause."""
    spec = context.spec(finding.check, finding.column)
    if spec is None or spec.tier is None or "explained_by" in finding.evidence:
        return finding
    return replace(finding, tier=spec.tier)
