"""What is short and why, and what one more unit of stock or room is worth."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.explain import Finding, Row
from dispatchopt.inventory.engines._prices import Prices
from dispatchopt.inventory.engines._steps import build
from dispatchopt.inventory.engines.dual import keeps_limits
from dispatchopt.inventory.levels import free_levels
from dispatchopt.inventory.problem import InventoryProblem, InventorySolution, LevelRule

#: Relative rise of the bound in a round below which prices have settled.
_MIN_RISE = 1e-6


class ShortReason(enum.StrEnum):
    """Why a pair got less than its own best level."""

    CENTRAL_STOCK = "central-stock"
    STORE_VOLUME = "store-volume"
    DELIVERY_VOLUME = "delivery-volume"
    LESS_URGENT = "less-urgent"


@dataclass(frozen=True, kw_only=True)
class Short:
    """One pair below its own best level.

    Parameters
    ----------
    store, sku
        Their names.
    level_units, best_units
        Level after the order, and the level that is best for the pair alone.
    reason
        The limit that one more case pack would break; ``less-urgent`` if it would fit, and what
        is left of stock and room was not worth taking for this pair alone.
    """

    store: str
    sku: str
    level_units: int
    best_units: int
    reason: ShortReason

    @property
    def missing_units(self) -> int:
        """Units below the best level."""
        return self.best_units - self.level_units


@dataclass(frozen=True, kw_only=True, eq=False)
class ShadowPrices:
    """What one more unit saves at the margin, in money units.

    Parameters
    ----------
    stock_price
        Per unit of central stock of each SKU, (K,).
    room_price_per_litre
        Per litre of room, or of vehicle where that is the tighter one, in each store, (S,).
    bound
        The proven lower bound on the cost that these prices give.
    """

    stock_price: FloatArray
    room_price_per_litre: FloatArray
    bound: float


def shortages(problem: InventoryProblem, solution: InventorySolution) -> tuple[Short, ...]:
    """Return the pairs below their own best level, the largest lack first."""
    order = solution.order_units
    best = free_levels(problem).order_units
    places = np.argwhere(order < best)
    lack = (best - order)[places[:, 0], places[:, 1]]
    places = places[np.argsort(-lack, kind="stable")]
    stock, shelf, vehicle = _left(problem, order)
    found = []
    for store, sku in places.tolist():
        pack = int(problem.case_pack_units[sku])
        volume = pack * int(problem.volume_ml[sku])
        if stock is not None and stock[sku] < pack:
            reason = ShortReason.CENTRAL_STOCK
        elif shelf is not None and shelf[store] < volume:
            reason = ShortReason.STORE_VOLUME
        elif vehicle is not None and vehicle[store] < volume:
            reason = ShortReason.DELIVERY_VOLUME
        else:
            reason = ShortReason.LESS_URGENT
        on_hand = int(problem.on_hand_units[store, sku])
        found.append(
            Short(
                store=problem.store_ids[store],
                sku=problem.sku_ids[sku],
                level_units=on_hand + int(order[store, sku]),
                best_units=on_hand + int(best[store, sku]),
                reason=reason,
            )
        )
    return tuple(found)


def shadow_prices(problem: InventoryProblem, *, max_rounds: int = 30) -> ShadowPrices:
    """Return the prices of stock and room at which the proven bound is highest found.

    They belong to the problem, not to one solution of it. All are 0 where no limit binds, and
    where service targets, not costs, decide.
    """
    free = ShadowPrices(
        stock_price=np.zeros(problem.num_skus),
        room_price_per_litre=np.zeros(problem.num_stores),
        bound=free_levels(problem).cost,
    )
    is_priced = problem.rule is LevelRule.CRITICAL_RATIO and problem.is_coupled
    if not is_priced or not problem.mean_units.size or not keeps_limits(problem):
        return free
    prices, best = Prices(build(problem)), free
    for _ in range(max_rounds):
        prices.price_stock()
        rise = prices.bound - best.bound
        if rise > 0:
            best = ShadowPrices(
                stock_price=prices.stock_price.copy(),
                room_price_per_litre=prices.room_price * 1000.0,
                bound=prices.bound,
            )
        if best is not free and rise <= _MIN_RISE * abs(best.bound):
            break
        prices.price_room()
    return best


def explain(problem: InventoryProblem, solution: InventorySolution) -> tuple[Finding, ...]:
    """Return what is short and why, and what one more unit of stock or room is worth."""
    prices = shadow_prices(problem)
    short: tuple[Row, ...] = tuple(
        {
            "store": each.store,
            "sku": each.sku,
            "level_units": each.level_units,
            "best_units": each.best_units,
            "missing_units": each.missing_units,
            "reason": str(each.reason),
        }
        for each in shortages(problem, solution)
    )
    return (
        Finding(
            name="short",
            about="pairs below the level that is best for them alone, the largest lack first",
            rows=short,
        ),
        Finding(
            name="stock_prices",
            about="what one more unit of central stock saves, at the margin",
            rows=_priced("sku", problem.sku_ids, prices.stock_price, "saving_per_unit"),
        ),
        Finding(
            name="room_prices",
            about="what one more litre of room (shelf or vehicle) saves, at the margin",
            rows=_priced(
                "store", problem.store_ids, prices.room_price_per_litre, "saving_per_litre"
            ),
        ),
    )


def _priced(what: str, names: Sequence[str], prices: FloatArray, column: str) -> tuple[Row, ...]:
    """Return a row per price above 0, the highest first."""
    order = np.argsort(-prices, kind="stable")
    return tuple(
        {what: names[row], column: float(prices[row])} for row in order[prices[order] > 0].tolist()
    )


def _left(
    problem: InventoryProblem, order: IntArray
) -> tuple[IntArray | None, FloatArray | None, FloatArray | None]:
    """Central stock, shelf room and vehicle room that the orders leave."""
    volume = problem.volume_ml.astype(np.float64)
    sent = order.astype(np.float64) @ volume
    stock = shelf = vehicle = None
    if problem.available_units is not None:
        stock = problem.available_units - order.sum(axis=0)
    if problem.store_volume_ml is not None:
        shelf = problem.store_volume_ml - problem.on_hand_units.astype(np.float64) @ volume - sent
    if problem.delivery_volume_ml is not None:
        vehicle = problem.delivery_volume_ml - sent
    return stock, shelf, vehicle
