"""Two screens and an unattended ingest on one store at once: no error, nothing lost, both screens current."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storage import db as store
from storage.clock import utc_now
from storage.tables import alerts, audit, batches, models
from tests.integration.fake_terminal import FakeTerminal
from tests.rows import write_log, write_model
from tui.cli.main import run

SECONDS = float(os.environ.get("MIDWATCH_SECONDS", "20"))
ERRORS = ("Traceback", "busy", "refused", "database", "disk I/O", "unfinished")
pytestmark = pytest.mark.integration


def test_two_screens_and_an_ingest(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    assert run(["init", str(write_model(tmp_path)), "--store", str(path)]) == 0
    assert run(["ingest", "churn", str(write_log(tmp_path, 0)), "--role", "reference", "--store", str(path)]) == 0
    screen = ["-m", "tui", "--store", str(path)]
    errors, told = set(), 0
    with FakeTerminal(screen) as one, FakeTerminal(screen, columns=120, lines=40) as two:
        assert one.until_text("churn")
        assert two.until_text("churn")
        end, number, files = time.monotonic() + SECONDS, 0, []
        while time.monotonic() < end:
            fresh = [write_log(tmp_path, number := number + 1, rows=80, spend=40 + 300 * (number % 3 == 0))]
            files += fresh
            command = [sys.executable, "-m", "tui", "ingest", "churn", *map(str, fresh), "--store", str(path)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
                while process.poll() is None:
                    for terminal, keys in ((one, "2ja1"), (two, "4jk2ja")):  # both read, and acknowledge at once
                        terminal.type(keys[told % len(keys)])
                        terminal.pump(0.05)
                        errors |= {word for word in ERRORS if word in terminal.text}
                    told += 1
                out, err = process.communicate()
            assert process.returncode in (0, 1), err
            assert out.startswith(f"batch {number + 1}:"), out
            assert not errors, (one.text, two.text)
        for terminal in (one, two):  # what was answered already is asked about, over the pane
            terminal.type("\x1b")
            terminal.pump(0.5)
        one.type("1")
        two.type("2")
        one.pump(1.5)
        two.pump(1.5)
        # From here on no key: what another process writes appears by itself.
        last = write_log(tmp_path, number + 1, rows=777, spend=900)
        assert run(["ingest", "churn", str(last), "--store", str(path)]) == 1
        db = store.connect(path)
        model = models.get(db, "churn")
        stored = batches.page(db, model_id=model.id, limit=10_000)
        firing = alerts.firing(db, utc_now(), model.id)
        assert [b.path for b in stored if b.role == "serving"] == [str(last), *map(str, reversed(files))]
        assert audit.verify(db).broken_at is None
        db.close()
        said = f"last batch {len(files) + 2} "
        assert one.until_text(said, 5), one.text
        for tier, word in (("page", "PAGE"), ("ticket", "TKT")):
            if tier in firing:
                assert one.until_text(f"{firing[tier]} {word}", 5), one.text
                assert two.until_text(f"{firing[tier]} {word}", 5), two.text
        assert two.until_text("777 rows", 5), two.text
        for terminal in (one, two):
            assert not [word for word in ERRORS if word in terminal.text], terminal.text
            terminal.type(":q\r")
            assert terminal.ended() == 0
            assert terminal.clean == []
    sys.stdout.write(f"{len(files) + 1} files, {told} keys on each screen\n")
