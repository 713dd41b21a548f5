"""Stores before a live stream, with scenarios of what it brings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.seeds import stream
from dispatchopt.generators.base import Generator, Made
from dispatchopt.generators.city import require_seed
from dispatchopt.generators.options import list_options, make_options, option
from dispatchopt.generators.views import InventoryOptions, city_of, open_stores
from dispatchopt.geography.network import Network
from dispatchopt.inventory.surge.problem import SurgeProblem
from dispatchopt.inventory.surge.stream import draw_scenarios
from dispatchopt.pipeline.stock_stage import inventory_problem


@dataclass(frozen=True, kw_only=True)
class SurgeOptions(InventoryOptions):
    """Options of the generator of surges; None is what the size says."""

    scenarios: int = option(10, "scenarios", low=1, high=10_000)
    correlation: float = option(0.7, "share of stores that take the common uplift", low=0, high=1)
    live_share: float = option(0.3, "stream at uplift 1, of the shelf's demand", low=0, high=10)
    live_margin_share: float = option(0.5, "margin in the stream, of the shelf's", low=0, high=1)
    room_share: float = option(
        0.0, "room for what is sent, of a day's volume; 0 for no limit", low=0, high=100
    )
    transfer_cents: float = option(30.0, "cost of moving a unit afterwards", low=0, high=1e6)


def make(*, seed: int = 1, network: Network | None = None, **options: object) -> Made:
    """Return a surge over uplifts of 1, 2, 5 and 10, and where the stores lie.

    Stock is Poisson about a day's mean; central stock is twice that.
    """
    require_seed(seed)
    chosen = make_options(SurgeOptions, options)
    city = city_of(chosen, seed, network, couriers=0)
    reach = open_stores(city, chosen.stores)
    stock = inventory_problem(city, reach)
    chance, shelf, live = draw_scenarios(
        stock.mean_units,
        chosen.live_share * stock.mean_units,
        correlation=chosen.correlation,
        count=chosen.scenarios,
        seed=seed,
    )
    held = stream(seed, "surge", "stock").poisson(stock.mean_units)
    room = np.ceil(chosen.room_share * (stock.mean_units @ stock.volume_ml))
    margin = city.skus.margin_cents.astype(np.float64)
    problem = SurgeProblem(
        probability=chance,
        shelf_units=shelf,
        live_units=live,
        shelf_margin=margin,
        live_margin=np.round(chosen.live_margin_share * margin, 2),
        holding_cost=city.skus.holding_cents,
        on_hand_units=held,
        volume_ml=stock.volume_ml,
        available_units=np.ceil(2 * stock.mean_units.sum(axis=0)).astype(np.int64),
        room_ml=room.astype(np.int64) if chosen.room_share else None,
        transfer_cost=chosen.transfer_cents,
        store_ids=stock.store_ids,
        sku_ids=stock.sku_ids,
    )
    return Made(problem, {"stores": city.sites.points[reach.store_sites]})


GENERATOR = Generator(
    kind="surge",
    about="what to send before a live stream, over scenarios",
    options=list_options(SurgeOptions),
    make=make,
)
