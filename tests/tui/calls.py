"""Runs commands on one store and reads what they say."""

import json
from typing import Any

import pytest

from tui.cli.main import run


class Call:
    """One store, any number of calls."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.err = ""

    def __call__(self, *words: str, code: int = 0) -> Any:
        assert run([*words, "--json"]) == code
        said = self.capsys.readouterr()
        self.err = said.err
        return json.loads(said.out) if said.out else None

    def text(self, *words: str) -> str:
        assert run(list(words)) == 0
        return self.capsys.readouterr().out
