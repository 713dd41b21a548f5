"""What runs short in a stream and why, how much each shelf is to be kept, and prices of stock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.explain import Finding, Row
from dispatchopt.inventory.surge.check import check
from dispatchopt.inventory.surge.problem import SurgeProblem, SurgeSolution

#: What would have to change, by reason.
REMEDIES = {
    "central-stock": "more stock in the city warehouse",
    "store-room": "more room in the store",
    "too-rare": "nothing: more would be left over too often",
    "worth-sending": "a longer search: another unit pays",
}


@dataclass(frozen=True, kw_only=True)
class ShortPair:
    """A pair that lacks units in some scenario: its mean lack, a reason, and a unit's saving."""

    store: int
    sku: int
    mean_units: float
    reason: str
    saving: float


def short_pairs(problem: SurgeProblem, solution: SurgeSolution) -> list[ShortPair]:
    """Return the pairs that lack units in some scenario, in the order of the problem."""
    order = solution.order_units
    level = problem.on_hand_units + order
    lack = np.maximum(problem.shelf_units + problem.live_units - level, 0)
    mean = np.tensordot(problem.probability, lack, axes=1)
    left = np.full(problem.shape[1], np.inf)
    if problem.available_units is not None:
        left = problem.available_units - order.sum(axis=0)
    room = np.full(problem.shape[0], np.inf)
    if problem.room_ml is not None:
        room = problem.room_ml - order @ problem.volume_ml
    saving = unit_savings(problem, solution)
    found = []
    for store, sku in np.argwhere(mean > 0).tolist():
        reason = "worth-sending" if saving[store, sku] > 1e-9 else "too-rare"
        if left[sku] < 1:
            reason = "central-stock"
        elif room[store] < problem.volume_ml[sku]:
            reason = "store-room"
        found.append(
            ShortPair(
                store=store,
                sku=sku,
                mean_units=float(mean[store, sku]),
                reason=reason,
                saving=float(saving[store, sku]),
            )
        )
    return found


def unit_savings(problem: SurgeProblem, solution: SurgeSolution) -> FloatArray:
    """Return what one more unit in each store saves in expectation, (S, K); negative: costs.

    Each SKU costs what it costs alone, so a store's unit of every SKU is added at once.
    """
    before = _by_sku(problem, solution.order_units)
    saved = np.zeros(problem.shape)
    for store in range(problem.shape[0]):
        more = solution.order_units.copy()
        more[store] += 1
        saved[store] = before - _by_sku(problem, more)
    return saved


def protection(problem: SurgeProblem, solution: SurgeSolution) -> IntArray:
    """Return the units that each shelf is to be kept while the stream sells, (S, K).

    Littlewood's rule on the scenarios' shelf demand: the least y with
    P(demand > y) <= margin of the stream / margin of the shelf; never more than is there.
    """
    level = problem.on_hand_units + solution.order_units
    order = np.argsort(problem.shelf_units, axis=0, kind="stable")
    demand = np.take_along_axis(problem.shelf_units, order, axis=0)
    chance = np.cumsum(problem.probability[order], axis=0)
    high, low = problem.shelf_margin, problem.live_margin
    wanted = 1.0 - np.divide(low, high, out=np.ones_like(low), where=high > 0)
    at = np.minimum((chance < wanted - 1e-12).sum(axis=0), demand.shape[0] - 1)
    kept = np.take_along_axis(demand, at[None], axis=0)[0] if demand.size else np.zeros_like(level)
    made: IntArray = np.minimum(np.where(wanted > 0, kept, 0), level)
    return made


def explain(problem: SurgeProblem, solution: SurgeSolution) -> Sequence[Finding]:
    """Return what is short and why, what to keep for shelves, scenarios, and prices of stock."""
    pairs = sorted(short_pairs(problem, solution), key=lambda each: -each.mean_units)
    short: tuple[Row, ...] = tuple(
        {
            "store": problem.store_ids[each.store],
            "sku": problem.sku_ids[each.sku],
            "mean_short_units": each.mean_units,
            "saving_of_a_unit": each.saving,
            "reason": each.reason,
            "remedy": REMEDIES[each.reason],
        }
        for each in pairs
    )
    best = unit_savings(problem, solution).max(axis=0, initial=0.0)
    if problem.available_units is not None:
        best[problem.available_units > solution.order_units.sum(axis=0)] = 0.0
    dear = np.argsort(-best, kind="stable")
    prices: tuple[Row, ...] = tuple(
        {"sku": problem.sku_ids[sku], "saving_per_unit": float(best[sku])}
        for sku in dear[best[dear] > 1e-9].tolist()
    )
    return (
        Finding(
            name="short",
            about="pairs that lack units in some scenario, before transfers, and why",
            rows=short,
        ),
        Finding(
            name="protection",
            about="units that the stream must leave to the shelf, by Littlewood's rule; released "
            "as the shelf's demand passes",
            rows=_kept(problem, solution),
        ),
        Finding(
            name="scenarios",
            about="what each scenario costs, the dearest first",
            rows=_scenarios(problem, solution),
        ),
        Finding(
            name="stock_prices",
            about="what one more unit of central stock saves in the best store, where all is sent",
            rows=prices,
        ),
    )


def _kept(problem: SurgeProblem, solution: SurgeSolution) -> tuple[Row, ...]:
    level = problem.on_hand_units + solution.order_units
    kept = protection(problem, solution)
    places = np.argwhere(kept > 0)
    order = np.argsort(-kept[kept > 0], kind="stable")
    return tuple(
        {
            "store": problem.store_ids[store],
            "sku": problem.sku_ids[sku],
            "level_units": int(level[store, sku]),
            "kept_for_shelf_units": int(kept[store, sku]),
            "free_for_stream_units": int(level[store, sku] - kept[store, sku]),
        }
        for store, sku in places[order].tolist()
    )


def _scenarios(problem: SurgeProblem, solution: SurgeSolution) -> tuple[Row, ...]:
    made: list[Row] = []
    for row, name in enumerate(problem.scenario_ids):
        report = check(_only(problem, row), solution)
        made.append(
            {
                "scenario": name,
                "probability": float(problem.probability[row]),
                "cost": report.objective,
                **dict(report.parts),
            }
        )
    return tuple(sorted(made, key=lambda row: -float(row["cost"] or 0.0)))


def _only(problem: SurgeProblem, row: int) -> SurgeProblem:
    return problem.replace(
        probability=np.ones(1),
        shelf_units=problem.shelf_units[row : row + 1],
        live_units=problem.live_units[row : row + 1],
        scenario_ids=problem.scenario_ids[row : row + 1],
    )


def _by_sku(problem: SurgeProblem, order: IntArray) -> FloatArray:
    """Return expected cost by SKU, from the definition that the checker uses as well."""
    level = problem.on_hand_units + order
    shelf, live = problem.shelf_units, problem.live_units
    rest = np.maximum(level - shelf, 0)
    lacks = np.maximum(shelf - level, 0).sum(axis=1)
    short = np.maximum(live - rest, 0)
    missed, left = short.sum(axis=1), np.maximum(rest - live, 0).sum(axis=1)
    high, low, held = problem.shelf_margin, problem.live_margin, problem.holding_cost
    cost = high * lacks + low * missed + held * left
    fare = problem.transfer_cost
    if fare is not None:
        moved = np.where(high + held > fare, np.minimum(lacks, left), 0)
        streamed = np.minimum(rest, live).sum(axis=1)
        kept = np.where(high - low > fare, np.minimum(lacks - moved, streamed), 0)
        later = np.minimum(short, np.minimum(level, shelf)).sum(axis=1)
        freed = np.where(low + held > fare, np.minimum(left - moved, later), 0)
        cost = cost - (high + held - fare) * moved - (high - low - fare) * kept
        cost = cost - (low + held - fare) * freed
    total: FloatArray = problem.probability @ cost
    return total
