"""A burst of keys that begins with a prompt belongs to the prompt, whole."""

from pathlib import Path

from textual import events

from tests.tui.kit import app_on, seed, settle


async def test_a_command_typed_in_one_burst_does_not_act_on_the_list(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    seed(path, 20)
    app = app_on(path, locked=False)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("2")
        await settle(pilot)
        for key in ("colon", "a", "f", "q", "enter"):  # acknowledge, feedback, back: were it not for the prompt
            app.post_message(events.Key(key, ":" if key == "colon" else key if len(key) == 1 else "\r"))
        await settle(pilot)
        assert app.pane is not None
        assert app.pane.pane_id == "alerts"
        assert app.db.execute("SELECT count(*) FROM thing WHERE seen = 1").fetchone()[0] == 0
