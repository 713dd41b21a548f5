"""A day's orders as a sign of what stores should carry, with slots, room and floors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.generators.base import Generator, Made
from dispatchopt.generators.city import require_seed
from dispatchopt.generators.options import list_options, make_options, option
from dispatchopt.generators.views import InventoryOptions, city_of, open_stores, reach_of
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points
from dispatchopt.inventory.assortment.problem import AssortmentProblem

#: Facings that a SKU takes, in units of its volume.
_FACING_UNITS = 6


@dataclass(frozen=True, kw_only=True)
class AssortmentOptions(InventoryOptions):
    """Options of the generator of assortments; None is what the size says."""

    slot_share: float = option(0.4, "slots of a store as a share of all SKUs", low=0, high=1)
    room_share: float = option(0.5, "room of a store as a share of all facings", low=0, high=1)
    floor_share: float = option(0.25, "least share of the slots for each category", low=0, high=0.5)
    may_split: bool = option(True, "whether stores in reach fill an order together")


def make(*, seed: int = 1, network: Network | None = None, **options: object) -> Made:
    """Return the orders of a day, and where stores and zones lie.

    A zone is a set of customers that the same stores reach; customers out of reach are left out.
    """
    require_seed(seed)
    chosen = make_options(AssortmentOptions, options)
    city = city_of(chosen, seed, network, couriers=0)
    reach = open_stores(city, chosen.stores)
    num_stores, num_skus = len(reach.store_sites), len(city.skus)
    store, customer, _ = reach_of(city, reach)
    can = np.zeros((len(city.customers), num_stores), dtype=bool)
    can[customer, store] = True
    served = np.flatnonzero(can.any(axis=1))
    sets, of_served = np.unique(can[served], axis=0, return_inverse=True)
    zone = np.full(len(city.customers), -1)
    zone[served] = of_served
    orders = city.orders
    kept = np.flatnonzero(zone[orders.customer_idx] >= 0)
    row = np.full(len(orders), -1)
    row[kept] = np.arange(kept.size)
    line_order = row[np.repeat(np.arange(len(orders)), np.diff(orders.line_ptr))]
    is_kept = line_order >= 0
    volume = city.skus.volume_ml * _FACING_UNITS
    slots = int(chosen.slot_share * num_skus)
    category = city.skus.is_fresh.astype(np.int64)
    floor = np.minimum(int(chosen.floor_share * slots), np.bincount(category, minlength=2))
    problem = AssortmentProblem(
        num_skus=num_skus,
        order_weight=np.ones(kept.size),
        line_order=line_order[is_kept],
        line_sku=orders.line_sku[is_kept],
        order_zone=zone[orders.customer_idx[kept]],
        reach=sets,
        may_split=chosen.may_split,
        slots=np.full(num_stores, slots),
        volume_ml=volume,
        store_volume_ml=np.full(num_stores, int(chosen.room_share * int(volume.sum()))),
        sku_category=category,
        floor=np.tile(floor, (num_stores, 1)) if floor.any() and num_stores else None,
        store_ids=tuple(city.sites.ids[each] for each in reach.store_sites),
        sku_ids=city.skus.ids,
        zone_ids=tuple(f"zone {each}" for each in range(len(sets))),
        category_ids=("ambient", "fresh"),
        order_ids=tuple(orders.ids[each] for each in kept),
    )
    homes = city.customers.points
    count = np.maximum(np.bincount(of_served, minlength=len(sets)), 1)
    middle = Points(
        lon=np.bincount(of_served, weights=homes.lon[served], minlength=len(sets)) / count,
        lat=np.bincount(of_served, weights=homes.lat[served], minlength=len(sets)) / count,
    )
    return Made(problem, {"stores": city.sites.points[reach.store_sites], "zones": middle})


GENERATOR = Generator(
    kind="assortment",
    about="what stores should carry, judged by a day of orders",
    options=list_options(AssortmentOptions),
    make=make,
)
