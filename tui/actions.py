"""ACTIONS: every key of the screen, once. Bindings, footer, help and documents are read from this table.

A pane answers an action by having a method ``do_ID``; an action is offered in a pane only if the table names the pane
(or names none: everywhere) and the pane has that method.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LISTS = (
    "home", "alerts", "incidents", "data", "stages", "slices", "versions", "changes", "watch", "cases", "sets", "kept",
    "experiments", "silences",
)  # fmt: skip
"""Panes that show a list."""

_SHOWN = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "down": "↓",
    "up": "↑",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "greater_than_sign": ">",
    "less_than_sign": "<",
}


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a key does.

    Attributes:
        id: the method's name without ``do_``, and the name a binding carries.
        keys: Textual's names of the keys.
        label: the word in the footer.
        help: one sentence for the help screen and the documents.
        where: panes it applies in; empty means everywhere.
        mutating: records something or acts on the world: refused while the screen is read-only.
        footer: whether the footer has it (movement and the obvious stay out).
        built_in: answered by the shell or the table, whatever the pane.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    where: tuple[str, ...] = ()
    mutating: bool = False
    footer: bool = True
    built_in: bool = False

    @property
    def shown_key(self) -> str:
        """The first key as a person reads it.

        >>> Action("help", ("question_mark",), "help", "Keys.").shown_key
        '?'
        """
        return _SHOWN.get(self.keys[0], self.keys[0])

    @property
    def shown_keys(self) -> str:
        """All keys as a person reads them."""
        return " ".join(_SHOWN.get(key, key) for key in self.keys)


ACTIONS: tuple[Action, ...] = (
    Action("down", ("j", "down"), "down", "One row down.", footer=False, built_in=True),
    Action("up", ("k", "up"), "up", "One row up.", footer=False, built_in=True),
    Action("top", ("g", "home"), "top", "To the first row.", footer=False, built_in=True),
    Action("bottom", ("G", "end"), "bottom", "To the last row.", footer=False, built_in=True),
    Action("page_down", ("pagedown",), "page", "One page down.", footer=False, built_in=True),
    Action("page_up", ("pageup",), "page", "One page up.", footer=False, built_in=True),
    Action(
        "open", ("enter",), "open", "Into the row: its details, and on to the rows behind its numbers.", footer=False
    ),
    Action("close", ("escape",), "back", "Back to the list; also clears a message.", footer=False, built_in=True),
    Action(
        "acknowledge",
        ("a",),
        "ack",
        "Acknowledge: you have seen it and act on it; a storm as a whole; again takes it back.",
        ("alerts",),
        mutating=True,
    ),
    Action(
        "snooze",
        ("z",),
        "snooze",
        "Snooze, with an end; wake; or silence what is like it; shows first what it would hide.",
        ("alerts",),
        mutating=True,
    ),
    Action("unsilence", ("z",), "end", "End the silence: what it hides fires again.", ("silences",), mutating=True),
    Action("feedback", ("f",), "feedback", "Feedback: acted, useful, noise.", ("alerts",), mutating=True),
    Action(
        "incident",
        ("i",),
        "incident",
        "Open an incident or link to one; in Incidents: move it on, state its cause, close it.",
        ("home", "alerts", "incidents", "stages", "changes", "cases"),
        mutating=True,
    ),
    Action(
        "note",
        ("n",),
        "note",
        "Write a note; in Stages: into the model's live incident; in Changes: an entry by hand; in Experiments: an "
        "explanation.",
        ("incidents", "stages", "changes", "watch", "experiments"),
        mutating=True,
    ),
    Action("cases", ("e",), "cases", "These rows become failure cases.", ("alerts", "data", "slices"), mutating=True),
    Action(
        "verdict",
        ("f",),
        "verdict",
        "Verdict: accepted or rejected; in Experiments: start, hold, kill, launch or drop.",
        ("cases", "experiments"),
        mutating=True,
    ),
    Action(
        "freeze",
        ("E",),
        "freeze",
        "Freeze an evaluation set; shows first what goes in, and the hash.",
        ("alerts", "slices", "versions", "cases", "sets"),
        mutating=True,
    ),
    Action("accept", ("a",), "accept", "Accept the handover page.", ("watch",), mutating=True),
    Action("narrow", ("greater_than_sign",), "into", "Search inside this slice or value.", ("slices",)),
    Action("widen", ("less_than_sign",), "wider", "Drop a condition and search the wider slice.", ("slices",)),
    Action(
        "split",
        ("b",),
        "by",
        "Split the slice by a column or by kind of error, now and before.",
        ("slices",),
    ),
    Action("compare", ("c",), "compare", "Compare windows, versions, stages or hosts inside the slice.", ("slices",)),
    Action("ranking", ("r",), "rank", "Rank by change against the reference, or by the worst now.", ("slices",)),
    Action("signal", ("S",), "signal", "Measure something else: error, loss, shift, missing, latency.", ("slices",)),
    Action(
        "keep", ("K",), "keep", "Keep the slice with a name: it is watched on every batch.", ("slices",), mutating=True
    ),
    Action(
        "diff",
        ("d",),
        "diff",
        "Differences of two marked: slices, versions, or changes.",
        ("slices", "versions", "changes"),
    ),
    Action("layer", ("F",), "layer", "Only one layer, or only what nobody reviewed.", ("changes",)),
    Action(
        "why",
        ("w",),
        "why",
        "Why: symptoms, and suspects with evidence.",
        ("home", "alerts", "incidents", "data", "stages", "slices"),
    ),
    Action(
        "promote",
        ("p",),
        "promote",
        "Promotion sheet: what the gate says; go on, approve, answer, override, review, take off.",
        ("stages", "versions"),
        mutating=True,
    ),
    Action(
        "rollback",
        ("R",),
        "roll back",
        "Rollback sheet: target, preflight, what it does.",
        ("home", "alerts", "incidents", "stages", "versions"),
        mutating=True,
    ),
    Action(
        "undo",
        ("u",),
        "undo",
        "Undo the last rollback: restores the exact former state.",
        ("home", "incidents", "versions"),
        mutating=True,
    ),
    Action(
        "export", ("x",), "export", "Export the list, or write the report; in Stages: of a shadow, on one page.", LISTS
    ),
    Action(
        "copy",
        ("y",),
        "copy",
        "Copy the row's details to the clipboard, through SSH and tmux.",
        footer=False,
        built_in=True,
    ),
    Action("mark", ("space",), "mark", "Mark or unmark the row.", footer=False, built_in=True),
    Action("sort", ("s",), "sort", "Sort by the next column.", footer=False, built_in=True),
    Action(
        "filter", ("slash",), "filter", "Show only rows with this text; empty shows all.", footer=False, built_in=True
    ),
    Action(
        "command",
        ("colon",),
        "command",
        "Command line: a pane, a model, all, q, or a SELECT over the batch in view.",
        footer=False,
        built_in=True,
    ),
    Action("zone", ("t",), "UTC", "Times in UTC or in local time.", footer=False, built_in=True),
    Action("unlock", ("W",), "unlock", "Unlock writes for 15 minutes; again locks them.", footer=False, built_in=True),
    Action("help", ("question_mark",), "help", "The keys that work here.", footer=False, built_in=True),
    Action("focus", ("tab",), "details", "Between the list and its details.", footer=False, built_in=True),
    Action("back", ("q",), "back", "Back, and from Home quit.", footer=False, built_in=True),
)

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}

FOOTER = (
    "promote", "acknowledge", "snooze", "unsilence", "verdict", "accept", "why", "cases", "narrow", "split",
    "keep", "rollback", "incident", "compare", "note", "freeze", "layer", "diff", "widen",
    "ranking", "signal", "undo", "feedback", "export",
)  # fmt: skip
"""Ids of what the footer has, the most needed first: what a narrow screen has no room for stands under ``?`` alone."""


def ranked(actions: Iterable[Action]) -> list[Action]:
    """The most needed first, then ``enter``, then what works everywhere; for the footer and the help.

    >>> [action.id for action in ranked([BY_ID["down"], BY_ID["open"], BY_ID["export"], BY_ID["promote"]])]
    ['promote', 'export', 'open', 'down']
    """
    places = {name: place for place, name in enumerate(FOOTER)}
    return sorted(actions, key=lambda action: places.get(action.id, len(places) + action.built_in))


def applies(action: Action, pane: str, works: Iterable[str]) -> bool:
    """Whether an action is offered in a pane whose methods answer the actions ``works``.

    >>> applies(BY_ID["acknowledge"], "alerts", {"acknowledge"}), applies(BY_ID["acknowledge"], "home", {"acknowledge"})
    (True, False)
    """
    return action.built_in or ((not action.where or pane in action.where) and action.id in works)


def here(pane: str, works: Iterable[str], actions: Sequence[Action] = ACTIONS) -> tuple[Action, ...]:
    """The actions that work in a pane, in the order of the table."""
    known = frozenset(works)
    return tuple(action for action in actions if applies(action, pane, known))
