"""Differences of configurations key by key, and of environments package by package."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*(?:==|===|@)\s*(.+)")


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One key that differs: ``before`` is None where it was added, ``after`` where it was removed (values as JSON)."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class PackageChange:
    """One package that differs; None is "not installed"."""

    name: str
    before: str | None
    after: str | None


def configs(before: str, after: str) -> tuple[KeyChange, ...] | None:
    r"""The keys that differ between two TOML or JSON texts, in order of name; None when one is neither.

    >>> configs('[train]\nrate = 0.1\nseed = 7', '{"train": {"rate": 0.2, "seed": 7, "warm": true}}')
    (KeyChange(key='train.rate', before='0.1', after='0.2'), KeyChange(key='train.warm', before=None, after='true'))
    """
    a, b = parsed(before), parsed(after)
    if a is None or b is None:
        return None
    return _changes(flat(a), flat(b))


def parsed(text: str) -> dict[str, Any] | list[Any] | None:
    """A TOML or JSON text as a value, None when it is neither."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        try:
            return tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError):
            return None
    return value if isinstance(value, dict | list) else None


def flat(value: Any, at: str = "") -> dict[str, str]:
    """Every leaf as JSON, by its dotted key; an empty table or list is a leaf.

    >>> flat({"a": {"b.c": [1, True]}, "d": {}})
    {'a."b.c"[0]': '1', 'a."b.c"[1]': 'true', 'd': '{}'}
    """
    leaves: dict[str, str] = {}
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            name = key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)
            leaves |= flat(item, f"{at}.{name}" if at else name)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            leaves |= flat(item, f"{at}[{index}]")
    else:
        leaves[at] = json.dumps(value, ensure_ascii=False, default=str)
    return leaves


def packages(before: str, after: str) -> tuple[PackageChange, ...]:
    r"""The packages that two ``pip freeze`` texts pin differently; lines that pin nothing are compared as they are.

    >>> [c.name for c in packages("numpy==2.1\nPyYAML==6.0", "numpy==2.2\npyyaml==6.0\n-e ./lib")]
    ['-e ./lib', 'numpy']
    """
    a, b = pins(before), pins(after)
    return tuple(PackageChange(name, a.get(name), b.get(name)) for name in sorted(a | b) if a.get(name) != b.get(name))


def _changes(a: dict[str, str], b: dict[str, str]) -> tuple[KeyChange, ...]:
    return tuple(KeyChange(key, a.get(key), b.get(key)) for key in sorted(a | b) if a.get(key) != b.get(key))


def pins(text: str) -> dict[str, str]:
    r"""Version by package of a ``pip freeze`` or requirements text; a line that pins nothing stands for itself.

    >>> pins("PyYAML==6.0  # why\n-e ./lib")
    {'pyyaml': '6.0', '-e ./lib': '-e ./lib'}
    """
    found = {}
    for raw in text.splitlines():
        line = raw.split(" #")[0].strip()
        if not line or line.startswith(("#", "--hash")):
            continue
        match = _PINNED.fullmatch(line.rstrip(" \\"))
        name, pin = (package_name(match[1]), match[2].strip()) if match else (line, line)
        found[name] = pin
    return found


def package_name(name: str) -> str:
    """A package's name as the packaging rules compare it: case and ``-``, ``_``, ``.`` make no difference.

    >>> package_name("Scikit_Learn")
    'scikit-learn'
    """
    return re.sub(r"[-_.]+", "-", name).lower()
