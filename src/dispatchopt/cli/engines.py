"""``dispatchopt engines``: what can solve what here."""

from __future__ import annotations

from pathlib import Path

import click

from dispatchopt.cli import common


@click.command()
@common.output("table", "json", "csv")
def command(format_: str, output: Path | None, overwrite: bool) -> None:
    """List every engine and dispatch policy, what it does, and the solvers behind it."""
    from dispatchopt.registry import entries

    rows = [
        {
            "domain": entry.domain,
            "name": entry.name,
            "about": entry.about,
            "solvers": ", ".join(
                f"{name} {version}"
                for name, version in entry.versions.items()
                if name not in {"python", "dispatchopt"}
            ),
        }
        for entry in entries()
    ]
    common.emit_rows(rows, format_, output, overwrite)
