"""A store of one table, a demonstration pane on it, and services with a clock that stands still."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import RenderableType
from textual import events
from textual.pilot import Pilot

from storage.host import Actor
from tui.app import MidwatchApp
from tui.panes import PaneSpec
from tui.present.columns import Column
from tui.present.lines import HeaderState
from tui.screens.dialogs import Choice
from tui.screens.sheet import Sheet
from tui.services import Services
from tui.widgets.pane import ListPane
from tui.widgets.rows import ListSource, Row, RowSource, View

THREE = datetime(2026, 11, 23, 3, 1, tzinfo=UTC)
HOSTILE = "[/boom] [@click=app.exit]x[/] \x1b[31mred\x07 日本語 e\u0301"

_ORDERS = {"": "id", "name": "name, id", "size": "size, id"}


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.at = THREE

    def __call__(self) -> datetime:
        return self.at

    def turn(self, **span: float) -> None:
        self.at += timedelta(**span)


def seed(path: Path, rows: int) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT, size INTEGER, seen INTEGER DEFAULT 0)")
    db.execute("CREATE TABLE done (what TEXT)")
    db.execute("CREATE INDEX thing_by_size ON thing (size, id)")
    db.executemany(
        "INSERT INTO thing (id, name, size) VALUES (?, ?, ?)",
        ((n, HOSTILE if n == 3 else f"thing {n:06d}", n * 7919 % 1000) for n in range(1, rows + 1)),
    )
    db.commit()
    db.close()


def write(path: Path, sql: str, *values: object) -> None:
    """What another process would do."""
    db = sqlite3.connect(path)
    db.execute(sql, values)
    db.commit()
    db.close()


class ThingRows:
    """The virtual source; remembers its queries."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path)
        self.asked: list[str] = []

    def _run(self, what: str, sql: str, *values: object) -> list[tuple[object, ...]]:
        self.asked.append(what)
        return self.db.execute(sql, values).fetchall()

    @staticmethod
    def _like(view: View) -> str:
        return f"%{view.filter}%"

    def count(self, view: View) -> int:
        if not view.filter:
            return int(str(self._run("count", "SELECT count(*) FROM thing")[0][0]))
        return int(str(self._run("count", "SELECT count(*) FROM thing WHERE name LIKE ?", self._like(view))[0][0]))

    def window(self, view: View, offset: int, limit: int) -> Sequence[Row]:
        order = ", ".join(f"{c} DESC" if view.descending else c for c in _ORDERS[view.sort].split(", "))
        sql = f"SELECT id, name, size FROM thing WHERE name LIKE ? ORDER BY {order} LIMIT ? OFFSET ?"
        found = self._run("window", sql, self._like(view), limit, offset)
        return [Row(str(r[0]), (str(r[1]), str(r[2]))) for r in found]

    def place(self, view: View, key: str) -> int | None:
        order = ", ".join(f"{c} DESC" if view.descending else c for c in _ORDERS[view.sort].split(", "))
        sql = (
            f"SELECT place FROM (SELECT id, row_number() OVER (ORDER BY {order}) - 1 AS place FROM thing "
            "WHERE name LIKE ?) WHERE id = ?"
        )
        found = self._run("place", sql, self._like(view), int(key))
        return int(str(found[0][0])) if found else None


class ThingPane(ListPane):
    """Stands where the alerts pane stands."""

    columns = (
        Column("name", "NAME", 12, grow=1),
        Column("size", "SIZE", 5, rank=1, right=True, descending=True),
    )

    def source(self) -> RowSource:
        self.rows = ThingRows(self.path)
        return self.rows

    @property
    def path(self) -> Path:
        return Path(self.shell.header_state().store or PATHS[-1])

    def details(self, key: str) -> tuple[str, RenderableType]:
        name, size, seen = self.db.execute("SELECT name, size, seen FROM thing WHERE id = ?", (key,)).fetchone()
        return f"thing {key}", f"{name}\nsize {size}\nseen {seen}"

    def do_acknowledge(self) -> None:
        keys = self.table.chosen()

        def work(db: sqlite3.Connection) -> int:
            db.executemany("UPDATE thing SET seen = 1 WHERE id = ?", [(key,) for key in keys])
            db.commit()
            return len(keys)

        self.record("acknowledge", work, lambda n: self.shell.say(f"{n} acknowledged"))

    def do_feedback(self) -> None:
        options = [("a", "acted", "acted on it"), ("n", "noise", "noise")]
        self.shell.open_sheet(Choice("Feedback?", options), lambda value: self.shell.say(f"feedback {value}"))

    def do_rollback(self) -> None:
        self.shell.open_sheet(RollSheet(), lambda done: self.shell.say(f"sheet {done}"))


class RollSheet(Sheet):
    """Writes one row when executed."""

    def __init__(self) -> None:
        super().__init__("Rollback thing", "v42 -> v41", required="v41", command="midwatch rollback thing --to v41")

    def execute(self) -> None:
        write(Path(self.shell.header_state().store), "INSERT INTO done VALUES ('rolled back')")
        self.dismiss(True)


class ShortPane(ListPane):
    """A short list from memory."""

    columns = (Column("model", "MODEL", 8, grow=1), Column("live", "LIVE", 4))

    def source(self) -> RowSource:
        return ListSource(("model", "live"), lambda: [Row("churn", ("churn", "v42")), Row("eta", ("eta", "v9"))])

    def details(self, key: str) -> tuple[str, RenderableType]:
        return key, self.shell.stamp(THREE)


PATHS: list[str] = []
SPECS = (
    PaneSpec("home", "Home", "tests.tui.kit:ShortPane"),
    PaneSpec("alerts", "Alerts", "tests.tui.kit:ThingPane"),
)


def services(path: Path, clock: Clock | None = None) -> Services:
    PATHS.append(str(path))

    def reader() -> sqlite3.Connection:
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def header(db: sqlite3.Connection) -> HeaderState:
        pages = int(db.execute("SELECT count(*) FROM thing WHERE id <= 2 AND seen = 0").fetchone()[0])
        return HeaderState("prod-3", str(path), on_watch="ada", pages=pages, tickets=1)

    return Services(
        connect=lambda: sqlite3.connect(path),
        reader=reader,
        now=clock or Clock(),
        actor=lambda: Actor("ada", "prod-3"),
        header=header,
        models=lambda db: ("churn", "eta"),
        dump=path.parent / "dump",
    )


def app_on(path: Path, clock: Clock | None = None, *, read_only: str = "", locked: bool = True) -> MidwatchApp:
    return MidwatchApp(services(path, clock), read_only=read_only, locked=locked, specs=SPECS)


def screen_text(app: MidwatchApp) -> str:
    """What a person would read."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


async def settle(pilot: Pilot[None]) -> None:
    """Wait for workers and for what they started."""
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    await pilot.pause()


async def answer(pilot: Pilot[None], *, wrong: bool = False) -> None:
    """The terminal answers the sheet's question."""
    await pilot.pause()
    sheet = pilot.app.screen
    assert isinstance(sheet, Sheet)
    assert sheet.asked is not None
    row, column = sheet.asked
    pilot.app.post_message(events.CursorPosition(column - 1 + wrong, row - 1))
    await pilot.pause()
