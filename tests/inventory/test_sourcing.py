"""Order sourcing: by hand, checker, all answers of small cases, a plain model, and online."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from dispatchopt.core import InputError, Status, Stop
from dispatchopt.inventory import sourcing
from dispatchopt.inventory.sourcing.bound import bound
from dispatchopt.inventory.sourcing.engines._pricing import Pricing
from dispatchopt.testing.conformance import CHECKS, EngineCases

# Arrays are given as lists here, which the classes turn into arrays.
Problem: Any = sourcing.SourcingProblem
Answer: Any = sourcing.SourcingSolution
solve: Any = sourcing.solve
check = sourcing.check


def two_orders(**changes: Any) -> Any:
    """East holds milk, west holds milk and rice; both orders want milk, one wants rice too."""
    fields = {
        "num_orders": 2,
        "line_order": [0, 1, 1],
        "line_sku": [0, 0, 1],
        "line_units": [1, 1, 2],
        "unserved_cost": [20.0, 20.0, 20.0],
        "option_order": [0, 0, 1, 1],
        "option_store": [0, 1, 0, 1],
        "shipment_cost": [5.0, 4.0, 5.0, 6.0],
        "stock_units": [[1, 0], [1, 2]],
        "split_cost": 1.0,
        "order_ids": ("a", "b"),
        "store_ids": ("east", "west"),
        "sku_ids": ("milk", "rice"),
    }
    return Problem(**{**fields, **changes})


def random_problem(num_orders: int, seed: int, **changes: Any) -> Any:
    """A few stores and SKUs, little stock."""
    rng = np.random.default_rng(seed)
    stores, skus = 4, 5
    size = rng.integers(0, 4, num_orders)
    order = np.repeat(np.arange(num_orders), size)
    picks = [rng.permutation(skus)[:n] for n in size]
    sku = np.concatenate([*picks, np.zeros(0, dtype=np.int64)])
    in_reach = rng.random((num_orders, stores)) < 0.7
    who, where = np.nonzero(in_reach)
    fields = {
        "num_orders": num_orders,
        "line_order": order,
        "line_sku": sku,
        "line_units": rng.integers(1, 3, order.size),
        "unserved_cost": rng.integers(0, 12, order.size).astype(float),
        "option_order": who,
        "option_store": where,
        "shipment_cost": rng.integers(0, 9, who.size) + 0.5,
        "stock_units": rng.integers(0, 3, (stores, skus)),
        "split_cost": float(rng.integers(0, 3)),
        "max_shipments": int(rng.integers(1, 4)),
    }
    shuffled = rng.permutation(who.size)
    for name in ("option_order", "option_store", "shipment_cost"):
        fields[name] = fields[name][shuffled]  # type: ignore[index]
    return Problem(**{**fields, **changes})


def city_like(num_orders: int, seed: int, **changes: Any) -> Any:
    """Orders of one to four lines in a square with 12 stores, popular SKUs scarce."""
    rng = np.random.default_rng(seed)
    stores, skus = 12, 40
    home, shop = rng.uniform(0, 7, (num_orders, 2)), rng.uniform(0, 7, (stores, 2))
    km = np.hypot(*(home[:, None] - shop[None]).transpose(2, 0, 1))
    who, where = np.nonzero(km <= 3)
    share = 1.0 / np.arange(1, skus + 1)
    size = rng.integers(1, 5, num_orders)
    picks = [rng.choice(skus, n, replace=False, p=share / share.sum()) for n in size]
    lines = int(size.sum())
    return Problem(
        num_orders=num_orders,
        line_order=np.repeat(np.arange(num_orders), size),
        line_sku=np.concatenate(picks),
        line_units=np.ones(lines),
        unserved_cost=np.full(lines, 8.0),
        option_order=who,
        option_store=where,
        shipment_cost=2 + km[who, where],
        stock_units=rng.poisson(0.7, (stores, skus)),
        **changes,
    )


def least_cost(problem: Any) -> float:
    """The best of all answers."""
    reach = [
        [-1, *problem.option_store[problem.option_order == order].tolist()]
        for order in problem.line_order
    ]
    reports = (
        check(problem, Answer(store_of_line=list(each))) for each in itertools.product(*reach)
    )
    return min(report.objective for report in reports if report.is_feasible)


def milp_cost(problem: Any) -> float:
    """The plain model of all orders in SciPy: x per line and option, z per option, w per order."""
    options, orders = problem.num_options, problem.num_orders
    pairs = [
        (line, option)
        for line in range(problem.num_lines)
        for option in range(options)
        if problem.option_order[option] == problem.line_order[line]
    ]
    num_x = len(pairs)
    cost = np.concatenate(
        [
            [-problem.unserved_cost[line] for line, _ in pairs],
            problem.shipment_cost + problem.split_cost,
            np.full(orders, -problem.split_cost),
        ]
    )
    rows: list[tuple[dict[int, float], float]] = []
    for at, (_, option) in enumerate(pairs):
        rows.append(({at: 1.0, num_x + option: -1.0}, 0.0))
    for line in range(problem.num_lines):
        rows.append(({at: 1.0 for at, pair in enumerate(pairs) if pair[0] == line}, 1.0))
    for store, sku in np.ndindex(problem.stock_units.shape):
        use = {
            at: float(problem.line_units[line])
            for at, (line, option) in enumerate(pairs)
            if problem.option_store[option] == store and problem.line_sku[line] == sku
        }
        rows.append((use, float(problem.stock_units[store, sku])))
    for order in range(orders):
        mine = [num_x + int(p) for p in np.flatnonzero(problem.option_order == order)]
        rows.append((dict.fromkeys(mine, 1.0), float(problem.max_shipments)))
        rows.append(({num_x + options + order: 1.0, **dict.fromkeys(mine, -1.0)}, 0.0))
    matrix = np.zeros((len(rows), cost.size))
    for row, (entries, _) in enumerate(rows):
        for column, value in entries.items():
            matrix[row, column] = value
    upper = [limit for _, limit in rows]
    found = milp(
        cost,
        constraints=LinearConstraint(matrix, -np.inf, upper),
        bounds=Bounds(0, 1),
        integrality=np.ones(cost.size),
        options={"presolve": False},
    )
    return float(found.fun) + float(problem.unserved_cost.sum())


def test_by_hand() -> None:
    """Order b takes all from west (6), so that a has to take the dearer east (5)."""
    result = solve(two_orders())
    assert result.status is Status.OPTIMAL
    assert result.objective == 11.0
    assert result.solution.store_of_line.tolist() == [0, 1, 1]
    # In turn, a takes west's milk; b then pays two shipments and a split: 4 + 5 + 6 + 1.
    myopic = check(two_orders(), sourcing.source_in_turn(two_orders()))
    assert myopic.objective == 16.0
    assert myopic.parts == {"shipments": 15.0, "splits": 1.0, "unserved": 0.0}
    assert myopic.figures["split_orders"] == 0.5


def test_prices_repair_the_rule() -> None:
    """At a price for west's milk, the rule leaves it to the order that needs west anyway."""
    problem = two_orders()
    price = sourcing.shadow_prices(problem)
    assert price[1, 0] > 0
    assert price[:, 1].tolist() == [0.0, 0.0]
    report = check(problem, sourcing.source_in_turn(problem, [[0.0, 0.0], [2.0, 0.0]]))
    assert report.objective == 11.0


@pytest.mark.parametrize(
    ("rule", "answer", "changes", "amount"),
    [
        ("shape", [0, 1], {}, 1.0),
        ("store-unknown", [0, 1, 2], {}, 1.0),
        ("out-of-reach", [0, 1, 1], {"option_order": [0, 1, 1], "option_store": [1, 0, 1],
                                     "shipment_cost": [1.0, 1.0, 1.0]}, 1.0),
        ("stock", [1, 1, 1], {}, 1.0),
        ("stock", [0, 1, 0], {}, 2.0),
        ("max-shipments", [1, 0, 1], {"max_shipments": 1}, 1.0),
    ],
)  # fmt: skip
def test_checker_names_the_rule(rule: Any, answer: Any, changes: Any, amount: Any) -> None:
    report = check(two_orders(**changes), Answer(store_of_line=answer))
    assert [(each.rule, each.by) for each in report.violations] == [(rule, amount)]


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"line_units": [1, 0, 2]}, {"out-of-range"}),
        ({"line_sku": [0, 1, 1]}, {"duplicate-row"}),
        ({"option_store": [0, 0, 0, 1]}, {"duplicate-row"}),
        ({"shipment_cost": [1.0, float("nan"), -1.0, 1.0]}, {"out-of-range"}),
        ({"line_order": [0, 1, 2], "stock_units": [[-1, 0], [1, 2]]}, {"out-of-range"}),
        ({"line_sku": [0, 0], "order_ids": ("a", "a")}, {"bad-shape", "duplicate-id"}),
        ({"line_sku": [0.5, 0, 1], "stock_units": [1, 2]}, {"bad-number", "bad-shape"}),
        ({"split_cost": -1.0, "max_shipments": 1.5}, {"out-of-range"}),
        ({"num_orders": "two"}, {"out-of-range"}),
        ({"store_ids": ("east",)}, {"bad-shape"}),
    ],
)
def test_bad_input(changes: Any, codes: Any) -> None:
    with pytest.raises(InputError) as caught:
        two_orders(**changes)
    assert {issue.code for issue in caught.value.issues} == codes


def test_bad_answers_and_rules() -> None:
    with pytest.raises(InputError, match="bad-number"):
        Answer(store_of_line=[0.5])
    bads: Any = ({"price": [[1.0]]}, {"price": [[-1.0, 0.0]]}, {"max_stores": 0})
    for bad in bads:
        with pytest.raises(InputError):
            sourcing.OnlineSourcing([[1, 1]], **bad)


@pytest.mark.parametrize("conforms", CHECKS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("engine", ["exact", "neighbourhood", "online"])
def test_sourcing_conformance(conforms: Any, engine: Any) -> None:
    none = two_orders(
        num_orders=0, order_ids=(),
        **{name: [] for name in ("line_order", "line_sku", "line_units", "unserved_cost",
                                 "option_order", "option_store", "shipment_cost")},
    )  # fmt: skip
    cases = EngineCases(
        usual=(two_orders(), two_orders(stock_units=np.zeros((2, 2))), city_like(20, 3)),
        empty=none,
        exact=engine == "exact",
    )
    conforms(sourcing.DOMAIN, engine, cases)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), num=st.integers(0, 3))
def test_equals_all_answers(seed: Any, num: Any) -> None:
    problem = random_problem(num, seed)
    best = least_cost(problem)
    assert bound(problem) <= best + 1e-9
    result = solve(problem, engine="exact")
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(best)
    near = solve(problem, engine="neighbourhood", stop=Stop(iterations=30))
    assert near.bound <= best + 1e-6
    assert near.objective >= best - 1e-9
    for price in (None, np.random.default_rng(seed).uniform(0, 3, (4, 5))):
        in_turn = check(problem, sourcing.source_in_turn(problem, price))
        assert in_turn.is_feasible
        assert in_turn.objective >= best - 1e-9


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), split=st.sampled_from([0.0, 1.5]), most=st.integers(1, 3))
def test_equals_a_plain_model(seed: Any, split: Any, most: Any) -> None:
    problem = city_like(14, seed, split_cost=split, max_shipments=most)
    result = solve(problem, engine="exact")
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(milp_cost(problem))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), price=st.floats(0, 4))
def test_priced_orders_equal_all_answers(seed: Any, price: Any) -> None:
    """At prices each order does what is best for it, and the excess of a choice is its detour."""
    problem = random_problem(1, seed, stock_units=np.full((4, 5), 2))
    pricing = Pricing(problem)
    prices = np.random.default_rng(seed).uniform(0, price, pricing.stock.size)
    table = np.zeros((4, 5))
    table.flat[pricing.cell_key] = prices
    reach = [-1, *problem.option_store.tolist()]
    costs = {}
    for answer in itertools.product(reach, repeat=problem.num_lines):
        report = check(problem, Answer(store_of_line=list(answer)))
        if report.is_feasible:
            paid = sum(
                table[store, sku] * units
                for store, sku, units in zip(
                    answer, problem.line_sku, problem.line_units, strict=True
                )
                if store >= 0
            )
            costs[answer] = report.objective + paid
    best = min(costs.values())
    found = pricing.evaluate(prices)
    assert found.value.sum() + pricing.lost_for_sure == pytest.approx(best)
    excess = pricing.excess(prices)
    for choice, (line, option) in enumerate(zip(*problem.choices, strict=True)):
        store = problem.option_store[option]
        detour = min(cost for answer, cost in costs.items() if answer[line] == store) - best
        assert excess[choice] == pytest.approx(detour, abs=1e-9)


def test_many_lines_keep_the_bound_below() -> None:
    """Orders beyond the recursion are relaxed: the bound holds, and the model is still exact."""
    rng = np.random.default_rng(4)
    lines, stores = 11, 4
    problem = Problem(
        num_orders=2,
        line_order=np.repeat([0, 1], lines),
        line_sku=np.tile(np.arange(lines), 2),
        line_units=np.ones(2 * lines),
        unserved_cost=rng.uniform(1, 4, 2 * lines),
        option_order=np.repeat([0, 1], stores),
        option_store=np.tile(np.arange(stores), 2),
        shipment_cost=rng.uniform(2, 5, 2 * stores),
        stock_units=rng.integers(0, 2, (stores, lines)),
    )
    result = solve(problem, engine="exact")
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(milp_cost(problem))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_more_stock_or_less_cost_never_hurts(seed: Any) -> None:
    problem = city_like(15, seed, split_cost=1.0, max_shipments=2)
    cost = solve(problem).objective
    assert solve(problem.replace(stock_units=problem.stock_units + 1)).objective <= cost + 1e-9
    assert solve(problem.replace(split_cost=0.0)).objective <= cost + 1e-9
    assert solve(problem.replace(max_shipments=3)).objective <= cost + 1e-9


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_renumbering_changes_nothing(seed: Any) -> None:
    problem = city_like(12, seed)
    rng = np.random.default_rng(seed)
    order, store, sku = (rng.permutation(n) for n in (12, 12, 40))
    stock = np.empty_like(problem.stock_units)
    stock[np.ix_(store, sku)] = problem.stock_units
    other = problem.replace(
        line_order=order[problem.line_order],
        line_sku=sku[problem.line_sku],
        option_order=order[problem.option_order],
        option_store=store[problem.option_store],
        stock_units=stock,
    )
    assert solve(other).objective == pytest.approx(solve(problem).objective)


def test_large_values_stay_right() -> None:
    problem = two_orders(
        line_units=[10**9, 10**9, 10**9],
        unserved_cost=[1e9, 1e9, 1e9],
        shipment_cost=[1e9, 0.0, 0.0, 5.0],
        stock_units=[[10**9, 0], [10**9, 10**9]],
    )
    result = solve(problem)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(6.0)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), top=st.integers(1, 7))
def test_costs_of_all_sizes(seed: Any, top: Any) -> None:
    """Costs from 1e-9 to 1e9 beside each other: optimal, and no bound above the optimum."""
    sizes = [0.0, 1e-9, 1e-3, 1.0, 7.0, 1e6, 1e9][:top]
    rng = np.random.default_rng(seed)
    problem = random_problem(3, seed, max_shipments=2)
    problem = problem.replace(
        unserved_cost=rng.choice(sizes, problem.num_lines),
        shipment_cost=rng.choice(sizes, problem.num_options),
        split_cost=float(rng.choice(sizes)),
    )
    best = least_cost(problem)
    for engine in ("exact", "neighbourhood"):
        result = solve(problem, engine=engine, stop=Stop(iterations=20))
        assert result.bound <= best + 1e-6 * max(1.0, best)
        assert result.objective >= best - 1e-6
    assert solve(problem, engine="exact").objective == pytest.approx(best, abs=1e-6)
