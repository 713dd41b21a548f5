"""A routing snapshot: what a dispatcher has open at one moment of a busy day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.seeds import stream
from dispatchopt.generators.base import Made
from dispatchopt.generators.city import generate_city, require_seed
from dispatchopt.generators.options import make_options, option
from dispatchopt.generators.views import matrix_travel, open_stores
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points
from dispatchopt.pipeline.city import City
from dispatchopt.pipeline.siting_stage import StoreReach
from dispatchopt.routing.problem import ANYWHERE, Couriers, Options, Orders, RoutingProblem, Stores

#: Orders and couriers of each size.
_SIZES = {"small": (10, 5), "medium": (60, 25), "large": (300, 120)}
#: The longest that an order has been open, and that a courier is still busy, seconds.
_OPEN_S, _BUSY_S = 600, 480
_UNITS_PER_CENT = 1000


@dataclass(frozen=True, kw_only=True)
class RoutingOptions:
    """Options of ``generate_routing``; None is what the size says."""

    size: str = option("small", "size that other numbers follow", choices=tuple(_SIZES))
    nodes: int | None = option(None, "street crossings, about", low=25, high=1_000_000)
    orders: int | None = option(None, "open orders", low=0, high=100_000)
    couriers: int | None = option(None, "couriers", low=0, high=100_000)
    stores: int | None = option(None, "stores", low=1, high=1_000)
    promise_s: int = option(1800, "seconds from order to door", low=1, high=86_400)
    choice_of_store: bool = option(True, "whether an order may come from any store in reach")


def generate_routing(
    *, seed: int = 1, network: Network | None = None, **options: Any
) -> RoutingProblem:
    """Return open orders, stores and couriers at second 0; see ``RoutingOptions``.

    Orders were placed in the ten minutes before, and get ready within the next minutes. Couriers
    stand at stores, or come back to one of them within some minutes. Costs: riding per metre, the
    wage per second, lateness and refusal, all as a city states them.
    """
    problem: RoutingProblem = routing_with_places(seed=seed, network=network, **options).problem
    return problem


def routing_with_places(*, seed: int = 1, network: Network | None = None, **options: Any) -> Made:
    """Return what ``generate_routing`` does, and its places."""
    require_seed(seed)
    chosen = make_options(RoutingOptions, options)
    num_orders, num_couriers = (
        default if given is None else given
        for given, default in zip(
            (chosen.orders, chosen.couriers), _SIZES[chosen.size], strict=True
        )
    )
    city = generate_city(
        seed=seed,
        network=network,
        nodes=chosen.nodes or max(1_600, 8 * num_orders),
        customers=max(20, 4 * num_orders),
        sites=max(12, num_orders // 5),
        skus=0,
        orders=max(20, 4 * num_orders),
        couriers=0,
        promise_s=chosen.promise_s,
    )
    reach = open_stores(city, chosen.stores)
    random = stream(seed, "routing", "orders")
    customer = _who_orders(city, reach, num_orders, random)
    num_stores = len(reach.store_sites)
    places = Points.concatenate(
        city.sites.points[reach.store_sites], city.customers.points[customer]
    )
    problem = RoutingProblem(
        travel=(matrix_travel(city, places).matrix,),
        orders=_orders(city, reach, customer, random, choice_of_store=chosen.choice_of_store),
        stores=Stores(
            place=np.arange(num_stores),
            service_s=np.full(num_stores, city.parameters.pickup_s),
        ),
        couriers=_couriers(city, num_couriers, num_stores, stream(seed, "routing", "couriers")),
        units_per_cent=_UNITS_PER_CENT,
    )
    return Made(problem, {"places": places})


def _who_orders(city: City, reach: StoreReach, count: int, random: np.random.Generator) -> IntArray:
    """Return customers within reach of a store, by demand; any customers if there are none."""
    weight: FloatArray = np.where(reach.nearest >= 0, city.customers.demand_units, 0).astype(float)
    if weight.sum() == 0:
        weight = np.ones(len(city.customers))
    return random.choice(len(weight), size=count, p=weight / weight.sum()).astype(np.int64)


def _orders(
    city: City,
    reach: StoreReach,
    customer: IntArray,
    random: np.random.Generator,
    *,
    choice_of_store: bool,
) -> Orders:
    parameters, count = city.parameters, len(customer)
    placed = -np.sort(random.integers(0, _OPEN_S, count))[::-1]
    lines = 1 + random.poisson(3.0, count)
    picking = parameters.pick_base_s + parameters.pick_line_s * lines
    rows = []
    for each in customer.tolist():
        stores = reach.option_store[reach.option_ptr[each] : reach.option_ptr[each + 1]].tolist()
        rows.append(stores if choice_of_store else stores[:1])
    return Orders(
        place=len(reach.store_sites) + np.arange(count),
        load=(1500 * lines + random.integers(0, 2000, count))[:, None],
        service_s=np.full(count, parameters.dropoff_s),
        release_s=np.maximum(placed + picking, 0),
        promise_s=placed + parameters.promise_s,
        late_cost_per_s=np.full(
            count, parameters.late_cents_per_minute * _UNITS_PER_CENT // 60, dtype=np.int64
        ),
        refusal_cost=np.full(count, parameters.refusal_cents * _UNITS_PER_CENT),
        store_options=Options.of(rows),
    )


def _couriers(city: City, count: int, num_stores: int, random: np.random.Generator) -> Couriers:
    parameters = city.parameters
    is_busy = random.random(count) < 0.6
    free_s = np.where(is_busy, random.integers(0, _BUSY_S, count), 0)
    return Couriers(
        start_place=random.integers(0, num_stores, count),
        end_place=np.full(count, ANYWHERE),
        capacity=np.full((count, 1), 70_000),
        earliest_s=free_s,
        cost_per_m=np.full(count, parameters.cost_cents_per_km * _UNITS_PER_CENT // 1000),
        cost_per_s=np.full(count, parameters.wage_cents_per_hour * _UNITS_PER_CENT // 3600),
        max_stops=np.full(count, parameters.max_bundle),
    )
