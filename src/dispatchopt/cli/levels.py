"""``dispatchopt levels``: the stock rule of every pair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dispatchopt.cli import common


@click.command()
@click.argument("instance", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--policy",
    default="document",
    show_default=True,
    help="Of an inventory: document (its own rule and targets), z-sigma, s-S, r-Q or eoq.",
)
@click.option(
    "--order-cost",
    type=float,
    default=0.0,
    show_default=True,
    metavar="CENTS",
    help="Cost of an order of one SKU to one store, for s-S, r-Q and eoq.",
)
@click.option(
    "--channel",
    "channels",
    multiple=True,
    metavar="SHARE@MARGIN",
    help="Of a surge, repeatable: a part of the stream and its margin as a share of the shelf's, "
    "such as 0.3@0.8; EMSR-b protects against each.",
)
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Rows of the table on the terminal; 0 for all. Files hold all.",
)
@common.output("table", "json", "csv")
@common.verbosity
def command(
    instance: Path,
    policy: str,
    order_cost: float,
    channels: tuple[str, ...],
    top: int,
    format_: str,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
) -> int:
    """Print the level, reorder point and lot of every pair of store and SKU.

    INSTANCE is an inventory, whose pairs are taken one by one (solve counts shared limits as well),
    or a surge: then what the stream must leave to the shelf, as the day goes on.
    """
    common.prepare_output(output, overwrite, ".json", ".csv")
    from dispatchopt.inventory.rules import protection_rule, stock_rule
    from dispatchopt.io import read
    from dispatchopt.reporting.files import json_text
    from dispatchopt.reporting.tables import csv_text

    given = read(instance)
    columns: Any
    if given.kind == "inventory":
        columns = stock_rule(policy, given.problem, order_cost=order_cost)
    elif given.kind == "surge":
        columns = protection_rule(given.problem, tuple(_channel(each) for each in channels))
    else:
        raise _refusal("instance", given.kind, "an inventory or a surge")
    lists = [values.tolist() for values in columns.values()]
    rows = list(zip(*lists, strict=True))
    ending = format_ if output is None else output.suffix.removeprefix(".")
    if ending == "csv":
        common.emit_text(csv_text(tuple(columns), rows), output, overwrite)
    elif ending == "json":
        named = [dict(zip(columns, row, strict=True)) for row in rows]
        common.emit_text(json_text(named), output, overwrite)
    elif not quiet:
        shown = [dict(zip(columns, row, strict=True)) for row in (rows[:top] if top else rows)]
        more = "" if len(shown) == len(rows) else f" ({len(shown):,} of {len(rows):,})"
        click.echo(f"{given.name}{more}")
        common.emit_rows(shown, "table", None, overwrite=False)
    return 0


def _channel(text: str) -> tuple[float, float]:
    share, _, margin = text.partition("@")
    try:
        return float(share), float(margin)
    except ValueError:
        raise _refusal("channel", text, "SHARE@MARGIN, such as 0.3@0.8") from None


def _refusal(where: str, found: str, wanted: str) -> Exception:
    from dispatchopt.core.errors import InputError, Issue

    return InputError(Issue(code="bad-choice", where=where, found=found[:60], wanted=wanted))
