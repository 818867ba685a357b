"""Roles guessed from the names and kinds of columns."""

from __future__ import annotations

from core.guess_roles import guess_roles
from storage.logs.source import open_log
from storage.records.logs import Roles


def test_roles_come_from_names_and_kinds(tmp_path):
    path = tmp_path / "a.csv"
    header = "user_id,request_id,scored_at,age,score,label,model_version,stage\n"
    path.write_text(header + "".join(f"u{i % 3},r{i},2026-01-0{1 + i % 9},3,0.{i},1,v1,full\n" for i in range(50)))
    with open_log(path) as log:
        assert guess_roles(log.columns) == Roles(
            time="scored_at",
            id="request_id",
            prediction="score",
            label="label",
            version="model_version",
            stage="stage",
        )


def test_nothing_is_guessed_from_values_alone(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "".join(f"{i},x{i}\n" for i in range(50)))
    with open_log(path) as log:
        assert guess_roles(log.columns) == Roles()
