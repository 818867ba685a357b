"""No socket is opened unless an actuator or a source says so."""

import socket
from pathlib import Path

import pytest

from tests.rows import write_log, write_model
from tui.cli.main import run

ASKED = [["models"], ["alerts"], ["incidents"], ["changes"], ["doctor"], ["live", "churn"], ["versions", "churn"],
         ["handover"], ["audit", "verify"], ["--json"]]  # fmt: skip


def test_the_ordinary_day_opens_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError(f"a socket was opened: {arguments}")

    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("MIDWATCH_STORE", str(tmp_path / "s.db"))
    first, second = str(write_log(tmp_path, 0, rows=60)), str(write_log(tmp_path, 1, rows=60, spend=400))
    assert run(["init", str(write_model(tmp_path))]) == 0
    assert run(["ingest", "churn", first, "--role", "reference"]) == 0
    assert run(["ingest", "churn", second]) == 1
    assert run(["check", second, "--like", first]) == 1
    for call in ASKED:
        assert run(call) in (0, 1), call
