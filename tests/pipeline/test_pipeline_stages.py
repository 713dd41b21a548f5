"""From a city to its problems, on a town small enough to count by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatchopt.core import InputError
from dispatchopt.geography.points import Points
from dispatchopt.geography.roads import RoadRouter
from dispatchopt.geography.straight import StraightRouter
from dispatchopt.pipeline import (
    City,
    CityParameters,
    CourierShifts,
    Customers,
    DayOrders,
    Sites,
    SiteStatus,
    Skus,
)
from dispatchopt.pipeline.day_stage import day_of
from dispatchopt.pipeline.siting_stage import router_of, siting_problem, store_reach
from dispatchopt.pipeline.stock_stage import inventory_problem, split_by_share
from dispatchopt.siting import SitingGoal

#: Metres of one degree of latitude at the equator (WGS84).
DEGREE_M = 110_574


def north_of(metres: list[int]) -> Points:
    """Places due north of the equator's zero."""
    return Points(lon=np.zeros(len(metres)), lat=np.array(metres) / DEGREE_M)


def ints(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


def town(**parameters: Any) -> City:
    """Sites at 0 and 5 km, customers at 1, 2, 4.5 and 20 km with 10, 20, 30 and 40 orders."""
    chosen = {"travel": "straight", "detour_factor": 1.0, "max_sites": 1, **parameters}
    return City(
        name="town",
        customers=Customers(
            ids=("a", "b", "c", "d"),
            points=north_of([1000, 2000, 4500, 20_000]),
            demand_units=ints(10, 20, 30, 40),
        ),
        sites=Sites(
            ids=("s0", "s5"),
            points=north_of([0, 5000]),
            status=ints(0, 0),
            rent_cents=ints(500, 700),
            volume_ml=ints(0, 1000),
            capacity_orders=ints(0, 0),
            pickers=ints(2, 3),
        ),
        skus=Skus(
            ids=("milk", "soap"),
            names=("Milk", "Soap"),
            abc_class=("A", "C"),
            is_fresh=np.array([True, False]),
            shelf_life_days=ints(3, 0),
            volume_ml=ints(10, 20),
            price_cents=ints(300, 500),
            margin_cents=ints(90, 150),
            holding_cents=np.array([12.0, 1.0]),
            case_pack_units=ints(6, 1),
            demand_mean_units=np.array([100.0, 0.0]),
            demand_variance_units=np.array([300.0, 0.0]),
            available_units=ints(-1, 50),
        ),
        orders=DayOrders(
            ids=("o1", "o2", "o3"),
            customer_idx=ints(1, 0, 3),
            placed_s=ints(3600, 3700, 3800),
            is_surge=np.array([False, False, True]),
            line_ptr=ints(0, 2, 3, 3),
            line_sku=ints(0, 1, 0),
            line_units=ints(2, 1, 4),
        ),
        couriers=CourierShifts(
            ids=("c1", "c2", "c3"),
            vehicles=("e-bike", "bicycle", "e-bike"),
            points=None,
            on_s=ints(0, 0, 100),
            off_s=ints(9000, 9000, 9000),
            capacity_orders=ints(2, 2, 2),
            capacity_ml=ints(0, 5000, 5000),
        ),
        parameters=CityParameters(**chosen),
    )


def problem_of(city: City) -> tuple[Any, str, Any]:
    coverage = router_of(city).within(
        city.sites.points, city.customers.points, city.parameters.reach_m
    )
    problem, note = siting_problem(city, coverage)
    return problem, note, coverage


def test_a_city_becomes_a_siting_problem() -> None:
    problem, note, coverage = problem_of(town())
    assert [coverage.indptr.tolist(), coverage.customer_idx.tolist()] == [[0, 2, 4], [0, 1, 1, 2]]
    assert (problem.goal, problem.max_sites, note) == (SitingGoal.MAX_COVERAGE, 1, "")
    assert problem.capacity_units is None
    assert problem.site_ids == ("s0", "s5")


def test_a_share_out_of_reach_is_lowered_and_said() -> None:
    problem, note, _ = problem_of(town(siting_goal="cover-all", max_sites=None))
    # 60 of 100 units are in reach of a site.
    assert problem.required_units == 60
    assert problem.minimise_cost
    assert note.startswith("40 of 100 units of demand lie out of reach")
    modest, note, _ = problem_of(town(siting_goal="cover-all", required_share=0.5, max_sites=None))
    assert (modest.required_units, note) == (50, "")


@given(st.lists(st.integers(0, 10**6), min_size=4, max_size=4).filter(lambda d: sum(d) > 0))
def test_the_lowered_share_is_all_that_can_be_reached(demand: list[int]) -> None:
    base = town(siting_goal="cover-all", max_sites=None)
    city = base.replace(
        customers=replace(base.customers, demand_units=np.array(demand, dtype=np.int64))
    )
    problem, _, _ = problem_of(city)
    assert problem.required_units == sum(demand[:3])


def test_goals_bring_their_prices() -> None:
    median, _, _ = problem_of(town(siting_goal="p-median"))
    assert median.unserved_m == 6000
    charge, _, _ = problem_of(town(siting_goal="fixed-charge", refusal_cents=800))
    assert (charge.unserved_cents, charge.cents_per_unit_km) == (800.0, 5.0)


def test_capacities_that_some_sites_state_bind_only_them() -> None:
    base = town()
    city = base.replace(sites=replace(base.sites, capacity_orders=ints(25, 0)))
    problem, _, _ = problem_of(city)
    assert problem.capacity_units.tolist() == [25, 100]


def test_reach_lists_stores_nearest_first() -> None:
    _, _, coverage = problem_of(town())
    reach = store_reach(coverage, ints(0, 1))
    assert reach.option_ptr.tolist() == [0, 1, 3, 4, 4]
    assert reach.option_store.tolist() == [0, 0, 1, 1]
    assert reach.nearest.tolist() == [0, 0, 1, -1]
    assert reach.nearest_m.tolist() == pytest.approx([1000, 2000, 500, -1], abs=10)
    only = store_reach(coverage, ints(1))
    assert (only.store_sites.tolist(), only.nearest.tolist()) == ([1], [-1, 0, 0, -1])
    assert store_reach(coverage, ints()).nearest.tolist() == [-1] * 4


def test_stock_follows_the_demand_that_stores_cover() -> None:
    city = town()
    _, _, coverage = problem_of(city)
    problem = inventory_problem(city, store_reach(coverage, ints(0, 1)))
    # s0 is nearest to a and b (30 of 100 orders), s5 to c (30 of 100); d has no store.
    assert problem.mean_units.tolist() == [[30.0, 0.0], [30.0, 0.0]]
    assert problem.variance_units[0, 0] == pytest.approx(90.0)
    assert problem.shortage_cost.tolist() == [190.0, 250.0]
    assert problem.available_units is not None
    assert problem.available_units[1] == 50
    assert problem.store_volume_ml is not None
    assert problem.store_volume_ml[1] == 1000
    assert problem.store_ids == ("s0", "s5")


def test_a_city_becomes_a_day() -> None:
    city = town()
    _, _, coverage = problem_of(city)
    day = day_of(city, router_of(city), store_reach(coverage, ints(0, 1)), None)
    # Places: the two stores, then a, b and d, who order.
    assert day.orders.place_idx.tolist() == [3, 2, 4]
    assert day.orders.due_s.tolist() == [5400, 5500, 5600]
    assert day.orders.option_ptr.tolist() == [0, 2, 3, 3]
    assert day.orders.option_store.tolist() == [0, 1, 0]
    assert day.orders.load_ml.tolist() == [40, 40, 0]
    assert day.stores.pickers.tolist() == [2, 3]
    # Two stores cover as much each, so couriers are shared out evenly, the early ones apart.
    assert sorted(day.couriers.place_idx.tolist()) == [0, 0, 1]
    assert day.couriers.place_idx[0] != day.couriers.place_idx[1]
    assert day.couriers.pace.tolist() == pytest.approx([1.0, 20 / 15, 1.0])
    assert day.couriers.capacity_ml[0] > 10**9


def test_couriers_with_a_place_start_there() -> None:
    base = town()
    city = base.replace(couriers=replace(base.couriers, points=north_of([10, 20, 30])))
    _, _, coverage = problem_of(city)
    day = day_of(city, router_of(city), store_reach(coverage, ints(0)), None)
    assert day.couriers.place_idx.tolist() == [4, 5, 6]
    assert day.places is not None
    assert day.places.lat[4:].tolist() == city.couriers.points.lat.tolist()  # type: ignore[union-attr]


def test_couriers_of_a_city_where_no_store_covers_anybody() -> None:
    base = town(reach_m=1)
    _, _, coverage = problem_of(base)
    day = day_of(base, router_of(base), store_reach(coverage, ints(0, 1)), None)
    assert day.couriers.place_idx.tolist() == [0, 0, 0]


@given(
    st.integers(0, 1000),
    st.lists(st.floats(0, 100, allow_nan=False), min_size=1, max_size=8),
)
def test_a_split_keeps_the_whole_and_the_shares(count: int, share: list[float]) -> None:
    parts = split_by_share(count, np.array(share))
    if sum(share) == 0:
        assert parts.sum() == 0
        return
    exact = count * np.array(share) / sum(share)
    assert parts.sum() == count
    assert (np.abs(parts - exact) < 1 + 1e-9).all()


def test_travel_is_chosen_by_the_parameters() -> None:
    straight = router_of(town(detour_factor=1.3))
    assert isinstance(straight, StraightRouter)
    assert straight.detour_factor == 1.3
    drone = router_of(town(vehicle="drone", detour_factor=1.3))
    assert isinstance(drone, StraightRouter)
    assert drone.detour_factor == 1.0
    with pytest.raises(InputError, match="unknown-choice"):
        router_of(town(travel="by magic"))
    with pytest.raises(InputError, match="unknown-profile"):
        router_of(town(vehicle="rocket"))


def test_a_road_city_travels_by_road() -> None:
    from dispatchopt.generators import generate_city

    city = generate_city(seed=1, nodes=60, customers=5, sites=2, skus=0, orders=0, couriers=0)
    assert isinstance(router_of(city), RoadRouter)


def test_what_does_not_fit_together_is_listed_at_once() -> None:
    base = town()
    with pytest.raises(InputError) as caught:
        base.replace(
            customers=replace(base.customers, demand_units=ints(-1, 2, 3)),
            orders=replace(base.orders, customer_idx=ints(9, 0, 1), placed_s=ints(5, 4, 3)),
            skus=replace(base.skus, holding_cents=np.array([np.nan, 1.0])),
            parameters=CityParameters(travel="road"),
        )
    assert [issue.where for issue in caught.value.issues] == [
        "customers.demand_units",
        "skus.holding_cents",
        "orders.customer_idx",
        "orders.placed_s",
        "network",
    ]


def test_forbidden_sites_do_not_count_as_reach() -> None:
    base = town(siting_goal="cover-all", max_sites=None)
    city = base.replace(
        sites=replace(base.sites, status=ints(SiteStatus.CANDIDATE, SiteStatus.FORBIDDEN))
    )
    problem, _, _ = problem_of(city)
    assert problem.required_units == 30
