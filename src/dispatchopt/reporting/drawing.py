"""What there is to draw in an instance, a solution or a plan: one shape for every kind of map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import UnsupportedError
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points
from dispatchopt.siting.phases import copied

if TYPE_CHECKING:
    from dispatchopt.pipeline.city import City
    from dispatchopt.pipeline.result import CityPlan

_NONE: IntArray = np.zeros(0, dtype=np.int64)


def _nowhere() -> Points:
    return Points(lon=np.zeros(0), lat=np.zeros(0))


def _no_ints() -> IntArray:
    return _NONE


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """A way on the map: its name, its (k, 2) lon, lat vertices, and the store it belongs to."""

    name: str
    lonlat: FloatArray
    store: int = -1
    facts: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawing:
    """Places, and what a solution says about them.

    Parameters
    ----------
    title, source
        For headings and attribution.
    site_ids, sites, site_status
        Sites or stores; status as ``SiteStatus``.
    open_sites
        Indices of open sites, rising; store i stands at ``open_sites[i]``.
    customer_ids, customers, demand_units
        Customers or orders, and how much each asks for.
    store_of_customer
        Index of the store that serves each one, or -1.
    distance_m
        Metres from that store, or -1; None where it is not known.
    lines
        Routes.
    network
        Streets for the background.
    facts
        Short facts for headings.
    """

    title: str
    source: str = ""
    site_ids: Sequence[str] = ()
    sites: Points = field(default_factory=_nowhere)
    site_status: IntArray = field(default_factory=_no_ints)
    open_sites: IntArray = field(default_factory=_no_ints)
    customer_ids: Sequence[str] = ()
    customers: Points = field(default_factory=_nowhere)
    demand_units: IntArray = field(default_factory=_no_ints)
    store_of_customer: IntArray = field(default_factory=_no_ints)
    distance_m: IntArray | None = None
    lines: Sequence[Line] = ()
    network: Network | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_solved(self) -> bool:
        """Whether the drawing says which sites are open."""
        return len(self.open_sites) > 0


def drawing_of_city(city: City, solution: Any = None) -> Drawing:
    """Return a city, with the sites that a ``SitingSolution`` opens."""
    count = len(city.customers)
    opened, store = _NONE, np.full(count, -1)
    if solution is not None:
        opened, store = _stores(solution, count, len(city.sites))
    return Drawing(
        title=city.name,
        source=city.source,
        site_ids=city.sites.ids,
        sites=city.sites.points,
        site_status=city.sites.status,
        open_sites=opened,
        customer_ids=city.customers.ids,
        customers=city.customers.points,
        demand_units=city.customers.demand_units,
        store_of_customer=store,
        network=city.network,
        facts={
            "Customers": f"{count:,}",
            "Sites": f"{len(city.sites):,}",
            "Orders": f"{len(city.orders):,}",
            "Couriers": f"{len(city.couriers):,}",
        },
    )


def drawing_of_plan(plan: CityPlan) -> Drawing:
    """Return a plan's stores and customers."""
    from dataclasses import replace

    bare = drawing_of_city(plan.city)
    return replace(bare, open_sites=plan.store_sites, store_of_customer=plan.store_of_customer)


def _stores(solution: Any, num_customers: int, num_sites: int) -> tuple[IntArray, IntArray]:
    opened = np.asarray(solution.open_sites)
    number = np.full(num_sites + 1, -1)
    number[opened] = np.arange(len(opened))
    # The last entry stands for "no site", which index -1 reaches.
    return opened, number[np.asarray(solution.assignment)][:num_customers]


def drawing_of(instance: Any, solution: Any = None) -> Drawing:
    """Return what there is to draw in an instance and, if given, its solution.

    Parameters
    ----------
    instance
        An ``Instance`` of any kind, with places.
    solution
        A solution of its kind.

    Raises
    ------
    UnsupportedError
        If the instance has no places: what only knows distances cannot be drawn.
    """
    problem, kind = instance.problem, instance.kind
    if kind == "city":
        return drawing_of_city(problem, solution)
    if kind == "day":
        return _drawing_of_day(problem, instance.source)
    known = getattr(instance, "places", None) or {}
    if kind == "siting" and {"sites", "customers"} <= set(known):
        return _drawing_of_siting(instance, known, solution)
    if kind == "routing" and "places" in known:
        return _drawing_of_routing(instance, known["places"], solution)
    if kind not in ("siting", "routing") and known:
        return _drawing_of_places(instance, known, solution)
    raise UnsupportedError(
        f"{instance.name}: this {kind} document gives no places (lon, lat), only distances or "
        "quantities, so there is no map to draw"
    )


def _drawing_of_day(day: Any, source: str) -> Drawing:
    if day.places is None:
        raise UnsupportedError(f"{day.name}: this day gives no places (lon, lat), only a matrix")
    store = np.full(len(day.orders), -1)
    has_option = np.diff(day.orders.option_ptr) > 0
    store[has_option] = day.orders.option_store[day.orders.option_ptr[:-1][has_option]]
    return Drawing(
        title=day.name,
        source=source,
        site_ids=day.stores.ids,
        sites=day.places[day.stores.place_idx],
        site_status=np.ones(len(day.stores), dtype=np.int64),
        open_sites=np.arange(len(day.stores)),
        customer_ids=day.orders.ids,
        customers=day.places[day.orders.place_idx],
        demand_units=np.ones(len(day.orders), dtype=np.int64),
        store_of_customer=store,
        facts={"Orders": f"{len(day.orders):,}", "Couriers": f"{len(day.couriers):,}"},
    )


def _drawing_of_siting(instance: Any, known: Mapping[str, Points], solution: Any) -> Drawing:
    problem = instance.problem
    sites = copied(known["sites"], problem.num_sites)
    customers = copied(known["customers"], problem.num_customers)
    opened, store = _NONE, np.full(len(customers), -1)
    if solution is not None:
        opened, store = _stores(solution, len(customers), len(sites))
    return Drawing(
        title=instance.name,
        source=instance.source,
        site_ids=problem.site_ids or tuple(str(i) for i in range(len(sites))),
        sites=sites,
        site_status=problem.statuses,
        open_sites=opened,
        customer_ids=problem.customer_ids or tuple(str(i) for i in range(len(customers))),
        customers=customers,
        demand_units=problem.demand_units,
        store_of_customer=store,
        facts={"Goal": str(problem.goal), "Sites": f"{len(sites):,}"},
    )


def _drawing_of_routing(instance: Any, places: Points, solution: Any) -> Drawing:
    problem = instance.problem
    orders, stores = problem.orders, problem.stores
    names = getattr(instance, "names", None) or {}
    store = np.full(len(orders), -1)
    lines = []
    for route in () if solution is None else solution.routes:
        at = [problem.couriers.start_place[route.courier]]
        for trip in route.trips:
            at += [stores.place[trip.store]] if trip.store >= 0 else []
            store[list(trip.stops)] = trip.store
            at += [orders.place[order] for order in trip.stops]
        at.append(problem.couriers.end_place[route.courier])
        # A courier may start or end anywhere, which is no place (negative).
        way = np.array([int(place) for place in at if place >= 0], dtype=np.int64)
        num = sum(len(trip.stops) for trip in route.trips)
        lines.append(
            Line(
                name=f"Courier {route.courier + 1}",
                lonlat=np.column_stack([places.lon[way], places.lat[way]]),
                store=route.trips[0].store if route.trips else -1,
                facts=(("Trips", str(len(route.trips))), ("Stops", str(num))),
            )
        )
    return Drawing(
        title=instance.name,
        source=instance.source,
        site_ids=names.get("stores") or tuple(str(i) for i in range(len(stores))),
        sites=places[stores.place],
        site_status=np.ones(len(stores), dtype=np.int64),
        open_sites=np.arange(len(stores)),
        customer_ids=names.get("orders") or tuple(str(i) for i in range(len(orders))),
        customers=places[orders.place],
        demand_units=np.ones(len(orders), dtype=np.int64),
        store_of_customer=store,
        lines=lines,
        facts={"Orders": f"{len(orders):,}", "Couriers": f"{len(problem.couriers):,}"},
    )


def _drawing_of_places(instance: Any, known: Mapping[str, Points], solution: Any) -> Drawing:
    """Return orders or customers, all other places as sites, and the solution's lines."""
    from dispatchopt.io.results import solution_kinds

    buyers = next((table for table in ("orders", "customers") if table in known), None)
    tables = [table for table in known if table != buyers]
    nobody = _nowhere()
    customers = nobody if buyers is None else known[buyers]
    sites = Points.concatenate(nobody, *(known[table] for table in tables))
    names = getattr(instance, "names", None) or {}

    def ids(table: str) -> list[str]:
        return list(names.get(table) or map(str, range(len(known[table]))))

    lines: list[Line] = []
    features: Sequence[Any] = ()
    if solution is not None:
        features = solution_kinds()[instance.kind].features(instance, solution)
    for each in features:
        if each.shape == "line":
            facts = tuple((str(key), str(value)) for key, value in each.properties.items())
            lonlat = np.column_stack([each.places.lon, each.places.lat])
            lines.append(Line(name=str(each.properties["layer"]), lonlat=lonlat, facts=facts[1:]))
    return Drawing(
        title=instance.name,
        source=instance.source,
        site_ids=[name for table in tables for name in ids(table)],
        sites=sites,
        site_status=np.ones(len(sites), dtype=np.int64),
        open_sites=np.arange(len(sites)),
        customer_ids=[] if buyers is None else ids(buyers),
        customers=customers,
        demand_units=np.ones(len(customers), dtype=np.int64),
        store_of_customer=np.full(len(customers), -1),
        lines=lines,
        facts={table.capitalize(): f"{len(known[table]):,}" for table in known},
    )
