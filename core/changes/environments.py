"""Snapshots of environments: taken, compared with every weight shown, and told as a change where they differ.

The weights say what to look at first; they are an order agreed on, not measured.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.config_diff import package_name
from storage.db import transaction
from storage.errors import UsageError
from storage.host import Actor
from storage.records.changes import OBSERVER, Details, Difference, Layer, NewChange
from storage.records.environments import SECTIONS, Body, Environment
from storage.records.models import Model
from storage.tables import audit, changes, environments

STEP_WEIGHTS: Mapping[str, float] = {"major": 10.0, "minor": 7.0, "patch": 5.0, "removed": 4.0, "added": 4.0}
"""How much a package counts by the step of its version."""

LEARNING = 2.0
"""How many times more a package counts that computes features or predictions."""

LEARNING_PACKAGES = frozenset(
    {
        "catboost", "category-encoders", "cudf", "cuml", "datasets", "feature-engine", "jax", "jaxlib", "keras",
        "lightgbm", "mlflow", "numba", "numpy", "onnx", "onnxruntime", "onnxruntime-gpu", "pandas", "polars", "pyarrow",
        "pyspark", "scikit-learn", "scipy", "sentence-transformers", "spacy", "statsmodels", "tensorflow", "tokenizers",
        "torch", "torchvision", "transformers", "triton", "vllm", "xgboost",
    }
)  # fmt: skip

SECTION_WEIGHTS: Mapping[str, float] = {
    "locale": 3.0, "time zone": 3.0, "python": 2.5, "code": 2.2, "file": 2.1, "variable": 1.5, "system": 1.0,
}  # fmt: skip
"""How much a difference of another section counts."""

_RELEASE = re.compile(r"v?(?:(\d+)!)?(\d+)(?:\.(\d+))?")
_INFRASTRUCTURE = ("locale", "time zone", "system")
SHORT = 12


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot, and what became of it.

    Attributes:
        new: False where the last one of this host and model was the same: nothing was recorded then.
        differences: from the last one, heaviest first.
    """

    environment: Environment
    new: bool
    previous: Environment | None
    differences: tuple[Difference, ...]


def snap(
    db: sqlite3.Connection, body: Body, *, host: str, model: Model | None = None, actor: Actor, now: datetime
) -> Taken:
    """Record a snapshot; where it differs from the last one of the same host and model it is one change in the feed.

    Raises:
        UsageError: the body or the name of the host is not one.
    """
    _checked(host, body)
    if "package" in body:
        body = {**body, "package": {package_name(name): pin for name, pin in body["package"].items()}}
    model_id = model.id if model else None
    with transaction(db):
        before = environments.latest(db, host, model_id)
        if before is not None and before.sha256 == environments.sha256(body):
            return Taken(before, False, before, ())
        taken = environments.get(db, environments.insert(db, host, model_id, body, by=actor.name, now=now))
        found = differences(before.body, body) if before else ()
        if before is not None and found:
            changes.add(db, [_change(before, taken, found)], now=now)
        after = {"host": host, "model": model.name if model else None, "sha256": taken.sha256}
        audit.record(db, "env.snap", actor=actor, now=now, object_kind="environment", object_id=taken.id, after=after)
    return Taken(taken, True, before, found)


def differences(before: Body, after: Body) -> tuple[Difference, ...]:
    """What differs between two snapshots, the heaviest first; each carries its weight.

    A section that one of them lacks was not looked at there: see :func:`not_compared`.
    """
    found = []
    for section in SECTIONS:
        if section not in before or section not in after:
            continue
        a, b = before[section], after[section]
        found += [
            Difference(section, name, a.get(name), b.get(name), weight(section, name, a.get(name), b.get(name)))
            for name in a | b
            if a.get(name) != b.get(name)
        ]
    return tuple(sorted(found, key=lambda d: (-(d.weight or 0.0), d.part, d.key)))


def not_compared(before: Body, after: Body) -> tuple[str, ...]:
    """Sections that only one of two snapshots has."""
    return tuple(section for section in SECTIONS if (section in before) != (section in after))


def weight(section: str, name: str, before: str | None, after: str | None) -> float:
    """How much one difference counts.

    >>> weight("package", "numpy", "1.26.4", "2.0.0"), weight("package", "rich", "14.0", "14.1")
    (20.0, 7.0)
    >>> weight("locale", "LANG", "C", "de_DE.UTF-8")
    3.0
    """
    if section != "package":
        return SECTION_WEIGHTS.get(section, 1.0)
    factor = LEARNING if package_name(name) in LEARNING_PACKAGES else 1.0
    return factor * STEP_WEIGHTS[step(before, after)]


def step(before: str | None, after: str | None) -> str:
    """Which part of a version differs; a version that is no number counts as another patch.

    >>> step("1.4.2", "2.0"), step("1.4", "1.5rc1"), step("1.4.1", "1.4.2+cu121"), step(None, "1.0")
    ('major', 'minor', 'patch', 'added')
    """
    if before is None or after is None:
        return "added" if before is None else "removed"
    a, b = _RELEASE.match(before), _RELEASE.match(after)
    if a is None or b is None:
        return "patch"
    if (a[1] or "0", int(a[2])) != (b[1] or "0", int(b[2])):
        return "major"
    return "minor" if int(a[3] or 0) != int(b[3] or 0) else "patch"


def find(db: sqlite3.Connection, text: str) -> Environment:
    """A snapshot by its id, or the newest one of a host by the host's name.

    Raises:
        UsageError: there is none.
    """
    if text.isascii() and text.isdigit() and len(text) < 19:
        return environments.get(db, int(text))
    found = environments.latest_of_host(db, text)
    if found is None:
        raise UsageError(f"there is no snapshot of a host {text!r}", "see midwatch env list")
    return found


def words(difference: Difference) -> str:
    """One difference in words; hashes are cut.

    >>> words(Difference("package", "numpy", "2.1", None, 8.0))
    'numpy 2.1 -> (none)'
    """
    a, b = (_value(difference.part, value) for value in (difference.before, difference.after))
    lead = "" if difference.part == "package" else f"{difference.part} "
    return f"{lead}{difference.key} {a} -> {b}"


def _value(section: str, value: str | None) -> str:
    if value is None:
        return "(none)"
    return value[:SHORT] if section in ("variable", "file", "code") else value


def _change(before: Environment, after: Environment, found: tuple[Difference, ...]) -> NewChange:
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    layer: Layer = "infrastructure" if found[0].part in _INFRASTRUCTURE else "component"
    return NewChange(
        layer=layer,
        kind="environment",
        subject=f"{after.host}: {words(found[0])}{more}"[:300],
        at=after.at,
        source=OBSERVER,
        source_ref=f"environments:{after.id}",
        model_id=after.model_id,
        size=len(found),
        before=f"snapshot {before.id} {before.sha256[:SHORT]}",
        after=f"snapshot {after.id} {after.sha256[:SHORT]}",
        details=Details(found, len(found), unknown=not_compared(before.body, after.body), hosts=(after.host,)),
    )


def _checked(host: str, body: object) -> None:
    if not host.strip() or len(host) > 200:
        raise UsageError(f"{host[:40]!r} is no name of a host", "name it: --name HOST")
    if not isinstance(body, dict) or not body or not all(isinstance(part, dict) for part in body.values()):
        raise UsageError("that is no snapshot", "feed what midwatch env snap --json printed on the other host")
    if unknown := sorted(set(body) - set(SECTIONS)):
        raise UsageError(f"a snapshot has no section {str(unknown[0])[:40]!r}", f"it has {', '.join(SECTIONS)}")
    if not all(isinstance(k, str) and isinstance(v, str) for part in body.values() for k, v in part.items()):
        raise UsageError("a value of the snapshot is not a text", "feed what midwatch env snap --json printed")
