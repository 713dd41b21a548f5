"""``dispatchopt curve``: coverage against number of sites, or against cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dispatchopt.cli import common, deadline


@click.command()
@click.argument("instance", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--against",
    type=click.Choice(["sites", "cost"]),
    default="sites",
    show_default=True,
    help="Coverage by number of sites, or by budget (the frontier of coverage and cost).",
)
@click.option(
    "--points",
    type=click.IntRange(min=1, max=1000),
    help="Sites: the largest number. Cost: how many budgets, evenly apart. [default: 40 or 12]",
)
@click.option(
    "--budget",
    "budgets",
    type=click.IntRange(min=0),
    multiple=True,
    metavar="CENTS",
    help="A budget of the frontier, in place of --points; may be given more than once.",
)
@click.option("--engine", default="auto", show_default=True, help="Name of an engine.")
@common.reader_options
@common.limits
@common.output("table", "json", "csv")
@common.verbosity
def command(
    instance: Path,
    against: str,
    points: int | None,
    budgets: tuple[int, ...],
    engine: str,
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
    """Solve INSTANCE, a siting document or a city, for many limits: what each further site brings.

    Each point carries its proven bound and starts from the one before. -o writes .json or .csv,
    or draws the curve: .html (opens without a network) or .png.
    """
    common.prepare_output(output, overwrite, ".json", ".csv", ".html", ".png")
    if budgets and (against != "cost" or points is not None):
        raise click.UsageError(
            "--budget belongs to --against cost, and takes the place of --points"
        )
    with deadline.alarm(time_limit) as call_off:
        from dispatchopt.io import read
        from dispatchopt.pipeline import siting_curve

        given = read(instance, common.key_values(options))
        problem = siting_curve.problem_of(given.problem)
        call_off()
    with common.cancel_on_interrupt(quiet) as cancel:
        stop = common.make_stop(cancel, time_limit, gap, iterations)
        found = siting_curve.trace(
            problem, against, points=points, budgets=budgets, stop=stop, seed=seed, engine=engine
        )
        is_cancelled = cancel.is_set()
    _emit(found, given.name, format_, output, overwrite, quiet)
    if is_cancelled:
        return common.EXIT_INTERRUPTED
    return 0 if found.rows else common.EXIT_NOTHING_FOUND


def _emit(
    found: Any, name: str, format_: str, output: Path | None, overwrite: bool, quiet: bool
) -> None:
    suffix = "" if output is None else output.suffix.lower()
    if output is not None and suffix in (".html", ".png"):
        from dispatchopt.reporting import write_curve

        write_curve(found, output, title=name, overwrite=overwrite)
        output = None
        if format_ == "table" and quiet:
            return
    rows = found.rows
    if format_ == "table" and output is None:
        if not quiet:
            # What opens is for programs; a table on a terminal has no room for it.
            brief = [{k: v for k, v in row.items() if k != "open_sites"} for row in rows]
            common.emit_rows(brief, "table", None, overwrite=False)
        return
    if format_ == "csv" or suffix == ".csv":
        rows = [{**row, "open_sites": " ".join(row["open_sites"])} for row in rows]
    form = "csv" if suffix == ".csv" or (format_ == "csv" and suffix != ".json") else "json"
    common.emit_rows(rows, form, output, overwrite)
