"""Examples of surges."""

from __future__ import annotations

import numpy as np

from dispatchopt.inventory.surge.problem import SurgeProblem, SurgeSolution
from dispatchopt.io.instance import Instance
from dispatchopt.testing.conformance import EngineCases
from dispatchopt.testing.parts import Examples, Rng, names, points


def drawn(rng: Rng, scenarios: int, stores: int, skus: int) -> SurgeProblem:
    """Return random demand in scenarios, with or without limits and transfers."""
    shape = (scenarios, stores, skus)
    some = rng.random(3) < 0.6
    margin = np.round(rng.random(skus) * 9, 2)
    return SurgeProblem(
        probability=np.full(scenarios, 1.0 / scenarios),
        shelf_units=rng.integers(0, 5, shape),
        live_units=rng.integers(0, 5, shape),
        shelf_margin=margin,
        live_margin=margin * 0.5,
        holding_cost=np.round(rng.random(skus), 2),
        on_hand_units=rng.integers(0, 4, (stores, skus)),
        volume_ml=rng.integers(0, 9, skus),
        available_units=rng.integers(0, 9, skus) if some[0] and skus else None,
        room_ml=rng.integers(0, 40, stores) if some[1] and stores else None,
        transfer_cost=1.5 if some[2] else None,
        scenario_ids=names(rng, scenarios, "n"),
        store_ids=names(rng, stores, "s"),
        sku_ids=names(rng, skus, "k"),
    )


def make(rng: Rng) -> Instance:
    """Return a few scenarios."""
    num, stores, skus = (int(each) for each in rng.integers(1, 5, 3))
    problem = drawn(rng, num, stores, skus)
    held = {
        "scenarios": problem.scenario_ids,
        "stores": problem.store_ids,
        "skus": problem.sku_ids,
    }
    places = {"stores": points(rng, stores)} if rng.random() < 0.5 else {}
    return Instance(name="stream", kind="surge", problem=problem, names=held, places=places)


def answer(instance: Instance, rng: Rng) -> SurgeSolution:
    """Return any order."""
    problem: SurgeProblem = instance.problem
    return SurgeSolution(order_units=rng.integers(0, 4, problem.shape))


def cases() -> EngineCases:
    """Return one pair, several stores, and no stores."""
    rng = np.random.default_rng(3)
    return EngineCases(usual=(drawn(rng, 2, 1, 1), drawn(rng, 4, 3, 3)), empty=drawn(rng, 1, 0, 0))


EXAMPLES = Examples(
    name="surge", make=make, answer=answer, cases=cases, exact=frozenset({"scenarios"})
)
