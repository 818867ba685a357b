"""The screen on a real pty: type-ahead executes nothing, and every end leaves a clean terminal."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.fake_terminal import FakeTerminal
from tests.tui.kit import seed, write

pytestmark = pytest.mark.integration
PROGRAM = ["-m", "tests.integration.screen_program"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    seed(tmp_path / "s.db", 300)
    return tmp_path / "s.db"


def done(store: Path) -> int:
    db = sqlite3.connect(store)
    try:
        return int(db.execute("SELECT count(*) FROM done").fetchone()[0])
    finally:
        db.close()


def started(store: Path, **options: object) -> FakeTerminal:
    terminal = FakeTerminal([*PROGRAM, str(store)], **options)  # type: ignore[arg-type]
    assert terminal.until_text("thing 000002"), terminal.text
    return terminal


@pytest.mark.parametrize("delay", [0.15, 0.4])
def test_keys_typed_ahead_execute_nothing(store: Path, delay: float) -> None:
    with started(store, delay=delay) as terminal:
        for key in ("R", "\r", "y", "v", "4", "1", "\r"):
            terminal.type(key)
            terminal.pump(0.017)
        # A key that looks like a report of the cursor in row 1 arms nothing either.
        terminal.type("\x1b[1;2R")
        terminal.type("v41\r")
        assert terminal.until_text("armed: type, then enter"), terminal.text
        assert "v42 -> v41" in terminal.at_question
        assert "type v41 to confirm" in terminal.at_question
        assert "confirm > _" in terminal.text
        assert done(store) == 0
        terminal.type("\x1b[200~v41\r\x1b[201~")
        assert terminal.until_text("pasted text is ignored")
        assert done(store) == 0
        terminal.type("v41\r")
        assert terminal.until_text("sheet True"), terminal.text
        assert done(store) == 1


def test_the_question_follows_the_paint(store: Path) -> None:
    with started(store, delay=None) as terminal:
        terminal.type("R")
        assert terminal.until_text("type v41 to confirm"), terminal.text
        terminal.type("v41\r")
        assert terminal.until_text("the terminal does not answer"), terminal.text
        assert "midwatch rollback thing --to v41" in terminal.text
        terminal.type("v41\r\x1b")
        assert terminal.until_text("? help"), terminal.text
        assert done(store) == 0


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGQUIT, 131)],
)
def test_a_signal_leaves_a_clean_terminal(store: Path, number: signal.Signals, code: int) -> None:
    with started(store) as terminal:
        assert {"1049", "1000", "2004"} <= terminal.modes
        assert terminal.clean
        terminal.signal(number)
        assert terminal.ended() == code
        assert terminal.clean == []


def test_a_signal_during_a_start_leaves_a_clean_terminal(store: Path) -> None:
    with FakeTerminal([*PROGRAM, str(store)]) as terminal:
        assert terminal.until(lambda: "1049" in terminal.modes)
        terminal.signal(signal.SIGTERM)
        assert terminal.ended() == 143
        assert terminal.clean == []


def test_a_bug_in_a_handler_leaves_a_clean_terminal(store: Path) -> None:
    with started(store) as terminal:
        terminal.type("f")
        assert terminal.ended() == 1
        assert terminal.clean == []
        assert "a bug in a handler" in terminal.text


def test_a_hanging_handler_is_ended_by_term(store: Path) -> None:
    with started(store) as terminal:
        terminal.type("x")
        terminal.pump(0.3)
        terminal.signal(signal.SIGTERM)
        assert terminal.ended() == 143
        assert terminal.clean == []


def test_quitting_leaves_a_clean_terminal_and_ctrl_c_does_not_quit(store: Path) -> None:
    with started(store) as terminal:
        terminal.type("\x03")
        assert terminal.until_text(":q quits from anywhere")
        terminal.type("q")
        assert terminal.ended() == 0
        assert terminal.clean == []


def test_a_terminal_that_goes_away_ends_the_program(store: Path) -> None:
    with started(store) as terminal:
        os.close(terminal.slave)
        os.close(terminal.master)
        try:
            terminal.process.wait(15)
        finally:
            terminal.master, terminal.slave = os.open("/dev/null", os.O_RDWR), os.open("/dev/null", os.O_RDWR)
        assert terminal.process.returncode in (0, 129)


def test_an_idle_screen_sends_nothing_and_shows_another_processs_write(store: Path) -> None:
    with started(store) as terminal:
        terminal.pump(0.5)
        before, used = terminal.received, _cpu(terminal)
        terminal.pump(3.0)
        assert terminal.received == before
        assert _cpu(terminal) - used <= 0.05
        write(store, "INSERT INTO thing (id, name, size) VALUES (0, 'from elsewhere', 1)")
        assert terminal.until_text("from elsewhere", 3.0), terminal.text


def _cpu(terminal: FakeTerminal) -> float:
    fields = Path(f"/proc/{terminal.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_keys_typed_during_the_start_are_kept(store: Path) -> None:
    with FakeTerminal([*PROGRAM, str(store)]) as terminal:
        terminal.type("jj")
        assert terminal.until_text("> [/boom]"), terminal.text


def test_a_lone_escape_is_a_key(store: Path) -> None:
    with started(store) as terminal:
        terminal.type("?")
        assert terminal.until_text("Keys in Alerts")
        begun = time.monotonic()
        terminal.type("\x1b")
        assert terminal.until(lambda: "Keys in Alerts" not in terminal.text)
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_dumb_terminal_is_refused_in_one_sentence(store: Path, term: str) -> None:
    with FakeTerminal([*PROGRAM, str(store)], term=term) as terminal:
        assert terminal.ended() == 2
        assert "can draw no screen: use the commands" in " ".join(terminal.text.split())
        assert not terminal.modes


def test_a_copy_reaches_the_terminals_clipboard(store: Path) -> None:
    with started(store) as terminal:
        terminal.type("jy")
        assert terminal.until(lambda: bool(terminal.copied)), terminal.text
        assert terminal.copied == "thing 2\nthing 000002\nsize 838\nseen 0"


def test_reset_tty_gives_back_a_terminal_after_kill(store: Path) -> None:
    with started(store) as terminal:
        terminal.signal(signal.SIGKILL)
        terminal.ended()
        assert terminal.clean
        mender = subprocess.run(
            [sys.executable, "-m", "tui", "reset-tty"],
            stdin=terminal.slave,
            stdout=terminal.slave,
            stderr=terminal.slave,
            timeout=30,
            check=True,
        )
        assert mender.returncode == 0
        terminal.pump(0.3)
        assert terminal.clean == []


def test_a_stalled_line_does_not_keep_the_program(store: Path) -> None:
    with started(store) as terminal:
        for _ in range(200):
            terminal.type("Gg")
            time.sleep(0.005)  # the terminal reads nothing: its buffer and the program's queue fill
        terminal.signal(signal.SIGTERM)
        assert terminal.process.wait(15) in (143, 0)
