"""``dispatchopt bench``: benchmark suites, rivals in the same run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from dispatchopt.cli import common

#: Relative worsening of an objective that --check lets pass: the noise of floating point and of
#: the tolerances of solvers, which differ from machine to machine.
TOLERANCE = 1e-6


@click.command()
@click.argument("suite", nargs=-1)
@click.option("--size", default=None, help="small, medium or large. [default: each suite's first]")
@click.option(
    "--suites",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder that holds registry.py and suites/. [default: benchmarks]",
)
@click.option(
    "--compare",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="An earlier result (JSON) to print beside this one.",
)
@click.option(
    "--check",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="An earlier result (JSON) whose objectives must not be worse here; exit code 6 if so.",
)
@common.output("table", "json", "csv")
@common.verbosity
def command(
    suite: tuple[str, ...],
    size: str | None,
    folder: Path | None,
    compare: Path | None,
    check: Path | None,
    format_: str,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
) -> int:
    """Run benchmark SUITEs (all by default) and print one row per case and method."""
    suites = _load(folder)
    unknown = [name for name in suite if name not in suites]
    if unknown:
        raise click.UsageError(
            f"there is no suite {unknown[0]!r}; there are: {', '.join(suites) or 'none'}"
        )
    rows: list[dict[str, Any]] = []
    for name in suite or suites:
        chosen = suites[name]
        if size is not None and size not in chosen.sizes:
            raise click.UsageError(f"suite {name!r} has the sizes {', '.join(chosen.sizes)}")
        asked = size or chosen.sizes[0]
        if not quiet:
            click.echo(f"{name} ({asked}): {chosen.about}", err=True)
        rows += [{"suite": name, "size": asked, **row} for row in chosen.run(asked)]
    if compare is not None:
        _beside(rows, json.loads(compare.read_text(encoding="utf-8")))
    common.emit_rows(rows, format_, output, overwrite)
    if check is not None:
        worse = _worse(rows, json.loads(check.read_text(encoding="utf-8")))
        for line in worse:
            click.echo(line, err=True)
        if worse:
            return common.EXIT_CHECK_FAILED
    return 0


def _load(folder: Path | None) -> dict[str, Any]:
    home = folder or Path("benchmarks")
    if not (home / "registry.py").is_file():
        raise click.UsageError(
            f"{home} holds no registry.py; run this in a checkout of dispatchopt, or name the "
            "folder with --suites"
        )
    sys.path.insert(0, str(home.resolve().parent))
    import importlib

    found: dict[str, Any] = importlib.import_module(f"{home.name}.registry").suites()
    return found


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("suite", "size", "case", "method"))


def _beside(rows: list[dict[str, Any]], earlier: list[dict[str, Any]]) -> None:
    before = {_key(row): row for row in earlier}
    for row in rows:
        old = before.get(_key(row), {})
        for name in ("seconds", "objective"):
            if old.get(name) is not None:
                row[f"earlier_{name}"] = old[name]


def _worse(rows: list[dict[str, Any]], earlier: list[dict[str, Any]]) -> list[str]:
    before = {_key(row): row.get("objective") for row in earlier}
    found = []
    for row in rows:
        old, new = before.get(_key(row)), row.get("objective")
        if old is not None and new is not None and new > old + TOLERANCE * max(1.0, abs(old)):
            found.append(f"worse: {' '.join(map(str, _key(row)))}: {old:g} before, {new:g} now")
    return found
