"""``dispatchopt plan``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dispatchopt.cli import common, deadline, progress

if TYPE_CHECKING:
    from dispatchopt.pipeline.city import City
    from dispatchopt.pipeline.result import CityPlan

#: Seconds beyond a time limit after which files that are not made yet are left out.
LATE_S = 0.4


@click.command()
@click.argument("city", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--goal",
    type=click.Choice(["cover-all", "max-coverage", "p-median", "fixed-charge"]),
    help="What the siting decision is after. [default: as the city says]",
)
@click.option("--sites", "max_sites", type=click.IntRange(min=1), help="Most stores to open.")
@click.option("--budget", type=common.Number(min=0), help="Most rent a day, in money units.")
@click.option(
    "--share",
    "required_share",
    type=common.Number(min=0, max=1),
    help="Share of demand to cover under cover-all.",
)
@click.option("--reach", "reach_m", type=click.IntRange(min=1), help="Reach of a store, metres.")
@click.option("--promise", type=common.Number(min=1), help="Promised minutes to the door.")
@click.option("--travel", type=click.Choice(["road", "straight"]), help="How travel is measured.")
@click.option("--policy", default="rolling", show_default=True, help="Dispatch policy of the day.")
@click.option("--tiles", metavar="URL", help="Map tiles to show; the report then needs a network.")
@common.limits
@common.output("table", "json")
@common.verbosity
def command(
    city: Path,
    policy: str,
    tiles: str | None,
    time_limit: float | None,
    gap: float,
    iterations: int | None,
    seed: int,
    format_: str,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
    **wishes: Any,
) -> int:
    """Plan CITY: choose its stores, stock them, replay a day, and write a report.

    CITY is a document of dispatchopt (folder, JSON, GeoPackage, XLSX) or another format that
    `convert` reads. The folder of -o gets report.html, figures.json, siting.json, stock.csv,
    orders.csv and stores.geojson. With --format json the figures are printed, and a folder is
    written only if -o is given.
    """
    folder = _folder(city, output, format_)
    common.prepare_output(folder, overwrite)
    if folder is not None and folder.is_file():
        raise click.UsageError(f"a plan is a folder of files, and {folder} is a file")
    sited: list[bool] = []
    with common.cancel_on_interrupt(quiet, lambda: bool(sited)) as cancel:
        with deadline.alarm(time_limit) as call_off:
            from dispatchopt.io import read
            from dispatchopt.pipeline import plan

            asked = _city_of(read(city), wishes)
            reserve = 0.0 if time_limit is None else _report_seconds(asked, time_limit)

            def on_siting() -> None:
                call_off()
                sited.append(True)

            with progress.plan_progress(quiet, on_siting) as callback:
                made = plan(
                    asked,
                    stop=common.make_stop(
                        cancel,
                        None if time_limit is None else time_limit - reserve,
                        gap,
                        iterations,
                    ),
                    seed=seed,
                    policy=policy,
                    callback=callback,
                )
        if str(made.siting.status) == "unknown":
            click.echo("ended before any stores were chosen; nothing is written", err=True)
            return common.exit_code(str(made.siting.status), str(made.stopped_by))
        names = [] if folder is None else _write(made, folder, overwrite, tiles, time_limit)
        if format_ == "json":
            common.emit_json(made.figures)
        elif not quiet:
            _tell(made, folder, names)
        if cancel.is_set():
            return common.EXIT_INTERRUPTED
    return common.exit_code(str(made.siting.status), str(made.stopped_by))


def _folder(city: Path, output: Path | None, format_: str) -> Path | None:
    if output is not None and str(output) == "-":
        raise click.UsageError("a plan is a folder of files; for stdout use --format json")
    if output is not None or format_ == "json":
        return output
    name = "city" if str(city) == "-" else city.resolve().stem
    return Path(f"{name}-plan")


def _city_of(instance: Any, wishes: dict[str, Any]) -> City:
    from dataclasses import replace

    from dispatchopt.core.errors import InputError, Issue
    from dispatchopt.pipeline.city import City

    city = instance.problem
    if not isinstance(city, City):
        raise InputError(
            Issue(
                code="wrong-kind",
                where=instance.name,
                found=f"a document of kind {instance.kind}",
                wanted="a city",
                hint="`solve` takes siting, inventory and routing documents, `simulate` takes days",
            )
        )
    promise, budget = wishes.pop("promise"), wishes.pop("budget")
    wishes["siting_goal"] = wishes.pop("goal")
    wishes["promise_s"] = None if promise is None else round(60 * promise)
    wishes["budget_cents"] = None if budget is None else round(100 * budget)
    given = {name: value for name, value in wishes.items() if value is not None}
    return city.replace(parameters=replace(city.parameters, **given)) if given else city


def _report_seconds(city: City, time_limit: float) -> float:
    """Return how much of a time limit to keep back for the report, by the size of the city."""
    rows = len(city.orders) + len(city.customers)
    if city.network is not None:
        rows += city.network.num_arcs
    return min(0.4 * time_limit, 0.3 + rows / 40_000)


def _write(
    made: CityPlan, folder: Path, overwrite: bool, tiles: str | None, time_limit: float | None
) -> list[str]:
    """Write the files of a plan, as many as there is time for, and return their names."""
    from dispatchopt.io import write_folder
    from dispatchopt.reporting.files import PLAN_FILES, each_plan_file

    files: dict[str, str | bytes] = {}
    last_call = None if time_limit is None else time_limit + LATE_S
    try:
        with deadline.alarm(last_call, has_something=True):
            for name, content in each_plan_file(made, tiles=tiles):
                files[name] = content
    except deadline.TimeIsUp:
        click.echo(f"time was over after {', '.join(files)}; other files are left out", err=True)
    write_folder(folder, files, overwrite=overwrite)
    for name in set(PLAN_FILES) - set(files):
        # Left by an earlier plan that was replaced: it would belong to other stores.
        (folder / name).unlink(missing_ok=True)
    return list(files)


def _tell(made: CityPlan, folder: Path | None, names: list[str]) -> None:
    from dispatchopt.reporting import print_plan

    print_plan(made)
    if folder is not None and "report.html" in names:
        click.echo(f"report: {folder / 'report.html'}", err=True)
