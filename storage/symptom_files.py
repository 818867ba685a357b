"""Files of the symptom library: those that come with midwatch, and those of a team."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from storage.errors import ModelFileError, SourceError

DIRECTORY = "symptoms"
"""Its name beside a store or a model file."""

LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class SymptomText:
    """One file, read: where it is and what it holds."""

    path: str
    body: dict[str, Any]


def bundled(package: str) -> list[SymptomText]:
    """The files that come with midwatch, by name: the data of a package."""
    files = sorted((f for f in resources.files(package).iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return [_parsed(f.name, f.read_text(encoding="utf-8")) for f in files]


def found_in(directory: Path) -> list[SymptomText]:
    """The ``*.toml`` files of a directory, by name; none where there is no such directory.

    Raises:
        SourceError: a file can't be read.
        ModelFileError: a file is no TOML.
    """
    if not directory.is_dir():
        return []
    return [_parsed(str(path), _text(path)) for path in sorted(directory.glob("*.toml"))]


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise SourceError(f"{path} is larger than {LARGEST} bytes", "a library file is small: split it")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} can't be read: {error}", "see to its permissions and encoding (UTF-8)") from error


def _parsed(path: str, text: str) -> SymptomText:
    try:
        return SymptomText(path, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ModelFileError(f"{path} is no TOML: {error}", "see docs/why.md for an example") from error
