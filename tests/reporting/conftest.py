"""Plans made by hand: a grid of streets, stores, stock, and a day whose times are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from tests.reporting.day_by_hand import day_by_hand

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.result import Result, Status, StopReason
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points
from dispatchopt.geography.profiles import PROFILES
from dispatchopt.geography.roads import RoadRouter
from dispatchopt.inventory.check import check as check_stock
from dispatchopt.inventory.problem import InventoryProblem, InventorySolution
from dispatchopt.pipeline.city import (
    City,
    CityParameters,
    CourierShifts,
    Customers,
    DayOrders,
    Sites,
    Skus,
)
from dispatchopt.pipeline.result import CityPlan, Stage
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution


@dataclass(frozen=True)
class Town:
    """How large a town is; streets are about 200 m apart."""

    columns: int = 14
    rows: int = 10
    customers: int = 90
    sites: int = 7
    stores: int = 3
    orders: int = 120
    couriers: int = 6
    skus: int = 9
    seed: int = 5


def grid_network(columns: int, rows: int, rng: Any) -> Network:
    """Return a grid with bent, two-way streets; every fourth column is a major road."""
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    lon = 8.6 + 0.0026 * (column + 0.25 * rng.uniform(-1, 1, column.shape)).ravel()
    lat = 41.1 + 0.0019 * (row + 0.25 * rng.uniform(-1, 1, row.shape)).ravel()
    node = np.arange(columns * rows).reshape(rows, columns)
    tail = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    head = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    kind = np.concatenate(
        [np.full(rows * (columns - 1), 2), (column[:-1].ravel() % 4 == 0) * -2 + 2]
    )
    kind = np.where(np.arange(len(kind)) % 9 == 0, 1, kind)
    tail, head, kind = np.r_[tail, head], np.r_[head, tail], np.r_[kind, kind]
    metres = np.hypot((lon[tail] - lon[head]) * 83_900, (lat[tail] - lat[head]) * 111_100)
    return Network(
        lon=lon,
        lat=lat,
        tail=tail,
        head=head,
        length_m=np.round(metres, 1),
        classes=("primary", "tertiary", "residential"),
        class_idx=kind,
        source="a grid",
    )


def make_city(town: Town) -> City:
    """Return a city of the town's size."""
    rng = np.random.default_rng(town.seed)
    network = grid_network(town.columns, town.rows, rng)
    east, north = network.lon.max(), network.lat.max()
    heart = rng.random((max(1, town.customers), 2)) ** 0.8
    points = Points(
        lon=8.6 + (east - 8.6) * heart[: town.customers, 0],
        lat=41.1 + (north - 41.1) * heart[: town.customers, 1],
    )
    node = rng.choice(network.num_nodes, town.sites, replace=False)
    hour = np.concatenate([np.arange(8, 24), np.full(4, 12), np.full(5, 19), np.full(3, 20)])
    placed = np.sort(rng.choice(hour, town.orders) * 3600 + rng.integers(0, 3600, town.orders))
    lines = rng.integers(1, 4, town.orders) if town.skus else np.zeros(town.orders, dtype=int)
    mean = np.linspace(60, 3, town.skus) * max(1, town.orders) / 100
    return City(
        name="Gridville",
        customers=Customers(
            ids=tuple(f"c{i}" for i in range(town.customers)),
            points=points,
            demand_units=rng.integers(1, 9, town.customers),
        ),
        sites=Sites(
            ids=tuple(f"s{i}" for i in range(town.sites)),
            points=network.points[node],
            status=np.arange(town.sites) % 4,
            rent_cents=20_000 + 500 * np.arange(town.sites),
            volume_ml=np.full(town.sites, 2_000_000),
            capacity_orders=np.zeros(town.sites, dtype=int),
            pickers=np.full(town.sites, 3),
        ),
        skus=Skus(
            ids=tuple(f"k{i}" for i in range(town.skus)),
            names=tuple(f"SKU number {i}" for i in range(town.skus)),
            abc_class=tuple("ABC"[min(2, i // 3)] for i in range(town.skus)),
            is_fresh=np.arange(town.skus) % 2 == 0,
            shelf_life_days=np.zeros(town.skus, dtype=int),
            volume_ml=np.full(town.skus, 800),
            price_cents=np.full(town.skus, 900),
            margin_cents=np.full(town.skus, 250),
            holding_cents=np.full(town.skus, 40.0),
            case_pack_units=np.full(town.skus, 2),
            demand_mean_units=mean,
            demand_variance_units=2 * mean,
            available_units=np.where(np.arange(town.skus) % 3 == 0, np.round(mean), -1),
        ),
        orders=DayOrders(
            ids=tuple(f"o{i}" for i in range(town.orders)),
            customer_idx=rng.integers(0, max(1, town.customers), town.orders),
            placed_s=placed,
            is_surge=(placed // 3600 == 20) & (np.arange(town.orders) % 3 > 0),
            line_ptr=np.concatenate([[0], np.cumsum(lines)]),
            line_sku=rng.integers(0, max(1, town.skus), lines.sum()),
            line_units=np.ones(lines.sum(), dtype=int),
        ),
        couriers=CourierShifts(
            ids=tuple(f"r{i}" for i in range(town.couriers)),
            vehicles=("e-bike",) * town.couriers,
            points=None,
            on_s=np.full(town.couriers, 8 * 3600),
            off_s=np.full(town.couriers, 24 * 3600),
            capacity_orders=np.full(town.couriers, 3),
            capacity_ml=np.full(town.couriers, 50_000),
        ),
        parameters=CityParameters(reach_m=1300, max_sites=max(1, town.stores)),
        network=network,
        source="made by hand for tests",
    )


def make_result(solution: Any, objective: float | None, bound: float | None, **more: Any) -> Any:
    """Return a result as an engine's run would."""
    given: dict[str, Any] = {
        "status": Status.OPTIMAL if objective == bound else Status.FEASIBLE,
        "stopped_by": StopReason.COMPLETED,
        "solution": solution,
        "objective": objective,
        "bound": bound,
        "engine": "by-hand",
        "seed": 1,
        "elapsed_s": 0.25,
        "iterations": 3,
        "digest": "0123456789abcdef",
        "reason": "Made by hand.",
        "versions": {"dispatchopt": "0.1.0"},
        **more,
    }
    return Result(**given)


def make_plan(town: Town | None = None, city: City | None = None) -> CityPlan:
    """Return a plan: the first stores open, stock as needed, a day that follows simple rules."""
    size = town or Town()
    city = city or make_city(size)
    profile = PROFILES["e-bike"]
    assert city.network is not None
    router = RoadRouter(network=city.network, profile=profile, snap_limit_m=900, far="unreachable")
    coverage = router.within(city.sites.points, city.customers.points, city.parameters.reach_m)
    open_sites = np.arange(min(size.stores, len(city.sites)))
    nearest, nearest_m = _nearest(coverage, open_sites, len(city.customers))
    demand = city.customers.demand_units
    covered = int(demand[nearest >= 0].sum())
    problem = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=coverage,
        demand_units=demand,
        max_sites=len(open_sites),
    )
    left = float(demand.sum() - covered)
    siting = make_result(SitingSolution(open_sites=open_sites, assignment=nearest), left, left)
    stock_problem, stock = _stock(city, open_sites)
    day, outcome = day_by_hand(city, router, open_sites, nearest)
    plan = CityPlan(
        city=city,
        router=router,
        siting_problem=problem,
        siting=siting,
        curve=(),
        store_sites=open_sites,
        store_of_customer=nearest,
        store_distance_m=nearest_m,
        inventory_problem=stock_problem,
        inventory=stock,
        day=day,
        outcome=outcome,
        stages=(
            Stage(name="coverage", seconds=0.4, peak_mb=120.0),
            Stage(name="siting", seconds=1.9, peak_mb=180.0),
            Stage(name="stock", seconds=0.7, peak_mb=190.0),
            Stage(name="day", seconds=3.1, peak_mb=240.0),
        ),
        stopped_by=StopReason.COMPLETED,
        seed=1,
        figures={},
    )
    return with_figures(plan)


def with_figures(plan: CityPlan) -> CityPlan:
    """Return the plan with the figures that the pipeline computes, and a curve by hand."""
    from dispatchopt.pipeline.figures import of_plan

    figures = of_plan(plan)
    sites = len(plan.city.sites)
    figures["curve"] = [
        {"sites": p, "covered_share": 1 - 0.6**p, "bound_share": min(1.0, 1.02 - 0.58**p)}
        for p in range(1, sites + 1)
    ]
    return replace(plan, figures=figures)


def _nearest(coverage: Any, open_sites: IntArray, num: int) -> tuple[IntArray, IntArray]:
    store = np.full(num, -1)
    metres = np.full(num, -1)
    for number, site in enumerate(open_sites):
        row = slice(coverage.indptr[site], coverage.indptr[site + 1])
        for customer, away in zip(
            coverage.customer_idx[row], coverage.distance_m[row], strict=True
        ):
            if metres[customer] < 0 or away < metres[customer]:
                store[customer], metres[customer] = number, away
    return store, metres


def _stock(city: City, open_sites: IntArray) -> tuple[Any, Any]:
    if not len(city.skus) or not len(open_sites):
        return None, None
    skus, stores = city.skus, len(open_sites)
    mean = np.tile(skus.demand_mean_units / stores, (stores, 1))
    problem = InventoryProblem(
        mean_units=mean,
        variance_units=2 * mean,
        holding_cost=skus.holding_cents,
        shortage_cost=(skus.margin_cents + 100).astype(float),
        on_hand_units=np.zeros((stores, len(skus)), dtype=int),
        volume_ml=skus.volume_ml,
        case_pack_units=skus.case_pack_units,
        available_units=np.where(skus.available_units >= 0, skus.available_units, 10**9),
        store_ids=tuple(city.sites.ids[s] for s in open_sites),
        sku_ids=skus.ids,
    )
    wish = np.ceil(mean / 2).astype(int) * 2
    limit = np.maximum(0, np.asarray(problem.available_units)) // 2 // stores * 2
    solution = InventorySolution(order_units=np.minimum(wish, limit))
    report = check_stock(problem, solution)
    result = make_result(
        solution,
        report.objective,
        report.objective * 0.98,
        parts=report.parts,
        figures=report.figures,
    )
    return problem, result


@pytest.fixture(scope="session")
def town_plan() -> CityPlan:
    """A plan with all its parts."""
    return make_plan()


@pytest.fixture(scope="session")
def plan_of() -> Callable[..., CityPlan]:
    """Return what makes a plan of a town of another size: ``plan_of(skus=0)``."""
    return lambda **sizes: make_plan(Town(**sizes))


@pytest.fixture(scope="session")
def plan_of_city() -> Callable[[City], CityPlan]:
    """Return what makes a plan of a city."""
    return lambda city: make_plan(city=city)
