"""Versions on disk: five artifacts and a seed in `srv/MODEL/versions/NAME/`, beside a pointer file and a scorer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any

from sample_data.linear import PROGRAM
from sample_data.records import Artifact, Version

FILES = {
    "model": "model.json",
    "data": "data.json",
    "config": "config.toml",
    "code": "CODE_REF",
    "environment": "environment.lock",
}

ENVIRONMENT = "python==3.11.9\nnumpy==2.1.3\nscikit-learn==1.5.2\nlightgbm==4.5.0\npyarrow==18.0.0\n"


def write_version(
    home: Path,
    name: str,
    *,
    spec: dict[str, Any],
    data: dict[str, Any],
    schema: dict[str, str],
    config: str,
    commit: str,
    seed: int,
    trained_at: datetime,
    environment: str = ENVIRONMENT,
    role: str = "normal",
    lost: Collection[str] = (),
) -> Version:
    """Writes a version under `home` (`srv/MODEL`); the kinds in `lost` are marked so.

    `schema` gives the kind (`number` or `text`) of each column the version needs. The code reference is a commit id
    of 40 digits made from `commit`.
    """
    code_ref = hashlib.sha256(commit.encode()).hexdigest()[:40]
    folder = home / "versions" / name
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "model": json.dumps(spec, indent=1) + "\n",
        "data": json.dumps(data, indent=1) + "\n",
        "config": config,
        "code": code_ref + "\n",
        "environment": environment,
    }
    artifacts = []
    for kind, file_name in FILES.items():
        content = contents[kind].encode()
        path = folder / file_name
        path.write_bytes(content)
        artifacts.append(Artifact(kind, path, hashlib.sha256(content).hexdigest(), kind in lost))
    (folder / "SEED").write_text(f"{seed}\n", encoding="utf-8")
    schema_file = folder / "schema.json"
    schema_file.write_text(json.dumps(schema, indent=1) + "\n", encoding="utf-8")
    return Version(name, folder, tuple(artifacts), schema_file, code_ref, seed, role, trained_at)


def write_home(home: Path, live: str) -> Path:
    """Writes the scoring program and the pointer file `CURRENT` naming the live version; returns the pointer."""
    home.mkdir(parents=True, exist_ok=True)
    program = home / "score"
    program.write_text(PROGRAM, encoding="utf-8")
    program.chmod(0o755)
    pointer = home / "CURRENT"
    pointer.write_text(f"{live}\n", encoding="utf-8")
    return pointer


def training_config(model: str, **values: object) -> str:
    """A version's `config.toml`: training settings, one a line.

    >>> print(training_config("eta", depth=3), end="")
    model = "eta"
    depth = 3
    """
    lines = [f"model = {json.dumps(model)}", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


def data_manifest(source: str, start: datetime, end: datetime, rows: int, **facts: object) -> dict[str, Any]:
    """A version's `data.json`: where its training rows came from, and facts about their labels."""
    return {
        "source": source,
        "window": [start.isoformat(), end.isoformat()],
        "rows": rows,
        **facts,
    }
