"""Everything a person can get wrong ends in one sentence, the right exit code, and a store as it was."""

import gzip
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from storage import db as store
from tests.rows import MODEL, write_log, write_model
from tui.cli import output
from tui.cli.main import run

HEAD = "ts,request_id,region,plan,spend,sessions,score,label,version\n"
ROW = "2026-11-01T00:00:00Z,r1,NA,free,1.0,2,0.3,0,v41\n"
ZURICH = ROW.replace("NA", "Zürich")
SEED = 20261123


def facts(path: Path) -> str:
    """Everything the store holds, as a hash of its dump."""
    db = sqlite3.connect(path)
    try:
        return hashlib.sha256("\n".join(db.iterdump()).encode()).hexdigest()
    finally:
        db.close()


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one model and one batch, made once."""
    folder = tmp_path_factory.mktemp("seeded")
    path = folder / "s.db"
    assert run(["init", str(write_model(folder)), "--store", str(path)]) == 0
    assert run(["ingest", "churn", str(write_log(folder, 0, rows=40)), "--store", str(path)]) == 0
    return path


class Bad:
    """One bad call: refused in one sentence, and the store is unchanged."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.store, self.capsys = path, capsys
        capsys.readouterr()

    def __call__(self, code: int, words: str, *call: object) -> str:
        before = facts(self.store)
        assert run([*map(str, call), "--store", str(self.store)]) == code
        said = self.capsys.readouterr()
        assert words in said.err
        assert said.out == ""
        assert "Traceback" not in said.err
        assert len(said.err.splitlines()) <= 3, said.err
        assert "\x1b" not in said.err
        assert facts(self.store) == before
        return said.err


@pytest.fixture
def bad(seeded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Bad:
    path = tmp_path / "store" / "s.db"
    path.parent.mkdir()
    shutil.copy(seeded, path)
    monkeypatch.delenv("MIDWATCH_STORE", raising=False)
    return Bad(path, capsys)


def parquet(folder: Path) -> bytes:
    import duckdb

    path = folder / "whole.parquet"
    con = duckdb.connect()
    con.execute(f"copy (select 1.5 as score, i as id from range(1000) t(i)) to '{path}' (format parquet)")
    con.close()
    return path.read_bytes()


FILES: dict[str, tuple[bytes | None, str]] = {
    "empty.csv": (b"", "is empty"),
    "shifted.csv": (("x," + HEAD + ROW * 5).encode(), "the header has 10 names, but the rows have 9 cells"),
    "headless.csv": ((ROW * 50).encode(), "no header?"),
    "mixed.csv": (
        (HEAD + ROW * 50).encode() + ZURICH.encode("latin-1") * 20 + ZURICH.encode() * 20,
        "line 52: not UTF-8; the encoding seems to be latin-1",
    ),
    "utf16.csv": ((HEAD + ROW).encode("utf-16"), "this is UTF-16"),
    "long.csv": (b",".join(b"c%d" % i for i in range(1_000_000)) + b"\n", "longer than 2 MB"),
    "wide.csv": (b"," * 1_000_000 + b"\n", "1,000,001 columns"),
    "array.json": (b'[{"score": 1}]', "one JSON array"),
    "program": (b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 20, "binary data"),
    "cut.csv.gz": (gzip.compress((HEAD + ROW * 500).encode(), mtime=0)[:80], "broken gzip"),
    "no_column.csv": (b"x,y\n1,2\n", "has no column"),
    "gone.csv": (None, "does not exist"),
    "": (None, "a directory without log files"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_no_log(name: str, bad: Bad, tmp_path: Path) -> None:
    content, words = FILES[name]
    folder = tmp_path / "logs"
    folder.mkdir()
    if content is not None:
        (folder / name).write_bytes(content)
    bad(4, words, "ingest", "churn", folder / name)
    if name != "no_column.csv":
        bad(4, words, "labels", "churn", folder / name)
        assert run(["check", str(folder / name), "--like", str(folder / name)]) == 4
        assert words in bad.capsys.readouterr().err


def test_a_truncated_parquet_and_one_that_only_says_so(bad: Bad, tmp_path: Path) -> None:
    whole = parquet(tmp_path)
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    bad(4, "check that it is complete", "ingest", "churn", tmp_path / "cut.parquet")
    (tmp_path / "fake.parquet").write_text(HEAD + ROW)
    bad(4, "is named Parquet but is not", "ingest", "churn", tmp_path / "fake.parquet")


def test_what_is_no_file(bad: Bad, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    bad(4, "is not a file", "ingest", "churn", tmp_path / "pipe.csv")
    bad(4, "is not a file", "ingest", "churn", "/dev/zero")
    bad(4, "an empty name is no file", "ingest", "churn", "")
    bad(4, "does not exist", "ingest", "churn", tmp_path / "*.none")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    bad(4, "does not exist", "ingest", "churn", tmp_path / "loop")


def test_names_that_act_are_shown_not_obeyed(bad: Bad, tmp_path: Path) -> None:
    name = tmp_path / 'it\'s "x"\n\x1b]0;owned\x07\x1b[2J\u202efoo[l]*?.csv'
    told = bad(4, "does not exist", "ingest", "churn", name)
    assert "⏎\\x1b]0;owned\\x07\\x1b[2J\\u202e" in told
    shutil.copy(write_log(tmp_path, 1, rows=40), name)
    assert run(["ingest", "churn", str(name), "--store", str(bad.store)]) == 0
    said = bad.capsys.readouterr()
    assert len(said.out.splitlines()) == said.out.count("batch 2:") + said.out.count(" alert ")
    assert not {"\x1b", "\x07", "\u202e"} & set(said.out + said.err)


def test_a_name_that_is_no_text(bad: Bad, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / os.fsdecode(b"\xff.csv")).write_text(HEAD + ROW)
    bad(4, "is not UTF-8 text", "ingest", "churn", folder)
    bad(2, "is not UTF-8 text", "ingest", "churn", folder / os.fsdecode(b"\xff.csv"))


def test_a_file_that_vanishes_or_grows_while_it_is_read(
    bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storage.logs import files

    log = write_log(tmp_path, 5, rows=20)
    truly = files._scan_text

    def then(act: Callable[[], object]) -> None:
        def scan(*arguments: object) -> object:
            found = truly(*arguments)  # type: ignore[arg-type]
            act()
            return found

        monkeypatch.setattr(files, "_scan_text", scan)

    def grow() -> None:
        with log.open("a") as out:
            out.write(ROW)

    then(grow)
    bad(4, "changed while it was read", "ingest", "churn", log)
    then(log.unlink)
    bad(4, "can't be read", "ingest", "churn", log)


def test_labels_without_id_or_label(bad: Bad, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("who,label\na,1\n")
    bad(4, "has no column 'request_id'", "labels", "churn", tmp_path / "labels.csv")
    bad(4, "has no column 'request_id'", "ingest", "churn", tmp_path / "labels.csv", "--role", "labels")


MODEL_FILES = {
    "wrong key": (MODEL.replace("task", "tusk"), "key tusk: there is no such key; did you mean 'task'?"),
    "no TOML": ("name = \n", "is not valid TOML"),
    "empty": ("", "is empty"),
    "hostile name": (MODEL.replace('"churn"', '"../x\\u001b[2J"'), "may hold letters"),
    "latin-1": ("owner = 'J\xfcrgen'", "not UTF-8"),
}


@pytest.mark.parametrize("case", MODEL_FILES)
def test_model_files(case: str, bad: Bad, tmp_path: Path) -> None:
    text, words = MODEL_FILES[case]
    (tmp_path / "bad.toml").write_bytes(text.encode("latin-1" if case == "latin-1" else "utf-8"))
    bad(2, words, "init", tmp_path / "bad.toml")


def test_a_model_file_that_is_none(bad: Bad, tmp_path: Path) -> None:
    bad(2, "Is a directory", "init", tmp_path)
    bad(2, "No such file", "init", tmp_path / "none.toml")
    os.mkfifo(tmp_path / "pipe.toml")
    bad(2, "is empty", "init", tmp_path / "pipe.toml")


CALLS: list[tuple[int, str, str]] = [
    (2, "there is no model 'chrun'", "ingest chrun x.csv"),
    (2, "there is no model 'nope'", "live nope"),
    (2, "there is no model 'nope'", "rollback nope --reason x"),
    (2, "there is no model 'nope'", "alerts list --model nope"),
    (2, "there is no alert 999", "alerts show 999"),
    (2, "there is no alert 999", "alerts ack 999"),
    (2, "there is no alert 999", "alerts snooze 999 --until 5h"),
    (2, "there is no alert 999", "alerts feedback 999 noise"),
    (2, "not in the range", "alerts ack 99999999999999999999999"),
    (2, "not a valid integer", "alerts show x"),
    (2, "is not one of", "alerts feedback 1 splendid"),
    (2, "there is no incident 'INC-9'", "incidents show INC-9"),
    (2, "there is no incident 'INC-9'", "incidents note INC-9 x"),
    (2, "there is no incident 'INC-9'", "incidents close INC-9"),
    (2, "there is no incident 'INC-9'", "incidents report INC-9"),
    (2, "there is no handover 99", "handover accept 99"),
    (2, "there is no version 'a'", "diff churn a b"),
    (2, "'nonsense' is no moment", "alerts snooze 1 --until nonsense"),
    (2, "'nonsense' is no moment", "changes list --since nonsense"),
    (2, "'yesterday' is no moment", "live churn --at yesterday"),
    (2, "'99999999999d' is no moment", "changes list --since 99999999999d"),
    (2, "'0001-01-01T00:00+14:00' is no moment", "changes list --since 0001-01-01T00:00+14:00"),
    (2, "churn has no stage 'moon'", "deploy churn v1 --stage moon"),
    (2, "not in the range", "deploy churn v1 --stage full --traffic 7"),
    (2, "kind is missing", "changes add --layer data"),
    (4, "can't be read", "versions add churn v1 --artifact /nope"),
    (5, "never rolled back", "undo churn"),
    (5, "no other version", "rollback churn --reason x"),
    (2, "there is no command 'snooze'", "snooze"),
]


@pytest.mark.parametrize(("code", "words", "call"), CALLS)
def test_calls_about_what_is_not_there(code: int, words: str, call: str, bad: Bad) -> None:
    if call == "snooze":
        assert run(["snooze"]) == 2
        assert words in bad.capsys.readouterr().err
    else:
        bad(code, words, *call.split())


def test_every_broken_line_of_changes_is_named_and_the_good_ones_kept(
    bad: Bad, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    good = json.dumps({"layer": "data", "kind": "k", "subject": "\x1b[2J", "at": "2026-11-23T01:00Z"})
    raw = f'{{"layer": \n{good}\n[]\n"x"\n{{}}\n'.encode() + b"\xff\xfe\n" + b'{"a":' * 3000 + b"\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    assert run(["changes", "add", "--store", str(bad.store)]) == 2
    said = bad.capsys.readouterr()
    assert said.out.startswith("1 added, 0 known already, 6 bad")
    assert [line.split(":")[0] for line in said.err.splitlines()] == [f"line {n}" for n in (1, 3, 4, 5, 6, 7)]
    assert "\x1b" not in said.out + said.err


def test_a_broken_rotation(bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rotation.toml"
    monkeypatch.setenv("MIDWATCH_ROTATION", str(path))
    for text, words in (
        ("people = [", "is not valid TOML"),
        ('people = ["ada"]\npeolpe = 1', "peolpe"),
        ("", "people"),
    ):
        path.write_text(text)
        bad(2, words, "handover", "write")
    path.write_bytes(b"\xff")
    bad(2, "not UTF-8", "handover", "write")
    path.unlink()
    path.mkdir()
    bad(2, "Is a directory", "handover", "write")


# -- stores ---------------------------------------------------------------------------------------------------------


def _stranger(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE t (x)")
    db.commit()
    db.close()


def _newer(path: Path) -> None:
    store.prepare(path)
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 999")
    db.close()


def _torn(path: Path) -> None:
    store.prepare(path)
    path.write_bytes(path.read_bytes()[:9000])


STORES: dict[str, tuple[Callable[[Path], object], str]] = {
    "directory": (Path.mkdir, "is a directory, not a store"),
    "pipe": (os.mkfifo, "is not a regular file"),
    "text": (lambda p: p.write_text("hello, " * 100), "is not a midwatch store, or is damaged"),
    "stranger": (_stranger, "a SQLite file of another program"),
    "newer": (_newer, "was written by a newer midwatch (schema 999"),
    "torn": (_torn, "is not a midwatch store, or is damaged"),
    "under a file": (lambda p: p.parent.joinpath("f").write_text(""), "f"),
}


@pytest.mark.parametrize("case", STORES)
def test_stores_that_are_none(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, words = STORES[case]
    path = tmp_path / ("f/s.db" if case == "under a file" else "s.db")
    make(path if case != "under a file" else tmp_path / "s.db")
    before = path.read_bytes() if path.is_file() else None
    model = write_model(tmp_path)
    for call in (["models"], ["init", str(model)], ["ingest", "churn", str(model)], ["doctor"], ["--json"]):
        arguments = ["--store", str(path), "--json"] if call == ["--json"] else [*call, "--store", str(path)]
        assert run(arguments) == 3, call
        said = capsys.readouterr()
        assert words in said.err
        assert said.out == ""
        assert len(said.err.splitlines()) <= 2
    assert (path.read_bytes() if path.is_file() else None) == before


# -- the world ------------------------------------------------------------------------------------------------------


def _with_rollback(bad: Bad, folder: Path, section: str) -> None:
    path = folder / "churn.toml"
    path.write_text(MODEL + "[rollback]\n" + section)
    assert run(["init", str(path), "--store", str(bad.store)]) == 0
    for version in ("v40", "v41"):
        assert run(["deploy", "churn", version, "--stage", "full", "--store", str(bad.store)]) == 0
    bad.capsys.readouterr()


@pytest.mark.parametrize("path", ["../CURRENT", "a/../../CURRENT", "link/CURRENT"])
def test_a_pointer_outside_its_directory(path: str, bad: Bad, tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "CURRENT"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "CURRENT").write_text("v41\n")
    outside.write_text("v41\n")
    home.mkdir()
    (home / "link").symlink_to(tmp_path / "elsewhere")
    _with_rollback(bad, home, f'actuator = "pointer_file"\ndirectory = "."\npath = "{path}"\n')
    assert _roll_back(bad) in (4, 5)
    assert outside.read_text() == (tmp_path / "elsewhere" / "CURRENT").read_text() == "v41\n"


def test_a_pointer_that_is_a_link_to_a_file_outside(bad: Bad, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("v41\n")
    home = tmp_path / "home"
    home.mkdir()
    (home / "CURRENT").symlink_to(secret)
    _with_rollback(bad, home, 'actuator = "pointer_file"\npath = "CURRENT"\n')
    assert _roll_back(bad) in (4, 5)
    assert secret.read_text() == "v41\n"


def test_a_command_that_hangs(bad: Bad, tmp_path: Path) -> None:
    (tmp_path / "CURRENT").write_text("v41\n")
    program = f'["{sys.executable}", "-c", "import time; time.sleep(60)", "{{version}}"]'
    for verify in ('["/bin/cat", "CURRENT"]', program):
        _with_rollback(bad, tmp_path, f'actuator = "command"\nexecute = {program}\nverify = {verify}\n{QUICK}')
        assert _roll_back(bad) == (4 if "cat" in verify else 5)


QUICK = 'timeout = "1s"\nsettle = "0s"\n'


def _roll_back(bad: Bad) -> int:
    """Try to; whatever happens, it is said in words and never that it is done."""
    code = run(["rollback", "churn", "--to", "v40", "--reason", "x", "--yes", "--store", str(bad.store)])
    said = bad.capsys.readouterr()
    assert said.err
    assert not {"\x1b"} & set(said.out + said.err)
    for word in ("Traceback", "rolled back", "verified by"):
        assert word not in said.out + said.err
    db = sqlite3.connect(bad.store)
    assert db.execute("SELECT count(*) FROM rollback_state WHERE state = 'verified'").fetchone() == (0,)
    db.close()
    return code


class Nonsense(BaseHTTPRequestHandler):
    """Answers by path: words, a redirect to elsewhere, or never."""

    quiet = threading.Event()

    def _answer(self) -> None:
        if "hang" in self.path:
            self.quiet.wait(20)
        elif "redirect" in self.path:
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>\x1b[2J[/x]" * 10)

    do_GET = do_POST = do_PUT = _answer  # noqa: N815

    def log_message(self, *arguments: object) -> None: ...


@pytest.fixture
def endpoint() -> Iterator[str]:
    Nonsense.quiet.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Nonsense)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    Nonsense.quiet.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("way", ["nonsense", "redirect", "hang"])
def test_an_endpoint_that_answers_nonsense_redirects_or_hangs(
    way: str, bad: Bad, tmp_path: Path, endpoint: str
) -> None:
    section = (
        f'actuator = "http"\nurl = "{endpoint}/{way}/{{version}}"\nmethod = "PUT"\n'
        f'verify_url = "{endpoint}/{way}"\nverify_field = "status.version"\n{QUICK}'
    )
    _with_rollback(bad, tmp_path, section)
    assert _roll_back(bad) in (4, 5)


# -- the host -------------------------------------------------------------------------------------------------------

PROGRAM = [sys.executable, "-m", "tui"]


def _limited(size: int) -> Callable[[], None]:
    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def test_a_disk_that_is_full_for_the_store(bad: Bad) -> None:
    before = facts(bad.store)
    line = json.dumps({"layer": "data", "kind": "k", "subject": "x" * 4000, "at": "2026-11-23T01:00Z"})
    call = [*PROGRAM, "changes", "add", "--store", str(bad.store)]
    full = _limited(bad.store.stat().st_size)
    done = subprocess.run(
        call,
        capture_output=True,
        text=True,
        preexec_fn=full,
        input="".join(f'{line[:-1]}, "size": {n}}}\n' for n in range(200)),
    )
    assert done.returncode == 3, done.stderr
    assert "can't be written" in done.stderr
    assert "nothing was lost" in done.stderr
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 2)
    assert facts(bad.store) == before
    assert run(["audit", "verify", "--store", str(bad.store)]) == 0


def test_a_disk_that_is_full_for_the_temporary_files(bad: Bad, tmp_path: Path) -> None:
    log, before = write_log(tmp_path, 1, rows=4000), facts(bad.store)
    call = [*PROGRAM, "ingest", "churn", str(log), "--store", str(bad.store)]
    done = subprocess.run(call, capture_output=True, text=True, preexec_fn=_limited(20_000))
    assert done.returncode == 4, done.stderr
    assert "the disk for temporary files is full" in done.stderr
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 2)
    assert facts(bad.store) == before


def test_a_folder_for_temporary_files_that_is_not_there(bad: Bad, tmp_path: Path) -> None:
    log = write_log(tmp_path, 1, rows=40)
    call = [*PROGRAM, "ingest", "churn", str(log), "--store", str(bad.store)]
    done = subprocess.run(call, capture_output=True, text=True, preexec_fn=_limited(0))
    assert done.returncode in (3, 4)
    assert "Traceback" not in done.stderr


def test_interrupted_in_the_middle_of_ingest(bad: Bad, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(1, 30):
        write_log(logs, number, rows=40)
    call = [*PROGRAM, "ingest", "churn", str(logs), "--store", str(bad.store)]
    # A shell starts what it puts into the background with the interrupt ignored, and children inherit that.
    heard = {"preexec_fn": partial(signal.signal, signal.SIGINT, signal.SIG_DFL)}
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **heard) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate()
    assert process.returncode == 130, said
    assert said.strip() == "midwatch: interrupted"
    told = [line for line in [first, *rest.splitlines()] if line.startswith("batch")]
    db = store.connect(bad.store)
    count = db.execute("SELECT count(*) FROM batches").fetchone()[0]
    db.close()
    assert len(told) <= count - 1 <= len(told) + 1  # one may be recorded that could not be told any more
    assert run(["audit", "verify", "--store", str(bad.store)]) == 0


@pytest.mark.parametrize("call", [["models"], ["check", "LOG", "--like", "LOG", "--all"], ["doctor", "--json"]])
def test_a_reader_that_goes_away(call: list[str], bad: Bad, tmp_path: Path) -> None:
    log = str(write_log(tmp_path, 1, rows=40))
    words = [log if word == "LOG" else word for word in call]
    there, gone = os.pipe()
    os.close(there)
    env = {**os.environ, "MIDWATCH_STORE": str(bad.store)}
    done = subprocess.run([*PROGRAM, *words], stdout=gone, stderr=subprocess.PIPE, text=True, env=env)
    os.close(gone)
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if not line.startswith("no model file")] == []


def test_an_output_on_a_full_disk(bad: Bad) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*PROGRAM, "models", "--store", str(bad.store)], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 4
    assert done.stderr == "midwatch: No space left on device\n  see to it, then repeat\n"


def test_json_of_a_lone_surrogate_is_still_json(capsys: pytest.CaptureFixture[str]) -> None:
    output.document({"path": "\udcff é"})
    assert json.loads(capsys.readouterr().out) == {"path": "\udcff é"}


# -- no screen ------------------------------------------------------------------------------------------------------


def test_without_a_terminal_the_screen_is_a_summary(bad: Bad, tmp_path: Path) -> None:
    env = {**os.environ, "TERM": "dumb", "MIDWATCH_STORE": str(bad.store)}
    done = subprocess.run(PROGRAM, capture_output=True, stdin=subprocess.DEVNULL, text=True, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].split() == ["MODEL", "LIVE", "OBJECTIVE", "LAST", "BATCH", "PAGES", "TICKETS"]
    assert done.stdout.splitlines()[1].startswith("churn")
    assert "the screen" in done.stderr or "can draw no screen" in done.stderr
    (tmp_path / "none.csv").write_text(HEAD)
    assert run(["ingest", "churn", str(tmp_path / "none.csv"), "--store", str(bad.store)]) == 1
    bad.capsys.readouterr()
    assert run(["--json", "--store", str(bad.store)]) == 1  # a page is open
    assert json.loads(bad.capsys.readouterr().out)[0]["firing"]["page"] == 1
