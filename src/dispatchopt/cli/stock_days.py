"""``dispatchopt simulate`` of an inventory document."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatchopt.cli import common


@dataclass(frozen=True, kw_only=True)
class StockDays:
    """What was asked for."""

    policy: str
    days: int
    warm_up_days: int
    replications: int
    order_cost: float
    seed: int
    time_limit: float | None


def run(
    instance: Any,
    asked: StockDays,
    *,
    format_: str,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
) -> int:
    """Replay the days and print or write what was measured."""
    from dispatchopt.inventory.replay import from_inventory, named_policy, replay

    ending = "" if output is None else output.suffix.removeprefix(".")
    for asked_format in (format_, ending):
        _refuse(asked_format)
    changes: dict[str, Any] = {"baskets": instance.extras.get("baskets")}
    if asked.order_cost > 0:
        changes["order_cost"] = [asked.order_cost] * instance.problem.num_skus
    days = from_inventory(instance.problem, **changes)
    with common.cancel_on_interrupt(quiet) as cancel:
        measures = replay(
            days,
            named_policy(asked.policy, instance.problem, days),
            days=asked.days,
            warm_up_days=asked.warm_up_days,
            replications=asked.replications,
            seed=asked.seed,
            stop=common.make_stop(cancel, asked.time_limit),
        )
    table = measures.table()
    if output is not None:
        text = _text(instance, asked, table, ending or "json")
        common.emit_text(text, output, overwrite)
    if format_ != "table":
        common.emit_text(_text(instance, asked, table, format_), None, overwrite=False)
    elif not quiet and str(output) != "-":
        from dispatchopt.reporting import print_day

        print_day({"day": instance.name, "policy": asked.policy, **_lines(table)})
    return 0


def _refuse(format_: str) -> None:
    if format_ in ("geojson", "html"):
        from dispatchopt.core.errors import InputError, Issue

        wanted = "table, json or csv, as days of stock have no map"
        raise InputError(Issue(code="bad-choice", where="format", found=format_, wanted=wanted))


def _lines(table: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Measures that are defined, each with half its confidence interval."""
    lines = {}
    for name, row in table.items():
        if row["mean"] is not None:
            width = row["half_width"]
            lines[name] = f"{row['mean']:,.4f}" + ("" if width is None else f" ± {width:,.4f}")
    return lines


def _text(instance: Any, asked: StockDays, table: dict[str, dict[str, Any]], format_: str) -> str:
    from dispatchopt.reporting.files import json_text
    from dispatchopt.reporting.tables import csv_text

    if format_ == "csv":
        rows = [(name, *row.values()) for name, row in table.items()]
        return csv_text(("measure", "mean", "half_width", "replications"), rows)
    return json_text(
        {
            "inventory": instance.name,
            "policy": asked.policy,
            "days": asked.days,
            "warm_up_days": asked.warm_up_days,
            "order_cost": asked.order_cost,
            "seed": asked.seed,
            "measures": table,
        }
    )
