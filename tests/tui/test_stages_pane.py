"""Pane 5: a line a candidate, what its gate says and waits for, the chart, the decisions, and keys from there."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from rich.text import Text

from core.rollouts import overview
from core.rollouts.candidates import CandidateLine
from core.rollouts.producers import BEING_READ
from storage import db as store
from storage.records.gates import ItemAnswer
from storage.records.rollouts import Reason
from storage.tables import models, rollouts
from tests.conftest import ADA, NOW
from tests.tui.kit import HOSTILE, Clock, settle
from tests.tui.stage_kit import (
    DETAIL,
    EVIDENCE,
    LINE,
    ROLLOUT,
    VERDICT,
    decision,
    screen,
    stages,
    status,
    tell,
    text_of,
)
from tui.present import stages as present
from tui.screens.decisions import DecisionsLevel
from tui.screens.promotion import PromotionSheet
from tui.screens.rollback import RollbackSheet
from tui.screens.stages import StagesPane

SHADOWED = replace(
    LINE, rollout_id=2, version="v15", stage="shadow", kind="shadow", next_stage="canary", traffic=0.0,
    outcome="roll back", waits_for="you: take it off", toward_harm=1.0, toward_promote=0.0,
)  # fmt: skip


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_what_matters_is_read_at_every_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    tell(monkeypatch, [SHADOWED, LINE, replace(LINE, version="v16", dry_run=True)], DETAIL)
    async with screen(tmp_path).run_test(size=size) as pilot:
        await stages(pilot)
        shown = text_of(pilot)
        for words in ("!! roll back", ".. hold", "dry hold", "WAITS FOR", "v14", "v15", "shadow", "canary", "p pro"):
            assert words in shown, words
        assert ("PASS" in shown.split("\n")[1]) == (size[0] != 60)
        if size[0] == 80:
            assert "canary 10%   4d .. hold      ##-- #--- 1,188 rows missing, +1" in shown
        await pilot.press("j")
        await settle(pilot)
        shown = " ".join(text_of(pilot).split())
        assert "812 of 2,000 rows" in shown
        assert "test > shadow > CANARY > full, 10% of the traffic, 4d in it" in shown


async def test_the_page_names_reasons_evidence_people_and_past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch)
    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        await stages(pilot)
        plain = pilot.app.query_one(StagesPane).detail.plain
    for words in (
        "churn v14 against v13",
        ".. HOLD since",
        "5 looks, 812 rows of the candidate, 790 with labels",
        "toward promote ####------ 42%   toward harm #--------- 3%",
        "too early to say",
        "OPEN, nobody has reviewed it: shadow -> canary by ada",
        ".. legal: no answer yet, asked of m.ito",
        "approvals: 1 of 2",
        "odds ratio 1.08 [0.81, 1.44], margin 1.5, harm is up",
        "5 looks, 812 and 7,300 rows\n     evidence: promote 1.3 of 3.0, harm 0.2 of 5.3",
        "wrong answers on pro in pro-plan, critical: open",
        "odds ratio: no data",
        "conditions, 1 not met",
        "!! legal",
        "ok the canary is like all traffic",
        "labels of 2 windows",
        "a doubling of 5 % takes about 4 h",
        ".. looked: hold, canary, midwatch",
        "ok promoted: promote, shadow -> canary, midwatch",
    ):
        assert words in plain, words


async def test_enter_shows_the_chart_then_the_decisions_and_esc_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(monkeypatch)
    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        await stages(pilot)
        pane = pilot.app.query_one(StagesPane)
        assert "neutral 1" not in pane.detail.plain
        await pilot.press("enter")
        await settle(pilot)
        shown = text_of(pilot)
        for words in ("odds ratio 1.08 [0.83, 1.33], neutral 1, margin 1.5", "== margin 1.5", "-- neutral 1"):
            assert words in shown, words
        assert "^^^" in shown
        assert "vvv" in shown
        assert "wrong answers on pro: odds ratio: no data yet" in pane.detail.plain
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(pane.top, DecisionsLevel)
        shown = text_of(pilot)
        assert "ok promote   promoted shadow -> canary" in shown
        assert "IN THE DATA" in shown
        assert "WRITTEN DOWN" in shown
        await pilot.press("j")
        await settle(pilot)
        assert '"n": 2' not in pane.detail.plain
        assert '"n": 3' in pane.detail.plain
        await pilot.press("escape", "escape")
        await settle(pilot)
        assert "decisions on" not in text_of(pilot)
        assert "neutral 1" not in pane.detail.plain


async def test_nothing_on_its_way_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, [])
    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        await stages(pilot)
        assert "nothing is on its way: p in 7, or midwatch promote MODEL V" in text_of(pilot)
        for key in ("p", "R", "w", "i", "n"):
            await pilot.press(key)
            await settle(pilot)
            assert "there is no candidate under the cursor" in status(pilot), key
        await pilot.press("enter", "6")
        await settle(pilot)


async def test_until_the_gates_are_read_a_line_says_so_and_home_counts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(monkeypatch)
    app = screen(tmp_path)
    db = store.connect(tmp_path / "midwatch.db")
    rollouts.insert(db, models.get(db, "churn").id, "v14", "v13", ROLLOUT.rule, by="ada", now=NOW)
    db.close()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        shown = text_of(pilot)
        assert "1 cand" in shown
        assert "on the way: v14 in no stage yet; 1 OVERRIDE" in shown
        await stages(pilot)
        pane = app.query_one(StagesPane)
        pane._where.clear()
        pane.renew()
        await settle(pilot)
        assert "reading the gate" in text_of(pilot)
        await pilot.press("p")
        await settle(pilot)
        assert "the gates are still being read" in status(pilot)


async def test_one_reading_at_a_time_and_one_more_for_what_came_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(monkeypatch)
    asked: list[int] = []

    def again(*_: object, **__: object) -> tuple[CandidateLine, ...]:
        asked.append(1)
        return (LINE,)

    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        await stages(pilot)
        monkeypatch.setattr(overview, "candidates", again)
        pane = pilot.app.query_one(StagesPane)
        for _ in range(5):
            pane.reload()
        await settle(pilot)
        await settle(pilot)
        assert len(asked) == 2


async def test_what_looks_say_is_there_while_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch)
    read, clear = Event(), replace(LINE, outcome="promote", waits_for="you: promote it to full")
    early = (replace(LINE, being_read=True, waits_for=BEING_READ.text), replace(SHADOWED, being_read=True))

    def slow(*_: object, wait: bool = True) -> tuple[CandidateLine, ...]:
        return (clear, SHADOWED) if wait and read.wait(10) else early

    monkeypatch.setattr(overview, "candidates", slow)
    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        try:
            await pilot.press("5")
            pane = pilot.app.query_one(StagesPane)
            while not pane.known:
                await pilot.pause()
            await pilot.pause()
            shown = text_of(pilot)
            assert ".. hold" in shown
            assert "!! roll back" in shown
            assert "by its looks alone" in pane.detail.plain
        finally:
            read.set()
        await settle(pilot)
        await settle(pilot)
        assert "ok promote" in text_of(pilot)
        assert "by its looks alone" not in pane.detail.plain


async def test_what_was_read_before_says_so_and_who_moved_is_read_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    eta = replace(LINE, version="v9", rollout_id=9)
    tell(monkeypatch, [eta, LINE])
    clock, asked, go = Clock(), list[str](), Event()
    app = screen(tmp_path, clock)
    db = store.connect(tmp_path / "midwatch.db")
    model = models.get(db, "churn").id
    made = rollouts.insert(db, model, "v14", "v13", ROLLOUT.rule, by="ada", now=NOW)
    moved = replace(LINE, stage="full", waits_for="nothing", short="nothing behind it")

    def first(*_: object) -> CandidateLine:
        asked.append("first")
        return moved

    def every(*_: object, wait: bool = True) -> tuple[CandidateLine, ...]:
        go.wait(5)
        asked.append("all")
        return (eta, moved)

    async with app.run_test(size=(80, 24)) as pilot:
        await stages(pilot)
        pane = app.query_one(StagesPane)
        assert "reading" not in text_of(pilot)
        monkeypatch.setattr(overview, "line", first)
        monkeypatch.setattr(overview, "candidates", every)
        rollouts.add_event(db, made, "entered", stage="canary", by="ada", now=NOW)
        clock.turn(days=2)
        pane.reload()
        for _ in range(50):
            await pilot.pause(0.01)
            if asked:
                break
        await pilot.pause()
        shown = text_of(pilot)
        assert asked == ["first"]
        assert "reading again; 1,188" in shown
        assert "6d .. hold" in shown
        go.set()
        await settle(pilot)
        await settle(pilot)
        assert asked[:2] == ["first", "all"]
        assert asked.count("first") == 1
        assert "reading" not in text_of(pilot).lower()
    db.close()


async def test_the_details_start_at_the_top_of_another_row_and_stay_where_they_are_on_a_refresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(monkeypatch, [LINE, replace(LINE, version="v15")])
    async with screen(tmp_path).run_test(size=(60, 20)) as pilot:
        await stages(pilot)
        pane = pilot.app.query_one(StagesPane)
        pane.detail.scroll_to(y=5, animate=False)
        pane.reload()
        await settle(pilot)
        assert pane.detail.scroll_offset.y == 5
        await pilot.press("j")
        await settle(pilot)
        assert pane.detail.scroll_offset.y == 0


async def test_decisions_on_data_of_another_year_say_the_year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = decision(3, at=NOW.replace(year=2013))
    tell(monkeypatch, detail=replace(DETAIL, history=(old,)))
    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        await stages(pilot)
        await pilot.press("enter", "enter")
        await settle(pilot)
        assert f"> {pilot.app.stamp(NOW.replace(year=2013))}" in text_of(pilot).replace(">  ", "> ")  # type: ignore[attr-defined]


def test_a_stage_without_guardrails_has_no_bars_and_a_page_names_the_least_one() -> None:
    assert present.cells(replace(LINE, guardrails=0, stage="test"), ("test",))[6:8] == (Text(""), Text(""))
    page = present.preview(LINE, ("canary",), str).plain
    assert "of 2 guardrails: least toward promote wrong answers on pro; nearest harm wrong answers" in page
    assert "toward" not in present.preview(replace(LINE, guardrails=0), ("canary",), str).plain


async def test_at_120_columns_the_list_has_the_width(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = replace(LINE, version="v14-" + "x" * 60, short="pro-plan below floor, +3", entered_without_gate=True)
    tell(monkeypatch, [long])
    async with screen(tmp_path).run_test(size=(120, 30)) as pilot:
        await stages(pilot)
        assert "ahead of its gate; pro-plan below floor, +3" in text_of(pilot)


async def test_a_version_without_a_rollout_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stray = replace(LINE, rollout_id=None, entered_without_gate=True, waits_for="a rollout: it entered without a gate")
    tell(monkeypatch, [stray])
    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        await stages(pilot)
        pane = pilot.app.query_one(StagesPane)
        assert "no rollout was opened for it: p opens one" in pane.detail.plain
        await pilot.press("enter", "enter")
        await settle(pilot)
        assert pane.top is pane


async def test_keys_lead_to_the_sheets_and_to_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch)
    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        await stages(pilot)
        focus = pilot.app.query_one(StagesPane).focus_on()
        assert focus is not None
        assert (focus.model, focus.slices) == ("churn", ("model_version=v14",))
        for key, sheet in (("p", PromotionSheet), ("R", RollbackSheet)):
            await pilot.press(key)
            await settle(pilot)
            assert isinstance(pilot.app.screen, sheet)
            await pilot.press("escape")
            await settle(pilot)
        await pilot.press("n")
        await settle(pilot)
        assert "no incident of churn is live to write a note in" in status(pilot)
        await pilot.press("x")
        await settle(pilot)
        assert "stages" in status(pilot)
        assert list((tmp_path / "dump").glob("*stages*"))


async def test_a_shadow_is_reported_on_a_page_and_a_note_goes_into_the_live_incident(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.incidents import lifecycle
    from core.shadow import compare
    from core.shadow import report as reporting

    page = reporting.ShadowReport("shadow-churn-v15.md", "# v15 in the shadow of v13\n")
    monkeypatch.setattr(compare, "compare", lambda *_, **__: None)
    monkeypatch.setattr(reporting, "report", lambda *_, **__: page)
    monkeypatch.setattr(rollouts, "get", lambda db, rollout_id: ROLLOUT)
    tell(monkeypatch, [SHADOWED])
    app = screen(tmp_path)
    db = store.connect(tmp_path / "midwatch.db")
    model = models.get(db, "churn")
    opened = lifecycle.open_incident(
        db, model=model, title="t", severity="SEV3", owner="ada", actor=ADA, now=NOW - timedelta(hours=1)
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await stages(pilot)
        await pilot.press("x")
        await settle(pilot)
        written = Path(status(pilot).removeprefix("shadow report written: "))
        await pilot.press("n", *"odd", "enter")
        await settle(pilot)
        assert status(pilot) == f"noted on {opened.key}"
    assert written.read_text() == page.markdown  # noqa: ASYNC240 - a test may wait
    assert "v15 in shadow: odd" in " ".join(str(tuple(row)) for row in db.execute("SELECT * FROM incident_events"))
    db.close()


async def test_read_only_refuses_and_shows_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch)
    async with screen(tmp_path, read_only="started with --read-only").run_test(size=(80, 24)) as pilot:
        await stages(pilot)
        assert ".. hold" in text_of(pilot)
        await pilot.press("p")
        await settle(pilot)
        assert not isinstance(pilot.app.screen, PromotionSheet)
        assert "--read-only" in status(pilot)


async def test_text_from_outside_is_shown_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = replace(LINE, version=HOSTILE, baseline=HOSTILE, stage=HOSTILE, waits_for=HOSTILE)
    detail = replace(
        DETAIL, line=hostile, items=(ItemAnswer(HOSTILE, HOSTILE, None, HOSTILE, "ada", NOW),), planner=(HOSTILE,),
        verdict=replace(
            VERDICT, reasons=(Reason("minimum", HOSTILE, HOSTILE),), evidence=(replace(EVIDENCE, guardrail=HOSTILE),)
        ),
        history=(decision(1, by=HOSTILE, document='{"by": "\\u001b[31m"}'),),
        charts=(replace(DETAIL.charts[0], guardrail=HOSTILE),),
    )  # fmt: skip
    tell(monkeypatch, [hostile], detail)
    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        await stages(pilot)
        for _ in range(3):
            assert "\x1b" not in text_of(pilot)
            assert "[/boom]" in text_of(pilot)
            await pilot.press("enter")
            await settle(pilot)
        assert pilot.app.is_running


async def test_an_error_of_the_use_case_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from storage.errors import SourceError

    def fail(*_: object) -> None:
        raise SourceError("the file of batch 7 is gone", "put it back")

    tell(monkeypatch)
    monkeypatch.setattr(overview, "candidate", fail)
    async with screen(tmp_path).run_test(size=(80, 24)) as pilot:
        await stages(pilot)
        assert "the file of batch 7 is gone" in status(pilot)
        await pilot.press("enter", "enter")
        assert "812 of 2,000 rows" in text_of(pilot)
