"""Where people live on a street network, and how much they order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.seeds import stream
from dispatchopt.geography.distance import straight_m
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points
from dispatchopt.pipeline.city import Customers

#: Streets along which nobody lives.
_EMPTY_CLASSES = frozenset(
    {"motorway", "motorway_link", "trunk", "trunk_link", "primary_link", "construction", "proposed"}
)
#: Share of the mean density that every street has, far from all quarters.
_BASE_DENSITY = 0.25
#: Square kilometres of town per quarter, and the most quarters there are.
_KM2_PER_QUARTER, _MAX_QUARTERS = 3.0, 80
#: Distance of a door from the middle of its street, metres.
_SETBACK_M = (6.0, 45.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Quarters:
    """Dense parts of a town: a sum of bell curves over a base.

    Parameters
    ----------
    xy
        Middles in the network's plane, metres, shape (k, 2).
    width_m, height
        Standard deviation and peak of each, shape (k,).
    """

    xy: FloatArray
    width_m: FloatArray
    height: FloatArray

    def density(self, xy: FloatArray) -> FloatArray:
        """Return the relative density of people at places of the plane, > 0, shape (n,)."""
        total = np.full(len(xy), _BASE_DENSITY)
        for middle, width, height in zip(self.xy, self.width_m, self.height, strict=True):
            total += height * np.exp(-((xy - middle) ** 2).sum(axis=1) / (2 * width**2))
        return total


def draw_quarters(network: Network, seed: int) -> Quarters:
    """Draw the dense parts of a town, more of them and higher ones towards its middle."""
    random = stream(seed, "people", "quarters")
    xy = network.xy_m
    middle = xy.mean(axis=0)
    distance = np.hypot(*(xy - middle).T)
    radius = max(float(np.sqrt(2 * np.mean(distance**2))), 1.0)
    wanted = round(np.pi * (radius / 1000) ** 2 / _KM2_PER_QUARTER)
    count = int(np.clip(wanted, 3, _MAX_QUARTERS))
    weight = np.exp(-1.5 * (distance / radius) ** 2)
    chosen = random.choice(len(xy), size=count, p=weight / weight.sum())
    centrality = np.exp(-((distance[chosen] / radius) ** 2))
    width = np.minimum(random.uniform(250, 900, count), radius)
    return Quarters(
        xy=xy[chosen],
        width_m=width,
        height=random.lognormal(0.0, 0.6, count) * (0.4 + centrality),
    )


def lived_in_arcs(network: Network) -> IntArray:
    """Return arcs of the main component along which people live, longest curves left out.

    The place along an arc is taken on the straight line between its ends, so arcs that run far
    from it are avoided where there are others.
    """
    labels = network.component_labels()
    in_main = (labels[network.tail] == 0) & (labels[network.head] == 0)
    is_empty = np.array([name in _EMPTY_CLASSES for name in network.classes])
    usable = in_main & (network.tail != network.head)
    straight = straight_m(network.points[network.tail], network.points[network.head])
    is_short = (network.length_m <= 1.3 * straight + 20) & (straight <= 800)
    for mask in (usable & is_short & ~is_empty[network.class_idx], usable & is_short, usable):
        if mask.any():
            return np.flatnonzero(mask)
    return np.empty(0, dtype=np.int64)


def places_along(
    network: Network, arcs: IntArray, random: np.random.Generator, setback_m: tuple[float, float]
) -> Points:
    """Return one place beside each of the arcs, degrees rounded to 6 decimals (0.1 m)."""
    count = len(arcs)
    xy = network.xy_m
    tail, head = xy[network.tail[arcs]], xy[network.head[arcs]]
    along = random.uniform(0.08, 0.92, count)[:, None]
    step = head - tail
    length = np.maximum(np.hypot(*step.T), 1e-9)
    beside = np.column_stack([-step[:, 1], step[:, 0]]) / length[:, None]
    offset = random.uniform(*setback_m, count) * random.choice([-1.0, 1.0], count)
    lonlat = network.plane.to_lonlat(tail + along * step + offset[:, None] * beside)
    lonlat = np.round(lonlat, 6)
    return Points(lon=lonlat[:, 0], lat=lonlat[:, 1])


def generate_customers(
    network: Network, quarters: Quarters, *, num_customers: int, num_orders: int, seed: int
) -> Customers:
    """Return customers along the streets, their orders a day adding up to ``num_orders``.

    Everybody orders at least once where there are as many orders as customers.
    """
    random = stream(seed, "people", "customers")
    arcs = lived_in_arcs(network)
    xy = network.xy_m
    middle = (xy[network.tail[arcs]] + xy[network.head[arcs]]) / 2
    share = quarters.density(middle) * network.length_m[arcs]
    chosen = random.choice(len(arcs), size=num_customers, p=share / share.sum())
    points = places_along(network, arcs[chosen], random, _SETBACK_M)
    appetite = stream(seed, "people", "demand").lognormal(0.0, 0.8, num_customers)
    return Customers(
        ids=numbered("C", num_customers),
        points=points,
        demand_units=_shared_out(num_orders, appetite, stream(seed, "people", "orders")),
    )


def _shared_out(num_orders: int, appetite: FloatArray, random: np.random.Generator) -> IntArray:
    count = len(appetite)
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    sure = 1 if num_orders >= count else 0
    drawn = random.multinomial(num_orders - sure * count, appetite / appetite.sum())
    demand: IntArray = sure + drawn.astype(np.int64)
    return demand


def numbered(letter: str, count: int) -> tuple[str, ...]:
    """Return names such as C0001, all of one length."""
    width = len(str(count))
    return tuple(f"{letter}{number:0{width}d}" for number in range(1, count + 1))
