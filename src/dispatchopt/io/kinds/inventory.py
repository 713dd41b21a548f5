"""The inventory document and the ``InventoryProblem``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.history import History, estimate
from dispatchopt.inventory.problem import MAX_TOTAL, MAX_UNITS, DemandLaw, InventoryProblem
from dispatchopt.inventory.replay.baskets import Baskets
from dispatchopt.io.cells import NO_INT
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Said
from dispatchopt.io.kinds._building import built
from dispatchopt.io.kinds._pairs import check_once, names_or_numbers
from dispatchopt.io.kinds._past import extras, history_of, lay_out_past, samples_of
from dispatchopt.io.kinds.base import Kind, Parts
from dispatchopt.io.schema.inventory import TABLES, InventoryHeader
from dispatchopt.io.tables import Checked, references

Array = npt.NDArray[Any]


def build(parts: Parts) -> InventoryProblem:
    """Return the inventory problem of a checked document."""
    issues, given = parts.issues, parts.header.parameters
    stores, skus, demand, stock = (parts[name] for name in ("stores", "skus", "demand", "stock"))
    if not parts.given & {"demand", "history", "samples"}:
        issues.add("missing-table", parts.where, Said("no table demand"), "a table demand")
    cell, stock_cell = _cells(parts, demand), _cells(parts, stock)
    samples, history = samples_of(parts), history_of(parts)
    issues.raise_if_any()
    size = (len(stores), len(skus))
    variance = np.where(
        np.isnan(demand["variance_units"]), demand["mean_units"], demand["variance_units"]
    )
    mean, variance = _spread(size, cell, demand["mean_units"]), _spread(size, cell, variance)
    if history is not None:
        mean, variance, samples = _estimated(given, history, cell, (mean, variance), samples)
    if given.interval_variance_days:
        variance = variance + (mean / given.interval_days) ** 2 * given.interval_variance_days
    has_least = "min_units" in stock.table.columns and "stock" in parts.given
    return built(
        lambda: InventoryProblem(
            mean_units=mean,
            variance_units=variance,
            sample_units=samples,
            holding_cost=_cost(parts, "holding_cost", cell),
            shortage_cost=_cost(parts, "shortage_cost", cell),
            waste_cost=skus["waste_cost"] if skus["waste_cost"].any() else None,
            shelf_life_days=skus["shelf_life_days"] if skus["shelf_life_days"].any() else None,
            interval_days=given.interval_days,
            on_hand_units=_spread(size, stock_cell, stock["on_hand_units"]),
            volume_ml=skus["volume_ml"],
            case_pack_units=skus["case_pack_units"],
            demand_law=given.demand_law,
            store_volume_ml=_limit(stores, "volume_ml"),
            delivery_volume_ml=_limit(stores, "delivery_volume_ml"),
            available_units=_limit(skus, "available_units"),
            min_units=_spread(size, stock_cell, stock["min_units"]) if has_least else None,
            rule=given.rule,
            target=_target(parts, cell),
            store_ids=stores.ids(),
            sku_ids=skus.ids(),
        ),
        issues,
    )


def _estimated(
    given: Any,
    history: History,
    cell: tuple[Array, Array],
    moments: tuple[Array, Array],
    samples: Array | None,
) -> tuple[Array, Array, Array | None]:
    """Moments and samples of the interval, from sales where nothing is stated of a pair."""
    is_empirical = given.demand_law == DemandLaw.EMPIRICAL
    law = DemandLaw.NEGATIVE_BINOMIAL if is_empirical else DemandLaw(given.demand_law)
    if is_empirical and samples is None:
        samples = history.samples(given.interval_days)
    days = estimate(history, law, half_life_days=given.half_life_days).over(given.interval_days)
    is_open = np.asarray(history.is_known.any(axis=0))
    is_open[cell] = False
    mean = np.where(is_open, np.minimum(days.mean_units, MAX_UNITS), moments[0])
    variance = np.where(is_open, np.minimum(days.variance_units, 1e18), moments[1])
    return mean, variance, samples


def _cells(parts: Parts, table: Checked) -> tuple[Array, Array]:
    store = references(table, "store", parts["stores"], parts.issues)
    sku = references(table, "sku", parts["skus"], parts.issues)
    check_once(table, "sku", (store, sku), parts.issues)
    return store, sku


def _spread(size: tuple[int, int], cell: tuple[Array, Array], values: Array) -> Array:
    table = np.zeros(size, dtype=values.dtype)
    table[cell] = values
    return table


def _cost(parts: Parts, name: str, cell: tuple[Array, Array]) -> Array:
    of_sku, of_pair = parts["skus"][name], parts["demand"][name]
    if np.isnan(of_pair).all():
        return of_sku
    table = np.broadcast_to(of_sku, (len(parts["stores"]), len(of_sku))).copy()
    table[cell] = np.where(np.isnan(of_pair), of_sku[cell[1]], of_pair)
    return table


def _limit(table: Checked, name: str) -> Array | None:
    stated = table[name]
    if (stated == NO_INT).all():
        return None
    return np.where(stated == NO_INT, MAX_TOTAL, stated)


def _target(parts: Parts, cell: tuple[Array, Array]) -> Array | float | None:
    one: float | None = parts.header.parameters.target
    of_sku, of_pair = parts["skus"]["target"], parts["demand"]["target"]
    of_class = parts.header.parameters.target_of_class
    if of_class is not None:
        by_class = [getattr(of_class, name) for name in parts["skus"]["abc_class"]]
        of_sku = np.where(np.isnan(of_sku), by_class, of_sku)
    if np.isnan(of_pair).all() and np.isnan(of_sku).all():
        return one
    general = np.where(np.isnan(of_sku), 0.0 if one is None else one, of_sku)
    if np.isnan(of_pair).all():
        return general
    table = np.broadcast_to(general, (len(parts["stores"]), len(of_sku))).copy()
    table[cell] = np.where(np.isnan(of_pair), general[cell[1]], of_pair)
    return table


def _sku_columns(problem: InventoryProblem, skus: Array) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "id": skus,
        "volume_ml": problem.volume_ml,
        "case_pack_units": problem.case_pack_units,
    }
    if problem.waste_cost is not None and problem.waste_cost.ndim == 2:
        found, wanted = "a cost of each pair", "in a document, a cost of each SKU"
        raise InputError(Issue(code="bad-shape", where="waste_cost", found=found, wanted=wanted))
    for name in ("shelf_life_days", "waste_cost", "available_units"):
        if getattr(problem, name) is not None:
            columns[name] = getattr(problem, name)
    return columns


def _store_columns(instance: Instance, stores: Array) -> dict[str, Any]:
    problem: InventoryProblem = instance.problem
    columns: dict[str, Any] = {"id": stores}
    if problem.store_volume_ml is not None:
        columns["volume_ml"] = problem.store_volume_ml
    if problem.delivery_volume_ml is not None:
        columns["delivery_volume_ml"] = problem.delivery_volume_ml
    baskets: Baskets | None = instance.extras.get("baskets")
    if baskets is not None:
        columns["orders_per_day"] = baskets.orders_per_day
    return columns


def lay_out(
    instance: Instance,
) -> tuple[dict[str, Any], dict[str, dict[str, Sequence[Any]]]]:
    """Return header fields and tables of an inventory problem."""
    problem: InventoryProblem = instance.problem
    stores = names_or_numbers(problem.store_ids, problem.num_stores)
    skus = names_or_numbers(problem.sku_ids, problem.num_skus)
    target = None if problem.target is None else np.asarray(problem.target)
    sku_columns, store_columns = _sku_columns(problem, skus), _store_columns(instance, stores)
    pair_columns: dict[str, Array] = {
        "mean_units": problem.mean_units,
        "variance_units": problem.variance_units,
    }
    stated: tuple[tuple[str, Any], ...] = (
        ("holding_cost", problem.holding_cost),
        ("shortage_cost", problem.shortage_cost),
        ("target", target),
    )
    for name, values in stated:
        if values is not None and values.ndim:
            (sku_columns if values.ndim == 1 else pair_columns)[name] = values
    # Pairs without demand are left out, unless something else is stated of them.
    needed = (problem.mean_units > 0) | (problem.variance_units > 0)
    tables: dict[str, dict[str, Any]] = {
        "stores": store_columns,
        "skus": sku_columns,
        "demand": _pairs(stores, skus, pair_columns, needed | (len(pair_columns) > 2)),
    }
    on_hand = problem.on_hand_units
    if problem.min_units is not None:
        used = (on_hand > 0) | (problem.min_units > 0)
        used[0, 0] = True
        both = {"on_hand_units": on_hand, "min_units": problem.min_units}
        tables["stock"] = _pairs(stores, skus, both, used)
    elif on_hand.any():
        tables["stock"] = _pairs(stores, skus, {"on_hand_units": on_hand}, on_hand > 0)
    tables |= lay_out_past(instance.extras, problem.sample_units, stores, skus)
    parameters: dict[str, Any] = {"demand_law": str(problem.demand_law), "rule": str(problem.rule)}
    if problem.interval_days != 1:
        parameters["interval_days"] = problem.interval_days
    if target is not None and not target.ndim:
        parameters["target"] = float(target)
    return {"parameters": parameters}, tables


def _pairs(stores: Array, skus: Array, columns: dict[str, Array], needed: Array) -> dict[str, Any]:
    store, sku = np.nonzero(needed)
    return {
        "store": stores[store],
        "sku": skus[sku],
        **{name: values[store, sku] for name, values in columns.items()},
    }


KIND = Kind(
    name="inventory",
    header=InventoryHeader,
    rows=TABLES,
    build=build,
    lay_out=lay_out,
    problem_type=lambda: InventoryProblem,
    required=("stores", "skus"),
    extras=extras,
)
