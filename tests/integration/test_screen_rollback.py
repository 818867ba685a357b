"""The rollback sheet on a real pty: keys typed ahead over a slow line move nothing; typing on purpose does."""

from pathlib import Path

import pytest

from storage import process
from storage.clock import utc_now
from storage.tables import rollbacks
from tests.integration.fake_terminal import FakeTerminal
from tests.tui.rollback_kit import desk_at

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("delay", [0.15, 0.4])
@pytest.mark.parametrize("labelled", [False, True])
def test_type_ahead_leaves_the_pointer_and_typing_moves_it(tmp_path: Path, delay: float, labelled: bool) -> None:
    desk = desk_at(tmp_path, labelled=labelled, now=utc_now())
    program = ["-m", "tui", "--store", str(tmp_path / "midwatch.db")]
    with FakeTerminal(program, delay=delay) as terminal:
        assert terminal.until_text("churn"), terminal.text
        assert terminal.until_text("R roll back"), terminal.text
        for key in ("R", "\r", *"v12", "\r"):
            terminal.type(key)
            terminal.pump(0.02)
        armed = "armed: enter executes" if labelled else "armed: type, then enter"
        assert terminal.until_text(armed), terminal.text
        assert "v13 -> v12" in terminal.at_question
        terminal.pump(0.3)
        assert desk.pointer.read_text() == "v13\n"
        assert rollbacks.of_model(desk.db, desk.model.id) == []
        if not labelled:
            assert "confirm > _" in terminal.text
            terminal.type("v12")
        terminal.type("\r")
        assert terminal.until_text("Rolled back: churn is v12"), terminal.text
        assert desk.pointer.read_text() == "v12\n"
        terminal.type("\r\r")
        terminal.type("\x1b")
        assert terminal.until_text("R roll back"), terminal.text
        terminal.type("u")
        assert terminal.until_text("armed: enter executes"), terminal.text
        terminal.type("\r")
        assert terminal.until_text("Undone: churn is v13"), terminal.text
        assert desk.pointer.read_text() == "v13\n"
        assert [r.state for r in rollbacks.of_model(desk.db, desk.model.id)] == ["verified", "undone"]


def test_a_rollback_left_open_is_ended_after_the_first_paint(tmp_path: Path) -> None:
    desk = desk_at(tmp_path, now=utc_now())
    plan = desk.plan()
    left = rollbacks.add(desk.db, plan, reason="bad", confirmed="v12", key="k", by="ada", now=utc_now())
    mark = {"process": {**process.mark(), "started": "1"}}  # a process that has ended
    for state in ("planned", "started"):
        rollbacks.append_state(desk.db, left, state, after=None, detail=mark, by="ada", now=utc_now())  # type: ignore[arg-type]
    desk.pointer.write_text("v12\n")
    with FakeTerminal(["-m", "tui", "--store", str(tmp_path / "midwatch.db")]) as terminal:
        assert terminal.until_text("was left open and is now verified"), terminal.text
        assert rollbacks.get(desk.db, left).state == "verified"
