"""From open stores to the stock problem of one day."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.problem import MAX_TOTAL, InventoryProblem
from dispatchopt.pipeline.city import City
from dispatchopt.pipeline.siting_stage import StoreReach


def inventory_problem(city: City, reach: StoreReach) -> InventoryProblem:
    """Return the stock problem: demand of one day split over stores by the demand they cover.

    A store's mean is its share of the city's mean. The variance keeps the SKU's ratio of variance
    to mean, which holds when each customer's demand is independent of the others' (a compound
    Poisson stream split at random stays one with the same ratio).
    """
    skus = city.skus
    share = demand_shares(city, reach)
    mean = share[:, None] * skus.demand_mean_units[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = skus.demand_variance_units / skus.demand_mean_units
    ratio = np.where(skus.demand_mean_units > 0, ratio, 1.0)
    available = np.where(skus.available_units >= 0, skus.available_units, MAX_TOTAL)
    volume = city.sites.volume_ml[reach.store_sites]
    return InventoryProblem(
        mean_units=mean,
        variance_units=mean * ratio[None, :],
        holding_cost=np.maximum(skus.holding_cents, 1e-3),
        shortage_cost=(skus.margin_cents + city.parameters.shortage_cents).astype(np.float64),
        on_hand_units=np.zeros(mean.shape, dtype=np.int64),
        volume_ml=skus.volume_ml,
        case_pack_units=skus.case_pack_units,
        store_volume_ml=np.where(volume > 0, volume, MAX_TOTAL) if volume.any() else None,
        available_units=available if (skus.available_units >= 0).any() else None,
        store_ids=tuple(city.sites.ids[site] for site in reach.store_sites),
        sku_ids=skus.ids,
    )


def demand_shares(city: City, reach: StoreReach) -> FloatArray:
    """Return each store's share of the city's demand: its nearest customers', shape (S,)."""
    demand = city.customers.demand_units
    covered = reach.nearest >= 0
    units = np.bincount(
        reach.nearest[covered], weights=demand[covered], minlength=len(reach.store_sites)
    )
    total = float(demand.sum())
    shares: FloatArray = units / total if total > 0 else np.zeros(len(reach.store_sites))
    return shares


def split_by_share(count: int, share: FloatArray) -> IntArray:
    """Split a whole number by shares (largest remainders), shape as ``share``."""
    total = float(share.sum())
    if count <= 0 or total <= 0:
        return np.zeros(len(share), dtype=np.int64)
    exact = count * share / total
    parts = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - parts), kind="stable")
    parts[order[: count - int(parts.sum())]] += 1
    return parts
