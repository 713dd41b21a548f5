"""From stores and stock to a day that can be replayed."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.dispatch.rules import DayRules
from dispatchopt.dispatch.tables import UNLIMITED_ML, Couriers, Orders, Stores
from dispatchopt.geography.points import Points
from dispatchopt.geography.profiles import profile_named
from dispatchopt.geography.router import Router
from dispatchopt.pipeline.city import City
from dispatchopt.pipeline.siting_stage import StoreReach
from dispatchopt.pipeline.stock_stage import demand_shares, split_by_share
from dispatchopt.simulation.day import Day


def day_of(city: City, router: Router, reach: StoreReach, stock_units: IntArray | None) -> Day:
    """Return the city's day, served from its stores.

    Places are the stores, then the customers who order, then the places where couriers start.
    """
    asked, place_of_order = np.unique(city.orders.customer_idx, return_inverse=True)
    num_stores = len(reach.store_sites)
    parts = [city.sites.points[reach.store_sites], city.customers.points[asked]]
    courier_place = _courier_places(city, reach, num_stores + len(asked))
    if city.couriers.points is not None:
        parts.append(city.couriers.points)
    places = Points.concatenate(*parts)
    return Day(
        name=city.name,
        travel=router.travel(places),
        orders=_orders(city, reach, num_stores + place_of_order),
        stores=_stores(city, reach, stock_units),
        couriers=_couriers(city, courier_place),
        rules=rules_of(city),
        places=places,
        sku_ids=city.skus.ids,
    )


def rules_of(city: City) -> DayRules:
    """Return the rules that a city's parameters state for the replayed day."""
    parameters = city.parameters
    return DayRules(
        pickup_s=parameters.pickup_s,
        dropoff_s=parameters.dropoff_s,
        max_bundle=parameters.max_bundle,
        promise_s=parameters.promise_s,
        wage_cents_per_hour=parameters.wage_cents_per_hour,
        pay_cents_per_order=parameters.pay_cents_per_order,
        cents_per_km=parameters.cost_cents_per_km,
        lateness_cents_per_min=parameters.late_cents_per_minute,
        refusal_cents=parameters.refusal_cents,
        decline_probability=parameters.decline_probability,
        travel_noise_sd=parameters.travel_noise,
        picking_noise_sd=parameters.picking_noise,
    )


def _orders(city: City, reach: StoreReach, place_idx: IntArray) -> Orders:
    orders = city.orders
    ptr, option = _rows(reach.option_ptr, reach.option_store, orders.customer_idx)
    line_ml = city.skus.volume_ml[orders.line_sku] * orders.line_units
    up_to = np.concatenate([[0], np.cumsum(line_ml)])
    return Orders(
        ids=orders.ids,
        place_idx=place_idx,
        placed_s=orders.placed_s,
        due_s=orders.placed_s + city.parameters.promise_s,
        ready_s=np.full(len(orders), -1),
        option_ptr=ptr,
        option_store=option,
        line_ptr=orders.line_ptr,
        line_sku=orders.line_sku,
        line_units=orders.line_units,
        load_ml=up_to[orders.line_ptr[1:]] - up_to[orders.line_ptr[:-1]],
    )


def _rows(ptr: IntArray, values: IntArray, rows: IntArray) -> tuple[IntArray, IntArray]:
    """Pick rows of a CSR table, in any order and more than once."""
    counts = np.diff(ptr)[rows]
    picked = np.concatenate([[0], np.cumsum(counts)])
    within = np.arange(picked[-1]) - np.repeat(picked[:-1], counts)
    return picked, values[np.repeat(ptr[:-1][rows], counts) + within]


def _stores(city: City, reach: StoreReach, stock_units: IntArray | None) -> Stores:
    sites, parameters, count = reach.store_sites, city.parameters, len(reach.store_sites)
    last = int(city.orders.placed_s[-1]) if len(city.orders) else 0
    return Stores(
        ids=tuple(city.sites.ids[site] for site in sites),
        place_idx=np.arange(count),
        pickers=city.sites.pickers[sites],
        pick_base_s=np.full(count, parameters.pick_base_s),
        pick_line_s=np.full(count, parameters.pick_line_s),
        open_s=np.zeros(count, dtype=np.int64),
        close_s=np.full(count, last + 86_400),
        stock_units=stock_units,
    )


def _courier_places(city: City, reach: StoreReach, first: int) -> IntArray:
    """Return where couriers start; those without a place are shared out over stores by demand.

    Couriers come sorted by shift, so dealing them out in turn gives every store each shift.
    """
    count = len(city.couriers)
    if city.couriers.points is not None:
        return first + np.arange(count)
    counts = split_by_share(count, demand_shares(city, reach))
    if counts.sum() < count:  # nobody lives near any store: the first store takes all
        counts[0] = count
    # The k-th of n couriers of a store comes at (k + 1/2) / n of the way through the list.
    store = np.repeat(np.arange(len(counts)), counts)
    rank = np.arange(count) - np.repeat(np.cumsum(counts) - counts, counts)
    order = np.argsort((rank + 0.5) / counts[store], kind="stable")
    shift = np.lexsort((city.couriers.off_s, city.couriers.on_s))
    place = np.empty(count, dtype=np.int64)
    place[shift] = store[order]
    return place


def _couriers(city: City, place_idx: IntArray) -> Couriers:
    couriers = city.couriers
    base = profile_named(city.parameters.vehicle, "parameters.vehicle").speed_m_s
    pace = {
        name: base / profile_named(name, "couriers.vehicles").speed_m_s
        for name in sorted(set(couriers.vehicles))
    }
    return Couriers(
        ids=couriers.ids,
        place_idx=place_idx,
        store_idx=np.full(len(couriers), -1),
        on_s=couriers.on_s,
        off_s=couriers.off_s,
        capacity_orders=couriers.capacity_orders,
        capacity_ml=np.where(couriers.capacity_ml > 0, couriers.capacity_ml, UNLIMITED_ML),
        pace=np.array([pace[name] for name in couriers.vehicles], dtype=np.float64),
        vehicle=couriers.vehicles,
    )
