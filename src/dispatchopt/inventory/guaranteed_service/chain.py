"""From demand at the ends of a supply network to what each stage faces."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.guaranteed_service.problem import GuaranteedServiceProblem


def supply_chain(
    *,
    added_cost: npt.ArrayLike,
    safety_units: npt.ArrayLike,
    units_per_unit: npt.ArrayLike | None = None,
    pooling: npt.ArrayLike | None = None,
    holding_rate: float = 1.0,
    **fields: Any,
) -> GuaranteedServiceProblem:
    """Return the problem of a network in which costs add up downstream and demand upstream.

    Parameters
    ----------
    added_cost
        Cost that each stage adds to a unit, (n,), >= 0; a unit at a stage has cost its own and that
        of all its suppliers (Graves and Willems, M&SOM 2, 2000, section 2).
    safety_units
        Safety factor times standard deviation of the demand from outside, (n,); 0 for stages that
        only serve other stages.
    units_per_unit
        Units of the supplier in one unit of the customer, (m,); 1 if None. Costs are per unit of
        the stage itself and do not count it.
    pooling
        Exponent p at which stages pool what customers ask for, (n,): the p-th root of the sum of
        p-th powers, over customers and demand from outside. 2 (independent) if None, 1 for none.
    holding_rate
        Share of its cost that a unit in stock costs over the time of the objective.
    fields
        All other fields of ``GuaranteedServiceProblem``.

    Raises
    ------
    InputError
        If an array does not fit, or a number is out of range.
    """
    added = np.asarray(added_cost, dtype=np.float64)
    outside = np.asarray(safety_units, dtype=np.float64)
    bare = GuaranteedServiceProblem(holding_cost=added, safety_units=outside, **fields)
    size, arcs = bare.num_stages, bare.num_arcs
    units = np.ones(arcs) if units_per_unit is None else np.asarray(units_per_unit, np.float64)
    power = np.full(size, 2.0) if pooling is None else np.asarray(pooling, dtype=np.float64)
    issues = [
        Issue(code="out-of-range", where=name, found=str(values)[:60], wanted=wanted)
        for name, values, count, low, high, wanted in (
            ("units_per_unit", units, arcs, 0.0, 1e6, f"{arcs} numbers from 0 to 1e6"),
            ("pooling", power, size, 1.0, 100.0, f"{size} numbers from 1 to 100"),
            ("holding_rate", np.array([holding_rate]), 1, 0.0, 1e6, "a number from 0 to 1e6"),
        )
        if values.shape != (count,) or not ((values >= low) & (values <= high)).all()
    ]
    if issues:
        raise InputError(issues)
    ratio = dict(zip(zip(bare.supplier.tolist(), bare.customer.tolist(), strict=True), units,
                     strict=True))  # fmt: skip
    cost = added.copy()
    for stage in bare.order:
        cost[stage] += sum(cost[each] for each in bare.suppliers[stage])
    safety = outside.copy()
    for stage in reversed(bare.order):
        asked = [outside[stage]]
        asked += [ratio[stage, each] * safety[each] for each in bare.customers[stage]]
        largest = max(asked)
        if largest > 0:
            shares = np.array(asked) / largest
            safety[stage] = largest * float((shares ** power[stage]).sum() ** (1 / power[stage]))
    return bare.replace(holding_cost=holding_rate * cost, safety_units=safety)
