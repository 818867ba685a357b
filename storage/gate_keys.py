"""The keys of a model file that gates go by: stages, guardrails, the errors gates may make, and the suite."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from storage.records.looks import TRAFFIC
from storage.records.models import Columns, GateBudget, Guardrail, Stage, StageKind, Suite, Task
from storage.toml_document import TomlDocument

STAGE = {
    "name": str, "kind": str, "traffic": float, "minimum_rows": int, "minimum_labels": int, "minimum_hours": float,
    "margin": float, "approvals": int, "items": list,
}  # fmt: skip
GUARDRAIL = {
    "name": str, "signal": str, "sql": str, "stages": list, "harm": str, "method": str, "margin": float, "cap": float,
    "covariate": str, "slice": str, "unit": str, "minimum_units": int,
}  # fmt: skip
GATES = {"harm": float, "promote": float, "disagreement": float}
SUITE = {"metrics": list, "margin": float, "simple": str, "gain": float, "split": str, "holdout": float}
SIGNALS = ("error", "loss", "abs_error", "latency", "prediction", "sql")
METHODS = ("odds", "mean", "rank")
_TASKS: dict[str, tuple[Task, ...]] = {
    "error": ("binary", "multiclass"),
    "loss": ("binary", "regression"),
    "abs_error": ("binary", "regression"),
    "prediction": ("binary", "regression"),
}
_MARGINS = {"odds": (1.0, math.inf), "rank": (0.0, 0.5), "mean": (0.0, math.inf)}


def stages(document: TomlDocument, body: Mapping[str, Any]) -> tuple[Stage, ...]:
    """The stages in order; one, ``full``, when the file names none."""
    found = tuple(_stage(document, table, i) for i, table in enumerate(document.tables(body, "stages")))
    document.unique([stage.name for stage in found], "stages")
    return found or (Stage("full"),)


def _stage(document: TomlDocument, table: Mapping[str, Any], index: int) -> Stage:
    document.keys(table, STAGE, "stages", required=("name",), index=index)
    kind = table.get("kind", table["name"] if table["name"] in get_args(StageKind) else "full")
    document.one_of(kind, get_args(StageKind), "kind", "stages", index)
    traffic = float(table.get("traffic", 0.0 if kind in ("test", "shadow") else 1.0))
    if not 0.0 <= traffic <= 1.0:
        document.fail("traffic", "stages", "is a share between 0 and 1", index)
    document.at_least(table, ("minimum_rows", "minimum_labels", "minimum_hours", "approvals"), "stages", 0, index)
    margin = document.number(table, "margin", "stages", 1.0, math.inf, index)
    items = document.texts(table, "items", "stages", index)
    if len(set(items)) < len(items):
        document.fail("items", "stages", "an item stands there twice", index)
    return Stage(**{**table, "kind": kind, "traffic": traffic, "margin": margin, "items": items})


def guardrails(
    document: TomlDocument, body: Mapping[str, Any], columns: Columns, known: Sequence[Stage]
) -> tuple[Guardrail, ...]:
    """The guardrails in order; empty when the file names none."""
    found = tuple(
        _guardrail(document, table, i, body["task"], columns, known)
        for i, table in enumerate(document.tables(body, "guardrails"))
    )
    document.unique([one.name for one in found], "guardrails")
    return found


def _guardrail(
    document: TomlDocument,
    table: Mapping[str, Any],
    index: int,
    task: Task,
    columns: Columns,
    known: Sequence[Stage],
) -> Guardrail:
    section = "guardrails"
    document.keys(table, GUARDRAIL, section, required=("name", "signal"), index=index)
    if table["name"] == TRAFFIC or not table["name"].strip():
        document.fail("name", section, f"{table['name']!r} can't be the name of a guardrail", index)
    signal = table["signal"]
    document.one_of(signal, SIGNALS, "signal", section, index)
    if task not in _TASKS.get(signal, (task,)):
        fits = ", ".join(name for name in SIGNALS if task in _TASKS.get(name, (task,)))
        document.fail("signal", section, f"a {task} model has no {signal!r}; it has {fits}", index)
    if (signal == "sql") != ("sql" in table):
        document.fail("signal", section, "signal = 'sql' and the key sql go together", index)
    if signal == "latency" and columns.latency is None:
        document.fail("signal", section, "[columns] names no latency", index)
    if table.get("unit") == "user" and columns.user is None:
        document.fail("unit", section, "[columns] names no user", index)
    for key, words in (("harm", ("up", "down")), ("method", METHODS), ("unit", ("row", "user"))):
        if key in table:
            document.one_of(table[key], words, key, section, index)
    armed = tuple(stage.name for stage in known if stage.kind in ("shadow", "canary", "ab"))
    chosen = document.texts(table, "stages", section, index)
    for stage in chosen:
        if stage not in armed:
            told = f"{stage!r} is no stage with two arms; {', '.join(armed) or 'there is none'}"
            document.fail("stages", section, told, index)
    least, most = _MARGINS.get(table.get("method", ""), (0.0, math.inf))
    document.number(table, "margin", section, least, most, index)
    document.number(table, "cap", section, 0.0, 1.0, index)
    document.at_least(table, ("minimum_units",), section, 0, index)
    return Guardrail(**{**table, "stages": chosen})


def gates(document: TomlDocument, table: Mapping[str, Any]) -> GateBudget:
    """The errors that gates may make, with defaults filled in."""
    document.keys(table, GATES, "gates")
    for key in ("harm", "promote"):
        document.number(table, key, "gates", 0.0, 1.0)
    if not 0.0 <= table.get("disagreement", 0.0) <= 1.0:
        document.fail("disagreement", "gates", "is a share between 0 and 1")
    return GateBudget(**table)


def suite(document: TomlDocument, table: Mapping[str, Any]) -> Suite:
    """What every candidate is evaluated by, with defaults filled in."""
    document.keys(table, SUITE, "suite")
    for key, words in (("simple", ("prior", "logistic", "tree")), ("split", ("time", "random", "all"))):
        if key in table:
            document.one_of(table[key], words, key, "suite")
    document.at_least(table, ("margin", "gain"), "suite", 0)
    document.number(table, "holdout", "suite", 0.0, 1.0)
    return Suite(**{**table, "metrics": document.texts(table, "metrics", "suite")})
