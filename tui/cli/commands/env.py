"""``midwatch env snap|add|list|diff``: what a model runs in, machine by machine."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import click

from core.changes import environments as use
from storage import environment as world
from storage.artifacts import text_of
from storage.errors import UsageError
from storage.records.changes import Difference
from storage.records.environments import Body, Environment
from storage.tables import environments, models
from tui.cli import diagnostics, output
from tui.cli.options import DefaultGroup, Session, reading, shared, writing

_PATH = click.Path(path_type=Path)


@click.group("env", cls=DefaultGroup)
def command() -> None:
    """Snapshots of the environments that models run in. Without a subcommand: list."""


@command.command("snap")
@click.option("--model", help="The model it serves; without it, the machine as such.")
@click.option("--name", help="The host's name; this machine's by default.")
@click.option("--python", help="The interpreter that serves it; python3 by default.")
@click.option("--packages", type=_PATH, help="A lock or requirements file, instead of asking an interpreter.")
@click.option("--file", "files", multiple=True, type=_PATH, help="A configuration file to hash; may be repeated.")
@click.option("--code", "folders", multiple=True, type=_PATH, help="A directory of feature code; may be repeated.")
@shared
def snap(
    model: str | None,
    name: str | None,
    python: str | None,
    packages: Path | None,
    files: tuple[Path, ...],
    folders: tuple[Path, ...],
    store: str | None,
    as_json: bool,
) -> None:
    """Record what this machine runs; what differs from its last snapshot becomes a change in the feed.

    Packages, Python, locale, time zone, C library, CPU and GPU; of variables and files only hashes are kept, and of
    variables that look like a secret nothing.
    """
    body = _body(python, packages, files, folders)
    with writing(store) as session:
        taken = _taken(session, body, name or socket.gethostname(), model)
    _told(taken, as_json=as_json)


@command.command("add")
@click.option("--model", help="The model it serves; without it, what the snapshot says.")
@shared
def add(model: str | None, store: str | None, as_json: bool) -> None:
    """Record a snapshot of another machine: standard input is what env snap --json printed there."""
    if sys.stdin.isatty():
        raise click.UsageError("feed what midwatch env snap --json printed on the other machine")
    try:
        told = json.loads(sys.stdin.buffer.read().decode("utf-8"))
        found = told["environment"]
        body, host, named = found["body"], str(found["host"]), found.get("model")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"that is no snapshot: {error}", "feed what midwatch env snap --json printed") from error
    with writing(store) as session:
        taken = _taken(session, body, host, model or (str(named) if named else None))
    _told(taken, as_json=as_json)


@command.command("list")
@click.option("--model", help="Only those taken for this model.")
@click.option("--name", help="Only those of this host.")
@click.option("--limit", help="Rows at most.", default=50, show_default=True, type=click.IntRange(1, 100_000))
@shared
def list_environments(
    store: str | None = None,
    as_json: bool = False,
    model: str | None = None,
    name: str | None = None,
    limit: int = 50,
) -> None:
    """List snapshots, the latest first."""
    with reading(store) as session:
        model_id = models.get(session.db, model).id if model else None
        found = environments.list_all(session.db, host=name, model_id=model_id, limit=limit)
    if as_json:
        output.document([_brief(e) for e in found])
        return
    output.table(
        ("ID", "AT", "HOST", "MODEL", "PYTHON", "PACKAGES", "SHA256", "BY"),
        [
            (
                e.id,
                f"{e.at:%Y-%m-%d %H:%M:%SZ}",
                e.host,
                e.model or "-",
                e.body.get("python", {}).get("version"),
                len(e.body.get("package", {})),
                e.sha256[: use.SHORT],
                e.by,
            )
            for e in found
        ],
        empty="no snapshots yet: midwatch env snap",
    )


@command.command("diff")
@click.argument("before")
@click.argument("after")
@shared
def diff(before: str, after: str, store: str | None, as_json: bool) -> None:
    """Compare two snapshots, each an id or a host's name (its newest); the heaviest difference first."""
    with reading(store) as session:
        a, b = use.find(session.db, before), use.find(session.db, after)
    found, left = use.differences(a.body, b.body), use.not_compared(a.body, b.body)
    if as_json:
        document = {"before": _brief(a), "after": _brief(b), "differences": found, "not_compared": left}
        output.document(document)
        return
    output.text(f"{a.host} ({a.id}, {a.at:%Y-%m-%d %H:%MZ}) -> {b.host} ({b.id}, {b.at:%Y-%m-%d %H:%MZ})")
    _table(found)
    if left:
        diagnostics.note(f"not compared, only one of them has it: {', '.join(left)}")


def _body(python: str | None, packages: Path | None, files: tuple[Path, ...], folders: tuple[Path, ...]) -> Body:
    # What was not asked for is left out, so that nobody takes it for something that went.
    body = {**world.machine(), **{name: found for name, found in world.files(files, folders).items() if found}}
    if packages is not None:
        from core.config_diff import pins

        text = text_of(packages)
        if text is None:
            raise UsageError(f"{packages} is no lock file", "name a text that pins packages, as pip freeze writes")
        body["package"] = pins(text)
    if packages is None or python is not None:
        installed, about, settings = world.interpreter(python or "python3")
        body["python"] = about
        body["locale"] = {**body["locale"], **settings}
        body.setdefault("package", installed)
    return body


def _taken(session: Session, body: Any, host: str, model: str | None) -> use.Taken:
    of = models.get(session.db, model) if model else None
    return use.snap(session.db, body, host=host, model=of, actor=session.actor, now=session.now)


def _told(taken: use.Taken, *, as_json: bool) -> None:
    found = taken.environment
    if as_json:
        document = {**_brief(found), "body": found.body}
        output.document({"new": taken.new, "environment": document, "differences": taken.differences})
        return
    packages = len(found.body.get("package", {}))
    output.text(f"snapshot {found.id} of {found.host}: {packages} packages, sha256 {found.sha256[: use.SHORT]}")
    if not taken.new:
        diagnostics.note("the same as the last one: nothing was recorded")
    elif taken.previous is None:
        diagnostics.note("the first of this host")
    else:
        _table(taken.differences)


def _table(found: tuple[Difference, ...]) -> None:
    output.table(
        ("WEIGHT", "IN", "WHAT", "BEFORE", "AFTER"),
        [(f"{d.weight or 0:g}", d.part, d.key, _cut(d, d.before), _cut(d, d.after)) for d in found],
        empty="no difference",
    )


def _cut(difference: Difference, value: str | None) -> str | None:
    return value[: use.SHORT] if value and difference.part in ("variable", "file", "code") else value


def _brief(found: Environment) -> dict[str, Any]:
    return {
        "id": found.id,
        "host": found.host,
        "model": found.model,
        "sha256": found.sha256,
        "by": found.by,
        "at": found.at,
    }
