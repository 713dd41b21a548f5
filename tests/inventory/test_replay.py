"""Replayed days against closed forms, by hand, and against what must hold on any day."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import Stop
from dispatchopt.core.errors import InputError
from dispatchopt.inventory import InventoryProblem
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.formulas import expected_cost
from dispatchopt.inventory.problem import DemandLaw
from dispatchopt.inventory.replay import (
    Allocate,
    Baskets,
    Decision,
    EvenOut,
    OrderUpTo,
    ReorderUpTo,
    ReplayProblem,
    RoundQuantity,
    StockView,
    Transfers,
    compare,
    difference,
    from_inventory,
    race,
    replay,
    tune,
)
from dispatchopt.inventory.replay.draw import Draws
from dispatchopt.inventory.replay.world import World

# Arrays are given as lists here, which the classes turn into arrays.
Problem: Any = ReplayProblem
Basket: Any = Baskets
Stock: Any = InventoryProblem


def twins(mean: float, count: int = 200, **changes: Any) -> Any:
    """Stores that are alike, so that one replication holds many."""
    return Problem(
        mean_units=np.full((count, 1), mean),
        variance_units=np.full((count, 1), changes.pop("variance", mean)),
        **{
            "holding_cost": [1.0],
            "shortage_cost": [4.0],
            "demand_law": "poisson",
            **changes,
        },
    )


def near(estimate: Any, truth: float) -> bool:
    return bool(abs(estimate.mean - truth) <= 3 * estimate.standard_error)


class Fixed:
    """Decides what it was told, day by day."""

    def __init__(self, *decisions: Any) -> None:
        self.decisions = decisions
        self.views: list[Any] = []
        self.on_hand: list[list[float]] = []

    def decide(self, view: StockView) -> Decision:
        self.views.append(view)
        # The arrays of a view live on with the world.
        self.on_hand.append(view.on_hand_units.ravel().tolist())
        if view.day < len(self.decisions):
            given = self.decisions[view.day]
            return given if isinstance(given, Decision) else Decision(order_units=given)
        return Decision(order_units=np.zeros(view.on_hand_units.shape))


def test_newsvendor() -> None:
    """Lost sales and no lead time: every morning starts at the level; h = 1, p = 4, Poisson 6."""
    problem = twins(6.0, start_units=np.full((200, 1), 8.0))
    found = replay(problem, OrderUpTo(level_units=8.0), days=60, replications=8)
    assert near(found["cost_per_day"], 200 * 3.570106945770946)
    law = Demand(law=DemandLaw.POISSON, mean_units=np.array(6.0), variance_units=np.array(6.0))
    assert near(found["unmet_units_per_day"], 200 * float(law.loss(8.0)))
    assert near(found["cycle_service"], float(law.cdf(8.0)))


def test_base_stock_with_lead_time_and_backorders() -> None:
    """Normal demand (50, 8), five days covered: the published level and cost."""
    problem = twins(50.0, variance=64.0, demand_law="normal", unmet="backorder", lead_days=[4],
                    holding_cost=[0.18], shortage_cost=[0.7])  # fmt: skip
    policy = OrderUpTo(level_units=264.7668943741548)
    found = replay(problem, policy, days=60, warm_up_days=10, replications=8)
    assert near(found["cost_per_day"], 200 * 4.466781004149578)


@pytest.mark.parametrize("law", ["poisson", "negative-binomial", "gamma"])
def test_backorders_and_stock_are_those_of_the_interval(law: Any) -> None:
    problem = twins(4.0, variance=9.0, demand_law=law, unmet="backorder", lead_days=[2])
    found = replay(problem, OrderUpTo(level_units=15.0), days=30, warm_up_days=5, replications=20)
    interval = problem.interval().take((0, 0))
    assert near(found["owed_units"], 200 * float(interval.loss(15.0)))
    assert near(found["stock_units"], 200 * float(interval.surplus(15.0)))
    assert near(found["cost_per_day"], 200 * float(expected_cost(interval, 15.0, 1.0, 4.0)))


@pytest.mark.parametrize(
    ("unmet", "fill"), [("lost", 0.9299521477904329), ("backorder", 0.8666283259299925)]
)
def test_one_for_one_in_small_steps(unmet: Any, fill: float) -> None:
    """Erlang's and Palm's: rate 1.25 a day, four days, base stock 8, in steps of 1/60 day."""
    problem = twins(1.25 / 60, 500, unmet=unmet, lead_days=[240],
                    start_units=np.full((500, 1), 8.0))  # fmt: skip
    policy = OrderUpTo(level_units=8.0)
    found = replay(problem, policy, days=300, warm_up_days=700, replications=3)["unit_fill_rate"]
    assert abs(found.mean - fill) <= 3 * max(found.standard_error, 0.001)


def test_reorder_up_to_with_order_cost() -> None:
    """(4, 10) with K = 5, h = 1, p = 4 and Poisson 6 costs 8.0341 a day (Zheng, Federgruen)."""
    problem = twins(6.0, unmet="backorder", order_cost=[5.0], start_units=np.full((200, 1), 10.0))
    policy = ReorderUpTo(reorder_units=4, level_units=10)
    found = replay(problem, policy, days=60, warm_up_days=10, replications=8)
    assert near(found["cost_per_day"], 200 * 8.034111561471644)


def test_one_day_of_life_wastes_what_is_left() -> None:
    problem = twins(6.0, shelf_life_days=[1], waste_cost=[2.0])
    found = replay(problem, OrderUpTo(level_units=8.0), days=60, warm_up_days=1, replications=6)
    law = problem.demand.take((0, 0))
    assert near(found["wasted_units_per_day"], 200 * float(law.surplus(8.0)))
    assert found["waste_cost_per_day"].mean == 2 * found["wasted_units_per_day"].mean
    assert found["stock_units"].mean == 0


def test_random_lead_times_keep_littles_law() -> None:
    problem = twins(5.0, lead_days=[0, 3], lead_chances=[0.25, 0.75], unmet="backorder")
    waiting: list[float] = []

    class Watched(OrderUpTo):
        def decide(self, view: StockView) -> Decision:
            waiting.append(float(view.on_order_units.mean()))
            return super().decide(view)

    replay(problem, Watched(level_units=25.0), days=300, replications=1)
    # In the evening, after ordering is seen, an order is out for lead + 1 evenings less its own.
    assert np.mean(waiting[20:]) == pytest.approx(5.0 * 0.75 * 3, rel=0.02)


def test_issue_rule_by_hand() -> None:
    """Two units of two days' life, two more the next day, and no demand but what is told."""

    def left(rule: str) -> list[float]:
        problem = twins(0.0, 1, shelf_life_days=[2], issue=rule, start_units=[[2.0]])
        policy = Fixed([[2.0]])
        world = World(problem, Draws(problem), 1, 0)
        world.step(policy)
        world._arrive()
        world.shelves.take(np.array([[1.0]]))
        wasted = world.shelves.age()
        assert wasted is not None
        return [float(wasted[0, 0]), float(world.shelves.stock[0, 0])]

    assert left("fifo") == [1.0, 2.0]
    assert left("lifo") == [2.0, 1.0]


@pytest.fixture(scope="module")
def two_stores() -> Any:
    """Orders {milk, rice} and {milk} of the first store; the second one has no orders."""
    baskets = Basket(
        first=[0, 2, 3], sku=[0, 1, 0], units=[1, 2, 1], store=[0, 0], orders_per_day=[6.0, 0.0]
    )
    return Problem(
        mean_units=np.zeros((2, 2)), variance_units=np.zeros((2, 2)), holding_cost=[1.0, 1.0],
        shortage_cost=[4.0, 4.0], baskets=baskets, start_units=[[400, 0], [0, 1e6]],
    )  # fmt: skip


def test_orders_of_several_lines(two_stores: Any) -> None:
    found = replay(two_stores, Fixed(), days=20, replications=4)
    # Half of the orders are {milk} alone, and complete; no rice is in the first store.
    rate = found.by_replication["complete_order_rate"]
    assert rate == pytest.approx(np.full(4, 0.5), abs=0.15)
    lines = found.by_replication["line_fill_rate"]
    assert lines == pytest.approx(1 / (2 - rate))
    assert found["split_rate"].mean == 0
    helped = replay(two_stores.replace(backup_store=[1, -1]), Fixed(), days=20, replications=4)
    assert helped["complete_order_rate"].mean == 1
    assert helped.by_replication["split_rate"] == pytest.approx(1 - rate)


def test_moments_of_baskets(two_stores: Any) -> None:
    baskets = two_stores.baskets
    # Three a day of each kind: 6 milk, and 3 times 2 rice, variance 3 * 4.
    assert baskets.mean_units(2, 2).tolist() == [[6, 6], [0, 0]]
    assert baskets.variance_units(2, 2).tolist() == [[6, 12], [0, 0]]


def test_lines_get_what_is_left_in_sequence() -> None:
    baskets = Basket(first=[0, 1], sku=[0], units=[2], store=[0], orders_per_day=[5.0])
    problem = twins(0.0, 1, baskets=baskets, start_units=[[7.0]])
    sums = World(problem, Draws(problem), 3, 0).step(Fixed())
    from dispatchopt.inventory.replay.measures import SUMS

    of = dict(zip(SUMS, sums.tolist(), strict=True))
    assert of["orders"] > 3
    assert (of["lines_filled"], of["served_units"]) == (3, 7)
    assert of["shortage_cost"] == 4 * (of["demand_units"] - 7)


def test_central_stock_is_rationed() -> None:
    problem = Problem(
        mean_units=np.zeros((3, 1)), variance_units=np.zeros((3, 1)), holding_cost=[1.0],
        shortage_cost=[1.0], central_units=[10.0], central_inflow_units=[2.0],
        case_pack_units=[2],
    )  # fmt: skip
    policy = Fixed([[8.0], [8.0], [4.0]], [[0.0], [8.0], [0.0]])
    found = replay(problem, policy, days=3, replications=1)
    # 10 of 20 wanted: exact shares 4, 4, 2 in whole packs of 2. Then the 2 units that came in.
    assert policy.on_hand[1] == [4, 4, 2]
    assert policy.on_hand[2] == [4, 6, 2]
    assert found["cut_units_per_day"].mean == pytest.approx((10 + 6) / 3)


def test_moves_between_stores() -> None:
    problem = twins(0.0, 3, start_units=[[9.0], [0.0], [1.0]], shelf_life_days=[5])
    inner = Fixed()
    policy = EvenOut(policy=inner, low_units=4.0, high_units=4.0)
    found = replay(problem, policy, days=2, replications=1)
    # Five are spare; the second store lacks four and the third three.
    assert inner.on_hand[0] == [4, 4, 2]
    assert found["transfer_units_per_day"].mean == 2.5


@pytest.mark.parametrize(
    "decision",
    [
        [[-1.0]],
        [[np.nan]],
        [[1.0, 2.0]],
        Decision(
            order_units=np.zeros((1, 1)),
            transfers=Transfers(
                sku=np.array([0]), origin=np.array([0]), target=np.array([0]), units=np.array([5.0])
            ),
        ),
    ],
)
def test_impossible_decisions(decision: Any) -> None:
    with pytest.raises(InputError, match="bad-decision"):
        replay(twins(1.0, 1), Fixed(decision), days=2, replications=1)


def test_same_days_for_all_policies() -> None:
    problem = twins(6.0, 30)
    policies: Any = {
        "tight": OrderUpTo(level_units=6.0),
        "ample": OrderUpTo(level_units=12.0, case_pack_units=3),
        "lots": RoundQuantity(reorder_units=8, quantity_units=10),
    }
    found = compare(problem, policies, days=20, replications=4)
    demands = [each.by_replication["demand_units_per_day"].tolist() for each in found.values()]
    assert demands[0] == demands[1] == demands[2]
    more = difference(found["ample"], found["tight"], "unit_fill_rate")
    assert more.low > 0
    again = replay(problem, policies["tight"], days=20, replications=2, first_replication=2)
    costs = found["tight"].by_replication["cost_per_day"][2:].tolist()
    assert again.by_replication["cost_per_day"].tolist() == costs


def test_search_finds_the_newsvendor_level() -> None:
    problem = twins(6.0, 50, start_units=np.full((50, 1), 8.0))
    candidates = [OrderUpTo(level_units=float(level)) for level in (3, 6, 8, 12)]
    found = race(problem, candidates, days=10, batch=4, max_replications=16)
    assert found.best == 2
    assert 0 not in found.left
    assert found.replications[0] < found.replications[2] or len(found.left) == 1
    level, _ = tune(problem, lambda value: OrderUpTo(level_units=round(value)), (2.0, 14.0),
                    points=5, rounds=2, days=10, max_replications=10)  # fmt: skip
    assert 7 <= round(level) <= 9


def test_allocation_every_evening() -> None:
    day = Stock(
        mean_units=[[4.0, 2.0], [1.0, 3.0]], variance_units=[[6.0, 2.0], [1.0, 3.0]],
        holding_cost=[1.0, 1.0], shortage_cost=[6.0, 5.0], on_hand_units=np.zeros((2, 2)),
        volume_ml=[10, 10], case_pack_units=[1, 1], available_units=[4, 5],
        store_volume_ml=[90, 80],
    )  # fmt: skip
    problem = from_inventory(day)
    found = replay(problem, Allocate(problem=day), days=6, replications=2)
    none = replay(problem, Fixed(), days=6, replications=2)
    assert found["cost_per_day"].mean < none["cost_per_day"].mean
    assert found["received_units_per_day"].mean <= 9


def test_days_drawn_from_samples() -> None:
    samples = np.array([0.0, 1.0, 5.0])[:, None, None] * np.ones((1, 40, 1))
    problem = twins(0.0, 40, demand_law="empirical", sample_units=samples)
    found = replay(problem, OrderUpTo(level_units=4.0), days=80, warm_up_days=1, replications=6)
    assert near(found["demand_units_per_day"], 40 * 2)
    assert near(found["unmet_units_per_day"], 40 / 3)
    assert problem.interval().law is DemandLaw.EMPIRICAL
    later = problem.replace(lead_days=[2]).interval()
    assert later.mean_units[0, 0] == pytest.approx(6)
    with pytest.raises(InputError, match="no-samples"):
        problem.replace(sample_units=None)


def test_days_of_an_inventory_problem() -> None:
    """Two days' demand makes a lead time of one day, and daily holding cost of half."""
    stock = Stock(
        mean_units=[[6.0]], variance_units=[[8.0]], holding_cost=[1.0], shortage_cost=[3.0],
        on_hand_units=[[4]], volume_ml=[1], case_pack_units=[2], interval_days=2,
        shelf_life_days=[2], waste_cost=[[0.5]], available_units=[10],
    )  # fmt: skip
    days: Any = from_inventory(stock)
    assert days.lead_days.tolist() == [1]
    assert (days.mean_units.item(), days.variance_units.item()) == (3, 4)
    assert (days.holding_cost.item(), days.waste_cost.item()) == (0.5, 0.5)
    assert days.central_inflow_units.item() == 5
    assert days.interval().mean_units.item() == 6
    assert days.interval().variance_units.item() == pytest.approx(8)


def test_time_limit_keeps_the_days_lived() -> None:
    found = replay(twins(3.0, 5), Fixed(), days=5, replications=9, stop=Stop(time_s=1e-9))
    assert found.num_replications == 1
    assert np.isnan(found["cost_per_day"].half_width)


def test_bad_input_is_listed() -> None:
    with pytest.raises(InputError) as caught:
        twins(1.0, 2, holding_cost=[-1.0], lead_days=[-1], shelf_life_days=[1, 2])
    assert {each.where.split("[")[0] for each in caught.value.issues} == {
        "holding_cost", "lead_days", "shelf_life_days",
    }  # fmt: skip
    with pytest.raises(InputError, match="lead_chances"):
        twins(1.0, 2, lead_days=[1, 2], lead_chances=[0.5, 0.4])
    with pytest.raises(InputError, match="backup_store"):
        twins(1.0, 2, backup_store=[1, -1])
    with pytest.raises(InputError, match="issue"):
        twins(1.0, 2, issue="random", unmet="sometimes")
    with pytest.raises(InputError, match="replications"):
        replay(twins(1.0, 2), Fixed(), days=1, replications=0)
    with pytest.raises(InputError, match="baskets"):
        Basket(first=[0, 0], sku=[], units=[], store=[0], orders_per_day=[1.0])


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_nothing_is_made_or_lost(data: st.DataObject) -> None:
    """Start + received = served + wasted + left, whatever demand, life, lead time and policy."""
    stores, skus = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    number = st.sampled_from([0.0, 1e-9, 0.3, 7.0, 1e5, 1e9])
    mean = [[data.draw(number) for _ in range(skus)] for _ in range(stores)]
    law = data.draw(st.sampled_from(list(DemandLaw)))
    problem = Problem(
        mean_units=mean,
        variance_units=np.array(mean) * data.draw(st.sampled_from([0.0, 0.5, 1.0, 30.0])),
        demand_law=law,
        sample_units=np.full((1, stores, skus), 3.0) if law == "empirical" else None,
        holding_cost=np.ones(skus),
        shortage_cost=np.ones((stores, skus)),
        waste_cost=np.ones(skus),
        start_units=np.full((stores, skus), data.draw(st.sampled_from([0.0, 5.0, 1e9]))),
        shelf_life_days=[data.draw(st.integers(0, 3)) for _ in range(skus)],
        issue=data.draw(st.sampled_from(["fifo", "lifo"])),
        lead_days=[data.draw(st.integers(0, 3)), 1],
        lead_chances=[0.5, 0.5],
        central_units=data.draw(st.sampled_from([None, np.full(skus, 10.0)])),
    )
    level = data.draw(st.sampled_from([0.0, 10.0, 1e6]))
    world = World(problem, Draws(problem), data.draw(st.integers(0, 99)), 0)
    served = received = wasted = 0.0
    from dispatchopt.inventory.replay.measures import SUMS

    for _ in range(5):
        sums = dict(zip(SUMS, world.step(OrderUpTo(level_units=level)).tolist(), strict=True))
        assert np.isfinite(list(sums.values())).all()
        assert min(sums.values()) >= 0
        assert (world.shelves.stock >= 0).all()
        assert (world.shelves.layers >= 0).all()
        assert (world.on_order >= 0).all()
        served += sums["served_units"]
        received += sums["received_units"]
        wasted += sums["wasted_units"]
    start = float(problem.start_units.sum())
    left = float(world.shelves.stock.sum())
    assert start + received == pytest.approx(served + wasted + left, rel=1e-9, abs=1e-6)
