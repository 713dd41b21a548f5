"""Assortment: which SKUs each store carries, judged by orders filled complete."""

from __future__ import annotations

from dispatchopt.core import Callback, Result, Stop
from dispatchopt.core import solve as _solve
from dispatchopt.inventory.assortment.check import check
from dispatchopt.inventory.assortment.domain import DOMAIN
from dispatchopt.inventory.assortment.problem import AssortmentProblem, AssortmentSolution
from dispatchopt.inventory.assortment.smoothing import (
    Habits,
    most_popular,
    smooth,
    solve_smoothed,
)
from dispatchopt.inventory.assortment.validation import HeldOut, choose_habits, held_out

__all__ = [
    "DOMAIN",
    "AssortmentProblem",
    "AssortmentSolution",
    "Habits",
    "HeldOut",
    "check",
    "choose_habits",
    "held_out",
    "most_popular",
    "smooth",
    "solve",
    "solve_smoothed",
]


def solve(
    problem: AssortmentProblem,
    *,
    engine: str = "auto",
    stop: Stop | None = None,
    seed: int = 1,
    callback: Callback | None = None,
    start: AssortmentSolution | None = None,
) -> Result[AssortmentSolution]:
    """Choose what each store carries; see ``dispatchopt.core.solve`` for the parameters."""
    return _solve(
        DOMAIN, problem, engine=engine, stop=stop, seed=seed, callback=callback, start=start
    )
