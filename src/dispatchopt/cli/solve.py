"""``dispatchopt solve``: any problem, one engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dispatchopt.cli import common, deadline, progress

ENDINGS = (".json", ".csv", ".geojson", ".gpkg", ".sol", ".vroom")


@click.command()
@click.argument("instance", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--engine", default="auto", show_default=True, help="Name of an engine.")
@click.option(
    "--start",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A solution to start from; the result is never worse.",
)
@common.reader_options
@common.limits
@common.output("table", "json", "csv", "geojson", "sol", "vroom")
@common.verbosity
def command(
    instance: Path,
    engine: str,
    start: Path | None,
    options: tuple[str, ...],
    time_limit: float | None,
    gap: float,
    iterations: int | None,
    seed: int,
    format_: str,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
) -> int:
    """Solve INSTANCE: a siting, inventory or routing document.

    -o writes the solution; its ending says how: .json, .csv, .geojson, .gpkg, or .sol (routes as
    CVRPLIB has them). stdout gets a summary, or the solution itself with --format.
    """
    common.prepare_output(output, overwrite, *ENDINGS)
    with deadline.alarm(time_limit) as call_off:
        from dispatchopt.cli.worker import run_guarded
        from dispatchopt.io import read, read_solution
        from dispatchopt.registry import solve

        given = read(instance, common.key_values(options))
        known = None if start is None else read_solution(start, given).solution
        call_off()
    with common.cancel_on_interrupt(quiet) as cancel:
        stop = common.make_stop(cancel, time_limit, gap, iterations)
        result = run_guarded(
            lambda callback: solve(
                given.problem, engine=engine, stop=stop, seed=seed, callback=callback, start=known
            ),
            cancel,
            time_limit,
            progress.solve_progress(quiet),
        )
        is_cancelled = cancel.is_set()
    if result is None:
        click.echo("ended before anything was found", err=True)
        return common.EXIT_INTERRUPTED if is_cancelled else common.EXIT_NOTHING_FOUND
    _emit(result, given, format_, output, overwrite, quiet)
    return common.exit_code(str(result.status), str(result.stopped_by))


def _emit(
    result: Any, given: Any, format_: str, output: Path | None, overwrite: bool, quiet: bool
) -> None:
    from dispatchopt.io import solution_text, write_solution

    if output is not None and str(output) != "-":
        write_solution(result, given, output, overwrite=overwrite)
    elif output is not None and format_ == "table":
        format_ = "json"
    if format_ != "table":
        common.emit_text(solution_text(result, given, format_), None, overwrite=False)
    elif not quiet:
        from dispatchopt.reporting import print_result

        print_result(result, given)
