"""Before, during and after a stream: scenarios, release of stock, and what to move back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dispatchopt.core import seeds
from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.problem import DemandLaw, InventoryProblem
from dispatchopt.inventory.protection import littlewood
from dispatchopt.inventory.rebalancing.lanes import Lanes
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem
from dispatchopt.inventory.surge.problem import SurgeProblem


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


def shelf_demand(
    problem: SurgeProblem, *, left: float = 1.0, scenarios: Sequence[str] = ()
) -> Demand:
    """Return the shelf's demand that is still to come, (S, K).

    Negative binomial, with the mean and variance of the scenarios.

    Parameters
    ----------
    problem
        Scenarios and their probabilities.
    left
        Share of the demand that is still to come, from 0 to 1.
    scenarios
        Names of the scenarios that are still possible; all if none is given.

    Raises
    ------
    InputError
        If the share is out of range, or a scenario unknown.
    """
    issues = [
        Issue(
            code="unknown-reference",
            where="scenarios",
            found=repr(each),
            wanted=f"one of {', '.join(problem.scenario_ids[:12])}",
        )
        for each in scenarios
        if each not in problem.scenario_ids
    ]
    if not 0 <= left <= 1:
        issues.append(
            Issue(code="out-of-range", where="left", found=repr(left), wanted="a share from 0 to 1")
        )
    if issues:
        raise InputError(issues)
    is_possible = np.isin(problem.scenario_ids, scenarios or problem.scenario_ids)
    chance = np.where(is_possible, problem.probability, 0.0)
    mean, variance = moments(chance / chance.sum(), problem.shelf_units)
    return Demand(
        law=DemandLaw.NEGATIVE_BINOMIAL, mean_units=left * mean, variance_units=left * variance
    )


def moments(probability: FloatArray, units: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance over scenarios, (S, K) each.

    Parameters
    ----------
    probability
        Of each scenario, (N,), adding up to 1.
    units
        Demand in each, (N, S, K).
    """
    mean = np.tensordot(probability, units, axes=1)
    apart = np.square(units - mean)
    return mean, np.tensordot(probability, apart, axes=1)


def after_stream(
    problem: SurgeProblem,
    stock_units: npt.ArrayLike,
    lanes: Lanes,
    *,
    movable_units: npt.ArrayLike | None = None,
    left: float = 1.0,
    scenarios: Sequence[str] = (),
) -> RebalancingProblem:
    """Return the rebalancing of what the stream has left, for the shelf's demand to come.

    Parameters
    ----------
    problem
        The surge: names, volumes, margins, and the scenarios of the shelf's demand.
    stock_units
        Stock after the stream, with what was held for it, (S, K), >= 0.
    lanes
        Lanes between the stores.
    movable_units
        Units that may leave each store, (S, K); None for all.
    left, scenarios
        See ``shelf_demand``.

    Raises
    ------
    InputError
        If anything is out of range.
    """
    demand = shelf_demand(problem, left=left, scenarios=scenarios)
    return RebalancingProblem(
        stock=InventoryProblem(
            mean_units=demand.mean_units,
            variance_units=demand.variance_units,
            demand_law=demand.law,
            holding_cost=problem.holding_cost,
            shortage_cost=problem.shelf_margin,
            on_hand_units=np.asarray(stock_units),
            volume_ml=problem.volume_ml,
            case_pack_units=np.ones(problem.shape[1], dtype=np.int64),
            store_ids=problem.store_ids,
            sku_ids=problem.sku_ids,
        ),
        movable_units=None if movable_units is None else np.asarray(movable_units),  # type: ignore[arg-type]
        **vars(lanes),
    )
