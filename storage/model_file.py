"""Reads and checks ``NAME.toml``; an error names the key, its line and the nearest right key."""

from __future__ import annotations

import difflib
import hashlib
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn, cast, get_args

from storage.duration import duration
from storage.errors import ModelFileError
from storage.records.models import (
    CheckSpec,
    Columns,
    Labels,
    MetricSpec,
    ModelFile,
    Rollback,
    Slo,
    Stage,
    StageKind,
    Task,
)

MAXIMUM_BYTES = 1_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SLO = re.compile(r"\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*")

TOP = {
    "name": str, "task": str, "owner": str, "production": bool, "columns": dict, "labels": dict, "metrics": list,
    "stages": list, "checks": list, "rollback": dict, "scoring": dict, "cadence": str, "impact": str, "waiver": str,
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
STAGE = {
    "name": str, "kind": str, "traffic": float, "minimum_rows": int, "minimum_labels": int, "minimum_hours": float,
}  # fmt: skip
CHECK = {
    "check": str, "column": str, "enabled": bool, "threshold": float, "tier": str, "minimum": float, "maximum": float,
    "allowed": list, "rationale": str, "owner": str, "reviewed": str,
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
    try:
        raw = path.read_bytes() if _can_be_one(path) else b""
    except OSError as error:
        raise ModelFileError(f"the model file {path} can't be read: {error.strerror}", "check the path") from error
    if not raw:
        raise ModelFileError(f"{path} is empty or larger than a model file can be", "see the README, Model file")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ModelFileError(f"{path}, line {line}: not UTF-8 text", "save the file as UTF-8") from error
    return parse(text, str(path)), text, hashlib.sha256(raw).hexdigest()


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


@dataclass(frozen=True, slots=True)
class _Reader:
    """Walks one document; knows the text so that errors can name lines."""

    text: str
    source: str

    def model(self, document: Mapping[str, Any]) -> ModelFile:
        self.keys(document, TOP, "", required=("name", "task", "columns"))
        if not _NAME.fullmatch(document["name"]):
            self.fail("name", "", f"{document['name']!r} may hold letters, digits, '.', '_' and '-' only")
        self.one_of(document["task"], get_args(Task), "task", "")
        stages = tuple(self.stage(s, i) for i, s in enumerate(self.tables(document, "stages")))
        metrics = tuple(self.metric(m, i) for i, m in enumerate(self.tables(document, "metrics")))
        self.unique([s.name for s in stages], "stages")
        self.unique([m.name for m in metrics], "metrics")
        if sum(m.primary for m in metrics) > 1:
            self.fail("primary", "metrics", "only one metric can be primary")
        return ModelFile(
            name=document["name"],
            task=cast("Task", document["task"]),
            columns=self.columns(document["columns"]),
            owner=document.get("owner"),
            production=document.get("production", False),
            labels=self.labels(document.get("labels", {})),
            metrics=metrics,
            stages=stages or (Stage("full"),),
            checks=tuple(self.check(c, i) for i, c in enumerate(self.tables(document, "checks"))),
            rollback=self.rollback(document["rollback"]) if "rollback" in document else None,
            scoring=self.scoring(document.get("scoring", {})),
            cadence=self.duration(document, "cadence", "", None),
            impact=document.get("impact"),
            waiver=document.get("waiver"),
        )

    def columns(self, table: Mapping[str, Any]) -> Columns:
        self.keys(table, COLUMNS, "columns", required=("time", "prediction"))
        lists = {key: self.texts(table, key, "columns") for key in ("ignore", "redact", "calendar") if key in table}
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

    def stage(self, table: Mapping[str, Any], index: int) -> Stage:
        self.keys(table, STAGE, "stages", required=("name",), index=index)
        kind = table.get("kind", table["name"] if table["name"] in get_args(StageKind) else "full")
        self.one_of(kind, get_args(StageKind), "kind", "stages", index)
        traffic = float(table.get("traffic", 0.0 if kind in ("test", "shadow") else 1.0))
        if not 0.0 <= traffic <= 1.0:
            self.fail("traffic", "stages", "is a share between 0 and 1", index)
        return Stage(**{**table, "kind": kind, "traffic": traffic})

    def check(self, table: Mapping[str, Any], index: int) -> CheckSpec:
        self.keys(table, CHECK, "checks", required=("check",), index=index)
        if "tier" in table:
            self.one_of(table["tier"], TIERS, "tier", "checks", index)
        allowed = {"allowed": self.texts(table, "allowed", "checks")} if "allowed" in table else {}
        return CheckSpec(**{**table, **allowed})

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

    def keys(
        self,
        table: object,
        known: Mapping[str, type],
        section: str,
        required: tuple[str, ...] = (),
        index: int = 0,
    ) -> None:
        """Every key is known and of the right type, and the required ones are there."""
        if not isinstance(table, Mapping):
            self.fail(section, "", f"must be a table, as in [{section}]")
        for key, value in table.items():
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
                right = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
                self.fail(key, section, f"there is no such key; {right}", index)
            wanted = known[key]
            numeric = wanted is float and isinstance(value, int | float) and not isinstance(value, bool)
            if not numeric and (not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))):
                self.fail(key, section, f"must be {_WORDS[wanted]}, not {value!r}", index)
        for key in required:
            if key not in table:
                self.fail(section or key, "", f"{key!r} is required here", index)

    def tables(self, document: Mapping[str, Any], key: str) -> list[Any]:
        values = document.get(key, [])
        if not all(isinstance(value, Mapping) for value in values):
            self.fail(key, "", f"must be a list of tables, as in [[{key}]]")
        return list(values)

    def texts(self, table: Mapping[str, Any], key: str, section: str) -> tuple[str, ...]:
        if not all(isinstance(value, str) for value in table[key]):
            self.fail(key, section, "must be a list of texts")
        return tuple(table[key])

    def duration(
        self, table: Mapping[str, Any], key: str, section: str, default: timedelta | None, index: int = 0
    ) -> timedelta | None:
        if key not in table:
            return default
        try:
            return duration(table[key])
        except ValueError as error:
            self.fail(key, section, str(error), index)

    def one_of(self, value: object, known: tuple[str, ...], key: str, section: str, index: int = 0) -> None:
        if value not in known:
            near = difflib.get_close_matches(str(value), known, n=1, cutoff=0.5)
            right = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}"
            self.fail(key, section, f"{value!r} is not known; {right}", index)

    def unique(self, names: list[str], section: str) -> None:
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            self.fail("name", section, f"{twice!r} stands there twice", names.index(twice))

    def fail(self, key: str, section: str, what: str, index: int = 0) -> NoReturn:
        where = f"[{section}] {key}" if section else key
        raise ModelFileError(f"{self.source}, line {self.line(key, section, index)}, key {where}: {what}")

    def line(self, key: str, section: str, index: int) -> int:
        """The line of ``key`` in the ``index``-th table named ``section``, or that table's own line."""
        start, seen, found = 1, -1, section == ""
        for number, line in enumerate(self.text.splitlines(), 1):
            header = re.match(r"\s*\[{1,2}\s*([^\]]+?)\s*\]{1,2}", line)
            if header:
                if found and section:
                    break
                name = header[1].strip("\"'")
                seen += name == section
                found = bool(section) and name == section and seen == index
                start = number if found or (not section and name == key) else start
                if not section and name == key:
                    return number
            elif found and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
                return number
        return start


_WORDS = {
    str: "a text in quotes", bool: "true or false", int: "a whole number", float: "a number",
    list: "a list in brackets", dict: "a table",
}  # fmt: skip
