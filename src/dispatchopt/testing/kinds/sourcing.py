"""Examples of order sourcing."""

from __future__ import annotations

import numpy as np

from dispatchopt.inventory.sourcing.problem import SourcingProblem, SourcingSolution
from dispatchopt.io.instance import Instance
from dispatchopt.testing.conformance import EngineCases
from dispatchopt.testing.parts import Examples, Rng, names, points


def make(rng: Rng) -> Instance:
    """Return a few orders; some have no lines, some no store in reach."""
    q, s, k = (int(each) for each in rng.integers(0, 6, 3))
    has_line = rng.random((q, k)) < 0.5
    has_option = rng.random((q, s)) < 0.6
    line, option = np.argwhere(has_line), np.argwhere(has_option)
    problem = SourcingProblem(
        num_orders=q,
        line_order=line[:, 0],
        line_sku=line[:, 1],
        line_units=rng.integers(1, 4, len(line)),
        unserved_cost=np.round(rng.random(len(line)) * 9, 2),
        option_order=option[:, 0],
        option_store=option[:, 1],
        shipment_cost=np.round(rng.random(len(option)) * 5, 2),
        stock_units=rng.integers(0, 4, (s, k)),
        split_cost=float(rng.integers(0, 3)),
        max_shipments=int(rng.integers(1, 4)),
        order_ids=names(rng, q, "o"),
        store_ids=names(rng, s, "s"),
        sku_ids=names(rng, k, "k"),
    )
    stated = {"orders": problem.order_ids, "stores": problem.store_ids, "skus": problem.sku_ids}
    held = {table: ids for table, ids in stated.items() if ids}
    places = {}
    if rng.random() < 0.5:
        places = {
            table: points(rng, len(held[table])) for table in ("orders", "stores") & held.keys()
        }
    return Instance(name="orders", kind="sourcing", problem=problem, names=held, places=places)


def answer(instance: Instance, rng: Rng) -> SourcingSolution:
    """Return lines sent from anywhere."""
    problem: SourcingProblem = instance.problem
    return SourcingSolution(store_of_line=rng.integers(-1, problem.num_stores, problem.num_lines))


def cases() -> EngineCases:
    """Return batches of one and of ten orders, and one without any."""
    none = np.zeros(0, dtype=np.int64)
    one = SourcingProblem(
        num_orders=1,
        line_order=np.array([0, 0]),
        line_sku=np.array([0, 1]),
        line_units=np.array([2, 1]),
        unserved_cost=np.array([9.0, 9.0]),
        option_order=np.array([0, 0]),
        option_store=np.array([0, 1]),
        shipment_cost=np.array([3.0, 4.0]),
        stock_units=np.array([[2, 0], [2, 1]]),
        split_cost=1.0,
    )
    rng = np.random.default_rng(7)
    who, where = np.nonzero(rng.random((10, 4)) < 0.8)
    ten = SourcingProblem(
        num_orders=10,
        line_order=np.repeat(np.arange(10), 2),
        line_sku=np.concatenate([rng.permutation(5)[:2] for _ in range(10)]),
        line_units=np.ones(20, dtype=np.int64),
        unserved_cost=np.full(20, 8.0),
        option_order=who,
        option_store=where,
        shipment_cost=rng.integers(2, 7, who.size).astype(np.float64),
        stock_units=rng.integers(0, 3, (4, 5)),
        split_cost=1.0,
        max_shipments=2,
    )
    empty = SourcingProblem(
        num_orders=0,
        line_order=none,
        line_sku=none,
        line_units=none,
        unserved_cost=np.zeros(0),
        option_order=none,
        option_store=none,
        shipment_cost=np.zeros(0),
        stock_units=np.zeros((0, 0), dtype=np.int64),
    )
    return EngineCases(usual=(one, ten), empty=empty)


EXAMPLES = Examples(
    name="sourcing", make=make, answer=answer, cases=cases, exact=frozenset({"exact"})
)
