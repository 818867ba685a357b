"""What a model runs in, read from this machine: interpreter, packages, settings, hashes of files; never a secret."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from storage.artifacts import sha256
from storage.errors import SourceError
from storage.program import ask, environment
from storage.records.environments import Body

SECONDS = 20.0

VARIABLES = (
    "BLIS_", "CUBLAS_", "CUDA_", "CUDNN_", "DNNL_", "HF_", "JAX_", "KMP_", "LD_LIBRARY_PATH", "LD_PRELOAD", "MALLOC_",
    "MKL_", "NUMBA_", "NUMEXPR_", "NVIDIA_", "OMP_", "ONEDNN_", "OPENBLAS_", "PYTHON", "PYTORCH_", "SKLEARN_", "TF_",
    "TOKENIZERS_", "TORCH", "XLA_",
)  # fmt: skip
"""Starts of the names of variables that change what a model answers, or how fast."""

_SECRET = re.compile(r"TOKEN|SECRET|PASS|KEY|CREDENTIAL|AUTH|COOKIE|SESSION", re.IGNORECASE)
_PASSED_OVER = frozenset({".git", ".hg", ".svn", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})
_ASK = """
import importlib.metadata, json, locale, platform, sys
try:
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    pass
packages = {}
for found in importlib.metadata.distributions():
    name = found.metadata["Name"]
    if name and name not in packages:  # the first on the path is the one that is imported
        packages[name] = found.version
print(json.dumps({
    "packages": packages,
    "python": {"version": platform.python_version(), "build": " ".join(platform.python_build()),
               "compiler": platform.python_compiler(), "implementation": platform.python_implementation()},
    "locale": {"encoding": locale.getpreferredencoding(False), "decimal point": locale.localeconv()["decimal_point"]},
}))
"""


def interpreter(python: str, *, seconds: float = SECONDS) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Packages, interpreter and locale as a Python says them of itself, run isolated (``-I``).

    Raises:
        SourceError: it can't be run, fails or answers nonsense.
    """
    passed = environment("PATH", "HOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "LC_NUMERIC", "LC_CTYPE", "TZ")
    said = ask([python, "-I", "-c", _ASK], environment=passed, seconds=seconds)
    if said.code != 0:
        raise SourceError(
            f"{python} does not say what it has installed: {said.trouble}", "name a Python: --python PATH"
        )
    try:
        body = json.loads(said.out)
        packages, about, settings = (dict(body[part]) for part in ("packages", "python", "locale"))
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{python} answered something else than asked", "name a Python: --python PATH") from error
    return ({str(k): str(v) for k, v in packages.items()}, about, settings)


def machine(variables: Mapping[str, str] | None = None) -> Body:
    """Settings and hardware of this machine: locale, time zone, variables as hashes, kernel, C library, CPU, GPU."""
    chosen = os.environ if variables is None else variables
    return {
        "locale": {name: chosen[name] for name in ("LANG", "LC_ALL", "LC_NUMERIC", "LC_CTYPE") if chosen.get(name)},
        "time zone": _zone(chosen),
        "variable": {
            name: hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()
            for name, value in chosen.items()
            if name.startswith(VARIABLES) and not _SECRET.search(name)
        },
        "system": _system(),
    }


def files(paths: Sequence[Path], folders: Sequence[Path]) -> Body:
    """Hashes of configuration files, and of the code below folders (caches and version control left out).

    Raises:
        SourceError: one can't be read.
    """
    return {
        "file": {str(path.absolute()): sha256(path) for path in paths},
        "code": {str(folder.absolute()): code_sha(folder) for folder in folders},
    }


def code_sha(folder: Path) -> str:
    """One hash of every file below a folder, by relative name and content.

    Raises:
        SourceError: it is no folder, or a file in it can't be read.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a directory", "name the directory of the feature code")
    digest = hashlib.sha256()
    found = []
    for place, names, entries in os.walk(folder):
        names[:] = sorted(set(names) - _PASSED_OVER)
        found += [Path(place, name) for name in entries if not name.endswith((".pyc", ".pyo"))]
    for path in sorted(found, key=os.fsencode):
        relative = os.fsencode(path.relative_to(folder))
        content = os.fsencode(os.readlink(path)).hex() if path.is_symlink() else sha256(path)
        digest.update(f"{len(relative)} ".encode() + relative + f" {content}\n".encode())
    return digest.hexdigest()


def _zone(variables: Mapping[str, str]) -> dict[str, str]:
    hours, minutes = divmod(abs(time.localtime().tm_gmtoff) // 60, 60)
    found = {"offset": f"{'-' if time.localtime().tm_gmtoff < 0 else '+'}{hours:02d}:{minutes:02d}"}
    if variables.get("TZ"):
        found["TZ"] = variables["TZ"]
    try:
        found["localtime"] = os.readlink("/etc/localtime").partition("zoneinfo/")[2] or "a file of its own"
    except OSError:
        found["localtime"] = "not set"
    # A summer-time offset comes and goes by itself: it is told only where no zone is named.
    if found["localtime"] != "not set" or "TZ" in found:
        del found["offset"]
    return found


def _system() -> dict[str, str]:
    libc = " ".join(platform.libc_ver()).strip()
    found = {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "libc": libc or "unknown",
        "processors": str(os.cpu_count() or 0),
        "processor": _line("/proc/cpuinfo", "model name") or platform.processor() or "unknown",
    }
    driver = _line("/proc/driver/nvidia/version", "NVRM version")
    cards = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    if driver:
        found["gpu driver"] = driver
    if cards:
        found["gpus"] = ", ".join(_line(str(card), "Model") or "unknown" for card in cards)
    return found


def _line(path: str, name: str) -> str | None:
    """The value of the first ``name : value`` of a file of the system, None where there is none."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(rf"^{re.escape(name)}\s*:\s*(.*)$", text, re.MULTILINE)
    return found[1].strip() if found else None
