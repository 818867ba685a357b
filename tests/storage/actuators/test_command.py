import os
import select
import sys
from pathlib import Path

import pytest

from storage.actuators.base import NothingDoneError, OutcomeUnknownError
from storage.actuators.command import Command
from storage.errors import ActuatorError
from tests.conftest import NOW
from tests.fake_clock import FakeClock

SET = (
    "import os, sys; open('now', 'w').write(sys.argv[1]); "
    "print('done\\x1b[2J', os.environ.get('TOKEN'), os.environ.get('OTHER'))"
)
READ = "print(open('now').read())"


def command(folder: Path, execute: str = SET, verify: str | None = READ, seconds: float = 20.0) -> Command:
    options: dict[str, object] = {"execute": [sys.executable, "-c", execute, "{version}"], "environment": ["TOKEN"]}
    if verify is not None:
        options["verify"] = [sys.executable, "-c", verify]
    environment = {"TOKEN": "t0", "OTHER": "hidden", "PATH": os.environ["PATH"]}
    (folder / "now").write_text("v13")
    return Command.of(options, folder, FakeClock(NOW), seconds, environment)


def test_runs_the_argv_with_an_allowed_environment_and_reads_back(tmp_path: Path) -> None:
    actuator = command(tmp_path)
    plan = actuator.plan("v12")
    assert plan.current == "v13"
    assert plan.detail["argv"][-1] == "v12"
    assert actuator.execute(plan, "k").endswith("done\\x1b[2J t0 None")
    assert actuator.verify("v12").value == "v12"
    assert "already" in actuator.execute(plan, "k")


def test_a_moved_world_stops_it(tmp_path: Path) -> None:
    actuator = command(tmp_path)
    plan = actuator.plan("v12")
    (tmp_path / "now").write_text("v14")
    with pytest.raises(NothingDoneError, match="says v14 by now"):
        actuator.execute(plan, "k")
    (tmp_path / "now").unlink()
    with pytest.raises(NothingDoneError, match="nothing was done"):
        actuator.execute(plan, "k")


def test_a_failure_carries_what_was_said(tmp_path: Path) -> None:
    actuator = command(tmp_path, "import sys; sys.exit('no \\x07such host')")
    with pytest.raises(ActuatorError, match=r"exit code 1: no \\x07such host"):
        actuator.execute(actuator.plan("v12"), "k")


def test_a_timeout_kills_the_whole_group_and_is_no_failure(tmp_path: Path) -> None:
    child = "import os, time; os.fork(); open(f'alive{os.getpid()}', 'w').close(); time.sleep(60)"
    actuator = command(tmp_path, child, None, seconds=0.5)
    with pytest.raises(OutcomeUnknownError, match=r"gave no answer in 0\.5 s"):
        actuator.execute(actuator.plan("v12"), "k")
    for mark in tmp_path.glob("alive*"):
        assert _ends(int(mark.name.removeprefix("alive")))


def _ends(pid: int) -> bool:
    """Whether a process that was killed is gone: the kernel takes a moment, so its end is waited for."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 10.0)[0])
    finally:
        os.close(descriptor)


def test_endless_output_is_bounded(tmp_path: Path) -> None:
    actuator = command(tmp_path, "print('x' * 5_000_000)", None)
    assert len(actuator.execute(actuator.plan("v12"), "k")) < 5_000


def test_a_grandchild_that_keeps_the_stream_open_is_not_waited_for(tmp_path: Path) -> None:
    script = "import subprocess, sys; subprocess.Popen(['sleep', '3']); print('started')"
    actuator = command(tmp_path, script, None, seconds=2.0)
    assert "started" in actuator.execute(actuator.plan("v12"), "k")


@pytest.mark.parametrize("said", ["", "two words", "v1;rm", "\\x1b[2J"])
def test_a_verifier_that_talks_nonsense_is_told_so(tmp_path: Path, said: str) -> None:
    actuator = command(tmp_path, verify=f"print('{said}')")
    with pytest.raises(ActuatorError, match="no version"):
        actuator.verify("v12")


def test_what_can_not_be_run_did_nothing(tmp_path: Path) -> None:
    actuator = Command.of({"execute": ["/nowhere/deploy", "{version}"]}, tmp_path, FakeClock(NOW), 1.0, {})
    plan = actuator.plan("v12")
    assert not plan.verifiable
    with pytest.raises(NothingDoneError, match="can't be run"):
        actuator.execute(plan, "k")
    with pytest.raises(ActuatorError, match="never says"):
        Command.of({"execute": ["deploy"]}, tmp_path, FakeClock(NOW), 1.0, {})
