"""Base stock of a warehouse and its stores: exact costs against METRIC and stores by themselves."""

from __future__ import annotations

import numpy as np
from benchmarks.registry import Row, Suite, peak_mb, timed

from dispatchopt.core import Stop
from dispatchopt.inventory import echelon
from dispatchopt.inventory.echelon import EchelonProblem, EchelonSolution

#: Stores, SKUs, engine.
SIZES: dict[str, tuple[tuple[int, int, str], ...]] = {
    "small": ((20, 5, "exact"), (20, 5, "descent")),
    "medium": ((100, 200, "exact"), (100, 200, "descent")),
    "large": ((500, 300, "descent"), (500, 30, "exact")),
}
#: Lines of Table 1 in Shang and Song (2003): echelon holding costs and the optimal cost.
_LINES = (([0.25, 0.25, 0.25, 0.25], 12.688), ([0.25, 2.5, 2.5, 0.25], 53.008))


def made(stores: int, skus: int) -> EchelonProblem:
    """Daily demand about 1.5 units a pair; three days to the warehouse, about one to a store."""
    rng = np.random.default_rng(30)
    return echelon.two_levels(
        rate=rng.gamma(1.5, 1.0, (stores, skus)),
        lead_time=rng.uniform(0.5, 1.5, (stores, 1)),
        holding_cost=1.0,
        shortage_cost=rng.uniform(5.0, 20.0, skus),
        warehouse_lead_time=rng.uniform(2.0, 4.0, skus),
        warehouse_holding_cost=0.6,
    )


def run(size: str) -> list[Row]:
    """Return the rows of one size."""
    rows = _lines()
    for stores, skus, engine in SIZES[size]:
        problem = made(stores, skus)
        case = f"echelon {stores} stores x {skus} SKUs"
        apart, seconds = timed(lambda problem=problem: _apart(problem))  # type: ignore[misc]
        plain = echelon.check(problem, apart).objective
        rows.append(
            {"case": case, "method": "z = 1.65 in every place", "seconds": seconds,
             "objective": plain}
        )  # fmt: skip
        result, seconds = timed(
            lambda problem=problem, engine=engine: echelon.solve(  # type: ignore[misc]
                problem, engine=engine, stop=Stop()
            )
        )
        rows.append(
            {"case": case, "method": f"dispatchopt {engine}, checked", "seconds": seconds,
             "objective": result.objective, "bound": result.bound, "gap": result.gap,
             "peak_mb": peak_mb(), "ratio": plain / (result.objective or 1.0),
             "note": f"{1e6 * seconds / (stores * skus):.0f} microseconds a pair; "
             "ratio: cost of z = 1.65 in every place over ours"}
        )  # fmt: skip
    return rows


def _lines() -> list[Row]:
    rows: list[Row] = []
    for added, known in _LINES:
        problem = EchelonProblem(
            supplier=np.array([1, 2, 3, -1]),
            lead_time=np.full(4, 0.25),
            holding_cost=np.cumsum(added[::-1])[::-1],
            rate=np.array([16.0, 0, 0, 0]),
            shortage_cost=np.array([9.0, 0, 0, 0]),
        )
        result, seconds = timed(lambda problem=problem: echelon.solve(problem))  # type: ignore[misc]
        rows.append(
            {"case": f"line of 4 stages, published {known:g}", "method": "dispatchopt exact",
             "seconds": seconds, "objective": result.objective, "bound": result.bound,
             "gap": result.gap, "ratio": known / (result.objective or 1.0),
             "note": "ratio: the published optimum over ours"}
        )  # fmt: skip
    return rows


def _apart(problem: EchelonProblem) -> EchelonSolution:
    """Mean and 1.65 deviations of each place's own lead time, as if nobody waited for anybody."""
    mean = problem.total_rate * problem.lead_time
    level = np.ceil(mean + 1.65 * np.sqrt(mean)).astype(np.int64)
    return EchelonSolution(level_steps=level)


SUITE = Suite(
    name="echelon",
    about="Base stock of a warehouse and its stores, and of lines, against z = 1.65 everywhere.",
    run=run,
)
