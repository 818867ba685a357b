"""The documents against the registries: what exists is documented, and what is documented exists."""

import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from core.checks.meanings import MEANINGS
from core.checks.registry import CHECKS
from core.metrics.registry import METRICS
from storage import alert_keys, errors, gate_keys, model_file
from storage.actuators.registry import ACTUATORS
from storage.records.rollbacks import State
from tui.actions import ACTIONS
from tui.cli.main import COMMANDS, INTERRUPTED, cli
from tui.panes import NUMBERS, PANES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHECKS_PAGE = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
MODEL_PAGE = (ROOT / "docs" / "model-file.md").read_text(encoding="utf-8")
SCREEN_PAGE = (ROOT / "docs" / "screen.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
FLOORS = ("core", "docs", "sample_data", "storage", "tests", "tui")
MODEL_TABLES = (
    model_file.TOP, model_file.COLUMNS, model_file.LABELS, model_file.METRIC, model_file.CHECK, gate_keys.STAGE,
    gate_keys.GUARDRAIL, gate_keys.GATES, gate_keys.SUITE, alert_keys.ALERTS,
    model_file.ROLLBACK, model_file.SCORING, *model_file.ACTUATOR_KEYS.values(),
)  # fmt: skip


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with its full name."""
    if isinstance(command, click.Group):
        ctx = click.Context(command, info_name=name)
        for sub in command.list_commands(ctx):
            found = command.get_command(ctx, sub)
            assert found is not None
            yield from leaves(found, f"{name} {sub}")
    else:
        yield name, command


LEAVES = dict(leaves(cli, "midwatch"))


def test_every_command_has_a_row_and_words_for_each_option() -> None:
    assert {name.split()[1] for name in LEAVES} == {name for name, _ in COMMANDS}
    for name, command in LEAVES.items():
        assert re.search(rf"^\| `{name}[ `]", README, re.M), name
        assert command.help, name
        for option in command.params:
            assert not isinstance(option, click.Option) or option.help, f"{name} {option.name}"


def lines_with_a_call(text: str) -> Iterator[str]:
    """Every ``midwatch ...`` of a page: in a code span, or on a line of a block."""
    for number, part in enumerate(re.split(r"^```\w*$", text, flags=re.M)):
        if number % 2:
            lines = (line.split("  #")[0].strip() for line in part.splitlines())
            yield from (line for line in lines if re.match(r"midwatch (?!RO |RW )", line))
        else:
            spans = re.findall(r"`([^`\n]+)`", part)
            yield from (found[1] for span in spans if (found := re.search(r"(?:^| )(midwatch(?: .*)?)$", span)))


CALLS = sorted({(page.name, call) for page in PAGES for call in lines_with_a_call(page.read_text(encoding="utf-8"))})


@pytest.mark.parametrize(("page", "call"), CALLS)
def test_every_call_that_a_page_shows_exists(page: str, call: str) -> None:
    """Options are known, and arguments are as many as the command takes, where any are shown."""
    words = [w for w in shlex.split(re.split(r" [>|]", call)[0]) if w not in ("...", "--help")][1:]
    if not words or words[0].startswith("-") or words[0] == "COMMAND":
        return
    command: click.Command = cli
    ctx = click.Context(cli, info_name="midwatch")
    while isinstance(command, click.Group):
        found = command.get_command(ctx, words[0]) if words else None
        if found is None:
            default = getattr(command, "default", None)
            assert default is not None or not words, f"{page}: {call}: there is no command {' '.join(words)!r}"
            if default is None:
                return
            found = command.get_command(ctx, default)
        else:
            words = words[1:]
        assert found is not None
        ctx = click.Context(found, info_name=found.name, parent=ctx)
        command = found
    options = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    for word in words:
        if word.startswith("--"):
            assert word in options, f"{page}: {call}: there is no {word}"
    takes = {n: p.nargs for p in command.params if isinstance(p, click.Option) and not p.is_flag for n in p.opts}
    taken = {at + 1 + more for at, word in enumerate(words) for more in range(takes.get(word, 0))}
    given = [word for at, word in enumerate(words) if not word.startswith("--") and at not in taken]
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    many = any(p.nargs == -1 for p in arguments)
    assert not given or many or len(given) <= len(arguments), f"{page}: {call}: {len(given)} arguments"


def test_every_check_stands_on_its_page_as_it_is() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (hard|soft|drift|ops) \| (\w+) \| ", CHECKS_PAGE, re.M)
    assert rows == [(check.name, check.error_class, check.tier) for check in CHECKS]
    assert f"{len(CHECKS)} checks" in CHECKS_PAGE
    assert f"{len(CHECKS)} checks" in README
    assert all(check.rationale in CHECKS_PAGE and check.needs in CHECKS_PAGE for check in CHECKS)
    assert set(MEANINGS) == {check.name for check in CHECKS}
    assert all(f"| {MEANINGS[check.name]}" in CHECKS_PAGE for check in CHECKS)


def test_every_metric_stands_on_the_page_of_checks() -> None:
    for metric in METRICS:
        assert f"| `{metric.name}` | {', '.join(metric.tasks)} |" in CHECKS_PAGE
        assert metric.meaning in CHECKS_PAGE


def test_every_exit_code_stands_in_the_readme() -> None:
    raised = {c.exit_code for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Exception)}
    assert {int(code) for code in re.findall(r"^\| (\d+) \| ", README, re.M)} == raised | {0, 1, INTERRUPTED}


def test_every_pane_and_state_stands_where_a_reader_looks() -> None:
    for pane in PANES:
        key = NUMBERS.get(pane.id) or f":{pane.id}"
        assert f"`{key}` {pane.title}" in README
        assert f"`{key}` {pane.title}" in SCREEN_PAGE
    for state in State.__args__:
        assert f"`{state}`" in README, state


def test_every_action_is_on_the_page_of_the_screen() -> None:
    for action in ACTIONS:
        keys = " ".join(f"`{key}`" for key in action.shown_keys.split())
        star = " *" if action.mutating else ""
        assert f"| {keys} | {action.help}{star} | {', '.join(action.where) or 'everywhere'} |" in SCREEN_PAGE


def test_every_key_of_a_model_file_is_explained() -> None:
    explained = {key for row in re.findall(r"^\|(.*)\|$", MODEL_PAGE, re.M) for key in re.findall(r"`(\w+)`", row)}
    for table in MODEL_TABLES:
        assert set(table) <= explained, set(table) - explained
    for name, _ in ACTUATORS:
        assert f"| `{name}` |" in MODEL_PAGE
        assert f"`{name}`" in README
    for tier in model_file.TIERS:
        assert f"`{tier}`" in CHECKS_PAGE


def test_every_model_file_that_a_page_shows_is_one() -> None:
    least = 'name = "m"\ntask = "binary"\n[columns]\ntime = "t"\nprediction = "p"\n'
    seen = 0
    for page in (README, MODEL_PAGE, CHECKS_PAGE):
        for block in re.findall(r"^```toml\n(.*?)^```$", page, re.M | re.S):
            if "people" in tomllib.loads(block):
                continue
            model_file.parse(block if block.startswith("name") else least + block, "page.toml")
            seen += 1
    assert seen >= 4


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_and_link_of_a_page_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    paths = re.findall(rf"`((?:{'|'.join(FLOORS)})/[\w/.-]+)`", text)
    paths += re.findall(r"`((?:core|storage|tui)\.[a-z_.]+)", text)
    for path in paths:
        assert exists(path), f"{page.name}: {path}"
    for link in re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", text):
        assert (page.parent / link).exists(), f"{page.name}: {link}"


def exists(path: str) -> bool:
    """A file or folder; or a module, or a name in one, written with dots."""
    if "/" in path:
        return (ROOT / path).exists()
    parts = path.strip(".").split(".")
    for end in (len(parts), len(parts) - 1):
        stem = ROOT.joinpath(*parts[:end])
        if stem.is_dir() or stem.with_suffix(".py").exists():
            module = stem.with_suffix(".py")
            return end == len(parts) or (module.exists() and f"{parts[-1]}" in module.read_text(encoding="utf-8"))
    return False


def test_the_modules_of_the_way_of_a_batch_exist() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"^(?:file|    ) -> ([a-z_.]+)", page, re.M)
    assert len(named) >= 6
    assert all(exists(name) for name in named), [name for name in named if not exists(name)]


def test_the_program_needs_the_python_that_the_readme_names() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    assert f"Python {wanted.removeprefix('>=')}" in README
    assert sys.version_info >= tuple(int(part) for part in wanted.removeprefix(">=").split("."))
