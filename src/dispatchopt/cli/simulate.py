"""``dispatchopt simulate``: replay a day under a dispatch policy."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from dispatchopt.cli import common, deadline, progress


@click.command()
@click.argument("day", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--policy",
    help="Name of a dispatch policy. [default: rolling; consensus for epochs] Of a stock policy: "
    "levels [default], allocation, z-sigma, s-S, r-Q, eoq, tuned or tuned-z.",
)
@click.option(
    "--against",
    multiple=True,
    metavar="POLICY",
    help="A stock policy to set beside it on the same days, of an inventory; may be given more "
    "than once.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 100_000),
    default=28,
    show_default=True,
    help="Days measured, of an inventory.",
)
@click.option(
    "--warm-up",
    type=click.IntRange(0, 100_000),
    default=7,
    show_default=True,
    help="Days before them, of an inventory.",
)
@click.option(
    "--replications",
    type=click.IntRange(1, 10_000),
    default=10,
    show_default=True,
    help="Independent repetitions, of an inventory.",
)
@click.option(
    "--order-cost",
    type=common.Number(min=0),
    default=0.0,
    show_default=True,
    help="Cost of an order of a SKU for a store, of an inventory.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--time-limit",
    type=common.Number(min=0, min_open=True),
    metavar="SECONDS",
    help="Wall clock; the day so far is kept.",
)
@click.option(
    "--budget",
    type=common.Number(min=0, min_open=True),
    metavar="SECONDS",
    help="Wall clock of each decision of a day in epochs. [default: 10]",
)
@common.output("table", "json", "csv", "geojson")
@common.verbosity
def command(
    day: Path,
    policy: str | None,
    against: tuple[str, ...],
    days: int,
    warm_up: int,
    replications: int,
    order_cost: float,
    seed: int,
    time_limit: float | None,
    budget: float | None,
    format_: str,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
) -> int:
    """Replay DAY and measure what the promise was worth.

    The table holds the figures that planners look at; with -v, and in json, there are all.

    --format csv prints one row per order, json the figures. -o writes the log: .json, .csv,
    .geojson, or .html for a map with play-back.

    A static routing problem with time windows is replayed in epochs: requests are drawn from its
    customers (--seed) hour by hour, and routes leave in waves.

    An inventory is replayed day by day under a stock policy, all policies on the same days: rates
    of complete orders and lines, waste, cover and cost, each with a 95 % confidence interval.
    --against adds policies, and the paired interval of how each differs from --policy.
    """
    common.prepare_output(output, overwrite, ".json", ".csv", ".geojson", ".html")
    with deadline.alarm(time_limit) as call_off:
        from dispatchopt.io import read
        from dispatchopt.simulation import check_day, metrics, simulate

        instance = read(day)
        call_off()
    if against and instance.kind != "inventory":
        raise click.UsageError(
            "--against compares stock policies; days: dispatchopt whatif compare"
        )
    if instance.kind == "routing":
        return _waves(instance, policy or "consensus", seed, budget or 10.0, format_, output, quiet)
    if instance.kind == "inventory":
        from dispatchopt.cli.stock_days import StockDays, run

        asked = StockDays(
            policy=policy or "levels",
            against=against,
            days=days,
            warm_up_days=warm_up,
            replications=replications,
            order_cost=order_cost,
            seed=seed,
            time_limit=time_limit,
        )
        return run(
            instance, asked, format_=format_, output=output, overwrite=overwrite, quiet=quiet
        )
    given = _day_of(instance)
    with common.cancel_on_interrupt(quiet) as cancel, progress.day_progress(quiet) as callback:
        outcome = simulate(
            given,
            policy or "rolling",
            seed=seed,
            stop=common.make_stop(cancel, time_limit),
            callback=callback,
        )
    broken = check_day(given, outcome)
    figures = metrics(given, outcome)
    _emit(given, outcome, figures, format_, output, overwrite, quiet)
    if broken.violations:
        for violation in broken.violations[:20]:
            click.echo(f"check: {violation}", err=True)
        return common.EXIT_CHECK_FAILED
    return common.exit_code("feasible", str(outcome.stopped_by))


def _waves(
    instance: Any,
    policy: str,
    seed: int,
    budget: float,
    format_: str,
    output: Path | None,
    quiet: bool,
) -> int:
    """Replay a static problem in epochs."""
    from dispatchopt.core.stop import Stop
    from dispatchopt.simulation.waves import check_waves, simulate_waves, wave_day

    if format_ == "geojson" or (output is not None and output.suffix not in ("", ".json")):
        raise click.UsageError("a day in epochs is written as .json")
    drawn = wave_day(instance.problem, name=instance.name, seed=seed)
    outcome = simulate_waves(drawn, policy, stop=Stop(time_s=budget), seed=seed)
    figures = outcome.figures()
    report = check_waves(drawn, outcome)
    if output is not None:
        routes = [[list(route) for route in wave.routes] for wave in outcome.waves]
        common.emit_json({**figures, "routes_by_epoch": routes}, output)
    if format_ == "json":
        common.emit_json(figures)
    elif not quiet:
        common.emit_rows(figures["by_epoch"], format_, None, False)
        click.echo(f"{policy}: {outcome.cost_s:,} s of driving", err=format_ == "csv")
    for violation in report.violations[:20]:
        click.echo(f"check: {violation}", err=True)
    return common.EXIT_CHECK_FAILED if report.violations else 0


def _day_of(instance: Any) -> Any:
    from dispatchopt.core.errors import InputError, Issue
    from dispatchopt.simulation.day import Day

    if isinstance(instance.problem, Day):
        return instance.problem
    raise InputError(
        Issue(
            code="wrong-kind",
            where=instance.name,
            found=f"a document of kind {instance.kind}",
            wanted="a day",
            hint="a city is planned and its day replayed by `dispatchopt plan`",
        )
    )


def _emit(
    day: Any,
    outcome: Any,
    figures: dict[str, Any],
    format_: str,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    from dispatchopt.reporting import day_text, print_day

    if output is not None:
        ending = output.suffix.removeprefix(".") or "json"
        common.emit_text(day_text(day, outcome, figures, ending), output, overwrite)
    if format_ != "table":
        common.emit_text(day_text(day, outcome, figures, format_), None, overwrite=False)
    elif not quiet and str(output) != "-":
        # -v asks for more of everything.
        is_short = not logging.getLogger("dispatchopt").isEnabledFor(logging.INFO)
        print_day(figures, is_short=is_short)
        if is_short:
            click.echo("all figures: -v, or --format json", err=True)
