"""Random instances of every kind of document, small and awkward, for tests of readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from dispatchopt.core.plugins import scan
from dispatchopt.dispatch.rules import DayRules
from dispatchopt.dispatch.tables import Couriers as DayCouriers
from dispatchopt.dispatch.tables import Orders as DayOrdersTable
from dispatchopt.dispatch.tables import Stores as DayStores
from dispatchopt.geography import (
    UNREACHABLE,
    Network,
    StraightRouter,
    TravelMatrix,
)
from dispatchopt.geography.given import MatrixTravel
from dispatchopt.inventory.problem import DemandLaw, InventoryProblem, LevelRule
from dispatchopt.io.instance import Instance
from dispatchopt.pipeline.city import (
    City,
    CityParameters,
    CourierShifts,
    Customers,
    DayOrders,
    Sites,
    Skus,
)
from dispatchopt.routing.breaks import Breaks
from dispatchopt.routing.problem import RoutingProblem
from dispatchopt.routing.tables import Couriers, Options, Orders, Stores
from dispatchopt.simulation.day import Day
from dispatchopt.testing.documents_of_siting import siting
from dispatchopt.testing.parts import Examples, Rng, maybe, names, points


def _picks(rng: Rng, words: list[str], size: int) -> tuple[str, ...]:
    return tuple(words[row] for row in rng.integers(0, len(words), size))


def network(rng: Rng) -> Network:
    """Return a small network with parallel arcs, loops and arcs of length 0."""
    nodes, arcs = int(rng.integers(1, 6)), int(rng.integers(0, 9))
    lonlat = points(rng, nodes)
    course = rng.integers(0, 3, arcs) if rng.random() < 0.5 else np.zeros(arcs, dtype=np.int64)
    way = points(rng, int(course.sum()))
    is_named = rng.random(arcs) < 0.5
    speed = np.where(rng.random(arcs) < 0.5, np.nan, rng.random(arcs) * 30 + 0.1)
    ids = np.arange(nodes) * 7919
    classes = rng.integers(0, 2, arcs)
    # Only classes and names that occur, in the order of the alphabet.
    used = np.unique(classes)
    return Network(
        lon=lonlat.lon,
        lat=lonlat.lat,
        tail=rng.integers(0, nodes, arcs),
        head=rng.integers(0, nodes, arcs),
        length_m=np.where(rng.random(arcs) < 0.2, 0.0, rng.random(arcs) * 500),
        node_id=ids if rng.random() < 0.5 else np.array([f"n{each}" for each in ids]),
        classes=tuple(["primary", "residential"][each] for each in used) if arcs else ("road",),
        class_idx=np.searchsorted(used, classes),
        maxspeed_m_s=speed,
        names=("Rua Direita",) if is_named.any() else (),
        name_idx=np.where(is_named, 0, -1),
        shape_indptr=np.concatenate([[0], np.cumsum(course)]),
        shape_lon=way.lon,
        shape_lat=way.lat,
    )


def city(rng: Rng) -> Instance:
    """Return a city."""
    n, m, k, q, c = (int(each) for each in rng.integers((1, 1, 0, 0, 0), 7))
    lines = rng.integers(0, 3, q) if k else np.zeros(q, dtype=np.int64)
    has_roads = rng.random() < 0.5
    on_s = rng.integers(0, 80_000, c)
    mean = rng.random(k) * 9
    made = City(
        name="Porto, north",
        customers=Customers(
            ids=names(rng, n, "c"), points=points(rng, n), demand_units=rng.integers(0, 99, n)
        ),
        sites=Sites(
            ids=names(rng, m, "s"),
            points=points(rng, m),
            status=rng.integers(0, 4, m),
            rent_cents=rng.integers(0, 10**6, m),
            volume_ml=rng.integers(0, 10**9, m),
            capacity_orders=rng.integers(0, 3, m),
            pickers=rng.integers(1, 9, m),
        ),
        skus=Skus(
            ids=names(rng, k, "k"),
            names=_picks(rng, ["", "Käse, jung", "milk"], k),
            abc_class=_picks(rng, ["A", "B", "C"], k),
            is_fresh=rng.random(k) < 0.4,
            shelf_life_days=rng.integers(0, 9, k),
            volume_ml=rng.integers(1, 9999, k),
            price_cents=rng.integers(0, 9999, k),
            margin_cents=rng.integers(0, 999, k),
            holding_cents=rng.random(k),
            case_pack_units=rng.integers(1, 13, k),
            demand_mean_units=mean,
            demand_variance_units=mean * 1.7,
            available_units=rng.integers(-1, 99, k),
        ),
        orders=DayOrders(
            ids=names(rng, q, "o"),
            customer_idx=rng.integers(0, n, q),
            placed_s=np.sort(rng.integers(0, 86_400, q)),
            is_surge=rng.random(q) < 0.3,
            line_ptr=np.concatenate([[0], np.cumsum(lines)]),
            line_sku=rng.integers(0, max(k, 1), int(lines.sum())),
            line_units=rng.integers(1, 5, int(lines.sum())),
        ),
        couriers=CourierShifts(
            ids=names(rng, c, "r"),
            vehicles=_picks(rng, ["walk", "e-bike", "car"], c),
            points=points(rng, c) if c and rng.random() < 0.5 else None,
            on_s=on_s,
            off_s=on_s + rng.integers(0, 40_000, c),
            capacity_orders=rng.integers(1, 5, c),
            capacity_ml=rng.integers(1, 10**5, c),
        ),
        parameters=CityParameters(
            travel="road" if has_roads else "straight",
            max_sites=None if rng.random() < 0.5 else 2,
            required_share=float(rng.random()),
        ),
        network=network(rng) if has_roads else None,
        source="made up, CC0" if rng.random() < 0.5 else "",
        notes={"round": 1.1, "list": [None, True, "x"], "ü": {}} if rng.random() < 0.5 else {},
    )
    return Instance(name=made.name, kind="city", problem=made, source=made.source, notes=made.notes)


def inventory(rng: Rng) -> Instance:
    """Return an inventory problem under any law and rule."""
    s, k = int(rng.integers(1, 4)), int(rng.integers(1, 6))
    rule = list(LevelRule)[int(rng.integers(0, 4))]
    target = None
    if rule is not LevelRule.CRITICAL_RATIO:
        shape = [(), (k,), (s, k)][int(rng.integers(0, 3))]
        target = np.round(rng.random(shape) * 0.9, 3)
    mean = np.where(rng.random((s, k)) < 0.3, 0.0, rng.random((s, k)) * 20)
    holding: Any = rng.random(k) + 0.1 if rng.random() < 0.5 else rng.random((s, k)) + 0.1
    problem = InventoryProblem(
        mean_units=mean,
        variance_units=mean * 1.5,
        holding_cost=holding,
        shortage_cost=rng.random(k) * 9,
        on_hand_units=np.where(rng.random((s, k)) < 0.5, 0, rng.integers(0, 9, (s, k))),
        volume_ml=rng.integers(0, 999, k),
        case_pack_units=rng.integers(1, 13, k),
        demand_law=list(DemandLaw)[int(rng.integers(0, 4))],
        store_volume_ml=maybe(rng, rng.integers(0, 10**6, s)),
        delivery_volume_ml=maybe(rng, rng.integers(0, 10**6, s)),
        available_units=maybe(rng, rng.integers(0, 999, k)),
        min_units=maybe(rng, rng.integers(0, 3, (s, k))),
        rule=rule,
        target=target,
        store_ids=names(rng, s, "s"),
        sku_ids=names(rng, k, "k"),
    )
    held = {"stores": problem.store_ids, "skus": problem.sku_ids}
    return Instance(name="stock", kind="inventory", problem=problem, names=held)


def matrix(rng: Rng, size: int, profile: str = "e-bike") -> TravelMatrix:
    """Return a matrix in which some pairs have no way."""
    distance = rng.integers(0, 5000, (size, size))
    duration = rng.integers(0, 900, (size, size))
    no_way = rng.random((size, size)) < 0.1
    distance[no_way], duration[no_way] = UNREACHABLE, UNREACHABLE
    np.fill_diagonal(distance, 0)
    np.fill_diagonal(duration, 0)
    return TravelMatrix(distance_m=distance, duration_s=duration, source="made", profile=profile)


def _options(rng: Rng, rows: int, stores: int) -> Options | None:
    if not stores or rng.random() < 0.5:
        return None
    return Options.of([np.flatnonzero(rng.random(stores) < 0.6).tolist() for _ in range(rows)])


def _breaks(rng: Rng, couriers: int) -> Breaks:
    num, far = int(rng.integers(0, 4)), 1 << 40
    return Breaks(
        courier=rng.integers(0, couriers, num),
        earliest_s=np.where(rng.random(num) < 0.3, -far, rng.integers(-9, 99, num)),
        latest_s=np.where(rng.random(num) < 0.3, far, rng.integers(99, 999, num)),
        duration_s=rng.integers(0, 1800, num),
    )


def routing(rng: Rng) -> Instance:
    """Return a routing problem with any of its columns in use."""
    p, n, m, c = int(rng.integers(2, 6)), int(rng.integers(1, 6)), int(rng.integers(0, 4)), 2
    dims, num_profiles = int(rng.integers(0, 4)), int(rng.integers(1, 3))
    far = 1 << 40
    picked = rng.random(n) < 0.3
    problem = RoutingProblem(
        travel=tuple(matrix(rng, p, f"profile {each}") for each in range(num_profiles)),
        orders=Orders(
            place=rng.integers(0, p, n),
            load=rng.integers(0, 9, (n, dims)),
            service_s=rng.integers(0, 99, n),
            latest_s=np.where(rng.random(n) < 0.5, far, rng.integers(0, 9999, n)),
            release_s=np.where(rng.random(n) < 0.5, -far, rng.integers(-9, 9999, n)),
            late_cost_per_s=rng.integers(0, 2, n),
            promise_3_s=np.where(rng.random(n) < 0.5, far, rng.integers(0, 9999, n)),
            late_3_cost_per_s=rng.integers(0, 2, n),
            refusal_cost=rng.integers(-1, 9, n),
            pickup_place=np.where(picked, rng.integers(0, p, n), -1),
            skills=rng.integers(0, 1 << 61, n) if rng.random() < 0.5 else np.int64(0),  # type: ignore[arg-type]
            planned_courier=rng.integers(-1, c, n) if rng.random() < 0.5 else np.int64(-1),  # type: ignore[arg-type]
            planned_store=rng.integers(-1, m, n) if rng.random() < 0.5 else np.int64(-1),  # type: ignore[arg-type]
            change_cost=rng.integers(0, 3, n),
            store_options=_options(rng, n, m),
        ),
        stores=Stores(
            place=rng.integers(0, p, m),
            earliest_s=rng.integers(-5, 99, m),
            pick_s=rng.integers(0, 60, m),
            pickers=rng.integers(1, 4, m),
        ),
        couriers=Couriers(
            start_place=rng.integers(-1, p, c),
            end_place=rng.integers(-1, p, c),
            capacity=rng.integers(0, 99, (c, dims)),
            profile=rng.integers(0, num_profiles, c),
            max_trips=rng.integers(1, 4, c),
            max_duration_s=np.where(rng.random(c) < 0.5, far, 7200),
            min_pay=rng.integers(0, 99, c),
            store_options=_options(rng, c, m),
        ),
        units_per_cent=int(rng.integers(1, 1001)),
        breaks=_breaks(rng, c),
    )
    held = {
        "places": names(rng, p, "p"),
        "orders": names(rng, n, "o"),
        "couriers": names(rng, c, "r"),
    }
    if m:
        held["stores"] = names(rng, m, "s")
    places = {"places": points(rng, p)} if rng.random() < 0.5 else {}
    return Instance(name="routes", kind="routing", problem=problem, names=held, places=places)


def day(rng: Rng) -> Instance:
    """Return a day on a matrix or in straight lines."""
    p, n, m, c, k = (int(each) for each in rng.integers((2, 1, 1, 1, 0), 6))
    places = points(rng, p)
    is_straight = rng.random() < 0.5
    travel: Any = (
        StraightRouter().travel(places) if is_straight else MatrixTravel(matrix=matrix(rng, p))
    )
    placed = np.sort(rng.integers(0, 80_000, n))
    ready_s = np.where(rng.random(n) < 0.5, -1, placed + 60)
    expected_s = np.where(ready_s < 0, -1, placed + rng.integers(0, 99, n))
    on_s = rng.integers(0, 80_000, c)
    made = Day(
        name="a day",
        travel=travel,
        orders=DayOrdersTable.build(
            ids=names(rng, n, "o"),
            place_idx=rng.integers(0, p, n),
            placed_s=placed,
            due_s=placed + rng.integers(0, 3600, n),
            ready_s=ready_s,
            expected_ready_s=maybe(rng, expected_s),
            options=[rng.permutation(m)[: int(rng.integers(0, m + 1))].tolist() for _ in range(n)],
            lines=[[(int(rng.integers(0, k)), 2)] if k else [] for _ in range(n)],
            load_ml=rng.integers(0, 999, n),
        ),
        stores=DayStores(
            ids=names(rng, m, "s"),
            place_idx=rng.integers(0, p, m),
            pickers=rng.integers(0, 4, m),
            pick_base_s=rng.integers(0, 99, m),
            pick_line_s=rng.integers(0, 99, m),
            open_s=rng.integers(0, 99, m),
            close_s=rng.integers(0, 86_400, m),
            stock_units=maybe(rng, rng.integers(0, 3, (m, k))) if k else None,
        ),
        couriers=DayCouriers.build(
            ids=names(rng, c, "r"),
            place_idx=rng.integers(0, p, c),
            on_s=on_s,
            off_s=on_s + 3600,
            store_idx=rng.integers(-1, m, c),
            pace=rng.random(c) + 0.5,
            vehicle=("e-bike",) * c if rng.random() < 0.5 else (),
        ),
        rules=DayRules(tick_s=20, travel_noise_sd=0.25),
        places=places if is_straight or rng.random() < 0.5 else None,
        sku_ids=names(rng, k, "k"),
    )
    return Instance(name="a day", kind="day", problem=made, names={"places": names(rng, p, "p")})


@cache
def examples() -> Mapping[str, Examples]:
    """Return the examples of each kind that has a file of its own in ``testing.kinds``."""
    return scan("dispatchopt.testing.kinds", "EXAMPLES")


#: A maker of random instances for each kind of document.
MAKERS: dict[str, Callable[[Rng], Instance]] = {
    "city": city,
    "siting": siting,
    "inventory": inventory,
    "routing": routing,
    "day": day,
    **{name: each.make for name, each in examples().items()},
}


def make(kind: str, seed: int) -> Instance:
    """Return a random instance of a kind; the same seed makes the same instance."""
    return MAKERS[kind](np.random.default_rng(seed))
