from datetime import time, timedelta
from pathlib import Path

import pytest

from storage.errors import ModelFileError
from storage.model_file import parse, read
from storage.records.alert_rules import AlertRules
from storage.records.models import GateBudget, Guardrail, Slo, Stage, Suite

FULL = """
name = "churn"                        # a comment
task = "binary"
production = true

[columns]
time = "scored_at"
id = "request_id"
prediction = "score"
redact = ["email"]

[labels]
lag = "3d"
minimum = 500

[[metrics]]
name = "auc"
primary = true
slo = ">= 0.68"

[[metrics]]
name = "revenue_per_user"
kind = "business"
sql = "avg(plan_price * (1 - churned))"
direction = "up"

[[stages]]
name = "shadow"
minimum_rows = 5000

[[stages]]
name = "full"

[rollback]
fallback = "v12"
actuator = "pointer_file"
path = "/srv/models/churn/CURRENT"
settle = "5s"
"""


def test_a_whole_file() -> None:
    file = parse(FULL, "churn.toml")
    assert file.columns.redact == ("email",)
    assert file.labels.lag == timedelta(days=3)
    assert file.primary_metric is not None
    assert file.primary_metric.slo == Slo(">=", 0.68)
    assert file.stages[0] == Stage("shadow", "shadow", 0.0, 5000)
    assert file.full_stage == "full"
    assert file.rollback is not None
    assert file.rollback.options == {"path": "/srv/models/churn/CURRENT"}
    assert file.rollback.settle == timedelta(seconds=5)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("redact =", "redacts =", "line 10, key [columns] redacts: there is no such key; did you mean 'redact'?"),
        ('task = "binary"', 'task = "binry"', "line 3, key task: 'binry' is not known; did you mean 'binary'?"),
        ("minimum = 500", 'minimum = "500"', "line 14, key [labels] minimum: must be a whole number, not '500'"),
        ('lag = "3d"', 'lag = "3 moons"', "line 13, key [labels] lag: '3 moons' is not a duration"),
        ('slo = ">= 0.68"', 'slo = "0.68"', "line 19, key [metrics] slo: '0.68' is not a bound such as '>= 0.68'"),
        (
            'direction = "up"\n',
            "",
            "line 22, key [metrics] name: the business metric 'revenue_per_user' needs direction",
        ),
        ("minimum_rows = 5000", "minimum_row = 5000", "line 29, key [stages] minimum_row"),
        ('name = "full"', 'name = "shadow"', "'shadow' stands there twice"),
        ("prediction = ", "predicton = ", "line 9, key [columns] predicton"),
        ('time = "scored_at"\n', "", "line 6, key columns: 'time' is required here"),
        ("actuator = ", "actuater = ", "line 36, key [rollback] actuater"),
        ('"pointer_file"', '"record_only"', "line 37, key [rollback] path"),
        ("[labels]", "[lables]", "line 12, key lables: there is no such key; did you mean 'labels'?"),
    ],
)
def test_an_error_names_line_key_and_the_nearest_right_one(old: str, new: str, words: str) -> None:
    assert old in FULL
    with pytest.raises(ModelFileError) as caught:
        parse(FULL.replace(old, new, 1), "churn.toml")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b'name = "a\xff"', "line 1: not UTF-8"),
        (b"name = = 3", "not valid TOML"),
        (b"[[columns]]", "table"),
    ],
)
def test_broken_files(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "m.toml"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=words):
        read(path)


def test_a_directory_is_not_a_model_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="can't be read"):
        read(tmp_path)


GATES = """
name = "churn"
task = "binary"
feedback_loop = true
[columns]
time = "t"
prediction = "p"
latency = "ms"
[[stages]]
name = "shadow"
[[stages]]
name = "canary"
traffic = 0.1
minimum_rows = 1000
margin = 1.3
approvals = 2
items = ["legal", "privacy"]
[[stages]]
name = "full"
[[guardrails]]
name = "wrong"
signal = "error"
margin = 1.2
method = "odds"
[[guardrails]]
name = "money"
signal = "sql"
sql = "price"
stages = ["canary"]
harm = "down"
cap = 0.99
[gates]
harm = 0.02
disagreement = 0.05
[suite]
metrics = ["auc"]
split = "all"
"""


def test_the_keys_of_gates() -> None:
    file = parse(GATES, "churn.toml")
    assert file.feedback_loop
    assert file.stages[1] == Stage("canary", "canary", 0.1, 1000, 0, 0.0, 1.3, 2, ("legal", "privacy"))
    assert file.guardrails == (
        Guardrail("wrong", "error", method="odds", margin=1.2),
        Guardrail("money", "sql", "price", ("canary",), "down", cap=0.99),
    )
    assert file.gates == GateBudget(0.02, 0.05, 0.05)
    assert file.suite == Suite(("auc",), split="all")
    plain = parse(FULL, "churn.toml")
    assert (plain.guardrails, plain.gates, plain.suite, plain.feedback_loop) == ((), GateBudget(), Suite(), False)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("margin = 1.3", "margin = 1.0", r"line 15, key \[stages\] margin: must be above 1, not 1"),
        ("approvals = 2", "approvals = -1", r"line 16, key \[stages\] approvals: must be at least 0"),
        ("approvals = 2", "aprovals = 2", r"line 16, .* did you mean 'approvals'"),
        ('"privacy"]', '"legal"]', r"line 17, key \[stages\] items: an item stands there twice"),
        ('signal = "error"', 'signal = "eror"', r"line 22, key \[guardrails\] signal: 'eror' .* did you mean 'error'"),
        ('name = "money"', 'name = "wrong"', r"line 21, key \[guardrails\] name: 'wrong' stands there twice"),
        ('name = "money"', 'name = "traffic split"', r"line 26, .* can't be the name of a guardrail"),
        ('sql = "price"', "", r"line 27, key \[guardrails\] signal: .* go together"),
        (
            '["canary"]',
            '["full"]',
            r"line 29, key \[guardrails\] stages: 'full' is no stage with two arms; shadow, canary",
        ),
        ('harm = "down"', 'harm = "dwn"', r"line 30, .* did you mean 'down'"),
        ("cap = 0.99", "cap = 99", r"line 31, key \[guardrails\] cap: must be between 0 and 1, not 99"),
        ("cap = 0.99", "margin = nan", r"line 31, key \[guardrails\] margin: must be above 0, not nan"),
        ("cap = 0.99", 'unit = "user"', r"line 31, key \[guardrails\] unit: \[columns\] names no user"),
        ("margin = 1.2", "margin = 0.9", r"line 23, key \[guardrails\] margin: must be above 1"),
        (
            'task = "binary"',
            'task = "multiclass"\nguard = 1',
            r"key guard: there is no such key; did you mean 'guardrails'",
        ),
        (
            'task = "binary"',
            'task = "regression"',
            r"line 22, .* a regression model has no 'error'; it has loss, abs_error",
        ),
        ("harm = 0.02", "harm = 0", r"line 33, key \[gates\] harm: must be between 0 and 1, not 0"),
        ("disagreement = 0.05", "disagreement = 5", r"line 34, key \[gates\] disagreement: is a share"),
        ('split = "all"', 'split = "tine"', r"line 37, key \[suite\] split: 'tine' .* did you mean 'time'"),
        ('split = "all"', "holdout = 1.0", r"line 37, key \[suite\] holdout: must be between 0 and 1"),
    ],
)
def test_a_wrong_key_of_a_gate_is_named_with_its_line(old: str, new: str, said: str) -> None:
    assert old in GATES
    with pytest.raises(ModelFileError, match=said):
        parse(GATES.replace(old, new), "churn.toml")


def test_a_latency_guardrail_needs_its_column() -> None:
    text = GATES.replace('latency = "ms"\n', "").replace('signal = "error"', 'signal = "latency"')
    with pytest.raises(ModelFileError, match="names no latency"):
        parse(text, "churn.toml")


ALERTS = (
    FULL
    + """
[alerts]
pages_per_week = 1.5
escalate_after = "45m"
escalate_to = ["second line", "head of data"]
morning = "7:30"
upstream = ["billing export"]
runbook = "https://wiki.example.internal/churn"

[alerts.importance]
plan_price = 3
"trace source" = 0.2
"""
)


def test_what_a_file_says_of_its_alerts() -> None:
    assert parse(FULL, "churn.toml").alerts == AlertRules()
    assert parse(ALERTS, "churn.toml").alerts == AlertRules(
        pages_per_week=1.5,
        escalate_after=timedelta(minutes=45),
        escalate_to=("second line", "head of data"),
        morning=time(7, 30),
        upstream=("billing export",),
        runbook="https://wiki.example.internal/churn",
        importance={"plan_price": 3.0, "trace source": 0.2},
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("pages_per_week = 1.5", "pages_per_weak = 1", "line 41, key [alerts] pages_per_weak"),
        ("pages_per_week = 1.5", "pages_per_week = 0", "line 41, key [alerts] pages_per_week: must be above 0"),
        ('"45m"', '"45"', "line 42, key [alerts] escalate_after: '45' is not a duration"),
        ('"45m"', '"10s"', "line 42, key [alerts] escalate_after: '10s' must be between 1m and 30d"),
        ('"45m"', '"99999999999w"', "must be between 1m and 30d"),
        ('"head of data"', '"second line"', "line 43, key [alerts] escalate_to: a name stands there twice"),
        ('"7:30"', '"half past"', "line 44, key [alerts] morning: 'half past' is not a time on the wall"),
        ('"7:30"', '"24:00"', "key [alerts] morning: '24:00' is not a time on the wall such as '08:00'"),
        ('["billing export"]', '"billing"', "line 45, key [alerts] upstream: must be a list in brackets"),
        ('["billing export"]', '[" "]', "line 45, key [alerts] upstream: a name is empty"),
        ("plan_price = 3", "plan_price = -1", "line 49, key [alerts.importance] plan_price: must be at least 0"),
        ("plan_price = 3", "plan_price = nan", "line 49, key [alerts.importance] plan_price"),
        ("plan_price = 3", 'plan_price = "much"', "line 49, key [alerts.importance] plan_price: must be a number"),
    ],
)
def test_a_wrong_key_of_alerts_is_named_with_its_line(old: str, new: str, said: str) -> None:
    assert old in ALERTS
    with pytest.raises(ModelFileError) as caught:
        parse(ALERTS.replace(old, new, 1), "churn.toml")
    assert said in str(caught.value)
