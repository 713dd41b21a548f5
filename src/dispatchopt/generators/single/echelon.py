"""A city warehouse and its stores that keep base stock of every SKU."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.seeds import stream
from dispatchopt.generators.base import Generator, Made
from dispatchopt.generators.city import require_seed
from dispatchopt.generators.options import list_options, make_options, option
from dispatchopt.generators.views import InventoryOptions, city_of, open_stores
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points
from dispatchopt.inventory.echelon.problem import two_levels
from dispatchopt.pipeline.stock_stage import demand_shares


@dataclass(frozen=True, kw_only=True)
class EchelonOptions(InventoryOptions):
    """Options of the generator of warehouses with stores; None is what the size says."""

    warehouse_days: float = option(3.0, "days from the supplier to the warehouse", low=0, high=100)
    store_days: float = option(1.0, "days from the warehouse to a store", low=0, high=100)
    warehouse_cost_share: float = option(
        0.6, "holding cost in the warehouse, of that in a store", low=0, high=10
    )
    wait_share: float = option(
        0.5, "cost of a unit waited for a day, of its margin", low=0.001, high=1000
    )


def make(*, seed: int = 1, network: Network | None = None, **options: object) -> Made:
    """Return a tree for each SKU, and where warehouse and stores lie.

    Customers come by Poisson. A unit kept a day costs half a percent to two percent of its
    margin and room by its volume.
    """
    require_seed(seed)
    chosen = make_options(EchelonOptions, options)
    city = city_of(chosen, seed, network, couriers=0)
    reach = open_stores(city, chosen.stores)
    share = demand_shares(city, reach)
    skus = city.skus
    random = stream(seed, "echelon")
    stores, count = len(share), len(skus.ids)
    margin = np.maximum(skus.margin_cents.astype(np.float64), 1.0)
    held = margin * random.uniform(0.005, 0.02, count) + 0.0005 * skus.volume_ml
    problem = two_levels(
        rate=np.round(share[:, None] * skus.demand_mean_units, 4),
        lead_time=np.round(chosen.store_days * random.uniform(0.5, 1.5, (stores, 1)), 2),
        holding_cost=np.round(held, 3),
        shortage_cost=np.round(chosen.wait_share * margin, 3),
        warehouse_lead_time=np.round(chosen.warehouse_days * random.uniform(0.5, 1.5, count), 2),
        warehouse_holding_cost=np.round(chosen.warehouse_cost_share * held, 3),
        store_ids=tuple(city.sites.ids[site] for site in reach.store_sites),
        sku_ids=skus.ids,
    )
    at = city.sites.points[reach.store_sites]
    middle = Points(
        lon=np.full(count, round(float(at.lon.mean()), 6)),
        lat=np.full(count, round(float(at.lat.mean()), 6)),
    )
    return Made(problem, {"stages": Points.concatenate(middle, *[at] * count)})


GENERATOR = Generator(
    kind="echelon",
    about="base stock of a city warehouse and its stores, SKU by SKU",
    options=list_options(EchelonOptions),
    make=make,
)
