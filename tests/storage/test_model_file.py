from datetime import timedelta
from pathlib import Path

import pytest

from storage.errors import ModelFileError
from storage.model_file import parse, read
from storage.records.models import Slo, Stage

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
