"""Pane 8: everything that was altered, newest first."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from rich.console import RenderableType
from rich.text import Text

from core.changes import deployed as deployed_changes
from storage.errors import UsageError
from storage.records.changes import LAYERS, Change, ChangeFilter, ChangeSort
from storage.tables import changes, models
from tui.change_filter import wanted
from tui.present import changes as present
from tui.present.columns import Column
from tui.present.text import counted
from tui.screens.dialogs import Choice
from tui.widgets.pane import ListPane
from tui.widgets.rows import Row, RowSource, View

KIND = "by hand"
_LAYER_KEYS = ("r", "p", "c", "i", "d", "e")
_MOST_OFFERED = 9


class ChangeRows:
    """The feed straight from the store, a window at a time."""

    def __init__(self, pane: ChangesPane) -> None:
        self.pane = pane

    def where(self, view: View) -> ChangeFilter:
        """The view's filter and the model everything is narrowed to."""
        name = self.pane.shell.model
        where = wanted(view.filter, self.pane.shell.now())
        return replace(where, model_id=models.get(self.pane.db, name).id if name else None)

    @staticmethod
    def order(view: View) -> dict[str, Any]:
        """The view's sort as the feed knows it."""
        return {"sort": cast("ChangeSort", view.sort or "at"), "descending": view.descending or not view.sort}

    def count(self, view: View) -> int:
        """See RowSource."""
        return changes.count(self.pane.db, self.where(view))

    def window(self, view: View, offset: int, limit: int) -> Sequence[Row]:
        """See RowSource."""
        found = changes.feed(self.pane.db, offset=offset, limit=limit, where=self.where(view), **self.order(view))
        return [Row(c.reference, present.cells(c, self.pane.shell.stamp)) for c in found]

    def place(self, view: View, key: str) -> int | None:
        """See RowSource."""
        table, _, row_id = key.partition(":")
        return changes.place(self.pane.db, table, int(row_id), where=self.where(view), **self.order(view))


class ChangesPane(ListPane):
    """What was altered before a symptom began: deployments, rollbacks, and what feeds and people told."""

    columns = (
        Column("at", "AT", 14, descending=True),
        Column("layer", "LAYER", 9, rank=2),
        Column("kind", "KIND", 8, rank=1),
        Column("subject", "WHAT", 16, grow=1),
        Column("model", "MODEL", 9, rank=3),
        Column("size", "SIZE", 6, rank=3, right=True, descending=True),
        Column("reviewed", "REVIEWED", 8, rank=4, sortable=False),
        Column("by", "BY", 7, rank=5, sortable=False),
    )
    empty = "no changes yet: n writes one; midwatch changes add and midwatch changes git take in a feed"

    def __init__(self) -> None:
        super().__init__()
        self.compared: tuple[str, str, Text] | None = None

    def source(self) -> RowSource:
        """See ListPane."""
        self.feed = ChangeRows(self)
        return self.feed

    def change(self, key: str) -> Change:
        """The change of a row."""
        table, _, row_id = key.partition(":")
        return changes.get(self.db, table, int(row_id))

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See ListPane."""
        if self.compared is not None and self.compared[0] == key:
            return self.compared[1], self.compared[2]
        self.compared = None
        change = self.change(key)
        found, related = deployed_changes.details(self.db, change), changes.related(self.db, change)
        return f"{change.layer} {change.kind}  {key}", present.detail(change, self.shell.stamp, found, related)

    def back(self) -> bool:
        """See :meth:`Pane.back`: first from the differences to the change, then as every list."""
        if self.compared is not None and self.table.key is not None:
            self.compared = None
            self._show(self.table.key)
            return True
        return super().back()

    # -- two of them, and a part of them ------------------------------------------------------------------------

    def do_diff(self) -> None:
        """What differs between two marked changes, the older one first; of deployments the versions, key by key."""
        chosen = sorted((self.change(key) for key in self.table.chosen()), key=lambda c: c.at)
        if len(chosen) != 2 or self.table.key is None:
            raise UsageError("two changes are compared", "mark exactly two with space, then d")
        first, second = chosen
        body = self._versions(first, second) or present.between(first, second, self.shell.stamp)
        self.compared = self.table.key, f"{first.reference} -> {second.reference}", body
        self.detail.show(self.compared[1], body)

    def _versions(self, first: Change, second: Change) -> Text | None:
        """The differences of the versions that two deployments put in force; None where they are no such thing."""
        if first.model is None or first.model != second.model:
            return None
        names = [version_of(change) for change in (first, second)]
        if None in names or names[0] == names[1]:
            return None
        from core.version_diff import diff
        from tui.present.versions import diff as drawn

        try:
            return drawn(diff(self.db, models.get(self.db, first.model), str(names[0]), str(names[1])))
        except UsageError:  # one of them is not registered: the lines themselves are compared
            return None

    def do_layer(self) -> None:
        """Ask for a layer, and show only its changes; the filter line shows it, and empties it."""
        options = [(key, f"layer:{layer}", str(layer)) for key, layer in zip(_LAYER_KEYS, LAYERS, strict=True)]
        options += [("u", "unreviewed", "only what nobody reviewed"), ("enter", "", "all of them")]
        view = self.table.view
        self.shell.open_sheet(
            Choice("Which changes?", options),
            lambda words: self.table.show(replace(view, filter=words)),
        )

    # -- an entry by hand ---------------------------------------------------------------------------------------

    def do_note(self) -> None:
        """Ask for the layer, then for what was changed."""
        options = [(key, layer, layer) for key, layer in zip(_LAYER_KEYS, LAYERS, strict=True)]
        of = self.shell.model or "every model (:NAME narrows to one)"
        self.shell.open_sheet(
            Choice(f"A change of {of}, now: in which layer?", options),
            lambda layer: self.shell.call_later(self._ask_subject, layer),
        )

    def _ask_subject(self, layer: str) -> None:
        self.shell.ask(f"what changed ({layer}): ", lambda subject: self._add(layer, subject))

    def _add(self, layer: str, subject: str) -> None:
        actor, now, name = self.shell.services.actor(), self.shell.now(), self.shell.model or None
        fields = {"layer": layer, "kind": KIND, "subject": subject, "model": name, "by": actor.name}

        def work(db: sqlite3.Connection) -> bool:
            from core.changes import feed

            return feed.add(db, fields, source=f"screen on {actor.host}", actor=actor, now=now)

        self.record("change", work, lambda new: self.shell.say("written down" if new else "it was known already"))

    # -- evidence -----------------------------------------------------------------------------------------------

    def do_incident(self) -> None:
        """Link the chosen changes as evidence to a live incident, about one of its hypotheses or about none."""
        from core.incidents.from_alerts import live_of

        chosen = [self.change(key) for key in self.table.chosen()]
        if not chosen:
            raise UsageError("there is no change under the cursor", "move to one with j and k")
        of = {c.model_id for c in chosen}
        live = live_of(self.db, of.pop() if len(of) == 1 else None, self.shell.now(), _MOST_OFFERED)
        if not live:
            raise UsageError("no incident lives that this could be evidence in", "open one: i in Home or Alerts")
        options = [
            (key, i.key, f"{i.key} {i.severity or ''} {i.state}: {i.title}")
            for key, i in zip(["enter", *map(str, range(2, _MOST_OFFERED + 1))], live, strict=False)
        ]
        self.shell.open_sheet(
            Choice(f"Link {counted(len(chosen), 'change')} as evidence to", options),
            lambda key: self.shell.call_later(self.shell.attempt, lambda: self._about(key, chosen)),
        )

    def _about(self, key: str, chosen: list[Change]) -> None:
        from core.incidents.hypotheses import hypotheses
        from storage.tables import incidents

        found = hypotheses(incidents.events(self.db, incidents.get(self.db, key).id))[: _MOST_OFFERED - 1]
        if not found:
            self._link(key, None, True, chosen)
            return
        options = [("enter", "-", "about none of them: kept for the report")]
        for number, h in enumerate(found, 1):
            options.append((str(number), f"+{h.id}", f"for: {h.text}"))
        letters = "abcdefgh"
        for letter, h in zip(letters, found, strict=False):
            options.append((letter, f"!{h.id}", f"against: {h.text}"))

        def picked(about: str) -> None:
            self._link(key, int(about[1:]) if about[1:] else None, not about.startswith("!"), chosen)

        self.shell.open_sheet(Choice(f"{key}: does it speak for or against a hypothesis?", options), picked)

    def _link(self, key: str, hypothesis: int | None, supports: bool, chosen: list[Change]) -> None:
        actor, now = self.shell.services.actor(), self.shell.now()

        def work(db: sqlite3.Connection) -> int:
            from core.incidents.writing import evidence
            from storage.db import transaction

            with transaction(db):
                for c in chosen:
                    words = f"{c.layer} {c.kind} {c.subject}"
                    evidence(
                        db, key, hypothesis, supports=supports, reference=c.reference, text=words, actor=actor, now=now
                    )
            return len(chosen)

        self.shell.point("incidents", key)
        self.record("link", work, lambda n: self.shell.say(f"{counted(n, 'change')} linked to {key}; 3 shows it"))

    # -- export -------------------------------------------------------------------------------------------------

    def do_export(self) -> None:
        """The list as it is filtered and sorted, as CSV or JSON lines."""
        options = [("c", "csv", "CSV"), ("j", "jsonl", "JSON lines")]
        title = f"Export {counted(self.table.count, 'change')}; values of columns that a model file redacts are masked"
        self.shell.open_sheet(Choice(title, options), self._export)

    def _export(self, form: str) -> None:
        view, now = self.table.view, self.shell.now()
        where, order, folder = self.feed.where(view), self.feed.order(view), self.shell.services.dump

        def work(db: sqlite3.Connection) -> tuple[int, Path]:
            return write_out(db, where, order, form, folder / f"changes-{now:%Y%m%dT%H%M%S}.{form}")

        self.read("export", work, lambda done: self.shell.say(f"{counted(done[0], 'change')} written: {done[1]}"))


def version_of(change: Change) -> str | None:
    """The version that a deployment, rollback or registration is about."""
    if change.table == "changes" or not change.after:
        return None
    return change.after.partition(" traffic ")[0]


def write_out(
    db: sqlite3.Connection, where: ChangeFilter, order: dict[str, Any], form: str, path: Path
) -> tuple[int, Path]:
    """Write the feed into a file of its own; returns how many lines and where."""
    import csv
    import io
    import json

    from core.changes.feed import EXPORTED, exported
    from storage.reports import write_report

    lines = exported(db, where, **order)
    text = io.StringIO()
    if form == "csv":
        writer = csv.DictWriter(text, [*EXPORTED, "row"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    else:
        text.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return len(lines), write_report(path, text.getvalue())
