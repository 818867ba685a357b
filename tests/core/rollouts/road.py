"""A model with gates, a version that serves everybody, a candidate on its way, and looks made by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from core import versions
from core.rollouts import arming, deciding, opening, promotion, turns
from core.rollouts.deciding import Standing
from storage import model_file
from storage.host import Actor
from storage.records.looks import TRAFFIC, Binary, Look, PairedBinary, Split
from storage.records.models import Model
from storage.records.promotions import Promoted, PromotionPlan
from storage.records.rollouts import Rollout
from storage.tables import looks, models, rollouts
from tests.conftest import ADA, CHURN, NOW

BOB = Actor("bob", "prod-ml-3", "pts/2")
CARL = Actor("carl", "prod-ml-3")
TWO = """
[[stages]]
name = "canary"
kind = "canary"
traffic = 0.1
margin = 1.5
{canary}
[[stages]]
name = "full"
"""
START = NOW - timedelta(days=2)


@dataclass
class Road:
    """One store, one model; ``now`` goes on by an hour with every step."""

    db: sqlite3.Connection
    folder: Path
    now: datetime = NOW

    @property
    def model(self) -> Model:
        return models.get(self.db, "churn")

    def file(self, text: str) -> Model:
        path = self.folder / "churn.toml"
        path.write_text(text)
        parsed, body, sha256 = model_file.read(path)
        models.register(self.db, parsed.name, path=str(path), text=body, sha256=sha256, actor=ADA, now=self.now)
        return self.model

    def version(self, *names: str) -> None:
        for name in names:
            versions.add(self.db, self.model, name, versions.Sources(seed="7"), actor=ADA, now=START)

    def live(self, name: str, at: datetime = START) -> None:
        versions.deploy(self.db, self.model, name, self.model.file.full_stage, at=at, actor=ADA, now=self.now)

    def rollout(self, version: str = "v2") -> Rollout:
        found = opening.find(self.db, self.model, version)
        assert found is not None
        return found

    def standing(self, version: str = "v2") -> Standing:
        return deciding.standing(self.db, self.model, self.rollout(version), now=self.now)

    def record(self, version: str = "v2") -> list[str]:
        """What the looks turned to, as it is written down."""
        turns.write(self.db, self.model, now=self.now)
        return [d.outcome for d in rollouts.decisions(self.db, self.rollout(version).id, kind="looked")]

    def plan(self, version: str = "v2", actor: Actor = ADA) -> PromotionPlan:
        return promotion.plan(self.db, self.model, version, now=self.now, actor=actor)

    def promote(self, version: str = "v2", **options: object) -> Promoted:
        self.now += timedelta(hours=1)
        return promotion.promote(  # type: ignore[arg-type]
            self.db, self.model, self.plan(version), **{"actor": ADA, "now": self.now, **options}
        )

    def arm(self, version: str = "v2") -> None:
        """Every gate of the rollout."""
        for rule in self.rollout(version).rule.stages[:-1]:
            if not arming.armed(self.db, self.model, rule):
                arming.arm(self.db, self.model, rule, reason="it has proved itself", actor=ADA, now=self.now)

    def look(
        self,
        hours: Sequence[int],
        canary: int,
        control: int,
        *,
        of: int = 1_000,
        version: str = "v2",
        split: bool = True,
    ) -> None:
        """One look an hour: events of both arms among ``of`` candidate units and nine times as many others."""
        rollout = self.rollout(version)
        assert rollout.stage is not None
        rule = rollout.rule.stage(rollout.stage)
        assert rule is not None
        found = []
        for hour in hours:
            start = START + timedelta(hours=hour)
            end = start + timedelta(hours=1)
            units: list[tuple[str, object]] = [
                (
                    one.name,
                    PairedBinary(of, canary, control)
                    if one.method == "paired odds"
                    else Binary(of, canary, 9 * of, control),
                )
                for one in rule.guardrails
            ]
            if rule.kind != "shadow":
                units.append((TRAFFIC, Split(of, 9 * of, 0.1)))
            found += [
                Look(0, rollout.id, rollout.stage, name, rollout.baseline, (hour + 1,), start, end, end, of, of, sums)  # type: ignore[arg-type]
                for name, sums in units
            ]
        looks.add_looks(self.db, found, self.now)


def road(db: sqlite3.Connection, folder: Path, stages: str | None = None, top: str = "") -> Road:
    """v1 serves everybody since two days ago; v2 and v3 are registered."""
    made = Road(db, folder)
    made.file(top + CHURN + (TWO.format(canary="") if stages is None else stages))
    made.version("v1", "v2", "v3")
    made.live("v1")
    return made


POINTER = '[rollback]\nactuator = "pointer_file"\npath = "CURRENT"\nsettle = "0s"\ntimeout = "1s"\n'


def at_last_gate(made: Road) -> Road:
    """v2 is in the canary, and its gate says promote; a pointer file says v1."""
    (made.folder / "CURRENT").write_text("v1\n")
    made.promote()
    made.arm()
    made.look(range(24), 20, 180)
    made.now += timedelta(hours=1)
    return made
