"""Fresh goods in a city's stores that expire within days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.seeds import stream
from dispatchopt.generators.base import Generator, Made
from dispatchopt.generators.city import require_seed
from dispatchopt.generators.options import list_options, make_options, option
from dispatchopt.generators.views import InventoryOptions, city_of, open_stores
from dispatchopt.geography.network import Network
from dispatchopt.inventory.perishables.demand import day_demand
from dispatchopt.inventory.perishables.item import PerishableItem
from dispatchopt.inventory.perishables.problem import PerishablesProblem
from dispatchopt.pipeline.stock_stage import inventory_problem

#: Most items of each size; demand beyond what small tables hold is left to larger lives.
_ITEMS = {"small": 12, "medium": 60, "large": 300}
#: Most mean demand of an item, so that its states can be enumerated.
_MOST_MEAN = 5.0


@dataclass(frozen=True, kw_only=True)
class PerishablesOptions(InventoryOptions):
    """Options of the generator of perishables; None is what the size says."""

    items: int | None = option(None, "pairs of store and SKU, at most", low=1, high=100_000)
    shelf_life: int = option(3, "longest life in days", low=1, high=5)
    lead_time: int = option(1, "days from order to arrival", low=1, high=3)
    lifo_share: float = option(0.3, "share of items sold freshest first", low=0, high=1)
    discount: float = option(1.0, "value today of a cost of 1 tomorrow", low=0.5, high=1)


def make(*, seed: int = 1, network: Network | None = None, **options: object) -> Made:
    """Return pairs of a store and a SKU with little demand, and where the stores lie.

    Demand is negative binomial; a unit costs half its price, one that is
    missed the price and a fifth, waste a tenth of it on top.
    """
    require_seed(seed)
    chosen = make_options(PerishablesOptions, options)
    city = city_of(chosen, seed, network, couriers=0)
    reach = open_stores(city, chosen.stores)
    stock = inventory_problem(city, reach)
    random = stream(seed, "perishables")
    pairs = np.argwhere((stock.mean_units >= 0.2) & (stock.mean_units <= _MOST_MEAN))
    most = chosen.items if chosen.items is not None else _ITEMS[chosen.size]
    pairs = pairs[random.permutation(len(pairs))[:most]]
    items, names, stores = [], [], []
    for store, sku in sorted(pairs.tolist()):
        mean = round(float(stock.mean_units[store, sku]), 3)
        spread = round(float(stock.variance_units[store, sku]), 3)
        price = round(2.0 * float(max(city.skus.margin_cents[sku], 1)), 2)
        items.append(
            PerishableItem(
                demand_probability=day_demand("negative-binomial", mean, spread),
                shelf_life=int(random.integers(min(2, chosen.shelf_life), chosen.shelf_life + 1)),
                lead_time=chosen.lead_time,
                max_order=int(np.ceil(mean + 2 * np.sqrt(spread))),
                issue="lifo" if random.random() < chosen.lifo_share else "fifo",
                order_cost=round(0.5 * price, 2),
                shortage_cost=round(1.2 * price, 2),
                waste_cost=round(0.1 * price, 2),
                holding_cost=round(0.005 * price, 2),
                discount=chosen.discount,
            )
        )
        stores.append(store)
        names.append(f"{stock.sku_ids[sku]}/{stock.store_ids[store]}")
    problem = PerishablesProblem(items=tuple(items), item_ids=tuple(names))
    at = city.sites.points[reach.store_sites[np.array(stores, dtype=np.int64)]]
    return Made(problem, {"items": at})


GENERATOR = Generator(
    kind="perishables",
    about="what to order of fresh goods that expire",
    options=list_options(PerishablesOptions),
    make=make,
)
