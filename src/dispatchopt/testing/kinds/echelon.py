"""Examples of base stock on several levels."""

from __future__ import annotations

import numpy as np

from dispatchopt.inventory.echelon.problem import (
    OUTSIDE,
    EchelonLaw,
    EchelonProblem,
    EchelonSolution,
)
from dispatchopt.io.instance import Instance
from dispatchopt.testing.conformance import EngineCases
from dispatchopt.testing.parts import Examples, Rng, names, points


def random_trees(rng: Rng, size: int) -> EchelonProblem:
    """Return lines and warehouses with stores, as one forest."""
    supplier = np.full(size, OUTSIDE)
    row = 0
    while row < size:
        count = int(rng.integers(1, 5))
        is_line = rng.random() < 0.4
        for child in range(row + 1, min(row + count, size)):
            supplier[child] = child - 1 if is_line else row
        row += count
    sells = ~np.isin(np.arange(size), supplier)
    own = rng.random(size) < 0.2
    # In lines stock grows dearer downstream, and customers come to the end only.
    depth = np.zeros(size)
    for stage in range(size):
        if supplier[stage] >= 0:
            depth[stage] = depth[supplier[stage]] + 1
    deep = np.isin(np.arange(size), supplier[depth > 1]) | (depth > 1)
    first = np.zeros(size, dtype=np.int64)
    for stage in range(size):
        first[stage] = stage if supplier[stage] < 0 else first[supplier[stage]]
    is_deep = np.isin(first, first[deep])
    rate = np.where(sells | (own & ~is_deep), np.round(rng.random(size) * 3, 2) + 0.01, 0.0)
    return EchelonProblem(
        supplier=supplier,
        lead_time=np.round(rng.random(size) * 2, 2),
        holding_cost=np.round(0.1 + 0.5 * depth + 0.1 * rng.random(size), 3),
        rate=rate,
        shortage_cost=np.where(rate > 0, np.round(1 + rng.random(size) * 20, 2), 0.0),
        stage_ids=names(rng, size, "s"),
    )


def make(rng: Rng) -> Instance:
    """Return a few trees, or a line under the normal law."""
    size = int(rng.integers(1, 9))
    problem = random_trees(rng, size)
    if rng.random() < 0.3:
        problem = EchelonProblem(
            supplier=np.array([1, OUTSIDE]),
            lead_time=np.array([1.0, 2.5]),
            holding_cost=np.array([1.5, 1.0]),
            rate=np.array([5.0, 0.0]),
            shortage_cost=np.array([9.0, 0.0]),
            demand_law=EchelonLaw.NORMAL,
            variance=np.array([2.0, 0.0]) if rng.random() < 0.5 else None,
            step_units=0.25,
            stage_ids=names(rng, 2, "s"),
        )
    held = {"stages": problem.stage_ids}
    places = {"stages": points(rng, problem.num_stages)} if rng.random() < 0.5 else {}
    return Instance(name="trees", kind="echelon", problem=problem, names=held, places=places)


def answer(instance: Instance, rng: Rng) -> EchelonSolution:
    """Return any levels."""
    return EchelonSolution(level_steps=rng.integers(0, 9, instance.problem.num_stages))


def cases() -> EngineCases:
    """Return one stage, some trees, and none."""
    rng = np.random.default_rng(4)
    usual = (random_trees(rng, 1), random_trees(rng, 3), random_trees(rng, 9))
    return EngineCases(usual=usual, empty=random_trees(rng, 0))


EXAMPLES = Examples(
    name="echelon", make=make, answer=answer, cases=cases, exact=frozenset({"exact"})
)
