"""A whole city: streets, people, premises, goods, a day of orders, and couriers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.generators.baskets import generate_orders
from dispatchopt.generators.couriers import ORDERS_PER_HOUR, generate_couriers
from dispatchopt.generators.goods import generate_goods
from dispatchopt.generators.options import make_options, option
from dispatchopt.generators.people import draw_quarters, generate_customers, lived_in_arcs
from dispatchopt.generators.sites import generate_sites, stores_needed
from dispatchopt.generators.streets import generate_streets
from dispatchopt.geography.network import Network
from dispatchopt.pipeline.city import City, CityParameters

#: Most of anything: above it a document does not fit in memory any more.
_MOST = 10_000_000


@dataclass(frozen=True, kw_only=True)
class CityOptions:
    """Options of ``generate_city``; None is what the size says."""

    size: str = option(
        "small", "size that numbers not given are taken from", choices=("small", "medium", "large")
    )
    nodes: int | None = option(None, "street crossings, about", low=25, high=1_000_000)
    customers: int | None = option(None, "customers", low=1, high=_MOST)
    sites: int | None = option(None, "candidate sites", low=1, high=100_000)
    skus: int | None = option(None, "stock-keeping units", low=0, high=1_000_000)
    orders: int | None = option(None, "orders of the day", low=0, high=_MOST)
    couriers: int | None = option(None, "courier shifts", low=0, high=1_000_000)
    fresh_share: float = option(0.4, "share of SKUs that are fresh", low=0, high=1)
    stream_share: float = option(0.08, "share of orders from a live stream", low=0, high=1)
    orders_per_hour: float = option(
        ORDERS_PER_HOUR, "orders per courier hour that shifts are planned for", low=0.1, high=20
    )
    reach_m: int = option(3000, "metres of road that a store serves", low=1, high=100_000)
    promise_s: int = option(1800, "seconds from order to door", low=1, high=86_400)
    noise: float = option(0.15, "relative spread of travel and picking times", low=0, high=2)
    name: str = option("", "name of the city; made from the size and seed if empty")


#: Numbers of each size.
SIZES: dict[str, dict[str, int]] = {
    "small": {"nodes": 2_000, "customers": 500, "sites": 40, "skus": 150, "orders": 1_000},
    "medium": {
        "nodes": 15_000,
        "customers": 5_000,
        "sites": 200,
        "skus": 1_000,
        "orders": 10_000,
    },
    "large": {
        "nodes": 50_000,
        "customers": 100_000,
        "sites": 500,
        "skus": 5_000,
        "orders": 40_000,
    },
}


def generate_city(*, seed: int = 1, network: Network | None = None, **options: Any) -> City:
    """Return a city; the same seed and options give the same one in every process.

    Streets, people, sites, goods, orders and couriers draw from streams of their own, so more
    couriers, say, leave the streets and the orders as they are.

    Parameters
    ----------
    seed
        A whole number >= 0.
    network
        Real streets to put generated demand on; made-up ones if None.
    options
        See ``CityOptions``.

    Raises
    ------
    InputError
        Listing every option that does not fit, or if nobody can live on the network.
    """
    require_seed(seed)
    chosen = make_options(CityOptions, options)
    number = {
        key: value if getattr(chosen, key) is None else getattr(chosen, key)
        for key, value in SIZES[chosen.size].items()
    }
    is_made_up = network is None
    streets = generate_streets(num_nodes=number["nodes"], seed=seed) if network is None else network
    if len(lived_in_arcs(streets)) == 0:
        raise InputError(
            Issue(
                code="empty-network",
                where="network",
                found=f"{streets.num_nodes} nodes and {streets.num_arcs} arcs",
                wanted="streets in one connected part",
            )
        )
    quarters = draw_quarters(streets, seed)
    customers = generate_customers(
        streets,
        quarters,
        num_customers=number["customers"],
        num_orders=number["orders"],
        seed=seed,
    )
    sites = generate_sites(streets, quarters, customers, num_sites=number["sites"], seed=seed)
    num_stream = round(chosen.stream_share * number["orders"]) if number["skus"] else 0
    counts = {"num_orders": number["orders"] - num_stream, "num_stream_orders": num_stream}
    goods = generate_goods(
        num_skus=number["skus"], fresh_share=chosen.fresh_share, seed=seed, **counts
    )
    return City(
        name=chosen.name or _name(streets, chosen.size, seed, is_made_up=is_made_up),
        customers=customers,
        sites=sites,
        skus=goods.skus,
        orders=generate_orders(customers, goods, seed=seed, **counts),
        couriers=generate_couriers(
            num_orders=number["orders"],
            num_couriers=chosen.couriers,
            orders_per_hour=chosen.orders_per_hour,
            seed=seed,
        ),
        parameters=CityParameters(
            reach_m=chosen.reach_m,
            promise_s=chosen.promise_s,
            max_sites=min(stores_needed(streets), len(sites)),
            decline_probability=0.03 if chosen.noise else 0.0,
            travel_noise=chosen.noise,
            picking_noise=chosen.noise,
        ),
        network=streets,
        source=_source(streets, seed, is_made_up=is_made_up),
    )


def require_seed(seed: int) -> None:
    """Raise ``InputError`` unless the seed is a whole number >= 0."""
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(
            Issue(
                code="bad-option", where="seed", found=repr(seed)[:60], wanted="a whole number >= 0"
            )
        )


def _name(streets: Network, size: str, seed: int, *, is_made_up: bool) -> str:
    if is_made_up:
        return f"Generated city, {size}, seed {seed}"
    return f"Generated demand on {streets.source}"


def _source(streets: Network, seed: int, *, is_made_up: bool) -> str:
    if is_made_up:
        return f"generated by dispatchopt, seed {seed}; no real place; Apache-2.0"
    return f"demand generated by dispatchopt, seed {seed}, on streets of {streets.source}"
