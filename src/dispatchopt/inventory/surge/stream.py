"""Before, during and after a stream: scenarios, release of stock, and what to move back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core import seeds
from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.problem import DemandLaw, InventoryProblem
from dispatchopt.inventory.protection import littlewood
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem


def draw_scenarios(
    shelf_mean: npt.ArrayLike,
    live_mean: npt.ArrayLike,
    *,
    uplift: npt.ArrayLike = (1.0, 2.0, 5.0, 10.0),
    correlation: float = 0.7,
    count: int = 50,
    seed: int = 1,
) -> tuple[FloatArray, IntArray, IntArray]:
    """Draw scenarios in which the uplift of the stream is alike in all stores.

    With probability ``correlation`` a store takes the uplift that all share in the scenario, else
    one of its own; any two stores then share it with the square of that probability. Demand is
    Poisson about mean times uplift for the stream, and about the mean for the shelf.

    Parameters
    ----------
    shelf_mean, live_mean
        Mean demand of either channel at uplift 1, (S, K), >= 0.
    uplift
        Factors, equally likely, >= 0.
    correlation
        From 0 (each store for itself) to 1 (all alike).
    count
        Number of scenarios, >= 1.
    seed
        Seed of the draw.

    Returns
    -------
    Probabilities (N,), and demand of shelf and stream (N, S, K).
    """
    shelf, live = np.asarray(shelf_mean, np.float64), np.asarray(live_mean, np.float64)
    factor = np.asarray(uplift, np.float64)
    if shelf.ndim != 2 or shelf.shape != live.shape or not factor.size or count < 1:
        found = f"means {shelf.shape} and {live.shape}, {factor.size} factors, {count} scenarios"
        wanted = "two of (S, K), a factor and a scenario at least"
        raise InputError(Issue(code="bad-shape", where="live_mean", found=found, wanted=wanted))
    ranges = (shelf.min(initial=0.0), live.min(initial=0.0), factor.min(), correlation)
    if not (min(ranges) >= 0 and correlation <= 1):
        wanted = "means and factors >= 0, a correlation from 0 to 1"
        where = "correlation"
        raise InputError(
            Issue(code="out-of-range", where=where, found=repr(correlation), wanted=wanted)
        )
    rng = seeds.stream(seed, "surge", "scenarios")
    size = (count, shelf.shape[0])
    common = rng.choice(factor, (count, 1))
    own = rng.choice(factor, size)
    taken = np.where(rng.random(size) < correlation, common, own)
    chance = np.full(count, 1.0 / count)
    return (
        chance,
        rng.poisson(np.broadcast_to(shelf, (count, *shelf.shape))).astype(np.int64),
        rng.poisson(live * taken[:, :, None]).astype(np.int64),
    )


def release_levels(
    shelf: Demand, shelf_margin: npt.ArrayLike, live_margin: npt.ArrayLike, left: npt.ArrayLike
) -> FloatArray:
    """Return the stock that the stream must leave to the shelf, as the day goes on.

    Parameters
    ----------
    shelf
        Demand of the shelf over the whole time, any shape.
    shelf_margin, live_margin
        Margin of a unit, that fits the demand.
    left
        Share of the shelf's demand still to come at each moment, (T,), from 1 to 0; the levels
        fall with it, which releases stock to the stream.

    Returns
    -------
    Protection levels by Littlewood's rule, (T, ...).
    """
    share = np.asarray(left, dtype=np.float64)
    if share.ndim != 1 or not ((share >= 0) & (share <= 1)).all():
        wanted = "shares from 0 to 1"
        raise InputError(
            Issue(code="out-of-range", where="left", found=repr(share.tolist()), wanted=wanted)
        )
    levels = [
        littlewood(
            Demand(
                law=shelf.law,
                mean_units=each * shelf.mean_units,
                variance_units=each * shelf.variance_units,
            ),
            shelf_margin,
            live_margin,
        )
        for each in share.tolist()
    ]
    return np.asarray(levels)


def after_stream(
    stock_units: npt.ArrayLike,
    shelf: Demand,
    *,
    holding_cost: npt.ArrayLike,
    shelf_margin: npt.ArrayLike,
    lane_from: npt.ArrayLike,
    lane_to: npt.ArrayLike,
    unit_cost: npt.ArrayLike,
    **more: Any,
) -> RebalancingProblem:
    """Return the rebalancing of what the stream has left, for the rest of the shelf's demand.

    Parameters
    ----------
    stock_units
        Stock after the stream, (S, K).
    shelf
        Demand of the shelf until the next replenishment, (S, K).
    holding_cost, shelf_margin
        Cost of a unit left over and of one missed, (K,).
    lane_from, lane_to, unit_cost
        Lanes between the stores, as in ``RebalancingProblem``.
    more
        Other fields of ``RebalancingProblem``.
    """
    held = np.asarray(stock_units)
    return RebalancingProblem(
        stock=InventoryProblem(
            mean_units=shelf.mean_units,
            variance_units=shelf.variance_units,
            demand_law=DemandLaw(shelf.law),
            holding_cost=np.asarray(holding_cost, np.float64),
            shortage_cost=np.asarray(shelf_margin, np.float64),
            on_hand_units=held,
            volume_ml=np.zeros(held.shape[-1], dtype=np.int64),
            case_pack_units=np.ones(held.shape[-1], dtype=np.int64),
        ),
        lane_from=np.asarray(lane_from),
        lane_to=np.asarray(lane_to),
        unit_cost=np.asarray(unit_cost, np.float64),
        **more,
    )
