"""A supply network into a city: plants, warehouses outside, and the city's stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.seeds import stream
from dispatchopt.generators.base import Generator, Made
from dispatchopt.generators.city import require_seed
from dispatchopt.generators.options import list_options, make_options, option
from dispatchopt.generators.views import InventoryOptions, city_of, open_stores
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points
from dispatchopt.inventory.guaranteed_service.chain import supply_chain
from dispatchopt.inventory.guaranteed_service.problem import NO_LIMIT
from dispatchopt.pipeline.stock_stage import demand_shares

#: Products, warehouses of each size.
_SIZES = {"small": (4, 2), "medium": (20, 4), "large": (80, 8)}
#: Safety factor of all demand.
_FACTOR = 1.645


@dataclass(frozen=True, kw_only=True)
class GuaranteedServiceOptions(InventoryOptions):
    """Options of the generator of supply networks; None is what the size says."""

    products: int | None = option(None, "products, each made from parts", low=1, high=5_000)
    warehouses: int | None = option(None, "warehouses that stores share", low=1, high=200)
    store_service: int = option(0, "days that a store may quote", low=0, high=100)


def make(*, seed: int = 1, network: Network | None = None, **options: Any) -> Made:
    """Return parts, products, products in warehouses and in stores, and where they lie.

    A part goes into one to three products; a product lies in every warehouse, and a store draws it
    from one. Demand of a store is its share of the city's, at a coefficient of variation of 0.3.
    """
    require_seed(seed)
    chosen = make_options(GuaranteedServiceOptions, options)
    num, houses = (
        default if given is None else given
        for given, default in zip(
            (chosen.products, chosen.warehouses), _SIZES[chosen.size], strict=True
        )
    )
    city = city_of(chosen, seed, network, couriers=0, skus=0)
    reach = open_stores(city, chosen.stores)
    share = demand_shares(city, reach)
    stores = len(share)
    random = stream(seed, "guaranteed-service")
    parts = 2 * num
    first_house, first_store = parts + num, parts + num + num * houses
    size = first_store + num * stores
    arcs = {
        (part, parts + product)
        for part in range(parts)
        for product in {part % num, *random.integers(0, num, int(random.integers(0, 3))).tolist()}
    }
    house_of = random.integers(0, houses, (num, stores))
    for product in range(num):
        arcs |= {(parts + product, first_house + product * houses + at) for at in range(houses)}
        arcs |= {
            (first_house + product * houses + int(house_of[product, store]),
             first_store + product * stores + store)
            for store in range(stores)
        }  # fmt: skip
    arc = np.array(sorted(arcs), dtype=np.int64)
    time = np.zeros(size, dtype=np.int64)
    time[:parts] = random.integers(5, 41, parts)
    time[parts:first_house] = random.integers(2, 9, num)
    time[first_house:first_store] = random.integers(1, 5, num * houses)
    time[first_store:] = 1
    added = np.zeros(size)
    added[:parts] = random.integers(5, 80, parts)
    added[parts:first_house] = random.integers(5, 40, num)
    added[first_house:first_store] = 2.0
    added[first_store:] = 1.0
    units = random.gamma(1.5, 40.0, num)[:, None] * share[None, :]
    safety = np.zeros(size)
    safety[first_store:] = np.round(_FACTOR * 0.3 * units.ravel(), 3)
    most = np.full(size, NO_LIMIT)
    most[first_store:] = chosen.store_service
    ids = (
        [f"part {row + 1}" for row in range(parts)]
        + [f"product {row + 1}" for row in range(num)]
        + [f"product {row // houses + 1} warehouse {row % houses + 1}"
           for row in range(num * houses)]
        + [f"product {row // stores + 1} store {city.sites.ids[reach.store_sites[row % stores]]}"
           for row in range(num * stores)]
    )  # fmt: skip
    problem = supply_chain(
        time_periods=time,
        added_cost=added,
        safety_units=safety,
        supplier=arc[:, 0],
        customer=arc[:, 1],
        max_service_periods=most,
        stage_ids=tuple(ids),
        # Capital and room of a day.
        holding_rate=0.001,
    )
    problem = problem.replace(
        holding_cost=np.round(problem.holding_cost, 6),
        safety_units=np.round(problem.safety_units, 6),
    )
    at = city.sites.points[reach.store_sites]
    middle = Points(lon=np.array([at.lon.mean()]), lat=np.array([at.lat.mean()]))
    outside = Points(
        lon=np.round(middle.lon + random.uniform(-0.3, 0.3, first_store), 6),
        lat=np.round(middle.lat + random.uniform(-0.3, 0.3, first_store), 6),
    )
    return Made(problem, {"stages": Points.concatenate(outside, *[at] * num)})


GENERATOR = Generator(
    kind="guaranteed-service",
    about="parts, products, warehouses and stores that promise service times",
    options=list_options(GuaranteedServiceOptions),
    make=make,
)
