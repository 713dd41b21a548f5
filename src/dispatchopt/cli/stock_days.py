"""``dispatchopt simulate`` of an inventory document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatchopt.cli import common, progress

if TYPE_CHECKING:
    from dispatchopt.inventory.replay import Measures

#: Rows of a policy by measure, as ``Measures.table`` gives them.
_Table = dict[str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class StockDays:
    """What was asked for.

    Parameters
    ----------
    policy, against
        The policy, and others to be replayed on the same days.
    days, warm_up_days, replications, order_cost, seed, time_limit
        As the options of the command.
    """

    policy: str
    against: tuple[str, ...]
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
    ending = "" if output is None else output.suffix.removeprefix(".")
    for asked_format in (format_, ending):
        _refuse(asked_format)
    measured = _replayed(instance, asked, quiet)
    tables = {name: each.table() for name, each in measured.items()}
    over = _differences(measured, asked)
    if output is not None:
        text = _text(instance, asked, tables, over, ending or "json")
        common.emit_text(text, output, overwrite)
    if format_ != "table":
        text = _text(instance, asked, tables, over, format_)
        common.emit_text(text, None, overwrite=False)
    elif not quiet and str(output) != "-":
        _show(instance.name, asked, tables, over)
    return 0


def _replayed(instance: Any, asked: StockDays, quiet: bool) -> dict[str, Measures]:
    """Measures of each policy, by name, the one asked for first."""
    from dispatchopt.inventory.replay import from_inventory, named_policy, replay

    changes: dict[str, Any] = {"baskets": instance.extras.get("baskets")}
    if asked.order_cost > 0:
        changes["order_cost"] = [asked.order_cost] * instance.problem.num_skus
    days = from_inventory(instance.problem, **changes)
    names = tuple(dict.fromkeys((asked.policy, *asked.against)))
    with common.cancel_on_interrupt(quiet) as cancel, progress.stock_progress(quiet) as show:
        # Names are looked up before the first replay, which may be long.
        policies = {name: named_policy(name, instance.problem, days) for name in names}
        clock = common.make_stop(cancel, asked.time_limit).start()
        found = {}
        for at, (name, policy) in enumerate(policies.items()):
            found[name] = replay(
                days,
                policy,
                days=asked.days,
                warm_up_days=asked.warm_up_days,
                replications=asked.replications,
                seed=asked.seed,
                stop=clock.share(1.0 / (len(names) - at)),
                callback=show(name),
            )
    return found


def _differences(measured: Mapping[str, Measures], asked: StockDays) -> dict[str, _Table]:
    """Each other policy less the first, measure by measure, over replications that both have.

    Where the time was over within the first replication, days differ and nothing is said.
    """
    from dispatchopt.inventory.replay import differences

    first = measured[asked.policy]
    over = {}
    for name, each in measured.items():
        if name == asked.policy:
            continue
        both = min(first.num_replications, each.num_replications)
        table = differences(each, first)
        if both < min(2, asked.replications):
            table = {row: dict.fromkeys(values) for row, values in table.items()}
        over[name] = table
    return over


def _refuse(format_: str) -> None:
    if format_ in ("geojson", "html"):
        from dispatchopt.core.errors import InputError, Issue

        wanted = "table, json or csv, as days of stock have no map"
        raise InputError(Issue(code="bad-choice", where="format", found=format_, wanted=wanted))


def _show(
    title: str, asked: StockDays, tables: Mapping[str, _Table], over: Mapping[str, _Table]
) -> None:
    """Print measures that are defined; with other policies, a column each and how they differ."""
    first = tables[asked.policy]
    names = [name for name, row in first.items() if row["mean"] is not None]
    if not over:
        from dispatchopt.reporting import print_day

        lines = {name: _interval(first[name]) for name in names}
        print_day({"day": title, "policy": asked.policy, **lines})
        return
    rows = []
    for name in names:
        row = {"measure": name.replace("_", " "), asked.policy: _interval(first[name])}
        for other, table in over.items():
            row[other] = _interval(tables[other][name])
            row[f"{other} less {asked.policy}"] = _interval(table[name], sign="+")
        rows.append(row)
    common.emit_rows(rows, "table", None, overwrite=False)


def _interval(row: Mapping[str, Any], sign: str = "") -> str:
    """A mean with half its confidence interval."""
    if row["mean"] is None:
        return "none"
    width = row["half_width"]
    return f"{row['mean']:{sign},.4f}" + ("" if width is None else f" ± {width:,.4f}")


def _text(
    instance: Any, asked: StockDays, tables: Mapping[str, _Table], over: Mapping[str, _Table],
    format_: str,
) -> str:  # fmt: skip
    from dispatchopt.reporting.files import json_text
    from dispatchopt.reporting.tables import csv_text

    first = tables[asked.policy]
    if format_ == "csv":
        columns = ["measure", "mean", "half_width", "replications"]
        rows = [[name, *row.values()] for name, row in first.items()]
        if over:
            columns = ["policy", *columns, "difference", "difference_half_width"]
            rows = [
                [policy, name, *row.values(), *_difference(over.get(policy), name)]
                for policy, table in tables.items()
                for name, row in table.items()
            ]
        return csv_text(tuple(columns), [tuple(row) for row in rows])
    said: dict[str, Any] = {
        "inventory": instance.name,
        "policy": asked.policy,
        "days": asked.days,
        "warm_up_days": asked.warm_up_days,
        "order_cost": asked.order_cost,
        "seed": asked.seed,
        "measures": first,
    }
    if over:
        said["against"] = {
            name: {"measures": tables[name], "difference": table} for name, table in over.items()
        }
    return json_text(said)


def _difference(table: _Table | None, name: str) -> tuple[Any, Any]:
    return (None, None) if table is None else (table[name]["mean"], table[name]["half_width"])
