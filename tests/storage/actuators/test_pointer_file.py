import fcntl
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.actuators.base import NothingDoneError
from storage.actuators.pointer_file import PointerFile
from storage.errors import ActuatorError, UsageError
from tests.conftest import NOW
from tests.fake_clock import FakeClock


def pointer(folder: Path, **options: object) -> PointerFile:
    return PointerFile.of({"path": "CURRENT", **options}, folder, FakeClock(NOW), 1.0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(prior=st.tuples(st.sampled_from(["v1", "v2-rc.1"]), st.sampled_from(["", "\n", "\r\n", "\n\n", " \n"])))
def test_restoring_gives_the_very_bytes_back(tmp_path_factory: pytest.TempPathFactory, prior: tuple[str, str]) -> None:
    folder = tmp_path_factory.mktemp("p")
    body = "".join(prior).encode()
    (folder / "CURRENT").write_bytes(body)
    actuator = pointer(folder)
    done = actuator.plan("v9")
    actuator.execute(done, "k")
    assert actuator.verify("v9").value == "v9"
    assert (folder / "CURRENT").read_bytes().endswith(prior[1].lstrip(" ").encode())
    actuator.execute(actuator.plan(prior[0], restore=done.prior), "k")
    assert (folder / "CURRENT").read_bytes() == body


def test_a_plan_reads_and_says_what_it_would_do(tmp_path: Path) -> None:
    (tmp_path / "CURRENT").write_text("v13\n")
    plan = pointer(tmp_path).plan("v12")
    assert plan.current == "v13"
    assert plan.does == f"writes 'v12\\n' into {tmp_path}/CURRENT (now v13)"
    assert (tmp_path / "CURRENT").read_text() == "v13\n"


def test_nothing_is_written_when_the_world_moved(tmp_path: Path) -> None:
    (tmp_path / "CURRENT").write_text("v13\n")
    actuator = pointer(tmp_path)
    plan = actuator.plan("v12")
    (tmp_path / "CURRENT").write_text("v14\n")
    with pytest.raises(NothingDoneError, match="says v14 by now, not v13"):
        actuator.execute(plan, "k")
    assert (tmp_path / "CURRENT").read_text() == "v14\n"


def test_doing_it_twice_is_harmless_and_keeps_the_mode(tmp_path: Path) -> None:
    (tmp_path / "CURRENT").write_text("v13\n")
    (tmp_path / "CURRENT").chmod(0o640)
    (tmp_path / ".CURRENT.midwatch-new").write_text("left by a killed process")
    actuator = pointer(tmp_path)
    plan = actuator.plan("v12")
    actuator.execute(plan, "k")
    assert "already" in actuator.execute(plan, "k")
    assert stat.S_IMODE((tmp_path / "CURRENT").stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["CURRENT"]


def test_a_link_to_a_version_directory_is_swapped(tmp_path: Path) -> None:
    for name in ("v12", "v13"):
        (tmp_path / "releases" / name).mkdir(parents=True)
    (tmp_path / "CURRENT").symlink_to("releases/v13")
    actuator = pointer(tmp_path)
    plan = actuator.plan("v12")
    actuator.execute(plan, "k")
    assert os.readlink(tmp_path / "CURRENT") == "releases/v12"
    actuator.execute(actuator.plan("v13", restore=plan.prior), "k")
    assert os.readlink(tmp_path / "CURRENT") == "releases/v13"
    with pytest.raises(ActuatorError):
        actuator.plan("v11")  # there is no such directory


@pytest.mark.parametrize("path", ["../CURRENT", "/etc/CURRENT", "a/../../CURRENT", ".", "a\0b"])
def test_a_path_outside_its_directory_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ActuatorError, match="is not inside"):
        pointer(tmp_path, path=path, directory=".")


def test_links_on_the_way_are_refused_even_when_put_there_later(tmp_path: Path) -> None:
    (tmp_path / "in" / "side").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    for folder in ("in/side", "out"):
        (tmp_path / folder / "CURRENT").write_text("v13\n")
    actuator = pointer(tmp_path / "in", path="side/CURRENT", directory=".")
    plan = actuator.plan("v12")
    (tmp_path / "in" / "side").rename(tmp_path / "gone")
    (tmp_path / "in" / "side").symlink_to(tmp_path / "out")
    with pytest.raises(NothingDoneError, match="link"):
        actuator.execute(plan, "k")
    assert (tmp_path / "out" / "CURRENT").read_text() == "v13\n"


def test_a_link_out_of_the_directory_and_a_link_to_a_file_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "secret").write_text("v13\n")
    (folder / "CURRENT").symlink_to("../secret")
    with pytest.raises(ActuatorError, match="link to a file"):
        pointer(folder).plan("v12")
    (folder / "CURRENT").unlink()
    for name in ("v12", "v13"):
        (tmp_path / "elsewhere" / name).mkdir(parents=True)
    (folder / "CURRENT").symlink_to("../elsewhere/v13")
    with pytest.raises(ActuatorError, match="is not inside"):
        pointer(folder).plan("v12")


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"", "no version"), (b"v1 v2\n", "no version"), (b"\xff\xfe", "no version"), (b"v" * 5000, "no pointer")],
)
def test_a_pointer_that_holds_no_version_is_named(tmp_path: Path, body: bytes, words: str) -> None:
    (tmp_path / "CURRENT").write_bytes(body)
    with pytest.raises(ActuatorError, match=words):
        pointer(tmp_path).verify("v1")


@pytest.mark.parametrize("target", ["../v1", "-rf", "", "a b", "v1\n", "x" * 200])
def test_no_strange_target(tmp_path: Path, target: str) -> None:
    (tmp_path / "CURRENT").write_text("v13")
    with pytest.raises(UsageError, match="no version name"):
        pointer(tmp_path).plan(target)


def test_a_missing_pointer_is_never_made(tmp_path: Path) -> None:
    with pytest.raises(ActuatorError, match="No such file"):
        pointer(tmp_path).plan("v12")


def test_a_lock_that_is_never_given_back_ends_in_words(tmp_path: Path) -> None:
    (tmp_path / "CURRENT").write_text("v13")
    actuator = pointer(tmp_path)
    plan = actuator.plan("v12")
    holder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    with pytest.raises(NothingDoneError, match="is locked by another program"):
        actuator.execute(plan, "k")
    os.close(holder)
    assert (tmp_path / "CURRENT").read_text() == "v13"


def test_of_many_at_once_one_wins_and_readers_never_see_a_gap(tmp_path: Path) -> None:
    (tmp_path / "CURRENT").write_text("v0\n")
    plans = [(pointer(tmp_path), pointer(tmp_path).plan(f"v{n}")) for n in range(1, 9)]
    won: list[str] = []
    seen: set[str] = set()
    ended = threading.Event()

    def swap(actuator: PointerFile, number: int) -> None:
        try:
            actuator.execute(plans[number][1], "k")
            won.append(plans[number][1].target)
        except NothingDoneError:
            pass

    def read() -> None:
        while not ended.is_set():
            seen.add((tmp_path / "CURRENT").read_text())

    reader = threading.Thread(target=read)
    reader.start()
    threads = [threading.Thread(target=swap, args=(actuator, n)) for n, (actuator, _) in enumerate(plans)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended.set()
    reader.join()
    assert len(won) == 1
    assert seen <= {"v0\n", f"{won[0]}\n"}
