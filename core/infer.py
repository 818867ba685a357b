"""Checks proposed from a reference, as text for the model file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from os import PathLike

from core.checks.base import MINIMUM_ROWS, CheckContext, percent
from core.checks.bounds import inferred
from core.checks.similarity import missing_share
from core.stats.profile import BatchProfile, ColumnProfile
from storage.records.logs import Roles
from storage.records.models import CheckSpec

CATEGORIES = 50
RARE_ROWS = 5


def infer(reference: BatchProfile, roles: Roles, calendar: tuple[str, ...] = ()) -> tuple[CheckSpec, ...]:
    """Bounds, allowed values and least completeness of each feature, with the reason for each.

    Redacted, ignored, calendar and identifier columns get no bounds and no list of values.
    """
    context = CheckContext(reference, reference, roles=roles, calendar=calendar)
    found: list[CheckSpec] = []
    for name, column in reference.columns.items():
        if name in roles.ignore or column.rows < MINIMUM_ROWS:
            continue
        found.extend(_completeness(name, column, context.traits[name].kind == "label"))
        if context.traits[name].kind in ("feature", "prediction", "constant") and name not in roles.redact:
            found.extend(_bounds(name, column))
            found.extend(_categories(name, column))
    return tuple(found)


def infer_file(paths: Sequence[str | PathLike[str]], roles: Roles, calendar: tuple[str, ...]) -> tuple[CheckSpec, ...]:
    """The same from files.

    Raises:
        SourceError: a file can't be read.
    """
    from core.profiles import profile_log
    from storage.logs.source import open_log

    with open_log(paths) as source:
        return infer(profile_log(source, roles), roles, calendar)


def as_toml(specs: Sequence[CheckSpec]) -> str:
    """``[[checks]]`` tables, ready to be pasted into a model file.

    >>> print(as_toml([CheckSpec("bounds", "age", minimum=0.0, maximum=120.0)]))
    [[checks]]
    check = "bounds"
    column = "age"
    minimum = 0.0
    maximum = 120.0
    """
    tables = []
    for spec in specs:
        lines = ["[[checks]]", f"check = {_text(spec.check)}"]
        if spec.column is not None:
            lines.append(f"column = {_text(spec.column)}")
        numbers = {"threshold": spec.threshold, "minimum": spec.minimum, "maximum": spec.maximum}
        lines += [f"{key} = {float(value)!r}" for key, value in numbers.items() if value is not None]
        if spec.allowed is not None:
            lines.append(f"allowed = [{', '.join(_text(v) for v in spec.allowed)}]")
        if spec.rationale is not None:
            lines.append(f"rationale = {_text(spec.rationale)}")
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def _completeness(name: str, column: ColumnProfile, label: bool) -> Iterator[CheckSpec]:
    if label:
        return  # labels come late
    missing = missing_share(column)
    if missing == 0:
        least, why = 0.99, f"no value was missing in {column.rows:,} rows"
    elif missing < 0.5:
        least, why = max(0.0, 1 - 2 * missing - 0.01), f"{percent(missing)} were missing in {column.rows:,} rows"
    else:
        return
    yield CheckSpec("completeness", name, minimum=round(least, 4), rationale=why)


def _bounds(name: str, column: ColumnProfile) -> Iterator[CheckSpec]:
    number = column.number
    if number is None or column.boolean or number.finite < MINIMUM_ROWS:
        return
    low, high = inferred(number)
    why = f"{number.minimum:g} to {number.maximum:g} in {number.finite:,} rows, with a tenth of that to spare"
    yield CheckSpec("bounds", name, minimum=float(f"{low:.12g}"), maximum=float(f"{high:.12g}"), rationale=why)


def _categories(name: str, column: ColumnProfile) -> Iterator[CheckSpec]:
    text = column.text
    if (
        text is None
        or column.kind != "text"
        or not text.values.complete
        or not 1 <= len(text.values.counts) <= CATEGORIES
    ):
        return
    if min(text.values.counts.values()) < RARE_ROWS:
        return  # more rare values are to be expected
    values = tuple(sorted(text.values.counts))
    why = f"the {len(values)} values of {text.rows - text.missing:,} rows, none of them rare"
    yield CheckSpec("categories", name, allowed=values, rationale=why)


def _text(value: str) -> str:
    """A TOML basic string: JSON's escapes, and the one character that JSON leaves and TOML does not."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
