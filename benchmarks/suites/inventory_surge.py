"""Live-stream surges: ours against the mean scenario, the shelf alone, and no orders."""

from __future__ import annotations

import numpy as np
from benchmarks.registry import Row, Suite, peak_mb, timed

from dispatchopt.core import Stop
from dispatchopt.inventory import surge
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.problem import DemandLaw
from dispatchopt.inventory.protection import emsr_b, littlewood
from dispatchopt.inventory.surge import SurgeProblem, SurgeSolution

#: Stores, SKUs, scenarios; pairs of protection levels.
SIZES: dict[str, tuple[tuple[tuple[int, int, int], ...], int]] = {
    "small": (((8, 20, 10),), 10_000),
    "medium": (((20, 100, 20), (40, 100, 20)), 250_000),
    "large": (((50, 100, 20), (100, 500, 50)), 500_000),
}
#: Share of two stores' scenarios that are alike.
_CORRELATION = 0.7
#: Steps of the small size, so that its objectives repeat.
_STEPS = 100


def made(stores: int, skus: int, scenarios: int) -> SurgeProblem:
    """Shelf and stream of like size, uplifts of 1, 2, 5 and 10; stock scarce, transfers dear."""
    rng = np.random.default_rng(40)
    shelf = rng.gamma(1.5, 2.0, (stores, skus))
    chance, on_shelf, live = surge.draw_scenarios(
        shelf, 0.3 * shelf, correlation=_CORRELATION, count=scenarios, seed=2
    )
    margin = rng.uniform(2.0, 9.0, skus)
    return SurgeProblem(
        probability=chance,
        shelf_units=on_shelf,
        live_units=live,
        shelf_margin=margin,
        live_margin=0.6 * margin,
        holding_cost=rng.uniform(0.1, 1.0, skus),
        on_hand_units=rng.poisson(0.5 * shelf),
        volume_ml=rng.integers(100, 2000, skus),
        available_units=np.ceil(1.5 * shelf.sum(axis=0)).astype(np.int64),
        transfer_cost=1.0,
    )


def run(size: str) -> list[Row]:
    """Return the rows of one size."""
    cases, pairs = SIZES[size]
    rows: list[Row] = []
    for stores, skus, scenarios in cases:
        rows += _case(made(stores, skus, scenarios), size)
    return rows + _levels(pairs)


def _case(problem: SurgeProblem, size: str) -> list[Row]:
    stores, skus = problem.shape
    case = f"surge {stores} stores x {skus} SKUs, {problem.num_scenarios} scenarios"
    rows: list[Row] = []
    mean = np.tensordot(problem.probability, problem.shelf_units + problem.live_units, axes=1)
    shelf = np.tensordot(problem.probability, problem.shelf_units, axes=1)
    wishes = {"nothing sent": np.zeros(problem.shape), "mean of the shelf": shelf,
              "mean of shelf and stream": mean}  # fmt: skip
    least = np.inf
    for name, wish in wishes.items():
        cost = surge.check(problem, _cut(problem, wish)).objective
        least = min(least, cost)
        rows.append({"case": case, "method": name, "seconds": 0.0, "objective": cost})
    stop = Stop(iterations=_STEPS) if size == "small" else Stop(time_s=60)
    result, seconds = timed(lambda: surge.solve(problem, stop=stop))
    rows.append(
        {"case": case, "method": f"dispatchopt {result.engine}", "seconds": seconds,
         "objective": result.objective, "bound": result.bound, "gap": result.gap,
         "peak_mb": peak_mb(), "ratio": least / (result.objective or 1.0),
         "note": "ratio: cost of the best simple rule over ours"}
    )  # fmt: skip
    return rows


def _cut(problem: SurgeProblem, wish: np.ndarray) -> SurgeSolution:
    """Fill up to a wish, cut in proportion where central stock is short."""
    # Means of whole units end in .5 often; the last bits of a sum, which depend on the
    # processor, must not decide which way these are rounded.
    order = np.maximum(np.round(np.round(wish, 9)) - problem.on_hand_units, 0)
    stock = np.asarray(problem.available_units)
    share = np.minimum(1.0, stock / np.maximum(order.sum(axis=0), 1.0))
    return SurgeSolution(order_units=np.floor(np.round(order * share, 9)).astype(np.int64))


def _levels(pairs: int) -> list[Row]:
    """Protection levels of two and of three channels, all pairs at once."""
    rng = np.random.default_rng(41)
    mean = rng.gamma(1.5, 3.0, (3, pairs))
    demand = Demand(law=DemandLaw.POISSON, mean_units=mean, variance_units=mean)
    shelf = Demand(law=DemandLaw.POISSON, mean_units=mean[0], variance_units=mean[0])
    case = f"protection of {pairs:,} pairs"
    two, first = timed(lambda: littlewood(shelf, 12.0, 7.2))
    three, second = timed(lambda: emsr_b(demand, [12.0, 7.2, 5.0]))
    return [
        {"case": case, "method": "dispatchopt littlewood", "seconds": first,
         "note": f"{two.mean():.3f} units kept on average", "peak_mb": peak_mb()},
        {"case": case, "method": "dispatchopt emsr_b, three channels", "seconds": second,
         "note": f"{three[1].mean():.3f} units kept from the last on average",
         "peak_mb": peak_mb()},
    ]  # fmt: skip


SUITE = Suite(
    name="surge",
    about="Stock sent before a live stream, against mean demand; protection levels of many pairs.",
    run=run,
)
