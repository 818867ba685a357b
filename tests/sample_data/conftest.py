"""One small scenario, generated once for all tests that only read it."""

from __future__ import annotations

import pytest

from sample_data.records import Scenario
from sample_data.scenario import generate


@pytest.fixture(scope="session")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    return generate(tmp_path_factory.mktemp("scenario"), small=True)


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    return generate(tmp_path_factory.mktemp("clean"), small=True, planted=False)


def churn_paths(scenario: Scenario, *roles: str) -> list[str]:
    churn = scenario.model("churn")
    files = [*churn.reference, *churn.serving, *churn.labels, *churn.later]
    return [str(file.path) for file in files if file.role in roles]


@pytest.fixture(scope="session")
def churn_rows(scenario: Scenario) -> list[tuple[str, float, int]]:
    """version, score and true label of every churn row, labels that arrive later included."""
    import duckdb

    logs = churn_paths(scenario, "reference", "serving")
    labels = churn_paths(scenario, "labels")
    sql = """
        SELECT model_version, score, coalesce(late.churned, logs.churned)
        FROM read_parquet(?, union_by_name = true) AS logs LEFT JOIN read_parquet(?) AS late USING (request_id)
        WHERE coalesce(late.churned, logs.churned) IS NOT NULL
    """
    with duckdb.connect() as connection:
        return connection.execute(sql, [logs, labels]).fetchall()
