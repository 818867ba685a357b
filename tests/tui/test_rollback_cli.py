import json
import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import CHURN
from tui.cli.main import run

ROLLBACK = '[rollback]\nactuator = "pointer_file"\npath = "CURRENT"\nsettle = "0s"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """Two versions; v2 is in force."""
    monkeypatch.setenv("MIDWATCH_STORE", str(tmp_path / "s.db"))
    (tmp_path / "churn.toml").write_text(CHURN + ROLLBACK)
    (tmp_path / "CURRENT").write_text("v2\n")
    assert run(["init", str(tmp_path / "churn.toml")]) == 0
    for version, at in (("v1", "2026-01-01"), ("v2", "2026-02-01")):
        for part, body in (("m", version), ("d", "rows"), ("c", f'{{"rate": "{version}"}}'), ("e", "numpy==2.1")):
            (tmp_path / f"{version}.{part}").write_text(body)
        paths = {"artifact": "m", "data": "d", "config": "c", "environment": "e"}
        given = [x for name, end in paths.items() for x in (f"--{name}", str(tmp_path / f"{version}.{end}"))]
        call = ["versions", "add", "churn", version, *given, "--code", "a" * 40]
        assert run([*call, *(["--seed", "7"] if version == "v2" else [])]) == 0
        assert run(["deploy", "churn", version, "--stage", "full", "--at", at]) == 0
    capsys.readouterr()
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str]) -> object:
    return json.loads(capsys.readouterr().out)


def test_versions_live_and_diff(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["versions", "churn", "--json"]) == 0
    listed = answer(capsys)
    assert isinstance(listed, list)
    assert {v["version"]: v["missing"] for v in listed} == {"v1": ["seed"], "v2": []}
    assert run(["versions", "churn"]) == 0
    assert "missing: seed" in capsys.readouterr().out
    assert run(["live", "churn", "--at", "2026-01-31T23:59Z", "--json"]) == 0
    assert "v1" in capsys.readouterr().out
    assert run(["diff", "churn", "v1", "v2"]) == 0
    assert "rate" in capsys.readouterr().out
    (folder / "v1.m").write_text("other")
    assert run(["versions", "add", "churn", "v1", "--artifact", str(folder / "v1.m")]) == 5
    assert "a version never changes" in capsys.readouterr().err


def test_a_dry_run_shows_everything_and_does_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "s.db").read_bytes()
    assert run(["rollback", "churn", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert f"writes 'v1\\n' into {folder}/CURRENT (now v2)" in said
    assert "incomplete: missing seed" in said
    assert run(["rollback", "churn", "--to", "v9", "--dry-run", "--json"]) == 1
    assert "CURRENT" in capsys.readouterr().out
    assert (folder / "s.db").read_bytes() == before
    assert (folder / "CURRENT").read_text() == "v2\n"


def test_rollback_and_undo(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rollback", "churn", "--yes"]) == 2
    assert run(["rollback", "churn", "--reason", "bad"]) == 5
    assert "nobody is there to confirm it" in capsys.readouterr().err
    call = ["rollback", "churn", "--reason", "bad", "--yes", "--key", "k1", "--json"]
    for repeated in (False, True):
        assert run(call) == 0
        said = answer(capsys)
        assert isinstance(said, dict)
        assert (said["state"], said["to_version"], said["repeated"]) == ("verified", "v1", repeated)
    assert (folder / "CURRENT").read_text() == "v1\n"
    assert run(["live", "churn", "--json"]) == 0
    assert '"source": "rollback"' in capsys.readouterr().out
    assert run(["undo", "churn", "--yes"]) == 0
    assert (folder / "CURRENT").read_text() == "v2\n"
    assert run(["undo", "churn", "--yes"]) == 5
    assert run(["audit", "verify"]) == 0


def test_red_needs_an_override(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "v1.m").unlink()
    call = ["rollback", "churn", "--reason", "bad", "--yes"]
    assert run(call) == 5
    assert "preflight is red" in capsys.readouterr().err
    assert run([*call, "--override", "served from cache"]) == 0
    assert run([*call, "--incident", "INC-404"]) == 2


def test_an_actuator_that_fails_is_exit_code_4(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = f'actuator = "command"\nexecute = ["{sys.executable}", "-c", "raise SystemExit(3)", "{{version}}"]\n'
    verify = f'verify = ["{sys.executable}", "-c", "print(\'v2\')"]\nsettle = "0s"\n'
    (folder / "churn.toml").write_text(f"{CHURN}[rollback]\n{argv}{verify}")
    assert run(["init", str(folder / "churn.toml")]) == 0
    assert run(["rollback", "churn", "--reason", "bad", "--yes", "--json"]) == 4
    said = answer(capsys)
    assert isinstance(said, dict)
    assert said["state"] == "failed"
    assert "exit code 3" in said["message"]


@pytest.mark.parametrize(("typed", "code", "pointer"), [("v1", 0, "v1\n"), ("v3", 5, "v2\n"), ("", 5, "v2\n")])
def test_a_person_types_the_version(folder: Path, typed: str, code: int, pointer: str) -> None:
    """On a terminal; what is typed before the question stands there is thrown away."""
    mine, theirs = pty.openpty()
    os.write(mine, b"v1\n")  # typed ahead
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "rollback", "churn", "--reason", "bad"], stdin=theirs, stderr=subprocess.PIPE
    )
    timer = threading.Timer(30, process.kill)
    timer.start()
    assert process.stderr is not None
    said = b""
    while b"type v1 to execute" not in said:
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
    assert (folder / "CURRENT").read_text() == pointer
