"""``dispatchopt forecast``: how wrong demand estimated from sales is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dispatchopt.cli import common


@click.command()
@click.argument("inventory", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--holdout",
    type=click.IntRange(min=1),
    default=28,
    show_default=True,
    help="Last days, which are kept for judging.",
)
@click.option(
    "--law",
    type=click.Choice(["negative-binomial", "poisson", "gamma", "normal"]),
    default="negative-binomial",
    show_default=True,
    help="Distribution of demand.",
)
@click.option(
    "--half-life",
    type=common.Number(min=0, min_open=True),
    metavar="DAYS",
    help="Age at which a day counts half.",
)
@common.output("table", "json")
@common.verbosity
def command(
    inventory: Path,
    holdout: int,
    law: str,
    half_life: float | None,
    format_: str,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
) -> int:
    """Judge the demand that the sales of INVENTORY give, on its last days.

    Days without stock count as censored. `dispatchopt convert` writes the estimated demand.
    """
    common.prepare_output(output, overwrite)
    from dispatchopt.inventory.forecast import forecast_errors
    from dispatchopt.inventory.problem import DemandLaw
    from dispatchopt.io import read

    instance = read(inventory)
    report = forecast_errors(
        _history_of(instance),
        DemandLaw(law),
        holdout_days=holdout,
        interval_days=instance.problem.interval_days,
        half_life_days=half_life,
    )
    report = {"inventory": instance.name, "law": law, "holdout_days": holdout, **report}
    if format_ == "json" or output is not None:
        common.emit_json(report, output, overwrite)
    elif not quiet:
        from dispatchopt.reporting import print_day

        shown = {name: value for name, value in report.items() if name not in ("inventory", "law")}
        print_day({"day": instance.name, "policy": law, **shown})
    return 0


def _history_of(instance: Any) -> Any:
    from dispatchopt.core.errors import InputError, Issue

    if "history" in instance.extras:
        return instance.extras["history"]
    raise InputError(
        Issue(
            code="missing-table",
            where=instance.name,
            found=f"a document of kind {instance.kind} without a table history",
            wanted="an inventory document with sales: a table history",
        )
    )
