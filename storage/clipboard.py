"""Where copied text goes when a terminal sequence can't carry it: tmux's own clipboard, or a file."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

from storage.errors import StoreError

_TIMEOUT_SECONDS = 2.0


def in_tmux() -> bool:
    """Whether this terminal is a tmux pane."""
    return bool(os.environ.get("TMUX"))


def to_tmux(text: str) -> bool:
    """Hand the text to tmux, which passes it on to the outer terminal's clipboard; False if that failed.

    ``load-buffer -w`` works whatever ``set-clipboard`` and ``allow-passthrough`` say, where escape sequences vanish.
    """
    program = shutil.which("tmux")
    if not in_tmux() or program is None:
        return False
    try:
        answer = subprocess.run(
            [program, "load-buffer", "-w", "-"],
            input=text.encode("utf-8", "replace"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.returncode == 0


def to_file(text: str, folder: Path, now: datetime, *, name: str = "copied", form: str = "txt") -> Path:
    """Write the text to a file of its own that only its owner may read.

    Raises:
        StoreError: the folder or the file can't be written.
    """
    path = folder / f"{name}-{now:%Y%m%dT%H%M%S%f}.{form}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StoreError(
            f"{path} can't be written: {error.strerror}", "set XDG_STATE_HOME to a folder of yours"
        ) from error
    return path
