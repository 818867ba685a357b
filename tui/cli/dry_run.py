"""``ingest --dry-run``: how a log's columns would be read, nothing recorded."""

from __future__ import annotations

from collections.abc import Sequence

from core.profiles import profile_log
from core.stats.profile_roles import guess_roles
from core.validate import roles_of
from core.withholding import without_lines
from storage.logs.source import open_log
from storage.records.models import Model
from tui.cli import output


def show_reading(model: Model, files: Sequence[str], as_json: bool) -> None:
    """Print each column's kind, its role in the model file, and what it looks like."""
    roles = roles_of(model.file)
    named = {getattr(roles, role): role for role in ("time", "id", "prediction", "label", "version", "stage")}
    with open_log(list(files)) as source:
        profile = profile_log(source, roles)
        hints = guess_roles(profile)
        rows = []
        for column in source.columns:
            role = named.get(column.name) or ("ignored" if column.name in roles.ignore else "feature")
            if column.name in roles.redact:
                role += ", redacted"
            missing = profile.columns[column.name].missing if column.name in profile.columns else 0
            rows.append((column.name, column.kind, role, hints.get(column.name), missing, column.retyped or None))
        told = {"files": [f.path for f in source.files], "rows": source.rows, "quarantined": source.rejected}
        rejects = without_lines(source.rejects[:20], [c.name for c in source.columns], roles.redact)
    if as_json:
        keys = ("column", "kind", "role", "looks_like", "missing", "retyped")
        columns = [dict(zip(keys, row, strict=True)) for row in rows]
        output.document({**told, "columns": columns, "rejects": rejects})
        return
    output.text(f"{told['rows']} rows, {told['quarantined']} quarantined; nothing was recorded\n")
    output.table(("COLUMN", "KIND", "ROLE", "LOOKS LIKE", "MISSING", "NOTE"), rows)
    for reject in rejects:
        output.text(f"{reject.path}, line {reject.line}: {reject.reason}")
