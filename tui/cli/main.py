"""The ``midwatch`` command: a click group that imports a command only when it is called."""

from __future__ import annotations

import importlib
import sqlite3
import sys
from collections.abc import Sequence
from typing import Any

import click

from storage.errors import MidwatchError, SourceError, UsageError
from tui import VERSION
from tui.cli import diagnostics, output

COMMANDS: tuple[tuple[str, str], ...] = (
    ("alerts", "List, show and answer alerts."),
    ("arms", "Both arms of an experiment: every metric, difference and interval."),
    ("audit", "Verify or list the audit log."),
    ("baseline", "Which batches are compared with: list, exclude a period, admit it."),
    ("cases", "Failure cases: list them, add rows, judge them."),
    ("changes", "The change feed: list it, show one, add to it, read a git log."),
    ("check", "Validate files against others, with no set-up."),
    ("demo", "Seed a store with three models in trouble and open the screen."),
    ("deploy", "Record that a version entered a stage."),
    ("diff", "Compare two versions of a model."),
    ("doctor", "Look at store, disk, audit chain, models and terminal."),
    ("env", "What a model runs in: snap, add, list, diff."),
    ("evaluate", "Compare a version with its baseline offline, by the suite."),
    ("experiments", "Experiments: register, start, results, kill; what history says of the next."),
    ("gate", "What the gates say of candidates, and what people say to them."),
    ("handover", "The page of the watch: show, write, accept, list."),
    ("incidents", "Open, investigate, close and report incidents."),
    ("infer", "Propose checks from a reference."),
    ("ingest", "Take in prediction logs: validate, measure, alert."),
    ("init", "Register a model file."),
    ("kept", "Slices kept with a name and watched on every batch."),
    ("labels", "Join late labels with the batches they belong to."),
    ("live", "Show what was live, stage by stage, at any minute."),
    ("metrics", "The metrics of a model, and the primary one."),
    ("models", "List the registered models."),
    ("promote", "Take a candidate into its next stage, or off."),
    ("query", "Read-only SQL over the rows of a batch or a file."),
    ("reset-tty", "Give back a terminal after a kill -9."),
    ("rollback", "Put another version in force and read the world back."),
    ("sets", "Evaluation sets: freeze, score, verify, export."),
    ("shadow", "Compare two versions over the same requests, without labels."),
    ("slices", "Find where a model fails, and the rows there."),
    ("undo", "Undo the last rollback, byte for byte."),
    ("versions", "List the versions of a model, or add one."),
    ("whatif", "Stored batches under another threshold or other scores."),
    ("why", "Symptoms, suspects with evidence, and what to do or not to do."),
)
"""Name and one line of help; the module is ``tui.cli.commands.NAME`` and holds ``command``."""

INTERRUPTED = 130


class LazyGroup(click.Group):
    """Lists commands from the table, imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name."""
        return [name for name, _ in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in dict(COMMANDS):
            return None
        module = importlib.import_module(f"tui.cli.commands.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Help without importing a single command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        """The command, or a usage error that names the nearest one."""
        import difflib

        if args and args[0] not in dict(COMMANDS) and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], dict(COMMANDS), n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else "see midwatch --help"
            raise click.UsageError(f"there is no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)


@click.command(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--store", metavar="PATH", help="The store; else $MIDWATCH_STORE, else the user's own.")
@click.option("--read-only", is_flag=True, help="Open the screen read-only; W can't unlock it.")
@click.option("--json", "as_json", is_flag=True, help="No screen: one JSON document with a summary of every model.")
@click.version_option(VERSION, message="midwatch %(version)s")
@click.pass_context
def cli(ctx: click.Context, store: str | None, read_only: bool, as_json: bool) -> None:
    """Keep machine-learning models alive: without a command, the screen on the default store.

    Where no screen can be drawn (TERM=dumb, a pipe) a summary of every model is printed; exit 1 when a page is open.
    """
    if ctx.invoked_subcommand is not None:
        return
    from tui import terminal

    if as_json or (refused := terminal.refusal()):
        from tui.cli import summary

        if not as_json:
            diagnostics.note(f"midwatch: {refused}")
        ctx.exit(summary.show(store, as_json=as_json))
    from tui.launch import launch

    ctx.exit(launch(store, read_only=read_only))


def run(arguments: list[str] | None = None) -> int:
    """Run one call and return its exit code; no error reaches the person as a traceback."""
    try:
        _refuse_undecodable(sys.argv[1:] if arguments is None else arguments)
        code = cli.main(args=arguments, prog_name="midwatch", standalone_mode=False)
    except click.UsageError as problem:
        diagnostics.note(f"midwatch: {problem.format_message()}")
        if problem.ctx is not None:
            diagnostics.note(f"  {problem.ctx.get_usage()}")
        return 2
    except MidwatchError as problem:
        diagnostics.error(problem)
        return problem.exit_code
    except sqlite3.Error as problem:
        from storage.db import translate

        told = translate(problem)
        diagnostics.error(told)
        return told.exit_code
    except (KeyboardInterrupt, click.Abort):
        diagnostics.note("midwatch: interrupted")
        return INTERRUPTED
    except OSError as problem:
        output.abandon()
        where = f"{problem.filename}: " if problem.filename else ""
        diagnostics.error(SourceError(f"{where}{problem.strerror or problem}", "see to it, then repeat"))
        return SourceError.exit_code
    return code if isinstance(code, int) else 0


def _refuse_undecodable(arguments: Sequence[str]) -> None:
    """Bytes that are no UTF-8 can't be recorded; better said before anything is done."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise UsageError(
                f"the argument {argument!r} is not UTF-8 text", "rename the file, or type it again"
            ) from None
