"""Open orders of several lines, the stores that reach them, and scarce stock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.seeds import stream
from dispatchopt.generators.base import Generator, Made
from dispatchopt.generators.city import require_seed
from dispatchopt.generators.options import list_options, make_options, option
from dispatchopt.generators.views import InventoryOptions, city_of, open_stores, reach_of
from dispatchopt.geography.network import Network
from dispatchopt.inventory.sourcing.problem import SourcingProblem
from dispatchopt.pipeline.stock_stage import demand_shares

#: Speed of a courier along its way, stops at lights included.
_RIDE_M_S = 4.0
#: Orders of each size: a batch, not a day.
_ORDERS = {"small": 40, "medium": 400, "large": 4_000}


@dataclass(frozen=True, kw_only=True)
class SourcingOptions(InventoryOptions):
    """Options of the generator of sourcing problems; None is what the size says."""

    stock_share: float = option(
        1.0, "stock as a share of what the orders want of an SKU, before rounding", low=0, high=100
    )
    split_cents: float = option(50.0, "cost of a shipment beyond the first", low=0, high=1e6)
    max_shipments: int = option(3, "most shipments of an order", low=1, high=100)


def make(*, seed: int = 1, network: Network | None = None, **options: Any) -> Made:
    """Return the orders of a day as one batch, and where stores and orders lie.

    A shipment costs picking and the ride there and back at the city's wage and cost per km; a
    line not served costs its margin and goodwill. Stock is Poisson about a share of what the
    orders want, split over stores by the demand that they cover.
    """
    require_seed(seed)
    chosen = make_options(SourcingOptions, options)
    num_orders = _ORDERS[chosen.size] if chosen.orders is None else chosen.orders
    city = city_of(chosen, seed, network, couriers=0, orders=num_orders)
    reach = open_stores(city, chosen.stores)
    parameters, orders = city.parameters, city.orders
    site, customer, metres = reach_of(city, reach)
    first = np.searchsorted(customer, np.arange(len(city.customers) + 1))
    count = np.diff(first)[orders.customer_idx]
    order = np.repeat(np.arange(len(orders)), count)
    shift = np.arange(order.size) - np.repeat(np.cumsum(count) - count, count)
    pair = np.repeat(first[orders.customer_idx], count) + shift
    wanted = np.bincount(orders.line_sku, weights=orders.line_units, minlength=len(city.skus))
    mean = chosen.stock_share * demand_shares(city, reach)[:, None] * wanted[None, :]
    lines = np.diff(orders.line_ptr)
    picking_s = parameters.pick_base_s + parameters.pick_line_s * lines[order]
    ride_s = parameters.pickup_s + parameters.dropoff_s + 2 * metres[pair] / _RIDE_M_S
    cents = (picking_s + ride_s) * parameters.wage_cents_per_hour / 3600
    cents += 2 * metres[pair] * parameters.cost_cents_per_km / 1000
    lost = city.skus.margin_cents + parameters.shortage_cents
    problem = SourcingProblem(
        num_orders=len(orders),
        line_order=np.repeat(np.arange(len(orders)), lines),
        line_sku=orders.line_sku,
        line_units=orders.line_units,
        unserved_cost=(lost[orders.line_sku] * orders.line_units).astype(np.float64),
        option_order=order,
        option_store=site[pair],
        shipment_cost=np.round(cents, 2),
        stock_units=stream(seed, "sourcing", "stock").poisson(mean),
        split_cost=chosen.split_cents,
        max_shipments=chosen.max_shipments,
        order_ids=orders.ids,
        store_ids=tuple(city.sites.ids[each] for each in reach.store_sites),
        sku_ids=city.skus.ids,
    )
    places = {
        "stores": city.sites.points[reach.store_sites],
        "orders": city.customers.points[orders.customer_idx],
    }
    return Made(problem, places)


GENERATOR = Generator(
    kind="sourcing",
    about="open orders of several lines, stores in reach, and scarce stock",
    options=list_options(SourcingOptions),
    make=make,
)
