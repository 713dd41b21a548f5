"""Examples of guaranteed service."""

from __future__ import annotations

import numpy as np

from dispatchopt.inventory.guaranteed_service.problem import (
    NO_LIMIT,
    GuaranteedServiceProblem,
    GuaranteedServiceSolution,
)
from dispatchopt.io.instance import Instance
from dispatchopt.testing.conformance import EngineCases
from dispatchopt.testing.parts import Examples, Rng, names, points


def random_problem(rng: Rng, size: int, share: float = 0.4) -> GuaranteedServiceProblem:
    """Return a network in which some stages stand alone and some have limits."""
    numbers = np.arange(size)
    arc = np.argwhere((numbers[:, None] < numbers) & (rng.random((size, size)) < share))
    rank = rng.permutation(size)
    most = np.where(rng.random(size) < 0.5, rng.integers(0, 4, size), NO_LIMIT)
    return GuaranteedServiceProblem(
        time_periods=rng.integers(0, 5, size),
        holding_cost=np.round(rng.random(size) * 9, 2),
        safety_units=np.where(rng.random(size) < 0.1, 0.0, np.round(rng.random(size) * 5, 2)),
        supplier=rank[arc[:, 0]],
        customer=rank[arc[:, 1]],
        max_service_periods=most,
        inbound_periods=np.where(rng.random(size) < 0.8, 0, rng.integers(0, 4, size)),
        stage_ids=names(rng, size, "j"),
    )


def make(rng: Rng) -> Instance:
    """Return a network of a few stages, or of none."""
    problem = random_problem(rng, int(rng.integers(0, 7)))
    held = {"stages": problem.stage_ids} if problem.num_stages else {}
    places = {}
    if held and rng.random() < 0.5:
        places = {"stages": points(rng, problem.num_stages)}
    return Instance(
        name="chain", kind="guaranteed-service", problem=problem, names=held, places=places
    )


def answer(instance: Instance, rng: Rng) -> GuaranteedServiceSolution:
    """Return any service times."""
    size = instance.problem.num_stages
    return GuaranteedServiceSolution(service_periods=rng.integers(0, 9, size))


def cases() -> EngineCases:
    """Return one stage, a tree, and two networks with circles."""
    rng = np.random.default_rng(5)
    tree = GuaranteedServiceProblem(
        time_periods=np.array([6, 4, 1, 2]),
        holding_cost=np.array([1.0, 2.0, 4.0, 4.0]),
        safety_units=np.array([3.0, 3.0, 2.0, 2.0]),
        supplier=np.array([0, 1, 1]),
        customer=np.array([1, 2, 3]),
        max_service_periods=np.array([NO_LIMIT, NO_LIMIT, 0, 1]),
    )
    return EngineCases(
        usual=(random_problem(rng, 1), tree, random_problem(rng, 6), random_problem(rng, 9)),
        empty=random_problem(rng, 0),
    )


EXAMPLES = Examples(
    name="guaranteed-service",
    make=make,
    answer=answer,
    cases=cases,
    exact=frozenset({"tree", "branch"}),
)
