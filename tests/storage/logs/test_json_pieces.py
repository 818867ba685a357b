"""JSON lines are read piece by piece: how they are cut must not show."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from storage.logs.source import LogSource, open_log

VALUES = st.sampled_from(
    [None, 1, 2, 2.5, 1e300, True, "x", "7", "2.5", "NA", "{", "{}", '{"k": 1}', "2026-01-01 10:00:00", {}, [1], [{}]]
)
KEYS = st.sampled_from(["a", "b", "c.d", "e/f", "~"])
OBJECTS = st.recursive(
    st.dictionaries(KEYS, VALUES, max_size=3), lambda inner: st.dictionaries(KEYS, VALUES | inner, max_size=3)
)
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""An example reads a file twice: shrinking one took minutes."""
LINES = st.lists(OBJECTS.map(json.dumps) | st.sampled_from(["", "  ", "[1]", "7", "{bad", "{} {}"]), max_size=14)


def told(log: LogSource) -> tuple[object, ...]:
    """Everything that is read of a log, columns without any value aside: they may be overlooked."""
    names = sorted(column.name for column in log.columns)
    names = [name for name in names if log.query(f'select count("{name}") from log') != [(0,)]]
    listed = "".join(f', "{column}"' for column in names)
    rows = log.query(f'select "__row"{listed} from log order by "__row"')
    return {c: log.column(c).kind for c in names}, repr(rows), log.rows, log.rejected, log.rejects


@pytest.fixture
def cut(monkeypatch):
    def _cut(size):
        monkeypatch.setattr("storage.logs.json_pieces.PIECE", size)
        monkeypatch.setattr("storage.logs.json_lines.BLOCK", 1)

    return _cut


@settings(
    max_examples=8, deadline=None, phases=NO_SHRINKING, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(LINES, st.sampled_from([40, 150]))
def test_pieces_of_any_size_give_the_same_log(tmp_path, cut, lines, size):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n' + "\n".join(lines) + "\n")
    cut(1 << 20)
    with open_log(path) as log:
        whole = told(log)
        assert log.rows + log.rejected == 1 + sum(bool(line.strip()) for line in lines)
    cut(size)
    with open_log(path) as log:
        assert told(log) == whole


def test_keys_and_conflicts_that_come_late(tmp_path, cut):
    draw = random.Random(2)
    rows = [{"n": draw.random(), "d": {"os": "ios"}, "late": None, "x": {"y": 1}, "id": f"r{i}"} for i in range(2_000)]
    for row in rows[1_500:]:
        row["late"] = {"k": 2.5}
        row["new"] = {"deep": {"er": "v"}}
    rows[1_700]["x"] = "a text"
    rows[1_800]["n"] = True
    rows[1_801]["n"] = "nan"
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + '\n{"n": 1} {"n": 2}\nnull')
    cut(20_000)
    with open_log(path) as log:
        assert {c.name: c.kind for c in log.columns} == {
            "n": "number",
            "d.os": "text",
            "x": "text",
            "id": "text",
            "late.k": "number",
            "new.deep.er": "text",
        }
        assert next((r.line, r.reason.split(":")[0]) for r in log.rejects) == (1_801, "n")
        assert [r.line for r in log.rejects] == [1_801, 2_001, 2_002]
        assert log.query("select x from log where __row in (7, 1701) order by __row") == [('{"y":1}',), ("a text",)]
        assert log.query('select count(n), count("late.k") from log') == [(1_998, 499)]


def test_numbers_that_turn_out_to_be_texts_are_kept_letter_for_letter(tmp_path, cut):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f'{{"n": {i}, "m": 1.50}}\n' for i in range(600)) + '{"n": true, "m": 7}\n' * 20)
    cut(150)
    with open_log(path) as log:
        assert (log.column("n").kind, log.rejected) == ("text", 0)
        assert log.query("select n from log where __row in (1, 500, 620) order by __row") == [
            ("0",),
            ("499",),
            ("true",),
        ]


def test_numeric_ids_read_as_texts_keep_every_digit(tmp_path, cut):
    path, ids = tmp_path / "a.jsonl", [2**62 + i for i in range(300)]
    path.write_text("".join(f'{{"id": {i}, "n": 1}}\n' for i in ids))
    cut(150)
    with open_log(path, types={"id": "text"}) as log:
        assert log.query("select id from log order by __row") == [(str(i),) for i in ids]
    other = tmp_path / "b.csv"
    other.write_text("id,n\nA7,1\nA8,2\n")
    with open_log([path, other]) as log:
        assert log.query("select id from log order by __file, __row") == [(str(i),) for i in ids] + [("A7",), ("A8",)]


def test_whole_numbers_that_turn_out_not_to_be_are_not_rounded(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f'{{"n": {i}}}\n' for i in range(6_000)) + '{"n": 2.5}\n{"n": 1e-3}\n')
    with open_log(path) as log:
        assert (log.column("n").type, log.rejected) == ("DOUBLE", 0)
        assert log.query("select n from log where __row > 6000 order by 1") == [(0.001,), (2.5,)]


def test_keys_that_differ_in_case_only_are_columns_of_their_own(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1, "A": "x", "d": {"k": 1}, "D": {"k": 2}}\n' * 3)
    with open_log(path) as log:
        assert [c.name for c in log.columns] == ["a", "A_2", "d.k", "D.k_2"]
        assert log.query("select * exclude (__file, __row) from log limit 1") == [(1, "x", 1, 2)]
