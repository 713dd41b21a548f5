"""Perishables: the exact dynamic programme against levels to fill up to, and published values."""

from __future__ import annotations

from typing import Any

from benchmarks.registry import Row, Suite, peak_mb, timed

from dispatchopt.generators import generate
from dispatchopt.inventory import perishables
from dispatchopt.inventory.perishables import PerishableItem, PerishablesProblem

#: Longest life of the published settings that is run, and their lead times.
SIZES: dict[str, tuple[int, tuple[int, ...]]] = {
    "small": (2, (1,)),
    "medium": (3, (1, 2)),
    "large": (5, (1, 2)),
}
#: States of a setting beyond which it takes minutes.
_MOST_STATES = 200_000


def de_moor(life: int, lead: int, issue: str, waste: float) -> PerishableItem:
    """A setting of De Moor, Gijsbrechts and Boute (2022)."""
    return PerishableItem(
        demand_probability=perishables.day_demand("gamma", 4.0, 4.0), shelf_life=life,
        lead_time=lead, issue=issue, order_cost=3.0, shortage_cost=5.0, waste_cost=waste,
        holding_cost=1.0, discount=0.99,
    )  # fmt: skip


def hendrix(life: int, most: int) -> PerishableItem:
    """A setting of Hendrix et al. (2019)."""
    return PerishableItem(
        demand_probability=perishables.day_demand("poisson", 5.0), shelf_life=life,
        max_order=most, order_cost=0.5, price=1.0,
    )  # fmt: skip


def run(size: str) -> list[Row]:
    """Return the rows of one size."""
    longest, leads = SIZES[size]
    rows: list[Row] = []
    for life, most, known in ((2, 10, -2.22), (3, 15, -2.40))[: longest - 1]:
        case = f"Hendrix, life {life}, published {known:g}"
        rows += _case(case, PerishablesProblem(items=(hendrix(life, most),)), levels=life < 4)
    for life in range(2, longest + 1):
        for lead in leads:
            states = 11 ** (life + lead - 1)
            if states > _MOST_STATES:
                continue
            items = [
                de_moor(life, lead, issue, waste)
                for issue in ("lifo", "fifo")
                for waste in (7.0, 10.0)
            ]
            case = f"De Moor, life {life}, lead time {lead}: 4 settings of {states:,} states"
            problem = PerishablesProblem(items=tuple(items))
            rows += _case(case, problem, levels=states < 20_000)
    problem = generate("perishables", size=size)
    rows += _case(f"generated, {len(problem.items)} items", problem, levels=True)
    return rows


def _case(case: str, problem: PerishablesProblem, *, levels: bool) -> list[Row]:
    rows: list[Row] = []
    base: float | None = None
    if levels:
        rule, seconds = timed(lambda: perishables.solve(problem, engine="levels"))
        base = rule.objective
        rows.append(
            {"case": case, "method": "dispatchopt levels", "seconds": seconds,
             "objective": base, "note": "the better of order-up-to with and without waste"}
        )  # fmt: skip
    best, seconds = timed(lambda: perishables.solve(problem, engine="dynamic"))
    row: dict[str, Any] = {
        "case": case, "method": "dispatchopt dynamic", "seconds": seconds,
        "objective": best.objective, "bound": best.bound, "gap": best.gap, "peak_mb": peak_mb(),
    }  # fmt: skip
    if base is not None and best.objective:
        row |= {"ratio": base / best.objective, "note": "ratio: cost of levels over the optimum"}
    return [*rows, row]


SUITE = Suite(
    name="perishables",
    about="Goods that expire: the exact optimum, levels to fill up to, published values.",
    run=run,
)
