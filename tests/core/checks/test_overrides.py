"""What the model file says about checks is honoured, and what was not judged is told."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from core.checks.base import Check
from core.checks.registry import CHECKS, by_name
from core.infer import as_toml, infer
from core.validate import validate
from storage import model_file
from storage.errors import ModelFileError
from storage.records.models import CheckSpec
from tests.core.checks.batches import ROLES, alone, profile, shop_day


def tables(seed: int = 1) -> tuple[dict, dict]:
    rng = np.random.default_rng(seed)
    return shop_day(rng, 1, rows=1000), shop_day(rng, 0, rows=1000)


def fails(found, check: str):  # type: ignore[no-untyped-def]
    return [f for f in found.findings if f.check == check]


def test_an_unknown_check_names_the_nearest() -> None:
    with pytest.raises(ModelFileError, match="did you mean 'completeness'"):
        by_name("completness")
    now, before = tables()
    with pytest.raises(ModelFileError, match="no check 'nosuch'"):
        validate(alone(now, before, specs=(CheckSpec("nosuch"),)))


def test_a_persons_bound_is_hard_and_counts_its_rows() -> None:
    now, before = tables()
    spec = CheckSpec("bounds", "age", minimum=0.0, maximum=60.0, rationale="the product ends at 60", owner="ada")
    found = fails(validate(alone(now, before, specs=(spec,))), "bounds")[0]
    assert (found.error_class, found.tier) == ("hard", "ticket")
    assert found.evidence["rows"] == int((now["age"] > 60).sum())
    assert found.evidence["rows_sql"] == '"age" < 0.0 OR "age" > 60.0'
    assert (found.evidence["owner"], found.evidence["rationale"]) == ("ada", "the product ends at 60")


def test_allowed_values_tier_threshold_and_switching_off() -> None:
    now, before = tables()
    strange = CheckSpec("categories", "device", allowed=("phone", "desktop"), tier="page")
    found = fails(validate(alone(now, before, specs=(strange,))), "categories")[0]
    assert (found.tier, found.evidence["rows"]) == ("page", int((now["device"] == "tablet").sum()))
    lost = {**now, "age": np.where(np.arange(1000) < 30, np.nan, now["age"])}
    assert fails(validate(alone(lost, before)), "completeness") == []
    tight = validate(alone(lost, before, specs=(CheckSpec("completeness", "age", threshold=0.01),)))
    assert fails(tight, "completeness")[0].column == "age"
    least = validate(alone(lost, before, specs=(CheckSpec("completeness", "age", minimum=0.99, tier="digest"),)))
    assert fails(least, "completeness")[0].tier == "digest"
    off = validate(alone({**now, "age": now["age"] * 60}, before, specs=(CheckSpec("unit_change", enabled=False),)))
    assert fails(off, "unit_change") == []
    assert any(f.check == "unit_change" and "switched off" in f.message for f in off.not_checked)


def test_what_was_not_judged_is_told() -> None:
    now, before = tables()
    roles = dataclasses.replace(ROLES, ignore=("visits",))
    told = [f.message for f in validate(alone(now, before, roles=roles)).not_checked]
    assert any("'visits': ignored" in m for m in told)
    assert any("'request_id': it names rows" in m for m in told)
    assert any("'ts': it follows the calendar" in m for m in told)
    assert any("no past batch" in m for m in told)
    few = validate(alone(shop_day(np.random.default_rng(1), 1, rows=10), before))
    assert any("fewer than" in f.message for f in few.not_checked)


def test_calendar_columns_and_counters_have_no_range() -> None:
    now, before = tables()
    calendar = {
        "month": (np.full(1000, 10.0), np.full(1000, 9.0)),
        "created_epoch": (np.arange(1.76e9, 1.76e9 + 1000), np.arange(1.75e9, 1.75e9 + 1000)),
        "sequence": (np.arange(5000.0, 6000.0), np.arange(1000.0)),
        "year": (np.full(1000, 2026.0), np.full(1000, 2025.0)),
    }
    found = validate(
        alone({**now, **{k: v[0] for k, v in calendar.items()}}, {**before, **{k: v[1] for k, v in calendar.items()}})
    )
    assert not [f for f in found.findings if f.column in calendar]


def test_redacted_values_never_leave() -> None:
    now, before = tables()
    roles = dataclasses.replace(ROLES, redact=("device",))
    secret = {**now, "device": np.where(now["device"] == "phone", "ada@example.com", now["device"])}
    found = validate(alone(secret, before, roles=roles))
    assert fails(found, "categories")
    assert "ada@example.com" not in repr(found)
    filled = {**now, "age": np.where(np.arange(1000) % 3 == 0, 777.25, now["age"])}
    hidden = validate(alone(filled, before, roles=dataclasses.replace(ROLES, redact=("age",))))
    assert hidden.findings[0].column == "age"
    assert "777" not in repr(hidden.findings)


def test_flipped_labels_need_predictions_that_stayed() -> None:
    now, before = tables()
    moved = {**now, "bought": 1 - now["bought"], "score": 1 - now["score"]}
    assert not [f for f in fails(validate(alone(moved, before)), "label_sanity") if f.tier == "ticket"]


def test_every_check_explains_itself() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        assert isinstance(check, Check)
        assert check.rationale
        assert check.needs
        assert check.response


def test_identical_batches_fail_nothing() -> None:
    now, _ = tables()
    found = validate(alone(now, now))
    assert [f for f in found.findings if f.tier != "evidence"] == []
    assert found.verdict == "clear"
    assert found.checked_count > 50


def test_proposed_checks_are_read_back_and_pass_their_reference() -> None:
    now, _ = tables()
    now = {**now, 'odd "name"': np.where(np.arange(1000) % 2 == 0, "a\\b\x7f", 'say "x"').astype(object)}
    specs = infer(profile(now), ROLES)
    text = 'name = "m"\ntask = "binary"\n[columns]\ntime = "ts"\nprediction = "score"\n' + as_toml(specs)
    assert model_file.parse(text, "m.toml").checks == specs
    assert {s.check for s in specs} == {"bounds", "categories", "completeness"}
    assert not any(s.column in ("request_id", "ts") and s.check != "completeness" for s in specs)
    assert validate(alone(now, now, specs=specs)).verdict == "clear"
