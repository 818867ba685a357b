"""Candidates made by hand, and the screen on a store that knows their models."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.rollouts import overview, promotion
from core.rollouts.candidates import CandidateDetail, CandidateLine, ChartPoint, GuardrailChart, ShownApproval
from storage import db as store
from storage import model_file
from storage.host import Actor
from storage.records.gates import Approval, ItemAnswer, Override
from storage.records.promotions import PromotionPlan
from storage.records.rollouts import (
    Condition,
    Decision,
    Evidence,
    GuardrailRule,
    Reason,
    Rollout,
    RolloutRule,
    StageRule,
    Verdict,
)
from storage.tables import gates, models
from tests.conftest import ADA, CHURN, NOW
from tests.tui.kit import Clock, screen_text, settle
from tui.app import MidwatchApp
from tui.launch import services_for
from tui.panes import PANES
from tui.widgets.bars import Status

MITO = Actor("m.ito", "prod-ml-3")
STAGES = "".join(
    f'[[stages]]\nname = "{name}"\nkind = "{name}"\ntraffic = {traffic}\n'
    for name, traffic in (("test", 0.0), ("shadow", 0.0), ("canary", 0.1), ("full", 1.0))
)
ERRORS = GuardrailRule("wrong answers", "error", "up", "odds", 1.5, needs_labels=True)
PRO = GuardrailRule("wrong answers on pro", "error", "up", "odds", 1.5, slice="pro-plan", floored=True)
CANARY = StageRule("canary", "canary", 0.1, (ERRORS, PRO), 2000, items=("legal",), approvals=2)

LINE = CandidateLine(
    rollout_id=1, model="churn", version="v14", baseline="v13", state="open", stage="canary", kind="canary",
    next_stage="full", traffic=0.1, entered_at=NOW - timedelta(days=4), in_stage=timedelta(days=4), outcome="hold",
    dry_run=False, waits_for="812 of 2,000 rows are in", toward_promote=0.42, toward_harm=0.03, looks=5, rows=812,
    labelled=790, at=NOW - timedelta(hours=3), overrides_open=0, entered_without_gate=False, production=False,
    short="1,188 rows missing, +1", guardrails=2, slowest="wrong answers on pro", nearest="wrong answers",
)  # fmt: skip

EVIDENCE = Evidence(
    "wrong answers", "odds", 5, 812, 7300, 0.2, 1.3, 5.3, 3.0, "odds ratio", 1.08, 0.81, 1.44, None, None
)
EMPTY = replace(
    EVIDENCE, guardrail="wrong answers on pro", looks=0, canary=0, control=0, log_harm=0.0, log_promote=0.0,
    estimate=math.nan, low=math.nan, high=math.nan,
)  # fmt: skip
VERDICT = Verdict(
    "canary", "hold", NOW - timedelta(hours=3),
    (Reason("minimum", "812 of 2,000 rows are in"), Reason("not yet", "too early to say", "wrong answers")),
    (EVIDENCE, EMPTY), (Condition("sample", True, "the canary is like all traffic"), Condition("item", False, "legal")),
    5, 812, 790, 96.0,
)  # fmt: skip

ROLLOUT = Rollout(
    1, 1, "churn", "v14", "v13", RolloutRule((CANARY,), False, "f" * 64), "canary", "open", "ada",
    NOW - timedelta(days=5), NOW - timedelta(days=4),
)  # fmt: skip


def decision(number: int = 1, **changed: object) -> Decision:
    """A decision whose document says its number."""
    made = Decision(
        number, 1, "looked", "canary", None, "hold", False, NOW - timedelta(hours=number), json.dumps({"n": number}),
        "a" * 64, "midwatch", NOW,
    )  # fmt: skip
    return replace(made, **changed)  # type: ignore[arg-type]


def chart(guardrail: str = "wrong answers", points: int = 8) -> GuardrailChart:
    """An interval that closes in on 1.08."""
    made = [
        ChartPoint(
            NOW - timedelta(hours=8 * (points - n)), 1.08, 1.08 - 2 / (n + 1), 1.08 + 2 / (n + 1), 0.1 * n, 0.2 * n
        )
        for n in range(points)
    ]
    return GuardrailChart(guardrail, "odds ratio", 1.0, 1.5, tuple(made))


DETAIL = CandidateDetail(
    line=LINE, rollout=ROLLOUT, rule=CANARY, verdict=VERDICT,
    history=(decision(3), decision(2, kind="promoted", from_stage="shadow", to_stage="canary", outcome="promote")),
    items=(ItemAnswer("legal", "m.ito", None, None, "ada", NOW),),
    approvals=(ShownApproval(Approval(1, 1, "canary", "b" * 64, "{}", "fine", "ada", NOW), True),),
    approvals_needed=2,
    overrides=(Override(7, 1, 2, "churn", "v14", "shadow", "canary", "labels late", "ada", NOW, None, None, None),),
    charts=(chart(), GuardrailChart("wrong answers on pro", "odds ratio", 1.0, 1.5, ())),
    planner=("at 10 % of 900 rows an hour, a doubling of 5 % takes about 4 h",),
    waiting=("labels of 2 windows",),
)  # fmt: skip

PLAN = PromotionPlan(
    sha256="c" * 64, key="k" * 32, model="churn", model_id=1, model_sha256="m" * 64, version="v14", baseline="v13",
    rollout_id=1, from_stage="canary", to_stage="full", traffic=1.0, production=False, verdict=VERDICT,
    outcome="promote", dry_run=False, reasons=(), forbidden=(), actuation=None,
    does="midwatch only records it: your deploy system moves traffic",
    undo_how="midwatch rollback churn (or R) --reason TEXT", settle_seconds=0.0, timeout_seconds=1.0,
    made_at=NOW, expires_at=NOW + timedelta(seconds=120),
)  # fmt: skip
HELD = replace(PLAN, outcome="hold", reasons=("812 of 2,000 rows are in", "legal: nobody has answered yet"))


def screen(
    folder: Path, clock: Clock | None = None, *, locked: bool = False, read_only: str = "", text: str = CHURN + STAGES
) -> MidwatchApp:
    """Home, Stages and Versions on a store with one model."""
    path = folder / "midwatch.db"
    store.prepare(path)
    (folder / "churn.toml").write_text(text)
    parsed, body, sha256 = model_file.read(folder / "churn.toml")
    with store.connect(path) as db:
        models.register(db, parsed.name, path=str(folder / "churn.toml"), text=body, sha256=sha256, actor=ADA, now=NOW)
    db.close()
    wanted = [spec for spec in PANES if spec.id in ("home", "stages", "versions", "slices")]
    services = replace(
        services_for(path, read_only=bool(read_only)), now=clock or Clock(), actor=lambda: MITO,
        models=lambda db: ["churn"], dump=folder / "dump",
    )  # fmt: skip
    return MidwatchApp(services, locked=locked, read_only=read_only, specs=wanted)


def tell(
    monkeypatch: pytest.MonkeyPatch,
    lines: Sequence[CandidateLine] = (LINE,),
    detail: CandidateDetail = DETAIL,
    plan: PromotionPlan = PLAN,
) -> None:
    """Answer with these records."""
    monkeypatch.setattr(overview, "candidates", lambda db, now, wait=True: tuple(lines))
    monkeypatch.setattr(overview, "candidate", lambda db, rollout_id, now: detail)
    monkeypatch.setattr(gates, "overrides", lambda db, rollout_id=None, only_open=False: list(detail.overrides))
    monkeypatch.setattr(promotion, "plan", lambda db, model, version, **_: plan)


async def stages(pilot: Pilot[None]) -> None:
    """Pane 5, read."""
    await settle(pilot)
    await pilot.press("5")
    await settle(pilot)
    await settle(pilot)


def text_of(pilot: Pilot[None]) -> str:
    assert isinstance(pilot.app, MidwatchApp)
    return screen_text(pilot.app)


def status(pilot: Pilot[None]) -> str:
    return pilot.app.screen_stack[0].query_one(Status).text
