"""From a plan to what its map and player draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.geography.points import Points
from dispatchopt.reporting.packing import pack
from dispatchopt.reporting.places import (
    bounds_of,
    packed_customers,
    packed_sites,
    service_areas,
)
from dispatchopt.reporting.playback import playback
from dispatchopt.reporting.reasons import UNCOVERED_WORDS, uncovered_codes
from dispatchopt.reporting.roads import display_roads
from dispatchopt.reporting.shades import store_shades

if TYPE_CHECKING:
    from dispatchopt.pipeline.city import City
    from dispatchopt.pipeline.result import CityPlan

STATUS_WORDS = ("candidate", "existing", "required", "forbidden")


def plan_shades(plan: CityPlan) -> IntArray:
    """Return the colour number of each store, shape (num_stores,)."""
    points = plan.city.sites.points[plan.store_sites]
    return store_shades(points.lon, points.lat)


def plan_map(plan: CityPlan) -> dict[str, Any]:
    """Return the map of a plan: streets, areas, customers, sites."""
    shades = plan_shades(plan)
    stores = plan.city.sites.points[plan.store_sites]
    reach_m = plan.city.parameters.reach_m
    base = city_map(plan.city, plan.store_sites, plan.store_of_customer, shades, _facts(plan))
    base["customers"] |= {
        "reason": pack(uncovered_codes(plan.siting_problem)),
        "reasons": list(UNCOVERED_WORDS),
    }
    return {**base, "areas": service_areas(plan.router, stores, reach_m, shades)}


def plan_playback(plan: CityPlan) -> dict[str, Any] | None:
    """Return the player's data of a plan, None without a replayed day."""
    if plan.day is None or plan.outcome is None:
        return None
    surge = plan.city.orders.is_surge
    return playback(plan.day, plan.outcome, plan_shades(plan), plan.router, is_surge=surge)


def city_map(
    city: City,
    store_sites: IntArray,
    store_of_customer: IntArray,
    shades: IntArray,
    store_facts: dict[int, list[tuple[str, str]]] | None = None,
) -> dict[str, Any]:
    """Return the map of a city: streets, customers, sites; no areas."""
    customers, sites = city.customers, city.sites
    covered = store_of_customer >= 0
    site_of_customer = np.full(len(customers), -1)
    site_of_customer[covered] = store_sites[store_of_customer[covered]]
    shade_of_customer = np.full(len(customers), -1)
    shade_of_customer[covered] = shades[store_of_customer[covered]]
    shade_of_site = np.full(len(sites), -1)
    shade_of_site[store_sites] = shades
    where = [customers.points, sites.points]
    if city.network is not None and not len(customers) and not len(sites):
        where.append(Points(lon=city.network.lon, lat=city.network.lat))
    return {
        "bounds": bounds_of(*where),
        "attribution": city.source,
        "roads": display_roads(city.network),
        "areas": [],
        "customers": packed_customers(
            ids=customers.ids,
            points=customers.points,
            demand_units=customers.demand_units,
            store_site=site_of_customer,
            shade=shade_of_customer,
            distance_m=None,
            reason=np.zeros(len(customers), dtype=np.int64),
            reasons=[f"no open store within {city.parameters.reach_m:,} m"],
        ),
        "sites": packed_sites(
            ids=sites.ids,
            points=sites.points,
            status=sites.status,
            shade=shade_of_site,
            facts=_site_facts(city, store_facts or {}),
            notes=[""] * len(sites),
        ),
    }


def _site_facts(
    city: City, store_facts: dict[int, list[tuple[str, str]]]
) -> list[list[tuple[str, str]]]:
    sites = city.sites
    rows = []
    for site in range(len(sites)):
        facts = [("Status", STATUS_WORDS[int(sites.status[site])])]
        if sites.rent_cents[site]:
            facts.append(("Rent a day", f"{sites.rent_cents[site] / 100:,.2f}"))
        if sites.volume_ml[site]:
            facts.append(("Room", f"{sites.volume_ml[site] / 1000:,.0f} litres"))
        if sites.capacity_orders[site]:
            facts.append(("Capacity", f"{sites.capacity_orders[site]:,} orders a day"))
        rows.append(facts + store_facts.get(site, []))
    return rows


def _facts(plan: CityPlan) -> dict[int, list[tuple[str, str]]]:
    """Return what a store's popup says beside the site's own facts."""
    out = {}
    for row in plan.figures["stores"]:
        facts = [
            ("Customers", f"{row['customers']:,}"),
            ("Demand", f"{row['demand_units']:,} orders a day"),
        ]
        if row.get("stock_units") is not None:
            facts.append(("Stock", f"{row['stock_units']:,} units"))
        if row.get("orders"):
            facts.append(("Orders", f"{row['orders']:,}"))
            facts.append(("On time", f"{row['on_time'] / row['orders']:.1%}"))
        out[int(row["site"])] = facts
    return out
