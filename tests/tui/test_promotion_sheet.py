"""The promotion sheet: only what was painted can be confirmed; past a gate it takes a reason and the version typed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from textual import events
from textual.pilot import Pilot

from core.rollback.execution import ENTER
from core.rollouts import promotion
from storage.errors import RefusedError
from storage.records.promotions import Promoted, PromotionPlan
from tests.conftest import NOW
from tests.tui.kit import HOSTILE, Clock, answer, settle
from tests.tui.stage_kit import DETAIL, HELD, LINE, PLAN, screen, stages, status, tell, text_of
from tui.present import promotion_sheet as present
from tui.screens.promotion import PromotionSheet
from tui.screens.promotion_ways import Read, others, usual

Calls = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What the use cases were called with."""
    made: Calls = []

    def note(name: str, state: str) -> Callable[..., Promoted]:
        def call(db: object, model: object, shown: object, **given: Any) -> Promoted:
            made.append((name, {"shown": shown, **{k: v for k, v in given.items() if k not in ("actor", "now")}}))
            return Promoted("churn", "v14", "canary", "full", state, "it is recorded", 1)  # type: ignore[arg-type]

        return call

    monkeypatch.setattr(promotion, "promote", note("promote", "recorded"))
    monkeypatch.setattr(promotion, "stop", note("stop", "stopped"))
    return made


def sheet_of(pilot: Pilot[None]) -> PromotionSheet:
    assert isinstance(pilot.app.screen, PromotionSheet)
    return pilot.app.screen


async def opened(pilot: Pilot[None]) -> PromotionSheet:
    await stages(pilot)
    await pilot.press("p")
    await settle(pilot)
    await answer(pilot)
    return sheet_of(pilot)


async def tell_it(pilot: Pilot[None], *lines: str, key: str = "") -> None:
    """Begin a way and answer its questions, each after the terminal answered."""
    if key:
        await pilot.press(key)
    for line in lines:
        await answer(pilot)
        await pilot.press(*line, "enter")


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_a_gate_that_says_promote_is_one_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls, size: tuple[int, int]
) -> None:
    tell(monkeypatch)
    async with screen(tmp_path).run_test(size=size) as pilot:
        sheet = await opened(pilot)
        shown = " ".join(text_of(pilot).split())
        for words in ("PROMOTE churn v14 canary -> full", "ok PROMOTE", "midwatch only records it", "enter promotes"):
            assert words in shown, words
        await pilot.press("enter", "enter", "enter")
        await settle(pilot)
        assert calls == [("promote", {"shown": PLAN, "reason": "", "confirmed": ENTER, "override": False})]
        assert "churn: it is recorded" in " ".join(text_of(pilot).split())
        await pilot.press("enter", "o", "s")
        assert sheet_of(pilot) is sheet
        await pilot.press("escape")
        await settle(pilot)
        assert not isinstance(pilot.app.screen, PromotionSheet)
        assert status(pilot).startswith("churn: it is recorded")


async def test_keys_before_the_answer_and_pasted_text_do_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    tell(monkeypatch, plan=HELD)
    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        await stages(pilot)
        await pilot.press("p", "enter", "o", "x", "enter", *"v14", "enter")
        await settle(pilot)
        sheet = sheet_of(pilot)
        await pilot.press("enter", "o", *"b", "enter", *"v14", "enter")
        assert (sheet.armed, sheet.way, sheet.executed) == (False, None, False)
        await answer(pilot)
        await tell_it(pilot, "b", key="o")
        await answer(pilot)
        sheet.post_message(events.Paste("v14"))
        await settle(pilot)
        assert sheet.typed == ""
        assert "pasted text is ignored" in text_of(pilot)
        assert calls == []


async def test_one_burst_of_keys_runs_no_way_each_question_asks_the_terminal_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    tell(monkeypatch, plan=HELD)
    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        sheet = await opened(pilot)
        burst = ("o", *"late", "enter", *"v14", "enter")
        await pilot.press(*burst)
        assert (sheet.armed, sheet.typed, sheet.answers) == (False, "", [])
        assert "OVERRIDE the gate of canary, reason >" in text_of(pilot)
        assert "waiting for the terminal to answer" in text_of(pilot)
        first = sheet.asked
        await answer(pilot)
        await pilot.press(*burst[1:])
        assert (sheet.armed, sheet.typed, sheet.answers, calls) == (False, "", ["late"], [])
        assert sheet.asked != first
        await answer(pilot, wrong=True)
        assert not sheet.armed
        await answer(pilot)
        await pilot.press(*"v14", "enter")
        await settle(pilot)
        assert [what for what, _ in calls] == ["promote"]


async def test_a_held_candidate_refuses_enter_and_an_override_takes_reason_and_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    tell(monkeypatch, plan=HELD)
    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        sheet = await opened(pilot)
        shown = " ".join(text_of(pilot).split())
        for words in (
            ".. HOLD", "812 of 2,000 rows are in", "!! legal", "ok the canary is like all traffic",
            "item legal: no answer yet, asked of m.ito", "approvals: 1 of 2 different people: ada",
            "!! override open: ada", ".. wrong answers: odds ratio 1.08 [0.81, 1.44]",
            "HELD: a approve n answer o override s take off r review; esc leaves",
        ):  # fmt: skip
            assert words in shown, words
        await pilot.press("enter")
        assert "held: 812 of 2,000 rows are in; o overrides it, with a reason" in text_of(pilot)
        await tell_it(pilot, "", key="o")
        assert "a reason is needed" in text_of(pilot)
        await pilot.press(*"late", "enter")
        await answer(pilot)
        shown = " ".join(text_of(pilot).split())
        assert "reason: late OVERRIDE the gate of canary: type v14 > _" in shown
        await pilot.press("enter", *"v41", "enter")
        assert "that is not v14" in text_of(pilot)
        assert calls == []
        await pilot.press("escape")
        assert (sheet_of(pilot), sheet.way) == (sheet, None)
        await tell_it(pilot, "late", "v14", key="o")
        await settle(pilot)
        assert calls == [("promote", {"shown": HELD, "reason": "late", "confirmed": "v14", "override": True})]


async def test_production_is_typed_and_tab_leads_to_the_other_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    plan = replace(PLAN, production=True)
    tell(monkeypatch, plan=plan)
    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert "PRODUCTION" in text_of(pilot)
        await pilot.press("enter", "s", "enter")
        assert "that is not v14" in text_of(pilot)
        assert "PROMOTE v14 to full: type v14 > _" in text_of(pilot)
        await pilot.press("tab")
        await tell_it(pilot, "no", key="s")
        await answer(pilot)
        assert "TAKE v14 OFF: type v14 > _" in text_of(pilot)
        await pilot.press(*"v14", "enter")
        await settle(pilot)
        assert calls == [("stop", {"shown": "v14", "reason": "no"})]
        assert "churn: it is recorded" in text_of(pilot)


def test_a_dry_run_needs_a_reason_and_no_override() -> None:
    seen = Read(replace(HELD, dry_run=True), DETAIL, DETAIL.overrides, "m.ito")
    way = usual(seen.plan)
    assert way is not None
    assert [question.words for question in way.questions] == [
        "PROMOTE v14 to full past a dry run, reason",
        "PROMOTE v14 to full: type v14",
    ]
    assert list(others(seen)) == ["a", "n", "s", "r"]


async def test_a_question_says_that_there_is_more_above_it_also_after_a_resize(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    tell(monkeypatch, plan=HELD)
    async with screen(tmp_path).run_test(size=(60, 30)) as pilot:
        await opened(pilot)
        await tell_it(pilot, "late", key="o")
        await answer(pilot)
        assert "↑↓ more" not in text_of(pilot)
        await pilot.resize_terminal(60, 16)
        await settle(pilot)
        assert "↑↓ more" in text_of(pilot)
        await pilot.press("escape", "a")
        await answer(pilot)
        assert "note (may stay empty) > _" in text_of(pilot)


def test_only_what_this_person_can_do_is_offered() -> None:
    own = Read(HELD, DETAIL, DETAIL.overrides, "ada")
    assert list(others(own)) == ["o", "s"]
    assert list(others(replace(own, who="bob"))) == ["a", "o", "s", "r"]
    page = Console(width=100, file=StringIO())
    page.print(present.body(HELD, DETAIL, str, DETAIL.overrides, "ada"))
    shown = " ".join(page.file.getvalue().split())  # type: ignore[attr-defined]
    assert "labels late (yours: somebody else reviews it)" in shown
    assert "yours is there, somebody else approves" in shown


async def test_an_override_of_a_rollout_that_has_ended_is_reviewed_from_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    ended = replace(LINE, state="done", stage="full", next_stage=None, overrides_open=2, guardrails=0, short="live")
    plan = replace(PLAN, rollout_id=None, from_stage=None, verdict=None, forbidden=("v14 is live in full already",))
    tell(monkeypatch, [ended], replace(DETAIL, line=ended), plan)
    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        sheet = await opened(pilot)
        shown = " ".join(text_of(pilot).split())
        assert "override open: ada" in shown
        assert "can't be promoted: r review; esc leaves" in shown
        await pilot.press("r")
        await answer(pilot)
        assert sheet.way is not None
        assert (sheet.way.name, sheet.way.item) == ("review", "7")
        await pilot.press("escape", "escape")
        await settle(pilot)
        assert "4d done 2 overrides to review" in " ".join(text_of(pilot).split())


def test_what_is_forbidden_has_no_way_past_it() -> None:
    plan = replace(HELD, forbidden=("v15 is in canary: one candidate at a time",))
    assert usual(plan) is None
    assert "o" not in others(Read(plan, DETAIL))
    assert usual(replace(PLAN, forbidden=("no stage",))) is None


def test_before_a_rollout_is_open_there_is_nothing_but_to_open_it() -> None:
    plan = replace(PLAN, rollout_id=None, from_stage=None, verdict=None)
    assert usual(plan) is not None
    assert others(Read(plan, None)) == {}
    assert "start -> full" in present.head(plan)


async def test_a_plan_that_expired_is_made_again_and_arms_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    clock = Clock()
    tell(monkeypatch)
    async with screen(tmp_path, clock).run_test(size=(80, 24)) as pilot:
        sheet = await opened(pilot)
        clock.turn(seconds=400)
        tell(monkeypatch, plan=replace(PLAN, expires_at=NOW + timedelta(hours=9)))
        await pilot.press("enter")
        await settle(pilot)
        assert (calls, sheet.armed) == ([], False)
        await answer(pilot)
        assert "had expired and was made again" in " ".join(text_of(pilot).split())
        await pilot.press("enter")
        await settle(pilot)
        assert len(calls) == 1


async def test_an_answer_and_an_approval_are_recorded_and_the_gate_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    from core.rollouts import answers, deciding, overrides
    from storage.tables import rollouts

    made: list[tuple[object, ...]] = []
    standing = type("S", (), {"sha256": "d" * 64, "document": "{}"})()
    monkeypatch.setattr(rollouts, "get", lambda db, rollout_id: DETAIL.rollout)
    monkeypatch.setattr(deciding, "standing", lambda db, model, rollout, now: standing)
    monkeypatch.setattr(answers, "answer", lambda db, _, item, verdict, **w: made.append((item, verdict, w["note"])))
    monkeypatch.setattr(answers, "approve", lambda db, _, **w: made.append((w["sha256"], w["note"])))
    reviewed = DETAIL.overrides[0]
    monkeypatch.setattr(overrides, "review", lambda db, one, **w: made.append((one, w["note"])) or reviewed)
    tell(monkeypatch, plan=HELD)
    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        sheet = await opened(pilot)
        await tell_it(pilot, "m", key="n")
        assert "that is not yes or no" in text_of(pilot)
        await tell_it(pilot, "yes", "ok")
        await settle(pilot)
        assert made == [("legal", "yes", "ok")]
        assert not sheet.armed
        await answer(pilot)
        assert "legal: yes is written down" in " ".join(text_of(pilot).split())
        await tell_it(pilot, "", key="a")
        await settle(pilot)
        assert made[1:] == [("d" * 64, None)]
        await answer(pilot)
        await tell_it(pilot, "fine", key="r")
        await settle(pilot)
        assert made.pop() == (7, "fine")
        await answer(pilot)
        changed: PromotionPlan = replace(HELD, sha256="e" * 64)
        monkeypatch.setattr(promotion, "plan", lambda *_, **__: changed)
        await tell_it(pilot, "", key="a")
        await settle(pilot)
        assert len(made) == 2
        assert "the gate shows something else by now" in " ".join(text_of(pilot).split())


async def test_locked_again_meanwhile_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
    tell(monkeypatch)
    app = screen(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        app.writes.lock()
        await pilot.press("enter")
        await settle(pilot)
        assert calls == []
        assert "W" in sheet_of(pilot).note


async def test_an_error_is_a_sentence_and_nothing_can_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    def fail(*_: object, **__: object) -> PromotionPlan:
        raise RefusedError(f"v14 is in full, {HOSTILE}", "its rollout ends")

    tell(monkeypatch)
    monkeypatch.setattr(promotion, "plan", fail)
    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        await stages(pilot)
        await pilot.press("p")
        await settle(pilot)
        assert "nothing can be done from here; esc leaves" in text_of(pilot)
        assert "[/boom]" in text_of(pilot)
        await pilot.press("enter", "o", "escape")
        await settle(pilot)
        assert not isinstance(pilot.app.screen, PromotionSheet)
