"""A production model is promoted on a real terminal by typing the version."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.tui.calls import Call
from tests.tui.test_gate_command import set_up


@pytest.mark.parametrize(("typed", "code"), [("v2", 0), ("v1", 5), ("", 5)])
@pytest.mark.integration
def test_a_production_model_is_promoted_by_typing_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, code: int
) -> None:
    monkeypatch.setenv("MIDWATCH_STORE", str(tmp_path / "s.db"))
    set_up(tmp_path, "production = true")
    capsys.readouterr()
    call = Call(capsys)
    mine, theirs = pty.openpty()
    os.write(mine, b"v2\n")  # typed ahead
    words = [sys.executable, "-m", "tui", "promote", "churn", "v2"]
    process = subprocess.Popen(words, stdin=theirs, stderr=subprocess.PIPE)
    timer = threading.Timer(30, process.kill)
    timer.start()
    assert process.stderr is not None
    said = b""
    while b"type v2 to promote" not in said:
        chunk = os.read(process.stderr.fileno(), 4096)
        assert chunk, said.decode()
        said += chunk
    os.write(mine, typed.encode() + b"\n")
    with process:
        process.communicate()
    timer.cancel()
    os.close(mine)
    os.close(theirs)
    assert process.returncode == code
    assert len(call("gate")["candidates"]) == (1 if code == 0 else 0)
