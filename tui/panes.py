"""PANES: the registry of panes, one line each; a pane's module is imported when it is first shown."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.widgets.pane import Pane

NUMBERS = {
    "home": "1",
    "alerts": "2",
    "incidents": "3",
    "data": "4",
    "stages": "5",
    "slices": "6",
    "versions": "7",
    "changes": "8",
    "watch": "9",
}
"""The number key of each pane: never given to another, so that hands can learn them.

A pane without a number is opened by its name, as in ``:sets``.
"""


@dataclass(frozen=True, slots=True)
class PaneSpec:
    """One pane.

    Attributes:
        id: its name, on the command line of the screen too.
        title: the word in the footer.
        factory: ``module:class``.
    """

    id: str
    title: str
    factory: str

    @property
    def key(self) -> str:
        """Its number key; empty for a pane that is opened by its name."""
        return NUMBERS.get(self.id, "")

    def load(self) -> Pane:
        """Import the module and make the pane."""
        module, _, name = self.factory.partition(":")
        pane: Pane = getattr(import_module(module), name)()
        return pane


# One line a pane, in the order of their numbers, those without one last.
PANES: tuple[PaneSpec, ...] = (
    PaneSpec("home", "Home", "tui.screens.home:HomePane"),
    PaneSpec("alerts", "Alerts", "tui.screens.alerts:AlertsPane"),
    PaneSpec("incidents", "Incidents", "tui.screens.incidents:IncidentsPane"),
    PaneSpec("data", "Data", "tui.screens.data:DataPane"),
    PaneSpec("stages", "Stages", "tui.screens.stages:StagesPane"),
    PaneSpec("slices", "Slices", "tui.screens.slices:SlicesPane"),
    PaneSpec("versions", "Versions", "tui.screens.versions:VersionsPane"),
    PaneSpec("changes", "Changes", "tui.screens.changes:ChangesPane"),
    PaneSpec("watch", "Watch", "tui.screens.watch:WatchPane"),
    PaneSpec("cases", "Cases", "tui.screens.cases:CasesPane"),
    PaneSpec("sets", "Sets", "tui.screens.sets:SetsPane"),
    PaneSpec("kept", "Kept", "tui.screens.kept:KeptPane"),
    PaneSpec("experiments", "Experiments", "tui.screens.experiments:ExperimentsPane"),
    PaneSpec("silences", "Silences", "tui.screens.silences:SilencesPane"),
)
