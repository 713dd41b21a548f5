"""Assortments of any size: minimum cuts at prices of slots and room, store by store."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core import Run
from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.inventory.assortment.engines._block import Block, Orders
from dispatchopt.inventory.assortment.engines._dual import Dual, price_block
from dispatchopt.inventory.assortment.engines._fill import allowed, can_reach_floors
from dispatchopt.inventory.assortment.problem import AssortmentProblem, AssortmentSolution


@dataclass(frozen=True, kw_only=True)
class CutEngine:
    """Prices by cutting planes, sets by minimum cuts, repair; store after store where they share.

    Parameters
    ----------
    max_rounds
        Rounds over all stores; a round without an improvement ends the search.
    """

    max_rounds: int = 6
    name: str = "cut"
    packages: tuple[str, ...] = ("numpy", "scipy", "ortools")

    def unsupported(self, problem: AssortmentProblem) -> str | None:  # noqa: ARG002
        """Take every problem."""
        return None

    def search(self, problem: AssortmentProblem, run: Run[AssortmentSolution]) -> None:
        """Bound the stores that share customers as one, then choose store by store."""
        orders = Orders(problem)
        carried = first_choice(orders, run)
        if carried is None:
            return
        lost, is_alone = 0.0, np.zeros(problem.num_stores, dtype=bool)
        total = float(problem.order_weight.sum())
        for stores in groups(problem):
            if run.should_stop():
                return
            block = orders.of_group(stores) if stores.size > 1 else None
            block = orders.of_store(int(stores[0]), carried) if block is None else block
            dual = price_block(block, run.should_stop)
            lost += max(0.0, float(block.weight.sum()) - dual.bound)
            if stores.size == 1:
                is_alone[stores] = True
                _improve(orders, int(stores[0]), block, dual, carried)
            run.step()
        run.offer(AssortmentSolution(is_carried=carried))
        lost += float(problem.order_weight[orders.is_lost].sum())
        run.raise_bound(lost - 1e-9 * total)
        for _ in range(self.max_rounds):
            if is_alone.all() or not self._round(orders, carried, is_alone, run):
                break

    def _round(
        self, orders: Orders, carried: BoolArray, is_alone: BoolArray, run: Run[AssortmentSolution]
    ) -> bool:
        """Choose anew for each store that shares customers; returns whether anything got better."""
        before = run.objective
        for store in np.flatnonzero(~is_alone):
            if run.should_stop():
                return False
            block = orders.of_store(int(store), carried)
            dual = price_block(block, run.should_stop)
            _improve(orders, int(store), block, dual, carried)
            run.step()
        run.offer(AssortmentSolution(is_carried=carried.copy()))
        return before is None or (run.objective or 0.0) < before


def _improve(orders: Orders, store: int, block: Block, dual: Dual, carried: BoolArray) -> None:
    """Put the best allowed set into a store's row, if it is better than what is there."""
    row = carried[store]
    best, value = row & block.is_free, block.value(row & block.is_free)
    for wanted in (dual.inside, dual.outside):
        if wanted is None:
            continue
        found = allowed(block, wanted)
        worth = block.value(found)
        if worth > value:
            best, value = found, worth
    row[:] = best | orders.must[store]


def first_choice(orders: Orders, run: Run[AssortmentSolution]) -> BoolArray | None:
    """Offer and return an assortment that keeps all limits, (S, K); None if there is none."""
    problem = orders.problem
    if run.solution is not None:
        known: BoolArray = np.array(run.solution.is_carried, dtype=np.bool_)
        return known
    carried = orders.must.copy()
    nothing = np.zeros(problem.num_skus, dtype=bool)
    for store in range(problem.num_stores):
        block = orders.of_store(store, np.zeros_like(carried))
        if not can_reach_floors(block):
            run.prove_infeasible()
            run.note(f"Store {problem.store_ids[store]}: musts and floors exceed slots or room.")
            return None
        carried[store] |= allowed(block, nothing)
    run.offer(AssortmentSolution(is_carried=carried))
    return carried


def groups(problem: AssortmentProblem) -> list[IntArray]:
    """Return the stores in groups that share no customers."""
    from scipy import sparse
    from scipy.sparse import csgraph

    has_orders = np.zeros(problem.num_zones, dtype=bool)
    has_orders[problem.order_zone] = True
    reach = sparse.csr_matrix(problem.reach[has_orders].astype(np.int8))
    _, label = csgraph.connected_components(reach.T @ reach, directed=False)
    return [np.flatnonzero(label == each) for each in range(label.max(initial=-1) + 1)]


ENGINE = CutEngine()
