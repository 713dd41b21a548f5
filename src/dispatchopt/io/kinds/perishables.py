"""The perishables document and the ``PerishablesProblem``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.perishables.demand import day_demand
from dispatchopt.inventory.perishables.item import PerishableItem
from dispatchopt.inventory.perishables.problem import PerishablesProblem
from dispatchopt.io.instance import Instance
from dispatchopt.io.kinds._building import built
from dispatchopt.io.kinds._pairs import check_once
from dispatchopt.io.kinds.base import Kind, Parts
from dispatchopt.io.schema.perishables import TABLES, PerishablesHeader
from dispatchopt.io.tables import references

_PLAIN = ("order_cost", "shortage_cost", "waste_cost", "holding_cost", "price")


def build(parts: Parts) -> PerishablesProblem:
    """Return the perishables problem of a checked document."""
    issues, items = parts.issues, parts["items"]
    listed = references(parts["demand"], "item", items, issues)
    check_once(parts["demand"], "units", (listed, parts["demand"]["units"]), issues)
    there = references(parts["stock"], "item", items, issues)
    check_once(parts["stock"], "age_days", (there, parts["stock"]["age_days"]), issues)
    issues.raise_if_any()
    discount = parts.header.parameters.discount
    made = []
    for row in range(len(items)):
        try:
            made.append(_item(parts, row, listed == row, discount))
        except InputError as error:
            place = items.place(row)
            issues.extend(
                [
                    Issue(code=each.code, where=f"{place} {each.where}", found=each.found,
                          wanted=each.wanted)
                    for each in error.issues
                ]
            )  # fmt: skip
    issues.raise_if_any()
    start = tuple(_state(parts, item, row, there == row) for row, item in enumerate(made))
    issues.raise_if_any()
    return built(
        lambda: PerishablesProblem(
            items=tuple(made),
            start_units=start if len(parts["stock"]) else None,
            item_ids=items.ids(),
        ),
        issues,
    )


def _item(parts: Parts, row: int, is_listed: Any, discount: float) -> PerishableItem:
    items = parts["items"]
    return PerishableItem(
        demand_probability=_demand(parts, row, is_listed),
        shelf_life=int(items["shelf_life_days"][row]),
        lead_time=int(items["lead_time_days"][row]),
        max_order=int(items["max_order_units"][row]),
        issue=str(items["issue"][row]),
        discount=discount,
        **{name: float(items[name][row]) for name in _PLAIN},
    )


def _demand(parts: Parts, row: int, is_listed: Any) -> FloatArray:
    items, table = parts["items"], parts["demand"]
    law, mean = str(items["demand_law"][row]), float(items["mean_units"][row])
    rows = np.flatnonzero(is_listed)
    if law == "listed":
        units = table["units"][rows]
        chance = np.zeros(int(units.max(initial=0)) + 1)
        chance[units] = table["probability"][rows]
        return chance
    if np.isnan(mean) or rows.size:
        found = "rows in the table demand" if rows.size else "no mean_units"
        wanted = "mean_units and a law, or the law listed with rows in the table demand"
        raise InputError(
            Issue(code="missing-value", where="mean_units", found=found, wanted=wanted)
        )
    spread = float(items["variance_units"][row])
    return day_demand(law, mean, None if np.isnan(spread) else spread)


def _state(parts: Parts, item: PerishableItem, row: int, is_there: Any) -> IntArray:
    table = parts["stock"]
    state = np.zeros(len(item.shape), dtype=np.int64)
    way = item.lead_time - 1
    for at in np.flatnonzero(is_there).tolist():
        # Ages 1 to m follow what is under way, of which the next to arrive stands last.
        axis, units = way + int(table["age_days"][at]) - 1, int(table["units"][at])
        if not 0 <= axis < state.size:
            wanted = f"an age from {1 - way} to {item.shelf_life}"
            place = table.place(at, "age_days")
            parts.issues.add("out-of-range", place, int(table["age_days"][at]), wanted)
        elif units > item.max_order:
            wanted = f"at most {item.max_order}, the largest order"
            parts.issues.add("out-of-range", table.place(at, "units"), units, wanted)
        else:
            state[axis] = units
    del row
    return state


def lay_out(
    instance: Instance,
) -> tuple[dict[str, Any], dict[str, dict[str, Sequence[Any]]]]:
    """Return header fields and tables of a perishables problem; demand is listed outright."""
    problem: PerishablesProblem = instance.problem
    names, items = problem.item_ids, problem.items
    table: dict[str, list[Any]] = {
        "id": list(names),
        "shelf_life_days": [item.shelf_life for item in items],
        "lead_time_days": [item.lead_time for item in items],
        "max_order_units": [item.max_order for item in items],
        "issue": [item.issue for item in items],
        **{name: [float(getattr(item, name)) for item in items] for name in _PLAIN},
        "demand_law": ["listed"] * len(items),
    }
    demand: dict[str, list[Any]] = {"item": [], "units": [], "probability": []}
    for name, item in zip(names, items, strict=True):
        for units in np.flatnonzero(item.demand_probability > 0).tolist():
            demand["item"].append(name)
            demand["units"].append(units)
            demand["probability"].append(float(item.demand_probability[units]))
    tables: dict[str, dict[str, Any]] = {"items": table, "demand": demand}
    if problem.start_units is not None:
        stock: dict[str, list[Any]] = {"item": [], "age_days": [], "units": []}
        for row, item in enumerate(items):
            for axis, units in enumerate(problem.start(row).tolist()):
                stock["item"].append(names[row])
                stock["age_days"].append(axis + 2 - item.lead_time)
                stock["units"].append(units)
        tables["stock"] = stock
    return {"parameters": {"discount": float(problem.discount)}}, tables


KIND = Kind(
    name="perishables",
    header=PerishablesHeader,
    rows=TABLES,
    build=build,
    lay_out=lay_out,
    problem_type=lambda: PerishablesProblem,
)
