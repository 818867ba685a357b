import json

import pytest

from core.stats.reliability import kept_at_least, rank_area, reliability
from core.worth.fitted import Fitted, read
from core.worth.learning import KEEP, MINIMUM, learn
from tests.core.worth.people import Happened, play

YEAR = 400


def split(seed: int, wrong: float = 0.0, then: int = 100) -> tuple[Fitted, list[Happened]]:
    happened = list(play(YEAR + then, seed, wrong))
    return learn([h.example for h in happened[:YEAR]]), happened[YEAR:]


def told(fitted: Fitted, later: list[Happened]) -> list[float]:
    return [fitted.probability(h.example.features) for h in later]


@pytest.fixture(scope="module")
def learned() -> tuple[Fitted, list[Happened]]:
    return split(seed=2)


def test_it_learns_what_people_act_on(learned: tuple[Fitted, list[Happened]]) -> None:
    fitted, later = learned
    assert fitted.in_force, fitted.verdict
    outcome = [h.worth for h in later]
    assert (rank_area(told(fitted, later), outcome) or 0.0) > 0.85
    weights = {w.name: w.weight for w in fitted.weights}
    assert weights["cause:unit change"] > 0 > weights["cause:drift"]
    assert weights["deployed"] > 0
    assert weights["strength"] > 0


def test_probabilities_are_near_the_ones_that_people_have(learned: tuple[Fitted, list[Happened]]) -> None:
    fitted, later = learned
    said = told(fitted, later)
    assert fitted.held_out.model.calibrated
    assert abs(sum(said) - sum(h.truth for h in later)) / len(later) < 0.06
    assert sum(abs(p - h.truth) for p, h in zip(said, later, strict=True)) / len(later) < 0.14


def test_the_floor_keeps_the_worthy(learned: tuple[Fitted, list[Happened]]) -> None:
    fitted, later = learned
    held = fitted.held_out
    assert 0 < held.floor <= 0.2
    assert held.kept_at_least >= KEEP
    under = [h for p, h in zip(told(fitted, later), later, strict=True) if p < held.floor]
    assert under
    assert sum(h.worth for h in under) <= 0.05 * sum(h.worth for h in later)


def test_wrong_answers_degrade_it_gently_and_make_it_careful() -> None:
    right, later = split(seed=2)
    wrong, later_wrong = split(seed=2, wrong=0.1)
    area = rank_area(told(right, later), [h.worth for h in later])
    less = rank_area(told(wrong, later_wrong), [h.worth for h in later_wrong])
    assert area is not None
    assert less is not None
    assert less > area - 0.08
    under = [h for p, h in zip(told(wrong, later_wrong), later_wrong, strict=True) if p < wrong.held_out.floor]
    assert sum(h.worth for h in under) <= 0.05 * sum(h.worth for h in later_wrong)


def test_the_same_answers_teach_the_same(learned: tuple[Fitted, list[Happened]]) -> None:
    again = learn([h.example for h in play(YEAR, 2)])
    assert again == learned[0]
    assert read(json.loads(json.dumps(again.body(), allow_nan=False))) == again
    assert read({**again.body(), "form": 0}) is None


def test_few_answers_and_answers_that_are_all_alike_teach_nothing() -> None:
    from dataclasses import replace

    few = learn([h.example for h in play(MINIMUM - 1, 3)])
    assert not few.in_force
    assert few.verdict == "49 answers of 50: counting until then"
    alike = learn([replace(h.example, worth=True) for h in play(100, 3)])
    assert not alike.in_force
    assert alike.held_out.floor == 0.0
    assert "alike" in alike.verdict


def test_answers_by_chance_leave_counting_in_force() -> None:
    import random
    from dataclasses import replace

    chance = random.Random(1)
    examples = [replace(h.example, worth=chance.random() < 0.5, counted=0.5) for h in play(200, 3)]
    fitted = learn(examples)
    assert fitted.held_out.floor == 0.0
    assert not fitted.in_force, fitted.verdict


def test_silence_weighs_less_than_an_answer() -> None:
    from dataclasses import replace

    base = [h.example for h in play(200, 5)]
    drift = [e for e in base if "cause:unit change" in e.features]
    silent = [replace(e, worth=False, weight=0.25) for e in drift]
    loud = [replace(e, worth=False, weight=1.0) for e in drift]
    probe = drift[-1].features

    def with_more(extra: list[object]) -> float:
        examples = sorted([*base, *extra], key=lambda e: e.alert_id)  # type: ignore[attr-defined]
        return learn(examples).margin(probe)  # type: ignore[arg-type]

    plain = learn(base).margin(probe)
    assert with_more(list(loud)) < with_more(list(silent)) < plain


def test_forecasts_that_are_off_are_found_out() -> None:
    honest = reliability([0.1] * 90 + [0.9] * 90, [k < 9 for k in range(90)] + [k < 81 for k in range(90)])
    assert honest.calibrated
    assert [(b.n, round(b.came_true, 2)) for b in reliability([0.1] * 50, [False] * 50, bins=1).bins] == [(50, 0.0)]
    sure = reliability([0.02] * 100, [k < 30 for k in range(100)])
    assert not sure.calibrated
    assert kept_at_least(2, 100, 0.9) == pytest.approx(0.9476, abs=1e-3)
