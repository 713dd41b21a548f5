"""From the stock problem of a morning to its days."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.inventory.problem import DemandLaw, InventoryProblem
from dispatchopt.inventory.replay.problem import ReplayProblem


def from_inventory(problem: InventoryProblem, **changes: Any) -> ReplayProblem:
    """Return the days that an inventory problem stands for.

    The problem's demand is that of ``interval_days``, which are taken as independent and alike, so
    that the lead time is ``interval_days - 1``; samples of longer intervals are taken as negative
    binomial days. Its stock on hand is on the shelves on the first morning; its central stock is
    what the city warehouse gets each day.

    Parameters
    ----------
    problem
        The problem.
    changes
        Any field of ``ReplayProblem``, such as ``lead_days`` or ``baskets``.
    """
    days = problem.interval_days
    law, mean, variance = problem.demand_law, problem.mean_units, problem.variance_units
    samples = problem.sample_units if days == 1 else None
    if law is DemandLaw.EMPIRICAL and samples is None:
        law = DemandLaw.NEGATIVE_BINOMIAL
    waste = problem.waste_cost
    if waste is not None and waste.ndim == 2:
        waste = waste.mean(axis=0)
    given = problem.available_units
    fields: dict[str, Any] = {
        "mean_units": mean / days,
        "variance_units": (mean if law is DemandLaw.POISSON else variance) / days,
        "demand_law": law,
        "sample_units": samples,
        "holding_cost": problem.holding_cost / days,
        "shortage_cost": problem.shortage_cost,
        "waste_cost": waste,
        "shelf_life_days": problem.shelf_life_days,
        "start_units": problem.on_hand_units,
        "case_pack_units": problem.case_pack_units,
        "lead_days": np.array([days - 1]),
        "central_units": given,
        "central_inflow_units": None if given is None else given / days,
        "store_ids": problem.store_ids,
        "sku_ids": problem.sku_ids,
    }
    return ReplayProblem(**{**fields, **changes})
