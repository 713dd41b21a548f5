"""Examples of assortments."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.inventory.assortment.problem import AssortmentProblem, AssortmentSolution
from dispatchopt.io.instance import Instance
from dispatchopt.testing.conformance import EngineCases
from dispatchopt.testing.parts import Examples, Rng, names, points


def make(rng: Rng) -> Instance:
    """Return a few orders under any of the limits; some have no lines, some no store in reach."""
    s, k, z, c, q = (int(each) for each in rng.integers((1, 1, 1, 1, 0), 5))
    line = np.argwhere(rng.random((q, k)) < 0.5)
    some = [bool(rng.random() < 0.5) for _ in range(6)]
    floor = rng.integers(0, 3, (s, c))
    listing = rng.integers(-1, 2, (s, k))
    problem = AssortmentProblem(
        num_skus=k,
        order_weight=np.round(rng.random(q) * 9, 2),
        line_order=line[:, 0],
        line_sku=line[:, 1],
        order_zone=rng.integers(0, z, q),
        reach=rng.random((z, s)) < 0.6,
        may_split=some[0],
        slots=rng.integers(0, 5, s) if some[1] else None,
        store_volume_ml=rng.integers(0, 999, s) if some[2] else None,
        volume_ml=rng.integers(0, 99, k),
        listing=listing if some[3] and listing.any() else None,
        sku_category=rng.integers(0, c, k),
        floor=floor if some[4] and floor.any() else None,
        store_ids=names(rng, s, "s"),
        sku_ids=names(rng, k, "k"),
        zone_ids=names(rng, z, "z"),
        category_ids=names(rng, c, "c"),
        order_ids=names(rng, q, "o"),
    )
    held = {
        "stores": problem.store_ids,
        "skus": problem.sku_ids,
        "zones": problem.zone_ids,
        "categories": problem.category_ids,
    }
    held |= {"orders": problem.order_ids} if q else {}
    places = {"stores": points(rng, s), "zones": points(rng, z)} if some[5] else {}
    return Instance(name="shelves", kind="assortment", problem=problem, names=held, places=places)


def answer(instance: Instance, rng: Rng) -> AssortmentSolution:
    """Return stores that carry anything."""
    problem: AssortmentProblem = instance.problem
    return AssortmentSolution(is_carried=rng.random((problem.num_stores, problem.num_skus)) < 0.5)


def cases() -> EngineCases:
    """Return one store, stores that share orders and stores that do not, under all limits."""
    rng = np.random.default_rng(5)
    fields: dict[str, Any] = {
        "num_skus": 3,
        "order_weight": np.ones(2),
        "line_order": np.array([0, 0, 1]),
        "line_sku": np.array([0, 1, 2]),
        "reach": np.ones((1, 1), dtype=bool),
        "slots": np.array([2]),
    }
    one = AssortmentProblem(**fields)
    picks = [rng.permutation(8)[: rng.integers(1, 4)] for _ in range(25)]
    shared = AssortmentProblem(
        num_skus=8,
        order_weight=rng.integers(1, 5, 25).astype(np.float64),
        line_order=np.repeat(np.arange(25), [each.size for each in picks]),
        line_sku=np.concatenate(picks),
        order_zone=rng.integers(0, 3, 25),
        reach=np.array([[True, False], [True, True], [False, True]]),
        may_split=True,
        slots=np.array([3, 4]),
        volume_ml=rng.integers(1, 9, 8),
        store_volume_ml=np.array([20, 20]),
        listing=np.array([[1, 0, 0, 0, -1, 0, 0, 0], [0] * 8]),
        sku_category=np.arange(8) % 2,
        floor=np.array([[1, 1], [2, 0]]),
    )
    none = np.zeros(0, dtype=np.int64)
    empty = AssortmentProblem(
        num_skus=0,
        order_weight=np.zeros(0),
        line_order=none,
        line_sku=none,
        reach=np.zeros((0, 0), dtype=bool),
    )
    return EngineCases(
        usual=(one, shared, shared.replace(may_split=False)),
        empty=empty,
        infeasible=one.replace(listing=np.array([[1, 1, 1]])),
    )


EXAMPLES = Examples(
    name="assortment", make=make, answer=answer, cases=cases, exact=frozenset({"exact"})
)
