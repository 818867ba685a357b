"""The scorer of a model file: rows as JSON lines in, one JSON line with a prediction out for each.

A program runs without a shell, in a group of its own that is killed at the time limit; a URL gets one POST and no
redirect is followed. Nothing of a model is ever loaded here.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from storage.actuators.command import ALWAYS
from storage.duration import duration
from storage.errors import ActuatorError

SECONDS = 20.0
KEYS = ("prediction", "score")


def score(
    options: Mapping[str, object], rows: Sequence[Mapping[str, Any]], *, version: str
) -> tuple[float | None, ...]:
    """One prediction a row, in order; None where it is not a number.

    Raises:
        ActuatorError: the scorer can't be reached, takes too long, or answers another number of lines.
    """
    body = "".join(json.dumps(dict(row), allow_nan=False) + "\n" for row in rows)
    timeout = options.get("timeout")
    seconds = duration(timeout).total_seconds() if isinstance(timeout, str) else SECONDS
    command, url = options.get("command"), options.get("url")
    if isinstance(command, list | tuple):
        text = _run([str(part).replace("{version}", version) for part in command], body, seconds)
    elif isinstance(url, str):
        text = _post(url.replace("{version}", quote(version, safe="")), body, seconds)
    else:
        raise ActuatorError("the model file's [scoring] names neither command nor url", "write one of them")
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) != len(rows):
        raise ActuatorError(f"the scorer gave {len(lines)} answers to {len(rows)} rows", "one JSON line for each row")
    return tuple(_prediction(line) for line in lines)


def _run(argv: list[str], body: str, seconds: float) -> str:
    environment = {name: os.environ[name] for name in ALWAYS if name in os.environ}
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except (OSError, ValueError, IndexError) as error:
        raise ActuatorError(f"the scorer can't be run: {error}", "check [scoring] command") from error
    with process:
        try:
            out, err = process.communicate(body.encode(), timeout=seconds)
        except subprocess.TimeoutExpired as error:
            _kill(process)
            raise ActuatorError(f"{argv[0]} gave no answer in {seconds:g} s and was stopped") from error
        except BaseException:
            _kill(process)
            raise
    if process.returncode:
        told = err.decode("utf-8", "backslashreplace").strip()[-500:]
        raise ActuatorError(f"{argv[0]} ended with exit code {process.returncode}: {told}")
    return out.decode("utf-8", "backslashreplace")


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _post(url: str, body: str, seconds: float) -> str:
    import httpx

    try:
        headers = {"content-type": "application/x-ndjson"}
        answer = httpx.post(url, content=body.encode(), headers=headers, timeout=seconds, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ActuatorError(f"the scorer at {url} can't be reached: {error}", "check [scoring] url") from error
    if answer.status_code != httpx.codes.OK:
        raise ActuatorError(f"the scorer at {url} answered {answer.status_code}")
    return answer.text


def _prediction(line: str) -> float | None:
    try:
        told = json.loads(line)
    except ValueError as error:
        raise ActuatorError(f"the scorer said what is not JSON: {line[:80]!r}") from error
    if isinstance(told, dict):
        told = next((told[key] for key in KEYS if key in told), None)
    number = isinstance(told, int | float) and not isinstance(told, bool) and math.isfinite(told)
    return float(told) if number else None
