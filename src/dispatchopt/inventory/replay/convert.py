"""From the stock problem of a morning to its days."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.inventory.problem import DemandLaw, InventoryProblem
from dispatchopt.inventory.replay.problem import ReplayProblem


def from_inventory(
    problem: InventoryProblem, *, lead_days: int = 0, **changes: Any
) -> ReplayProblem:
    """Return the days that an inventory problem stands for.

    The problem's demand is that of ``lead_days + 1`` days, which are taken as independent and
    alike; its stock on hand is on the shelves on the first morning; its central stock is what the
    city warehouse gets each day.

    Parameters
    ----------
    problem
        The problem.
    lead_days
        Lead time in whole days.
    changes
        Any field of ``ReplayProblem``, such as ``shelf_life_days`` or ``baskets``.
    """
    days = lead_days + 1
    mean, variance = problem.mean_units / days, problem.variance_units / days
    if problem.demand_law is DemandLaw.POISSON:
        variance = mean
    given = problem.available_units
    fields: dict[str, Any] = {
        "mean_units": mean,
        "variance_units": variance,
        "demand_law": problem.demand_law,
        "holding_cost": problem.holding_cost,
        "shortage_cost": problem.shortage_cost,
        "start_units": problem.on_hand_units,
        "case_pack_units": problem.case_pack_units,
        "lead_days": np.array([lead_days]),
        "central_units": given,
        "central_inflow_units": given,
        "store_ids": problem.store_ids,
        "sku_ids": problem.sku_ids,
    }
    return ReplayProblem(**{**fields, **changes})
