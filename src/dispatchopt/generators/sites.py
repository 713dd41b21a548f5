"""Premises that could become stores: where, how large, at what rent."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.seeds import stream
from dispatchopt.generators.people import Quarters, lived_in_arcs, numbered, places_along
from dispatchopt.geography.network import Network
from dispatchopt.pipeline.city import Customers, Sites, SiteStatus

#: Square kilometres that a store with a reach of 3 km by road serves well.
KM2_PER_STORE = 8.0
#: Sizes of premises: relative capacity and share of premises.
_SIZES = np.array([0.8, 1.3, 2.2])
_SIZE_SHARES = np.array([0.4, 0.4, 0.2])
#: Capacity in orders a day that a picker stands for: 20 an hour at the peak, an eighth of the day.
_ORDERS_PER_PICKER = 110
#: Room per order of daily capacity, ml: three days' goods at about 5 litres an order.
_ML_PER_ORDER = 15_000
#: Rent and fixed costs: per store, and per order of capacity; cents a day.
_RENT_BASE_CENTS, _RENT_PER_ORDER_CENTS = 9_000, 45
#: Metres between two premises on offer.
_SPACING_M = 150.0
#: One site in so many has each status other than candidate; those that stand or must stand are at
#: most so large a share of the stores needed.
_ONE_IN = {SiteStatus.EXISTING: 20, SiteStatus.REQUIRED: 40, SiteStatus.FORBIDDEN: 20}
_MOST_OF_NEEDED = {SiteStatus.EXISTING: 1 / 3, SiteStatus.REQUIRED: 1 / 6}


def generate_sites(
    network: Network, quarters: Quarters, customers: Customers, *, num_sites: int, seed: int
) -> Sites:
    """Return premises on streets, more of them where people are; rents follow density and size."""
    random = stream(seed, "sites", "places")
    arcs = lived_in_arcs(network)
    xy = network.xy_m
    middle = (xy[network.tail[arcs]] + xy[network.head[arcs]]) / 2
    density = quarters.density(middle)
    is_main = np.array([name in {"primary", "secondary", "tertiary"} for name in network.classes])
    # Shops look for main streets, and some of them for cheap places.
    share = np.sqrt(density) * network.length_m[arcs] * (1 + 2 * is_main[network.class_idx[arcs]])
    drawn = random.choice(len(arcs), size=4 * num_sites, p=share / share.sum())
    chosen = drawn[_spread_out(middle[drawn], num_sites)]
    points = places_along(network, arcs[chosen], random, (4.0, 12.0))
    size = stream(seed, "sites", "sizes").choice(len(_SIZES), size=num_sites, p=_SIZE_SHARES)
    capacity = _capacity(network, customers, size, stream(seed, "sites", "capacities"))
    rank = np.searchsorted(np.sort(density), density[chosen]) / max(len(density), 1)
    return Sites(
        ids=numbered("S", num_sites),
        points=points,
        status=_status(density[chosen], stores_needed(network), stream(seed, "sites", "status")),
        rent_cents=_rents(capacity, rank, stream(seed, "sites", "rents")),
        volume_ml=capacity * _ML_PER_ORDER // 100_000 * 100_000 + 100_000,
        capacity_orders=capacity,
        pickers=np.maximum(2, np.ceil(capacity / _ORDERS_PER_PICKER)).astype(np.int64),
    )


def _spread_out(xy: FloatArray, count: int) -> IntArray:
    """Return ``count`` of the places, the first ones that keep a distance; then any others."""
    from scipy.spatial import cKDTree

    pairs = cKDTree(xy).query_pairs(_SPACING_M, output_type="ndarray")
    first, second = pairs.min(axis=1), pairs.max(axis=1)
    order = np.lexsort((second, first))
    stays: BoolArray = np.ones(len(xy), dtype=bool)
    for one, other in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if stays[one]:
            stays[other] = False
    return np.concatenate([np.flatnonzero(stays), np.flatnonzero(~stays)])[:count]


def town_km2(network: Network) -> float:
    """Return the area of the disc that has the same mean square distance as the nodes."""
    xy = network.xy_m
    return float(2 * np.pi * ((xy - xy.mean(axis=0)) ** 2).sum(axis=1).mean() / 1e6)


def stores_needed(network: Network) -> int:
    """Return about how many stores it takes to cover a town."""
    return max(1, round(town_km2(network) / KM2_PER_STORE))


def _capacity(
    network: Network, customers: Customers, size: IntArray, random: np.random.Generator
) -> IntArray:
    """Return orders a day, in tens; a store of middling size takes rather more than its share."""
    share = float(customers.demand_units.sum()) / stores_needed(network)
    exact = 1.25 * share * _SIZES[size] * random.uniform(0.85, 1.15, len(size))
    capacity: IntArray = (10 * np.maximum(np.ceil(exact / 10), 1)).astype(np.int64)
    return capacity


def _rents(capacity: IntArray, rank: FloatArray, random: np.random.Generator) -> IntArray:
    """Return cents a day: dear in dense places, with the luck of the market."""
    rent = _RENT_BASE_CENTS + _RENT_PER_ORDER_CENTS * capacity
    exact = rent * (0.6 + 1.2 * rank**2) * random.lognormal(0.0, 0.15, len(capacity))
    rents: IntArray = (100 * np.round(exact / 100)).astype(np.int64)
    return rents


def _status(density: FloatArray, needed: int, random: np.random.Generator) -> IntArray:
    """Return statuses: what exists or is required lies in dense places, the rest anywhere."""
    count = len(density)
    status = np.full(count, int(SiteStatus.CANDIDATE))
    order = random.permutation(count)
    order = order[np.argsort(density[order] < np.median(density), kind="stable")]
    taken = 0
    for kind, one_in in _ONE_IN.items():
        number = min(count // one_in, int(needed * _MOST_OF_NEEDED.get(kind, count)))
        if kind is SiteStatus.FORBIDDEN:
            rest = order[taken:]
            status[random.permutation(rest)[:number]] = int(kind)
        else:
            status[order[taken : taken + number]] = int(kind)
        taken += number
    return status
