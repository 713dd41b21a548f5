"""Stores with too much and too little stock, and vans on the roads between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.seeds import stream
from dispatchopt.generators.base import Generator, Made
from dispatchopt.generators.city import require_seed
from dispatchopt.generators.options import list_options, make_options, option
from dispatchopt.generators.views import InventoryOptions, city_of, open_stores
from dispatchopt.geography.network import Network
from dispatchopt.inventory.rebalancing.lanes import lanes_within
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem
from dispatchopt.pipeline.siting_stage import router_of
from dispatchopt.pipeline.stock_stage import inventory_problem


@dataclass(frozen=True, kw_only=True)
class RebalancingOptions(InventoryOptions):
    """Options of the generator of rebalancing problems; None is what the size says."""

    lane_m: int = option(8_000, "longest lane between stores", low=1, high=1_000_000)
    handling_cents: float = option(8.0, "cost of a unit that is moved", low=0, high=1e6)
    ride_cents_per_km: float = option(0.0, "cost of a lane that is used", low=0, high=1e6)
    van_ml: int = option(0, "volume that a lane takes; 0 for no limit", low=0, high=10**12)
    stock_share: float = option(1.0, "stock as a share of mean demand", low=0, high=100)
    expiring_share: float = option(
        0.0, "share of what is fresh that expires before the next replenishment", low=0, high=1
    )
    waste_cents: float = option(100.0, "cost of a unit thrown away", low=0, high=1e6)


def make(*, seed: int = 1, network: Network | None = None, **options: object) -> Made:
    """Return a rebalancing problem on lanes by road, and where the stores lie.

    Stock is Poisson about demand times a factor from 0 to 2; a quarter of what is fresh has too
    short a life left to be moved.
    """
    require_seed(seed)
    chosen = make_options(RebalancingOptions, options)
    city = city_of(chosen, seed, network, couriers=0)
    reach = open_stores(city, chosen.stores)
    places = city.sites.points[reach.store_sites]
    stock = inventory_problem(city, reach)
    rng = stream(seed, "rebalancing", "stock")
    factor = chosen.stock_share * rng.uniform(0.0, 2.0, stock.shape)
    held = rng.poisson(stock.mean_units * factor)
    old = rng.binomial(held, np.where(city.skus.is_fresh, 0.25, 0.0))
    expiring = np.zeros_like(held)
    if chosen.expiring_share:
        rows = stream(seed, "rebalancing", "ages")
        expiring = rows.binomial(held, np.where(city.skus.is_fresh, chosen.expiring_share, 0.0))
    lanes = lanes_within(
        router_of(city).matrix(places, places),
        reach_m=chosen.lane_m,
        cost_per_unit=chosen.handling_cents,
        cost_per_unit_km=0.5,
        cost_per_km=chosen.ride_cents_per_km,
        capacity_ml=chosen.van_ml or None,
    )
    problem = RebalancingProblem(
        stock=stock.replace(
            on_hand_units=held,
            case_pack_units=np.ones(stock.num_skus, dtype=np.int64),
            store_volume_ml=None,
            delivery_volume_ml=None,
            available_units=None,
        ),
        movable_units=held - old,
        expiring_units=expiring,
        waste_cost=np.where(expiring.any(axis=0), chosen.waste_cents, 0.0),
        **vars(lanes),
    )
    return Made(problem, {"stores": places})


GENERATOR = Generator(
    kind="rebalancing",
    about="stock to be moved between stores on lanes by road",
    options=list_options(RebalancingOptions),
    make=make,
)
