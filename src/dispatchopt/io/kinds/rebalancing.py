"""The rebalancing document and the ``RebalancingProblem``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.inventory.problem import InventoryProblem
from dispatchopt.inventory.rebalancing.lanes import Lanes
from dispatchopt.inventory.rebalancing.problem import MAX_CAPACITY_ML, RebalancingProblem
from dispatchopt.io.cells import NO_INT
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues
from dispatchopt.io.kinds._building import built
from dispatchopt.io.kinds._pairs import check_once
from dispatchopt.io.kinds.base import Kind, Parts
from dispatchopt.io.schema.rebalancing import TABLES, RebalancingHeader
from dispatchopt.io.tables import Checked, flag, references


def build(parts: Parts) -> RebalancingProblem:
    """Return the rebalancing problem of a checked document."""
    issues = parts.issues
    pairs = {}
    for name, *named in (
        ("demand", ("store", "stores"), ("sku", "skus")),
        ("stock", ("store", "stores"), ("sku", "skus")),
        ("lanes", ("origin", "stores"), ("target", "stores")),
    ):
        rows = tuple(
            references(parts[name], column, parts[target], issues) for column, target in named
        )
        check_once(parts[name], named[1][0], rows, issues)
        pairs[name] = rows
    stock = parts["stock"]
    for name in ("movable_units", "expiring_units"):
        is_more = stock[name] > stock["on_hand_units"]
        flag(stock, name, is_more, "out-of-range", "at most on_hand_units", issues)
    flag_loops(parts["lanes"], pairs["lanes"], issues)
    issues.raise_if_any()
    shape = (len(parts["stores"]), len(parts["skus"]))
    demand = parts["demand"]
    mean, variance = np.zeros(shape), np.zeros(shape)
    mean[pairs["demand"]] = demand["mean_units"]
    spread = demand["variance_units"]
    variance[pairs["demand"]] = np.where(np.isnan(spread), demand["mean_units"], spread)
    held, movable = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    held[pairs["stock"]] = stock["on_hand_units"]
    expiring = np.zeros(shape, dtype=np.int64)
    expiring[pairs["stock"]] = stock["expiring_units"]
    may = stock["movable_units"]
    movable[pairs["stock"]] = np.where(may == NO_INT, stock["on_hand_units"], may)
    return built(
        lambda: RebalancingProblem(
            stock=InventoryProblem(
                mean_units=mean,
                variance_units=variance,
                holding_cost=parts["skus"]["holding_cost"],
                shortage_cost=parts["skus"]["shortage_cost"],
                on_hand_units=held,
                volume_ml=parts["skus"]["volume_ml"],
                case_pack_units=np.ones(shape[1], dtype=np.int64),
                demand_law=parts.header.parameters.demand_law,
                store_ids=parts["stores"].ids(),
                sku_ids=parts["skus"].ids(),
            ),
            movable_units=movable,
            expiring_units=expiring,
            waste_cost=parts["skus"]["waste_cost"],
            **vars(lanes_of(parts["lanes"], pairs["lanes"])),
        ),
        issues,
    )


def flag_loops(table: Checked, ends: Sequence[IntArray], issues: Issues) -> None:
    """Report lanes that end where they begin; negative ends are unknown names."""
    is_loop = (ends[0] == ends[1]) & (ends[0] >= 0)
    flag(table, "target", is_loop, "out-of-range", "another store than origin", issues)


def lanes_of(table: Checked, ends: Sequence[IntArray]) -> Lanes:
    """Return the lanes of a checked table whose ends have been found."""
    room, length = table["capacity_ml"], table["distance_m"]
    has_room = room != NO_INT
    return Lanes(
        lane_from=ends[0],
        lane_to=ends[1],
        unit_cost=table["unit_cost"],
        lane_cost=table["lane_cost"],
        distance_m=np.where(length == NO_INT, -1, length),
        capacity_ml=np.where(has_room, room, MAX_CAPACITY_ML) if has_room.any() else None,
    )


def lay_out(
    instance: Instance,
) -> tuple[dict[str, Any], dict[str, dict[str, Sequence[Any]]]]:
    """Return header fields and tables of a rebalancing problem."""
    problem: RebalancingProblem = instance.problem
    stock = problem.stock
    stores = np.array(stock.store_ids, dtype=object)
    skus = np.array(stock.sku_ids, dtype=object)
    wanted = np.nonzero((stock.mean_units > 0) | (stock.variance_units > 0))
    held = np.nonzero(stock.on_hand_units)
    lanes: dict[str, Any] = {
        "origin": stores[problem.lane_from],
        "target": stores[problem.lane_to],
        "unit_cost": problem.unit_cost,
        "lane_cost": problem.lane_cost,
    }
    if problem.capacity_ml is not None:
        lanes["capacity_ml"] = problem.capacity_ml
    if (problem.distance_m >= 0).any():
        lanes["distance_m"] = [None if each < 0 else each for each in problem.distance_m.tolist()]
    tables: dict[str, dict[str, Any]] = {
        "stores": {"id": stores},
        "skus": {
            "id": skus,
            "volume_ml": stock.volume_ml,
            "holding_cost": stock.holding_cost,
            "shortage_cost": stock.shortage_cost,
        },
        "demand": {
            "store": stores[wanted[0]],
            "sku": skus[wanted[1]],
            "mean_units": stock.mean_units[wanted],
            "variance_units": stock.variance_units[wanted],
        },
        "stock": {
            "store": stores[held[0]],
            "sku": skus[held[1]],
            "on_hand_units": stock.on_hand_units[held],
            "movable_units": problem.movable_units[held],
        },
        "lanes": lanes,
    }
    if problem.waste_cost.any():
        tables["skus"]["waste_cost"] = problem.waste_cost
    if problem.has_expiring:
        tables["stock"]["expiring_units"] = problem.expiring_units[held]
    return {"parameters": {"demand_law": str(stock.demand_law)}}, tables


KIND = Kind(
    name="rebalancing",
    header=RebalancingHeader,
    rows=TABLES,
    build=build,
    lay_out=lay_out,
    problem_type=lambda: RebalancingProblem,
)
