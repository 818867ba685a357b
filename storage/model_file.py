"""Reads and checks ``NAME.toml``; an error names the key, its line and the nearest right key."""

from __future__ import annotations

import hashlib
import math
import re
import stat
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, cast, get_args

from storage import alert_keys, gate_keys
from storage.errors import ModelFileError
from storage.records.models import (
    CheckSpec,
    Columns,
    Labels,
    MetricSpec,
    ModelFile,
    Rollback,
    Slo,
    Task,
)
from storage.toml_document import TomlDocument

MAXIMUM_BYTES = 1_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_HOURS = re.compile(r"([01]\d|2[0-3])-([01]\d|2[0-4])")
_SLO = re.compile(r"\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*")

TOP = {
    "name": str, "task": str, "owner": str, "production": bool, "columns": dict, "labels": dict, "metrics": list,
    "stages": list, "checks": list, "rollback": dict, "scoring": dict, "cadence": str, "impact": str, "waiver": str,
    "guardrails": list, "gates": dict, "suite": dict, "feedback_loop": bool, "alerts": dict,
}  # fmt: skip
COLUMNS = {
    "time": str, "prediction": str, "id": str, "label": str, "version": str, "stage": str, "latency": str,
    "predicted_class": str, "user": str, "host": str, "ignore": list, "redact": list, "calendar": list,
}  # fmt: skip
LABELS = {"lag": str, "minimum": int, "positive": str, "tolerance": float}
METRIC = {
    "name": str, "kind": str, "primary": bool, "slo": str, "slo_window": str, "slo_budget": float, "sql": str,
    "direction": str, "owner": str, "reason": str, "threshold": float,
}  # fmt: skip
CHECK = {
    "check": str, "column": str, "enabled": bool, "threshold": float, "tier": str, "minimum": float, "maximum": float,
    "allowed": list, "rationale": str, "owner": str, "reviewed": str, "runbook": str, "times": float,
    "except_slices": list, "minimum_rows": int, "minimum_touched": int, "hours": str, "batches_in_a_row": int,
}  # fmt: skip
ACTUATOR_KEYS: dict[str, dict[str, type]] = {
    "pointer_file": {"path": str, "directory": str},
    "command": {"execute": list, "verify": list, "environment": list},
    "http": {"url": str, "method": str, "headers": dict, "body": dict, "verify_url": str, "verify_field": str},
    "record_only": {},
}
ROLLBACK = {"actuator": str, "fallback": str, "fallback_range": str, "settle": str, "timeout": str}
SCORING = {"command": list, "url": str, "timeout": str}
TIERS = ("page", "ticket", "digest", "evidence")


def read(path: Path) -> tuple[ModelFile, str, str]:
    """The parsed model file, its text and its sha256.

    Raises:
        ModelFileError: it can't be read, is not TOML, or breaks a rule; the message names key and line.
    """
    text = text_of(path)
    return parse(text, str(path)), text, hashlib.sha256(text.encode()).hexdigest()


def text_of(path: Path) -> str:
    """The text of a model file, byte for byte.

    Raises:
        ModelFileError: it can't be read, or is no UTF-8.
    """
    try:
        raw = path.read_bytes() if _can_be_one(path) else b""
    except OSError as error:
        raise ModelFileError(f"the model file {path} can't be read: {error.strerror}", "check the path") from error
    if not raw:
        raise ModelFileError(f"{path} is empty or larger than a model file can be", "see the README, Model file")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ModelFileError(f"{path}, line {line}: not UTF-8 text", "save the file as UTF-8") from error


def _can_be_one(path: Path) -> bool:
    """Whether a file is of a size to be read; what is neither file nor directory could be read for ever."""
    found = path.stat()
    return found.st_size <= MAXIMUM_BYTES and (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode))


def parse(text: str, source: str) -> ModelFile:
    r"""The model file as a record; ``source`` names it in errors.

    >>> parse('name = "a"\ntask = "binary"\n[columns]\ntime = "t"\nprediction = "p"', "a.toml").full_stage
    'full'
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelFileError(f"{source} is not valid TOML: {error}", "mend that line") from error
    return _Reader(text, source).model(document)


def hours_of(text: str) -> frozenset[int]:
    """The hours of the day that ``06-22`` names; none when it names no stretch.

    >>> sorted(hours_of("22-02")), hours_of("7-9"), hours_of("08-08")
    ([0, 1, 22, 23], frozenset(), frozenset())
    """
    match = _HOURS.fullmatch(text)
    start, end = (int(match[1]), int(match[2])) if match else (0, 0)
    return frozenset((start + step) % 24 for step in range((end - start) % 24 if end != start + 24 else 24))


class _Reader(TomlDocument):
    """Walks one document."""

    __slots__ = ()

    def model(self, document: Mapping[str, Any]) -> ModelFile:
        self.keys(document, TOP, "", required=("name", "task", "columns"))
        if not _NAME.fullmatch(document["name"]):
            self.fail("name", "", f"{document['name']!r} may hold letters, digits, '.', '_' and '-' only")
        self.one_of(document["task"], get_args(Task), "task", "")
        columns = self.columns(document["columns"])
        stages = gate_keys.stages(self, document)
        metrics = tuple(self.metric(m, i) for i, m in enumerate(self.tables(document, "metrics")))
        self.unique([m.name for m in metrics], "metrics")
        if sum(m.primary for m in metrics) > 1:
            self.fail("primary", "metrics", "only one metric can be primary")
        return ModelFile(
            name=document["name"],
            task=cast("Task", document["task"]),
            columns=columns,
            owner=document.get("owner"),
            production=document.get("production", False),
            labels=self.labels(document.get("labels", {})),
            metrics=metrics,
            stages=stages,
            checks=tuple(self.check(c, i) for i, c in enumerate(self.tables(document, "checks"))),
            rollback=self.rollback(document["rollback"]) if "rollback" in document else None,
            scoring=self.scoring(document.get("scoring", {})),
            cadence=self.duration(document, "cadence", "", None),
            impact=document.get("impact"),
            waiver=document.get("waiver"),
            guardrails=gate_keys.guardrails(self, document, columns, stages),
            gates=gate_keys.gates(self, document.get("gates", {})),
            suite=gate_keys.suite(self, document.get("suite", {})),
            feedback_loop=document.get("feedback_loop", False),
            alerts=alert_keys.alerts(self, document.get("alerts", {})),
        )

    def columns(self, table: Mapping[str, Any]) -> Columns:
        self.keys(table, COLUMNS, "columns", required=("time", "prediction"))
        lists = {key: self.texts(table, key, "columns") for key in ("ignore", "redact", "calendar")}
        return Columns(**{**table, **lists})

    def labels(self, table: Mapping[str, Any]) -> Labels:
        self.keys(table, LABELS, "labels")
        for key, least in (("minimum", 1), ("tolerance", 0)):
            if table.get(key, least) < least:
                self.fail(key, "labels", f"must be at least {least}")
        return Labels(
            lag=self.duration(table, "lag", "labels", None) or timedelta(0),
            minimum=table.get("minimum", 500),
            positive=table.get("positive"),
            tolerance=float(table["tolerance"]) if "tolerance" in table else None,
        )

    def metric(self, table: Mapping[str, Any], index: int) -> MetricSpec:
        self.keys(table, METRIC, "metrics", required=("name",), index=index)
        values = dict(table)
        self.one_of(values.get("kind", "ml"), ("ml", "business", "ops"), "kind", "metrics", index)
        if values.get("kind") == "business":
            for key in ("sql", "direction"):
                if key not in values:
                    self.fail("name", "metrics", f"the business metric {values['name']!r} needs {key}", index)
        if "direction" in values:
            self.one_of(values["direction"], ("up", "down"), "direction", "metrics", index)
        window = self.duration(values, "slo_window", "metrics", timedelta(days=28), index)
        budget = float(values.pop("slo_budget", 0.01))
        if not 0 < budget < 1:
            self.fail("slo_budget", "metrics", "is a share between 0 and 1", index)
        values.pop("slo_window", None)
        if "slo" in values:
            slo = self.slo(values["slo"], "slo", "metrics", index)
            values["slo"] = Slo(slo.op, slo.bound, window or slo.window, budget)
        return MetricSpec(**values)

    def slo(self, text: str, key: str, table: str, index: int = 0) -> Slo:
        match = _SLO.fullmatch(text)
        if match is None:
            self.fail(key, table, f"{text!r} is not a bound such as '>= 0.68'", index)
        return Slo(cast("Any", match[1]), float(match[2]))

    def check(self, table: Mapping[str, Any], index: int) -> CheckSpec:
        self.keys(table, CHECK, "checks", required=("check",), index=index)
        if "tier" in table:
            self.one_of(table["tier"], TIERS, "tier", "checks", index)
        for key in ("times", "minimum_rows", "minimum_touched", "batches_in_a_row"):
            if not 0 < table.get(key, 1) < math.inf:
                self.fail(key, "checks", f"{table[key]:g} is not a number above 0", index)
        if "hours" in table and not hours_of(table["hours"]):
            self.fail("hours", "checks", f"{table['hours']!r} is not a stretch of the day such as '06-22'", index)
        lists = {key: self.texts(table, key, "checks", index) for key in ("allowed", "except_slices") if key in table}
        return CheckSpec(**{**table, **lists})

    def rollback(self, table: Mapping[str, Any]) -> Rollback:
        actuator = table.get("actuator", "record_only")
        self.one_of(actuator, tuple(ACTUATOR_KEYS), "actuator", "rollback")
        own = ACTUATOR_KEYS[actuator]
        self.keys(table, {**ROLLBACK, **own}, "rollback")
        bound = table.get("fallback_range")
        return Rollback(
            actuator=actuator,
            fallback=table.get("fallback"),
            fallback_range=self.slo(bound, "fallback_range", "rollback") if bound else None,
            settle=cast("timedelta", self.duration(table, "settle", "rollback", timedelta(seconds=2))),
            timeout=self.duration(table, "timeout", "rollback", None) or timedelta(seconds=20),
            options={key: value for key, value in table.items() if key in own},
        )

    def scoring(self, table: Mapping[str, Any]) -> dict[str, object]:
        self.keys(table, SCORING, "scoring")
        return dict(table)
