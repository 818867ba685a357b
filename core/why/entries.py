"""The library of symptoms: TOML files, those that come with midwatch and those a team adds.

A team's files lie in a directory ``symptoms`` beside the store or beside the model file; a symptom with the id of one
that is there already takes its place. docs/why.md has the format.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.incidents.taxonomy import parse_cause
from core.why.signals import SIGNALS
from core.why.symptoms import Cause, Condition, Symptom
from storage.errors import ModelFileError, UsageError
from storage.symptom_files import SymptomText, bundled, found_in

BUNDLED = "core.why.library"
"""The package that holds the bundled files."""

ANSWERS: tuple[str, ...] = (
    "roll back",
    "revert the change",
    "fix upstream",
    "fix the pipeline",
    "fix the labels",
    "do not roll back",
    "do nothing",
    "not enough labels",
    "re-apply",
    "hold",
    "watch",
)
"""What an entry may answer."""

_TEXTS = ("id", "title", "means", "answer", "action", "next_test", "next_command")
_CONDITIONS = ("required", "anyof", "supporting", "excluding")
_LISTS = ("explains", "first_moves", "do_not")
_KEYS = (*_TEXTS, "rank", "suspects", *_CONDITIONS, *_LISTS, "causes")
_CONDITION_KEYS = ("signal", "is", "above", "below", "in_slice", "weight")
_CAUSE_KEYS = ("cause", "weight", "because")


def library(directories: Sequence[Path] = ()) -> tuple[Symptom, ...]:
    """Every symptom, those of ``directories`` (later ones win) in place of bundled ones of the same id.

    Raises:
        ModelFileError: a file is no TOML, or a key in it is unknown, missing or of the wrong kind; file and key named.
    """
    found = {symptom.id: symptom for symptom in _bundled()}
    for directory in directories:
        for text in found_in(directory):
            found.update({symptom.id: symptom for symptom in parse(text)})
    return tuple(sorted(found.values(), key=lambda s: (s.rank, s.id)))


@lru_cache(maxsize=1)
def _bundled() -> tuple[Symptom, ...]:
    return tuple(symptom for text in bundled(BUNDLED) for symptom in parse(text))


def parse(text: SymptomText) -> list[Symptom]:
    """The symptoms of one file.

    Raises:
        ModelFileError: as :func:`library`.
    """
    unknown = [key for key in text.body if key != "symptom"]
    entries = text.body.get("symptom")
    if unknown or not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        what = f"there is no key {unknown[0]!r}" if unknown else "there is no [[symptom]]"
        raise ModelFileError(f"{text.path}: {what}", "every entry begins with [[symptom]]")
    return [_symptom(text.path, number, entry) for number, entry in enumerate(entries, 1)]


def _symptom(path: str, number: int, entry: Mapping[str, Any]) -> Symptom:
    where = f"{path}, symptom {entry.get('id') or number}"
    _known(where, entry, _KEYS)
    for key in _TEXTS:
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise ModelFileError(f"{where}: {key} must be a text", f"write {key} = '...'")
    if entry["answer"] not in ANSWERS:
        raise ModelFileError(f"{where}: answer {entry['answer']!r} is none", f"one of {', '.join(ANSWERS)}")
    rank, suspects = entry.get("rank", 50), entry.get("suspects", True)
    if isinstance(rank, bool) or not isinstance(rank, int) or not isinstance(suspects, bool):
        raise ModelFileError(f"{where}: rank must be a whole number and suspects true or false", "see docs/why.md")
    parts = {key: tuple(_condition(where, key, c) for c in _tables(where, key, entry)) for key in _CONDITIONS}
    if not any(c.positive for c in (*parts["required"], *parts["anyof"])):
        raise ModelFileError(f"{where}: required asks for nothing to be there", "name one signal that must stand out")
    lists = {key: _texts(where, key, entry.get(key, [])) for key in _LISTS}
    for name in lists["explains"]:
        _signal(where, "explains", name)
    causes = tuple(_cause(where, c) for c in _tables(where, "causes", entry))
    if not causes:
        raise ModelFileError(f"{where}: causes is empty", "name one: { cause = 'run/training', weight = 1.0 }")
    return Symptom(
        **{key: entry[key].strip() for key in _TEXTS},
        rank=rank,
        required=parts["required"],
        anyof=parts["anyof"],
        supporting=parts["supporting"],
        excluding=parts["excluding"],
        explains=lists["explains"],
        first_moves=lists["first_moves"],
        do_not=lists["do_not"],
        suspects=suspects,
        causes=causes,
        source=path,
    )


def _condition(where: str, key: str, table: Mapping[str, Any]) -> Condition:
    _known(f"{where}: {key}", table, _CONDITION_KEYS)
    name = _signal(where, key, table.get("signal"))
    present, inside = table.get("is", True), table.get("in_slice")
    if not isinstance(present, bool) or not isinstance(inside, bool | None):
        raise ModelFileError(f"{where}: {key}: is and in_slice of {name} must be true or false", "see docs/why.md")
    numbers = {k: _number(where, f"{key}.{k} of {name}", table[k]) for k in ("above", "below", "weight") if k in table}
    return Condition(name, present, numbers.get("above"), numbers.get("below"), inside, numbers.get("weight", 1.0))


def _cause(where: str, table: Mapping[str, Any]) -> Cause:
    _known(f"{where}: causes", table, _CAUSE_KEYS)
    try:
        cause = parse_cause(str(table.get("cause", "")))
    except UsageError as error:
        raise ModelFileError(f"{where}: causes: {error}", error.hint or "write layer/category") from error
    return Cause(cause, _number(where, f"weight of {cause}", table.get("weight", 1.0)), str(table.get("because", "")))


def _signal(where: str, key: str, name: object) -> str:
    if not isinstance(name, str) or name not in SIGNALS:
        near = difflib.get_close_matches(str(name), SIGNALS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else "docs/why.md lists the signals"
        raise ModelFileError(f"{where}: {key}: there is no signal {name!r}", hint)
    return name


def _known(where: str, table: Mapping[str, Any], keys: Iterable[str]) -> None:
    known = tuple(keys)
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            raise ModelFileError(f"{where}: there is no key {key!r}", hint)


def _tables(where: str, key: str, entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ModelFileError(f"{where}: {key} must be a list of tables", f"write {key} = [{{ ... }}]")
    return value


def _texts(where: str, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ModelFileError(f"{where}: {key} must be a list of texts", f"write {key} = ['...']")
    return tuple(value)


def _number(where: str, what: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ModelFileError(f"{where}: {what} must be a number, not {value!r}", "see docs/why.md")
    return float(value)
