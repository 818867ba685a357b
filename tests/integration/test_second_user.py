"""Another user, on a store in a shared folder: reads beside a writer and after a dead one, is told why not to write."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.fake_terminal import FakeTerminal
from tests.rows import write_log, write_model
from tui.cli.main import run

SETPRIV = shutil.which("setpriv")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0 or SETPRIV is None, reason="needs root and setpriv to become somebody else"),
]
STRANGER = [str(SETPRIV), "--reuid", "65534", "--regid", "65534", "--clear-groups"]
ROOT = Path(__file__).parents[2]
WRITES = [
    ["init", "MODEL"],
    ["ingest", "churn", "LOG"],
    ["labels", "churn", "LOG"],
    ["alerts", "ack", "1"],
    ["alerts", "snooze", "1", "--until", "8h"],
    ["alerts", "feedback", "1", "noise"],
    ["alerts", "silence", "--until", "8h", "--reason", "x"],
    ["incidents", "open", "x"],
    ["changes", "add", "--layer", "data", "--kind", "k", "--subject", "s"],
    ["versions", "add", "churn", "v1"],
    ["deploy", "churn", "v1", "--stage", "full"],
    ["rollback", "churn", "--reason", "x", "--yes"],
    ["undo", "churn"],
]
# A writer in the middle of a transaction that has spilled to the file: its journal is hot once it is killed.
WRITER = """
import sys, time
from pathlib import Path
from storage import db as store
db = store.connect(Path(sys.argv[1]))
INSERT = (
    "INSERT INTO changes(layer, kind, subject, at, source, source_ref, recorded_at) "
    "VALUES ('data', 'k', ?, '2026-11-23T01:00:00.000000Z', 'x', ?, '2026-11-23T01:00:00.000000Z')"
)
db.execute("PRAGMA cache_size=2")
db.execute("BEGIN IMMEDIATE")
for n in range(400):
    db.execute(INSERT, ("y" * 3000, str(n)))
print("in the middle", flush=True)
time.sleep(float(sys.argv[2]))
db.execute("COMMIT")
"""


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store of root's in a folder that everyone may enter and read."""
    folder = Path("/var/tmp") / f"midwatch-shared-{os.getpid()}"
    folder.mkdir(mode=0o755)
    path = folder / "s.db"
    assert run(["init", str(write_model(folder)), "--store", str(path)]) == 0
    write_log(folder, 9, rows=50)
    for number in range(3):
        log = write_log(folder, number, rows=80, spend=40 if number < 2 else 400)
        assert run(["ingest", "churn", str(log), "--store", str(path)]) in (0, 1)
    for file in folder.iterdir():
        file.chmod(0o644)
    yield path
    shutil.rmtree(folder)


def as_stranger(*call: str, store: Path) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1", "TERM": "xterm"}
    return subprocess.run(
        [*STRANGER, sys.executable, "-m", "tui", *call, "--store", str(store)],
        capture_output=True, text=True, cwd=ROOT, env=env, timeout=60,
    )  # fmt: skip


@contextmanager
def writer(path: Path, seconds: float) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(seconds)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        try:
            yield process
        finally:
            process.kill()


def one_sentence(done: subprocess.CompletedProcess[str]) -> None:
    assert "Traceback" not in done.stderr, done.stderr
    assert 0 < len(done.stderr.splitlines()) <= 3, done.stderr


def test_reads_and_is_refused_every_write(shared: Path) -> None:
    before = shared.read_bytes()
    for call in (["models"], ["alerts"], ["doctor"], ["incidents"], ["live", "churn"], ["handover", "show"]):
        done = as_stranger(*call, store=shared)
        assert done.returncode == 0, (call, done.stderr)
        assert "Traceback" not in done.stderr
    names = {"MODEL": str(shared.parent / "churn.toml"), "LOG": str(shared.parent / "batch_0009.csv")}
    for call in WRITES:
        done = as_stranger(*[names.get(word, word) for word in call], store=shared)
        assert done.returncode == 5, (call, done.stderr)
        assert f"you may not write to {shared}" in done.stderr
        assert done.stdout == ""
        one_sentence(done)
    assert shared.read_bytes() == before


def test_beside_a_writer_that_takes_its_time(shared: Path) -> None:
    with writer(shared, 1.5):  # holds the lock on the whole file, since its cache has spilled
        done = as_stranger("models", store=shared)
        assert (done.returncode, done.stdout.split()[6]) == (0, "churn"), done.stderr
        done = as_stranger("alerts", "--json", store=shared)
        assert done.returncode == 0, done.stderr


def test_after_a_writer_was_killed(shared: Path) -> None:
    with writer(shared, 60) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert shared.with_name("s.db-journal").exists()
    for call in (["models"], ["alerts"], ["doctor"], ["--json"]):
        done = as_stranger(*call, store=shared)
        assert done.returncode == 3, (call, done.stderr)
        assert "an unfinished transaction of a process that was killed" in done.stderr
        assert "its owner mends it by opening midwatch once" in done.stderr
        one_sentence(done)
    assert run(["models", "--store", str(shared)]) == 0  # the owner, by reading alone
    done = as_stranger("models", store=shared)
    assert done.returncode == 0, done.stderr
    assert run(["audit", "verify", "--store", str(shared)]) == 0


def test_a_store_it_may_not_even_read(shared: Path) -> None:
    shared.chmod(0o600)
    done = as_stranger("models", store=shared)
    assert (done.returncode, "you may not read the store" in done.stderr) == (3, True), done.stderr
    shared.chmod(0o644)
    shared.parent.chmod(0o700)
    done = as_stranger("models", store=shared)
    assert (done.returncode, "can't be reached: Permission denied" in done.stderr) == (3, True), done.stderr
    done = as_stranger("init", str(ROOT / "none.toml"), store=shared)
    assert done.returncode == 2
    one_sentence(done)


def test_a_log_it_may_not_read(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    log = shared.parent / "batch_0009.csv"
    log.chmod(0o600)
    done = as_stranger("check", str(log), "--like", str(log), store=shared)
    assert done.returncode == 2  # check knows no store
    done = subprocess.run(
        [*STRANGER, sys.executable, "-m", "tui", "check", str(log), "--like", str(log)],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (4, "")
    assert "Permission denied" in done.stderr
    one_sentence(done)


def test_the_screen_opens_read_only_and_says_why(shared: Path) -> None:
    from tui.actions import ACTIONS

    with FakeTerminal(["-m", "tui", "--store", str(shared)], prefix=STRANGER) as terminal:
        assert terminal.until_text("churn")
        assert terminal.until_text(" RO ")
        for pane in ("1", "2", "3", "7", "8", "9"):
            terminal.type(pane)
            terminal.pump(0.6)
            for key in [a.keys[0] for a in ACTIONS if a.mutating] + ["W"]:
                terminal.type("\x1b")
                terminal.pump(0.15)
                terminal.type(key)
                terminal.pump(0.15)
                assert "Traceback" not in terminal.text
            assert "you may not write to" in terminal.text, (pane, terminal.text)
        with writer(shared, 60) as process:
            process.send_signal(signal.SIGKILL)
            process.wait()
        terminal.type("4")
        assert terminal.until_text("of a process that was killed", 8), terminal.text
        assert run(["models", "--store", str(shared)]) == 0
        terminal.type("1")
        assert terminal.until_text("churn")
        terminal.type(":q\r")
        assert terminal.ended() == 0
        assert terminal.clean == []
