"""The suite: everything that a number of an evaluation depends on, in one canonical text with its hash.

Two numbers may be compared when their hashes are the same, and never otherwise: another floor, threshold, slice,
split, evaluation set or row makes another suite.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import Any

from core.kept.watch import primary
from core.metrics.registry import direction, spec_of, specs
from storage.errors import RefusedError
from storage.records.models import MetricSpec, Model, ModelFile
from storage.records.suites import DataNamed, Evaluation, SuiteSpec
from storage.tables import evaluation_sets, kept_slices

FORM = 1
"""Of the document; another one says that numbers are made in another way."""


def metrics_of(file: ModelFile) -> tuple[MetricSpec, ...]:
    """The metrics of the suite: those it names, else all of the model that rows without a server can tell.

    The primary one is always among them.

    Raises:
        UsageError: the suite names a metric that the model does not have.
    """
    if file.suite.metrics:
        chosen = [spec_of(file, name) for name in file.suite.metrics]
    else:
        chosen = [spec for spec in specs(file) if spec.name != "latency" and spec.kind != "ops"]
    held = primary(file)
    return tuple(chosen) if held in chosen else (held, *chosen)


def split_of(file: ModelFile, data: DataNamed, split: str | None) -> str:
    """How rows are split: as asked, else as the suite says; a frozen evaluation set is evaluated whole."""
    return "all" if data.kind == "set" else split or file.suite.split


def build(db: sqlite3.Connection, model: Model, data: DataNamed, *, split: str | None = None) -> SuiteSpec:
    """The suite as the model file, the kept slices and the evaluation sets make it now, over these rows."""
    file = model.file
    columns, labels = file.columns, file.labels
    kept = sorted(kept_slices.listing(db, model.id), key=lambda one: one.name)
    sets = sorted(evaluation_sets.listing(db, model.id), key=lambda one: one.name)
    document: dict[str, Any] = {
        "form": FORM,
        "model": model.name,
        "task": file.task,
        "columns": {key: getattr(columns, key) for key in ("time", "id", "prediction", "label", "predicted_class")},
        "labels": {"minimum": labels.minimum, "positive": labels.positive, "tolerance": labels.tolerance},
        "metrics": {
            spec.name: {
                "kind": spec.kind,
                "sql": spec.sql,
                "direction": direction(spec, file),
                "threshold": spec.threshold,
            }
            for spec in metrics_of(file)
        },
        "primary": primary(file).name,
        "margin": file.suite.margin,
        "slices": {
            one.name: {"kind": one.kind, "floor": one.floor, "predicates": [p.document() for p in one.predicates]}
            for one in kept
        },
        "sets": {one.name: one.sha256 for one in sets},
        "split": {"kind": split_of(file, data, split), "holdout": file.suite.holdout},
        "simple": {"kind": file.suite.simple, "gain": file.suite.gain},
        "data": {"kind": data.kind, "sha256": sorted(data.sha256), "labels": sorted(data.labels)},
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return SuiteSpec(text, hashlib.sha256(text.encode("ascii")).hexdigest())


def seed_of(suite: SuiteSpec) -> str:
    """The seed of a random split: of the rows alone, so that another floor leaves them where they are."""
    data = json.dumps(json.loads(suite.document)["data"], sort_keys=True)
    return hashlib.sha256(data.encode("ascii")).hexdigest()


def changes(before: SuiteSpec, now: SuiteSpec) -> tuple[str, ...]:
    """What differs between two suites, in words; empty when nothing does.

    >>> a, b = (SuiteSpec('{"slices":{"jfk":{"floor":%s}}}' % f, f) for f in ("0.7", "0.72"))
    >>> changes(a, b)
    ('slices jfk floor: 0.7, now 0.72',)
    """
    old, new = _leaves(json.loads(before.document)), _leaves(json.loads(now.document))
    return tuple(
        f"{' '.join(key)}: {_told(old, key)}, now {_told(new, key)}"
        for key in sorted({*old, *new})
        if old.get(key, _ABSENT) != new.get(key, _ABSENT)
    )


def refuse_unlike(a: Evaluation, b: Evaluation) -> None:
    """Refuse to hold the numbers of two evaluations against each other unless their suites are the same.

    Raises:
        RefusedError: they are not comparable; the message names what differs.
    """
    if a.suite.sha256 == b.suite.sha256:
        return
    told = changes(a.suite, b.suite)
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""
    raise RefusedError(
        f"evaluations {a.id} and {b.id} are not comparable, their suites differ: {'; '.join(told[:3])}{more}",
        "evaluate both versions again by the same suite, on the same rows",
    )


_ABSENT = object()


def _leaves(value: object, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], object]:
    if isinstance(value, dict) and value:
        return {key: leaf for name, part in value.items() for key, leaf in _leaves(part, (*path, name)).items()}
    return {path: value}


def _told(leaves: dict[tuple[str, ...], object], key: tuple[str, ...]) -> str:
    value = leaves.get(key, _ABSENT)
    if value is _ABSENT:
        return "absent"
    if key[-1:] == ("predicates",):  # may hold values of a column that is redacted by now
        return hashlib.sha256(json.dumps(value).encode("ascii")).hexdigest()[:8]
    if key[:1] == ("data",) and isinstance(value, list):
        return ", ".join(str(one)[:12] for one in value[:2]) + (", ..." if len(value) > 2 else "") or "none"
    return json.dumps(value, ensure_ascii=False)[:60]
