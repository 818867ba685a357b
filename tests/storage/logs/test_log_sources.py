"""Reading prediction logs: every format, every line accounted for, every bad input one sentence."""

from __future__ import annotations

import gzip
import json
import os
from contextlib import suppress

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.errors import MidwatchError, SourceError
from storage.logs.source import open_log

HEADER = "id,when,score,kind\n"


def lines(n: int, first: int = 0) -> list[str]:
    return [f"r{i},2026-03-01T{i % 24:02d}:00:00,{i / 8},{'ab'[i % 2]}\n" for i in range(first, first + n)]


@pytest.fixture
def write(tmp_path):
    def _write(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return str(path)

    return _write


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "it's [1]*?.csv"])
def test_csv_columns_have_kinds_and_values(write, name):
    with open_log(write(name, HEADER + "".join(lines(50)))) as log:
        assert [(c.name, c.kind) for c in log.columns] == [
            ("id", "text"),
            ("when", "time"),
            ("score", "number"),
            ("kind", "text"),
        ]
        assert (log.rows, log.rejected) == (50, 0)
        found = {c: v for piece in log.numbers(["score", "when"]) for c, v in piece.items()}
        assert found["score"].tolist() == [i / 8 for i in range(50)]
        assert found["when"][1] - found["when"][0] == 3600
        assert log.category_counts("kind") == [("a", 25), ("b", 25)]
        assert log.codes("kind", ["b"])[:4].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_bad_csv_lines_are_quarantined_with_their_true_lines(write, suffix, end):
    rows = lines(2_000)
    rows[4] = 'r4,2026-03-01,1,"two\nlines"\n'  # a good record of two lines: 6 and 7
    rows[10] = "r10,2026-03-01,oops,a\n"  # line 13
    rows[20] = "r20,2026-03-01,1\n"  # line 23
    rows[30] = "\nr30,2026-03-01,1,a,b,c\n"  # blank line 33, bad line 34
    rows[40] = 'r40,2026-03-01,1,"a"b\n'  # line 44
    rows[50] = 'r50,2026-03-01,1,"never closed\n'  # line 54
    path = write("a.csv" + suffix, (HEADER + "".join(rows)).replace("\n", end))
    with open_log(path) as log:
        assert [r.line for r in log.rejects] == [13, 23, 34, 44, 54]
        assert [r.text.split(",")[0] for r in log.rejects] == ["r10", "r20", "r30", "r40", "r50"]
        assert "'oops' is not DOUBLE" in log.rejects[0].reason
        assert log.rows + log.rejected == 2_000
        total, rows_found = log.rows_where("id in (?, ?)", ["r12", "r60"])
        assert total == 2
        assert [(r.line, r.values["id"]) for r in rows_found] == [(15, "r12"), (64, "r60")]


def test_line_ends_may_be_mixed(write):
    rows = [line.replace("\n", "\r\n") if i % 3 else line for i, line in enumerate(lines(90))]
    rows[50] = "too,few\r\n"
    with open_log(write("a.csv", HEADER + "".join(rows))) as log:
        assert (log.rows, [r.line for r in log.rejects]) == (89, [52])


def test_rejects_deep_in_a_large_file_keep_their_lines(write):
    rows = lines(60_000)
    bad = [30_000, 59_999]
    for at in bad:
        rows[at] = "x,y\n"
    with open_log(write("a.csv", HEADER + "".join(rows))) as log:
        assert [r.line for r in log.rejects] == [at + 2 for at in bad]
        assert log.rows == 59_998


def test_a_column_with_many_failing_cells_becomes_text(write):
    rows = lines(15_000)
    rows[12_000:] = [line.replace(",2026-03-01T", ",nineteen") for line in rows[12_000:]]
    with open_log(write("a.csv", HEADER + "".join(rows))) as log:
        column = log.column("when")
        assert (column.kind, log.rows, log.rejected) == ("text", 15_000, 0)
        assert "3,000 of 15,000" in column.retyped


def test_markers_of_missing_numbers_are_missing_and_texts_stay(write):
    body = "n,country\n1,NA\n2.5,DE\nNA,FR\n,NA\n" + "3,DE\n" * 20
    with open_log(write("a.csv", body.replace("country\n1,NA", "country\n1,SE"))) as log:
        [piece] = log.numbers(["n"])
        assert np.isnan(piece["n"]).sum() == 2
    late = "n,country\n" + "3,DE\n" * 12_000 + "NA,DE\n" + "2.5,DE\n"
    with open_log(write("b.csv", late)) as log:
        assert (log.rows, log.rejected) == (12_002, 0)
    with open_log(write("c.csv", "n,country\n" + "3,NA\n" * 30)) as log:
        assert log.category_counts("country") == [("NA", 30)]


def test_numbers_with_leading_zeros_stay_text(write):
    with open_log(write("a.csv", "zip,n\n" + "01234,1\n" * 9)) as log:
        assert [c.kind for c in log.columns] == ["text", "number"]


def test_json_lines_count_up_and_nest(write):
    rows = [json.dumps({"a": i, "device": {"os": "ios", "size": [1, 2]}, "ok": True}) for i in range(300)]
    rows[3], rows[5], rows[7], rows[9] = "{bad", "[1]", "", '{"a": "x"}'
    for name in ("a.jsonl", "a.jsonl.gz"):
        with open_log(write(name, "\n".join(rows))) as log:
            assert {c.name: c.kind for c in log.columns} == {
                "a": "number",
                "device.os": "text",
                "device.size": "text",
                "ok": "boolean",
            }
            assert [r.line for r in log.rejects] == [4, 6, 10]
            assert log.rows + log.rejected + 1 == 300
            assert "list instead of an object" in log.rejects[1].reason
            _, [row] = log.rows_where("a = 8")
            assert (row.line, row.values["device.size"]) == (9, "[1,2]")


def test_json_lines_that_are_no_text_are_quarantined(write):
    rows = [b'{"a": %d}' % i for i in range(40)]
    rows[3], rows[8], rows[12] = b'{"a": "\xe9"}', b'{"a": 1\x1f}', b'{"a":\r 7}'
    with open_log(write("a.jsonl", b"\n".join(rows))) as log:
        assert [r.line for r in log.rejects] == [4, 9]
        assert log.rows == 38
        assert log.query("select count(*) from log where a = 7") == [(2,)]


def test_parquet_structs_lists_and_decimals(tmp_path):
    path = tmp_path / "a.parquet"
    duckdb.execute(
        f"copy (select i, {{'os': 'x', 'v': {{'n': i}}}} as device, [i] as l, i::decimal(9,2) as d, "
        f"timestamptz '2026-01-01 00:00:00+00' as t, i % 2 = 0 as even from range(5) t(i)) to '{path}'"
    )
    with open_log(path) as log:
        assert {c.name: c.kind for c in log.columns} == {
            "i": "number",
            "device.os": "text",
            "device.v.n": "number",
            "l": "text",
            "d": "number",
            "t": "time",
            "even": "boolean",
        }
        values = {c: v.tolist() for piece in log.numbers(["d", "t", "even"]) for c, v in piece.items()}
        assert values["t"][0] == 1767225600.0
        assert values["even"] == [1.0, 0.0, 1.0, 0.0, 1.0]
        assert [row.line for row in log.rows_where("i > 2")[1]] == [4, 5]


def test_several_files_are_one_log(write, tmp_path):
    write("a.csv", HEADER + "".join(lines(10)))
    write("b.csv.gz", HEADER + "".join(lines(7, first=10)) + "broken\n" + "".join(lines(150, first=20)))
    for paths in (tmp_path, str(tmp_path / "*.csv*"), [tmp_path / "a.csv", tmp_path / "b.csv.gz"]):
        with open_log(paths) as log:
            assert [(f.rows, f.rejected) for f in log.files] == [(10, 0), (157, 1)]
            _, [row] = log.rows_where("id = 'r12'")
            assert (os.path.basename(row.path), row.line) == ("b.csv.gz", 4)


def test_queries_only_read_and_only_the_log(write, tmp_path):
    other = write("other.csv", "secret\n1\n")
    with open_log(write("a.csv", HEADER + "".join(lines(5)))) as log:
        assert log.query("select count(*) from log where score > ?", [0.2]) == [(3,)]
        for sql in (
            f"from '{other}'",
            f"copy log to '{tmp_path}/x.csv'",
            "drop view log",
            "select 1; select 2",
            "set threads=2",
        ):
            with pytest.raises(SourceError):
                log.query(sql)
    assert not os.path.exists(f"{tmp_path}/x.csv")


def test_header_only_is_zero_rows(write):
    with open_log(write("a.csv", HEADER)) as log:
        assert (log.rows, len(log.columns)) == (0, 4)
        assert [len(v) for piece in log.numbers(log.names("number")) for v in piece.values()] == []


@pytest.mark.parametrize("header", ["0,1,2,label", "country,2019,2020,2021"])
def test_names_that_count_are_a_header(write, header):
    with open_log(write("a.csv", header + "\n" + "1,2,3,4\n" * 9)) as log:
        assert (log.rows, ",".join(c.name for c in log.columns)) == (9, header)


GOOD = HEADER + "".join(lines(20))
BAD = {
    "empty": ("a.csv", b"", "is empty"),
    "empty gz": ("a.csv.gz", b"", "is empty"),
    "blank": ("a.csv", b"\n\n\n", "blank"),
    "utf-16": ("a.csv", GOOD.encode("utf-16"), "UTF-16"),
    "utf-16 without mark": ("a.csv", GOOD.encode("utf-16-le"), "UTF-16"),
    "latin-1": (
        "a.csv",
        GOOD.replace(",a\n", ",\xe9\n").encode("latin-1"),
        "line 2: not UTF-8; .* latin-1",
    ),
    "binary": ("a.csv", bytes(range(1, 9)) * 400, "binary"),
    "spreadsheet": ("a.csv", b"PK\x03\x04" + GOOD.encode(), "spreadsheet"),
    "many columns": ("a.csv", b"a,b\n" + b"1," * 1_500_000 + b"\n", "line 2: longer than"),
    "many names": ("a.csv", ",".join(f"c{i}" for i in range(9_000)).encode() + b"\n", "9,000 columns"),
    "no header": ("a.csv", "".join(lines(20)).encode(), "no header"),
    "preamble": ("a.csv", b"Report of March\n\n" + GOOD.encode(), "header seems to be on line 3"),
    "values above header": ("a.csv", b"1,2,3,4\n" + GOOD.encode(), "header seems to be on line 2"),
    "shifted header": ("a.csv", GOOD.replace("id,", "", 1).encode(), "header has 3 names, but the rows have 4"),
    "not parquet": ("a.parquet", GOOD.encode(), "PAR1"),
    "torn parquet": ("a.parquet", b"PAR1" + b"x" * 900, "can't be read"),
    "json array": ("a.jsonl", b'[{"a": 1}]', "JSON array"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_one_sentence(write, case):
    name, content, said = BAD[case]
    with pytest.raises(SourceError, match=said) as raised, open_log(write(name, content)):
        pass
    assert "\n" not in str(raised.value)
    assert name in raised.value.message


def test_torn_gzip_missing_file_and_empty_directory(write, tmp_path):
    path = write("a.csv.gz", HEADER + "".join(lines(5_000)))
    os.truncate(path, os.path.getsize(path) // 2)
    with pytest.raises(SourceError, match="broken gzip"), open_log(path):
        pass
    with pytest.raises(SourceError, match="does not exist"), open_log(tmp_path / "none.csv"):
        pass
    (tmp_path / "sub").mkdir()
    with pytest.raises(SourceError, match="without log files"), open_log(tmp_path / "sub"):
        pass


def test_a_full_disk_is_named(write, monkeypatch):
    import storage.logs.delimited as delimited

    def full(*args):
        raise duckdb.IOException("IO Error: Could not write file: No space left on device")

    monkeypatch.setattr(delimited, "_forget", full)
    with pytest.raises(SourceError, match="disk for temporary files is full"), open_log(write("a.csv", GOOD)):
        pass


CELLS = st.sampled_from(
    ["1", "2.5", "x", "", '"', '"a', 'b"', '"q,r"', "NA", "é", "\x01", "2026-01-01", "1e999", "{}", " "]
)
TABLES = st.lists(st.lists(CELLS, min_size=1, max_size=5).map(",".join), max_size=12).map("\n".join)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | TABLES.map(str.encode), st.sampled_from(["f.csv", "f.jsonl", "f.parquet", "f.csv.gz"]))
def test_garbage_never_raises_anything_else(write, content, name):
    path = write(name, content)
    with suppress(MidwatchError), open_log(path) as log:
        assert log.rows >= 0
        for piece in log.numbers(log.names("number", "boolean", "time")):
            assert all(len(v) == log.rows for v in piece.values())
        log.rows_where("true", limit=3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["1,a", "2,b", "x", "1,2,3", "7,", "bad,a"]), min_size=12, max_size=40))
def test_every_line_is_read_or_quarantined(write, rows):
    content = "n,c\n" + "5,e\n" * 150 + "\n".join(rows) + "\n"
    with open_log(write("f.csv", content)) as log:
        assert log.rows + log.rejected == 150 + len(rows)
        texts = content.split("\n")
        assert all(reject.text == texts[reject.line - 1] for reject in log.rejects)
        _, found = log.rows_where("true", limit=500)
        for row in found:
            cells = ["" if value is None else str(value) for value in row.values.values()]
            assert texts[row.line - 1] == ",".join(cells)


def test_what_is_no_regular_file_is_refused_without_being_opened(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    for path in (tmp_path / "a.csv", "/dev/zero"):
        with pytest.raises(SourceError, match="is not a file"), open_log(path):
            pass


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_file_that_grows_while_it_is_read_is_refused(write, monkeypatch, name):
    import storage.logs.source as source

    path = write(name, GOOD if name == "a.csv" else '{"a": 1}\n' * 9)
    connect = source.connect

    def growing(*given):
        with open(path, "a") as out:
            out.write("\n")
        return connect(*given)

    monkeypatch.setattr(source, "connect", growing)
    with pytest.raises(SourceError, match="changed while it was read"), open_log(path):
        pass
