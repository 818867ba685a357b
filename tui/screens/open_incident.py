"""``i`` on alerts: opens an incident of them, or makes them part of one that lives already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.incidents import from_alerts
from storage.errors import UsageError
from storage.records.alerts import Alert
from storage.records.incidents import Incident
from tui.present.text import counted
from tui.screens.dialogs import Choice

if TYPE_CHECKING:
    from tui.widgets.pane import Pane

MOST_OFFERED = 8


def open_or_link(pane: Pane, heads: Sequence[Alert]) -> None:
    """Ask for the title, which is the loudest alert's; where an incident of the model lives, ask first which.

    ``i`` and ``enter`` do the likely thing: open where none lives, else link to the most urgent one.

    Raises:
        UsageError: no alert, or alerts of several models.
    """
    model_id = from_alerts.one_model(heads)
    live = from_alerts.live_of(pane.db, model_id, pane.shell.now(), MOST_OFFERED)
    holds = {a.incident_id for a in heads}
    held = next((i for i in live if holds == {i.id}), None)
    if held is not None:
        pane.shell.point("incidents", held.key)
        pane.shell.say(f"{held.key} ({held.state}) holds this already: 3 shows it")
        return
    if not live:
        _ask(pane, heads)
        return
    keys = ["enter", *map(str, range(2, MOST_OFFERED + 1))]
    options = [
        (k, i.key, f"link to {i.key} {i.severity or ''} {i.state}: {i.title}") for k, i in zip(keys, live, strict=False)
    ]
    are = "is this group of alerts" if len(heads) == 1 else f"are these {len(heads)} groups of alerts"
    title = f"{heads[0].model} has {counted(len(live), 'live incident')}: {are} part of one?"

    def picked(key: str) -> None:
        if key == "new":
            pane.shell.call_later(_ask, pane, heads)
        else:
            _link(pane, heads, key)

    pane.shell.open_sheet(Choice(title, [*options, ("n", "new", "open another incident")]), picked)


def of_model(pane: Pane, model_id: int, name: str) -> None:
    """The same for everything that fires on a model.

    Raises:
        UsageError: nothing does.
    """
    heads = from_alerts.worth_an_incident(pane.db, model_id, pane.shell.now())
    if not heads:
        hint = f"open one by hand: midwatch incidents open TITLE --model {name}"
        raise UsageError(f"no page or ticket of {name} is open", hint)
    held = {i.id for i in from_alerts.live_of(pane.db, model_id, pane.shell.now(), -1)}
    open_or_link(pane, [a for a in heads if a.incident_id not in held] or heads[:1])


def _ask(pane: Pane, heads: Sequence[Alert]) -> None:
    loudest = from_alerts.loudest_first(heads)[0]
    severity = from_alerts.SEVERITY.get(loudest.tier, "SEV4")
    label = f"{severity} incident: "
    pane.shell.ask(label, lambda title: _open(pane, heads, title), value=loudest.title)


def _open(pane: Pane, heads: Sequence[Alert], title: str) -> None:
    actor, now = pane.shell.services.actor(), pane.shell.now()
    pane.record(
        "open incident",
        lambda db: from_alerts.open_from(db, heads, title, actor=actor, now=now),
        lambda incident: _tell(pane, incident, "opened"),
    )


def _link(pane: Pane, heads: Sequence[Alert], key: str) -> None:
    actor, now = pane.shell.services.actor(), pane.shell.now()
    pane.record(
        "link",
        lambda db: from_alerts.link_to(db, key, heads, actor=actor, now=now),
        lambda incident: _tell(pane, incident, "now holds these"),
    )


def _tell(pane: Pane, incident: Incident, what: str) -> None:
    pane.shell.point("incidents", incident.key)
    pane.shell.say(
        f"{incident.key} {what}: {counted(incident.alerts, 'alert')} in all; 3 shows it, n there writes a note"
    )
