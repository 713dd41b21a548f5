"""The figures of a plan as plain values: what the report shows and ``--format json`` prints."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.versions import versions
from dispatchopt.pipeline.result import CityPlan
from dispatchopt.pipeline.siting_curve import cost_row
from dispatchopt.simulation.metrics import metrics
from dispatchopt.simulation.outcome import OrderStatus
from dispatchopt.siting.belief import Belief
from dispatchopt.siting.frontier import FrontierPoint
from dispatchopt.siting.problem import SitingGoal


def of_plan(plan: CityPlan) -> dict[str, Any]:
    """Return all figures of a plan, whose own ``figures`` are still empty."""
    return {
        "city": _city(plan),
        "siting": _siting(plan),
        "curve": [
            {
                "sites": point.num_sites,
                "covered_share": point.covered_share,
                "bound_share": point.covered_share_bound,
                "opening_cents": point.opening_cents,
                "status": str(point.status),
            }
            for point in plan.curve
        ],
        "frontier": [_without_names(plan, point) for point in plan.frontier],
        "ruler": None if plan.ruler is None else ruler_figures(plan.ruler),
        "stores": _stores(plan),
        "stock": _stock(plan),
        "day": None
        if plan.day is None or plan.outcome is None
        else metrics(plan.day, plan.outcome),
        "stages": [
            {
                "name": stage.name,
                "seconds": stage.seconds,
                "peak_mb": stage.peak_mb,
                "note": stage.note,
            }
            for stage in plan.stages
        ],
        "stopped_by": str(plan.stopped_by),
        "seed": plan.seed,
        "versions": versions("numpy", "scipy", "highspy", "pulp"),
    }


def _without_names(plan: CityPlan, point: FrontierPoint) -> dict[str, Any]:
    row = cost_row(plan.siting_problem, point)
    return {name: value for name, value in row.items() if name != "open_sites"}


def ruler_figures(found: Belief) -> dict[str, Any]:
    """Return what sites chosen by ruler promise and keep, as plain values."""
    return {
        "promised_units": found.promised_units,
        "kept_units": found.kept_units,
        "gained_units": found.gained_units,
        "best_units": found.best_units,
        "lost_units": found.lost_units,
        "broken_customers": len(found.broken),
        "broken_units": found.promised_units - found.kept_units,
        "status": str(found.believed.status),
        "gap": found.believed.gap,
    }


def _city(plan: CityPlan) -> dict[str, Any]:
    city = plan.city
    return {
        "name": city.name,
        "source": city.source,
        "customers": len(city.customers),
        "sites": len(city.sites),
        "skus": len(city.skus),
        "orders": len(city.orders),
        "couriers": len(city.couriers),
        "travel": plan.router.source,
        "vehicle": city.parameters.vehicle,
        "reach_m": city.parameters.reach_m,
        "promise_s": city.parameters.promise_s,
    }


def _siting(plan: CityPlan) -> dict[str, Any]:
    demand = plan.city.customers.demand_units
    covered = plan.store_of_customer >= 0
    units = int(demand[covered].sum())
    total = int(demand.sum())
    weighted = float((demand[covered] * plan.store_distance_m[covered]).sum())
    return {
        **plan.siting.summary(),
        "goal": str(plan.siting_problem.goal),
        "open_sites": len(plan.store_sites),
        "rent_cents": int(plan.city.sites.rent_cents[plan.store_sites].sum()),
        "covered_customers": int(covered.sum()),
        "covered_units": units,
        "total_units": total,
        "covered_share": units / total if total else 1.0,
        "covered_share_bound": _most_coverage(plan, total),
        "mean_distance_m": weighted / units if units else None,
    }


def _most_coverage(plan: CityPlan, total: int) -> float | None:
    """Return the share of demand that no choice of sites within the limits can exceed."""
    bound = plan.siting.bound
    if plan.siting_problem.goal is not SitingGoal.MAX_COVERAGE or bound is None or not total:
        return None
    return 1 - bound / total


def _stores(plan: CityPlan) -> list[dict[str, Any]]:
    city, sites, count = plan.city, plan.city.sites, len(plan.store_sites)
    covered = plan.store_of_customer >= 0
    near = plan.store_of_customer[covered]
    customers = np.bincount(near, minlength=count)
    demand = np.bincount(near, weights=city.customers.demand_units[covered], minlength=count)
    rows: list[dict[str, Any]] = [
        {
            "id": sites.ids[site],
            "site": int(site),
            "lon": float(sites.points.lon[site]),
            "lat": float(sites.points.lat[site]),
            "rent_cents": int(sites.rent_cents[site]),
            "pickers": int(sites.pickers[site]),
            "customers": int(customers[store]),
            "demand_units": int(demand[store]),
        }
        for store, site in enumerate(plan.store_sites)
    ]
    _add_stock(plan, rows)
    _add_day(plan, rows)
    return rows


def _add_stock(plan: CityPlan, rows: list[dict[str, Any]]) -> None:
    if plan.inventory is None or plan.inventory.solution is None or not rows:
        return
    problem = plan.inventory_problem
    if problem is None:
        return
    level = problem.on_hand_units + plan.inventory.solution.order_units
    units, volume = level.sum(axis=1), level @ problem.volume_ml
    carried = (level > 0).sum(axis=1)
    for store, row in enumerate(rows):
        row["stock_units"] = int(units[store])
        row["stock_volume_ml"] = int(volume[store])
        row["room_ml"] = int(plan.city.sites.volume_ml[plan.store_sites[store]])
        row["skus_carried"] = int(carried[store])


def _add_day(plan: CityPlan, rows: list[dict[str, Any]]) -> None:
    if plan.outcome is None or not rows:
        return
    records = plan.outcome.orders
    has_store = records.store >= 0
    delivered = has_store & (records.status == OrderStatus.DELIVERED)
    is_good = {
        "orders": has_store,
        "delivered": delivered,
        "on_time": delivered & (records.late_s == 0),
        "complete": delivered & (records.missing_lines == 0),
    }
    for name, chosen in is_good.items():
        counts = np.bincount(records.store[chosen], minlength=len(rows))
        for store, row in enumerate(rows):
            row[name] = int(counts[store])


def _stock(plan: CityPlan) -> dict[str, Any] | None:
    if plan.inventory is None or plan.inventory_problem is None:
        return None
    problem = plan.inventory_problem
    return {
        **plan.inventory.summary(),
        "pairs": problem.num_stores * problem.num_skus,
        "mean_demand_units": float(problem.mean_units.sum()),
    }
