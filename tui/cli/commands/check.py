"""``midwatch check FILE --like REF``: is this file like that one, with no set-up and no store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui.cli import diagnostics, output

if TYPE_CHECKING:
    from core.validate import FileCheck
    from storage.records.results import Finding

SHOWN = 20


@click.command("check")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--like", "references", multiple=True, required=True, metavar="REF", help="What it is compared with.")
@click.option("--model", "model_path", type=click.Path(path_type=Path), metavar="M.toml", help="Roles and checks.")
@click.option("--all", "everything", is_flag=True, help="Evidence, passed checks and every reason, too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(
    files: tuple[str, ...], references: tuple[str, ...], model_path: Path | None, everything: bool, as_json: bool
) -> int:
    """Validate FILE... against --like REF; exit code 1 when a page or a ticket was found."""
    from core.guess_roles import described
    from core.validate import check_files

    model = None
    if model_path is not None:
        from storage import model_file

        model = model_file.read(model_path)[0]
    found = check_files(files, references, model)
    if found.guessed:
        diagnostics.note(f"no model file; columns guessed: {described(found.roles)}")
    if as_json:
        output.document(_document(found, everything))
    else:
        _print(found, everything)
    return 1 if found.validation.verdict in ("page", "ticket") else 0


def _document(found: FileCheck, everything: bool) -> dict[str, Any]:
    validation = found.validation
    document: dict[str, Any] = {
        "verdict": validation.verdict,
        "score": validation.score,
        "rows": validation.rows,
        "quarantined": validation.quarantined,
        "roles": found.roles,
        "roles_guessed": found.guessed,
        "findings": [_finding(f) for f in validation.findings],
        "not_checked": [{"check": f.check, "column": f.column, "message": f.message} for f in validation.not_checked],
    }
    if everything:
        document["passed"] = [{"check": f.check, "message": f.message} for f in validation.passed]
    return document


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "column": finding.column,
        "slice": finding.slice,
        "class": finding.error_class,
        "tier": finding.tier,
        "score": finding.score,
        "value": finding.value,
        "threshold": finding.threshold,
        "message": finding.message,
        "evidence": finding.evidence,
    }


def _print(found: FileCheck, everything: bool) -> None:
    validation = found.validation
    shown = [f for f in validation.findings if everything or f.tier != "evidence"]
    rows = [(f.tier, f.error_class, f.check, f.column or "(table)", f.message) for f in shown]
    limit = len(rows) if everything else SHOWN
    output.table(("TIER", "CLASS", "CHECK", "COLUMN", "WHAT"), rows[:limit], empty="nothing to report")
    if len(rows) > limit:
        output.text(f"... and {len(rows) - limit} more: --all")
    for finding in shown[:limit]:
        if "command" in finding.evidence:
            output.text("")
            output.text(
                f"{finding.check} {finding.column or ''}: {finding.evidence['rows']:,} rows, the first of them:"
            )
            for row in finding.evidence["sample"]:
                cells = ", ".join(f"{name}={value}" for name, value in row["values"].items())
                output.text(f"  {row['path']}:{row['line']}  {cells}")
            output.text(f"  all of them: {finding.evidence['command']}")
    hidden = len(validation.findings) - len(shown)
    output.text("")
    output.text(
        f"verdict: {validation.verdict}; {validation.rows:,} rows, {validation.quarantined:,} lines quarantined, "
        f"{validation.checked_count:,} judgements" + (f", {hidden} findings kept as evidence: --all" if hidden else "")
    )
    if validation.not_checked:
        output.text("not checked:")
        for finding in validation.not_checked:
            output.text(f"  {finding.check}: {finding.message}")
