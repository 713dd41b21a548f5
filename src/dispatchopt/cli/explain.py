"""``dispatchopt explain``: what stands behind a solution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dispatchopt.cli import common


@click.command()
@click.argument("instance", type=click.Path(path_type=Path, allow_dash=True))
@click.argument("solution", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Rows of each table, the ones that matter most first; 0 for all.",
)
@click.option(
    "--time-limit",
    type=common.Number(min=0, min_open=True),
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="Wall clock for whatever is solved anew: near-ties, and what limits cost.",
)
@common.reader_options
@common.output("table", "json")
@common.verbosity
def command(
    instance: Path,
    solution: Path,
    top: int,
    time_limit: float,
    options: tuple[str, ...],
    format_: str,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
) -> int:
    """Explain SOLUTION of INSTANCE: what is not served and why, and what one more would bring.

    Exit code 6, with the broken rules, if the checker does not accept the solution.
    """
    common.refuse_stdin_twice(instance, solution)
    common.prepare_output(output, overwrite, ".json")
    from dispatchopt.core.explain import Aim
    from dispatchopt.core.stop import Stop
    from dispatchopt.io import named_violations, read, read_solution
    from dispatchopt.registry import check, explain

    given = read(instance, common.key_values(options))
    held = read_solution(solution, given, is_decided=True)
    report = check(given.problem, held.solution)
    if not report.is_feasible:
        for broken in named_violations(report.violations, given):
            click.echo(str(broken), err=True)
        return common.EXIT_CHECK_FAILED
    aim = Aim(places=given.places, names=given.names, stop=Stop(time_s=time_limit))
    tables = [
        {
            "name": finding.name,
            "about": finding.about,
            "num_rows": len(finding.rows),
            "rows": [dict(row) for row in (finding.rows[:top] if top else finding.rows)],
        }
        for finding in explain(given.problem, held.solution, aim)
    ]
    if format_ == "json" or output is not None:
        common.emit_json(tables, output, overwrite)
    elif not quiet:
        for table in tables:
            _print(table)
    return 0


def _print(table: dict[str, Any]) -> None:
    shown, total = len(table["rows"]), table["num_rows"]
    more = "" if shown == total else f" ({shown:,} of {total:,})"
    click.echo(f"{table['name']}{more}: {table['about']}")
    if shown:
        common.emit_rows(table["rows"], "table", None, overwrite=False)
    else:
        click.echo("  none")
    click.echo()
