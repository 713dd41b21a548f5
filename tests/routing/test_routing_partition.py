"""Set partitioning over random columns, against an exact solver of integer programmes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.routing.engines._columns import Columns
from dispatchopt.routing.engines._effort import Effort, Warm
from dispatchopt.routing.engines._partition import Partition
from dispatchopt.routing.engines._regions import bettered_regions
from dispatchopt.routing.engines._relaxation import Relaxation
from dispatchopt.routing.engines._tree import Tree

#: Little is in the first linear programmes and searches, so that every stage has work to do.
BRIEF = Effort(all_present=8, first_per_order=1, first_guess=2, guess_growth=1.2, cut_rounds=2)

#: Orders by distance from each of 14, on a ring.
NEAR = np.array([np.roll(np.arange(14), -row) for row in range(14)])


def random_columns(rng: np.random.Generator, num_orders: int, num: int) -> Columns:
    """Return random trips of up to three orders for two classes, and refusals."""
    num_rows = num_orders + 3
    sets = {tuple(np.sort(rng.choice(num_orders, rng.integers(1, 4), replace=False)))
            for _ in range(num)}  # fmt: skip
    trips = [(int(rng.integers(0, 2)), each) for each in sorted(sets)]
    members = np.full((len(trips) + num_orders, 4), num_rows, dtype=np.int64, order="F")
    for row, (kind, stops) in enumerate(trips):
        members[row, 0] = num_orders + kind
        members[row, 1 : 1 + len(stops)] = stops
    members[len(trips) :, 0] = np.arange(num_orders)
    members[len(trips) :, 1] = num_rows - 1
    paid = [rng.integers(20, 40) + 12 * len(stops) + rng.integers(0, 9) for _, stops in trips]
    return Columns(
        members=members,
        cost=np.array([*paid, *rng.integers(30, 90, num_orders)], dtype=np.float64),
        store=np.array([0] * len(trips) + [-1] * num_orders),
        origin=np.arange(len(members)),
        num_orders=num_orders,
        lower=np.concatenate([np.ones(num_orders), [0.0, 0.0, -1.0]]),
        upper=np.concatenate([np.ones(num_orders), rng.integers(1, 5, 2), [num_orders + 1.0]]),
    )


def least(columns: Columns) -> float:
    """Return the least cost of a plan."""
    rows = np.zeros((columns.num_rows + 1, len(columns)))
    for own in columns.members.T:
        rows[own, np.arange(len(columns))] = 1
    found = milp(
        columns.cost,
        integrality=np.ones(len(columns)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(rows[:-1], columns.lower, columns.upper),
    )
    return float(round(found.fun))


@pytest.mark.parametrize("is_warm", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_bounds_and_plans_meet_at_the_optimum(seed: int, is_warm: bool) -> None:
    """A guess of the gap that is not whole once gave a bound above the optimum."""
    rng = np.random.default_rng(seed)
    columns = random_columns(rng, int(rng.integers(8, 16)), int(rng.integers(40, 160)))
    optimum = least(columns)
    best, bound = [float(columns.cost[columns.store < 0].sum()) + 1], [-math.inf]

    def offer(chosen: IntArray, cost: float) -> None:
        assert cost == columns.cost[chosen].sum()
        assert cost >= optimum
        best.append(cost)

    def tell(value: float) -> None:
        assert value <= optimum
        bound.append(value)

    some = np.flatnonzero(rng.random(len(columns)) < 0.2)
    triples = np.array([np.sort(rng.choice(8, 3, replace=False)) for _ in range(3)])
    partition = Partition(
        columns,
        best=best[0],
        known=np.zeros(0, dtype=np.int64),
        effort=BRIEF,
        seed=seed,
        offer=offer,
        tell_bound=tell,
        should_stop=lambda: False,
        time_left=lambda: math.inf,
        warm=Warm(columns=some, cuts=triples, is_new=None) if is_warm else None,
    )
    assert partition.solve()
    assert min(best) == optimum == max(bound)


@pytest.mark.parametrize("seed", range(4))
def test_regions_lead_to_better_plans(seed: int) -> None:
    """From the plan that refuses everything, each region gives a plan that is none the worse."""
    rng = np.random.default_rng(seed)
    columns = random_columns(rng, 14, 120)
    optimum = least(columns)
    refused = np.flatnonzero(columns.store < 0)
    costs = [float(columns.cost[refused].sum())]

    def solve(some: IntArray) -> IntArray | None:
        """Solve a region exactly; all others stay as they are."""
        part = columns.take(some)
        cost = least(part)
        if cost >= costs[-1]:
            return None
        costs.append(cost)
        found: list[IntArray] = []
        partition = Partition(
            part,
            best=cost + 1,
            known=np.zeros(0, dtype=np.int64),
            effort=BRIEF,
            seed=seed,
            offer=lambda chosen, _: found.append(chosen),
            tell_bound=lambda _: None,
            should_stop=lambda: False,
            time_left=lambda: math.inf,
        )
        assert partition.prove()
        assert columns.cost[found[-1]].sum() == cost
        return np.sort(found[-1])

    turns = bettered_regions(
        columns,
        columns.cost,
        refused,
        NEAR,
        solve=solve,
        should_stop=lambda: False,
        seed=seed,
        sizes=(3, 6, 14),
    )
    assert sum(turns) == len(costs) - 1
    # The last region is everything.
    assert costs[0] > costs[-1] == optimum


@pytest.mark.parametrize("seed", range(12))
def test_a_tree_over_few_columns_finds_the_optimum_of_all(seed: int) -> None:
    """Refusals alone send out no courier, though both classes must: infeasible proves nothing."""
    rng = np.random.default_rng(seed)
    columns = random_columns(rng, 12, 150)
    columns.lower[12:14] = 1.0
    optimum = least(columns)
    refusals = np.flatnonzero(columns.store < 0)
    relaxation = Relaxation(columns, refusals, seed=seed, time_left=lambda: math.inf)
    found: list[float] = []

    def tell(value: float) -> None:
        assert value <= optimum + 1e-6

    tree = Tree(
        columns,
        relaxation,
        best=optimum + 25,
        offer=lambda _, cost: found.append(cost),
        tell_bound=tell,
        should_stop=lambda: False,
    )
    assert tree.search()
    assert found[-1] == optimum


@pytest.mark.parametrize("seed", range(4))
def test_a_narrowed_relaxation_has_the_same_optimum(seed: int) -> None:
    """Where only columns that cost too much are left out; it takes no step from the basis."""
    rng = np.random.default_rng(seed)
    columns = random_columns(rng, 12, 120)
    relaxation = Relaxation(
        columns, np.arange(0, len(columns), 2), seed=1, time_left=lambda: math.inf
    )
    relaxation.add(np.flatnonzero((columns.store < 0) & ~relaxation.is_present))
    root = relaxation.converge()
    assert root is not None
    solved, reduced = root
    some = np.flatnonzero(reduced <= np.quantile(reduced, 0.7))
    narrow = relaxation.narrowed(columns.take(some), some)
    again = narrow.solve(most_steps=1)
    assert again is not None
    assert again.value == pytest.approx(solved.value)
    assert np.array_equal(some[again.columns], np.sort(solved.columns))


@pytest.mark.parametrize("seed", range(6))
def test_turns_after_the_cuts_keep_bounds_and_plans_right(seed: int) -> None:
    """With regions and a search that now and then knows the optimum, from the worst plan."""
    rng = np.random.default_rng(seed)
    columns = random_columns(rng, 14, 140)
    optimum = least(columns)
    plans = [np.flatnonzero(columns.store < 0)]
    costs, asked = [float(columns.cost[plans[0]].sum())], []
    effort = replace(BRIEF, wide_first=0.0, wide_cut=0.0, most_settled=0)

    def offer(chosen: IntArray, cost: float) -> None:
        assert cost == columns.cost[chosen].sum()
        plans.append(chosen)
        costs.append(cost)

    def improve(saved: FloatArray, times: int) -> float:
        assert (saved >= 0).all()
        assert len(saved) == 2
        asked.append(times)
        return min(costs)

    def tell(value: float) -> None:
        assert value <= optimum

    partition = Partition(
        columns,
        best=costs[0],
        known=plans[0],
        effort=effort,
        seed=seed,
        offer=offer,
        tell_bound=tell,
        should_stop=lambda: False,
        time_left=lambda: math.inf,
        improve=improve,
        current=lambda: (np.sort(plans[-1]), NEAR),
    )
    assert partition.solve()
    assert min(costs) == optimum
    assert asked
