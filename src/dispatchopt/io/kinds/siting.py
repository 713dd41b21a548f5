"""The siting document and the ``SitingProblem``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core.errors import InputError
from dispatchopt.geography.choose import router_for
from dispatchopt.geography.coverage import Coverage
from dispatchopt.geography.matrix import UNREACHABLE
from dispatchopt.geography.router import Router
from dispatchopt.io.cells import NO_INT
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Said
from dispatchopt.io.kinds._network import network_from
from dispatchopt.io.kinds._pairs import check_once, is_numbered, names_or_numbers
from dispatchopt.io.kinds._siting_times import (
    by_phase,
    check_phase_columns,
    in_phases,
    in_scenarios,
    phase_limits,
)
from dispatchopt.io.kinds.base import Kind, Parts, points_of
from dispatchopt.io.schema.siting import TABLES, SitingHeader
from dispatchopt.io.tables import flag, references
from dispatchopt.siting.phases import unphased
from dispatchopt.siting.problem import SiteStatus, SitingGoal, SitingProblem

_STATUS = {status.name.lower(): int(status) for status in SiteStatus}
_STATUS_NAMES = {code: name for name, code in _STATUS.items()}
_PLAIN = (
    "max_sites",
    "budget_cents",
    "required_share",
    "minimise_cost",
    "single_source",
    "unserved_m",
    "unserved_cents",
    "cents_per_unit_km",
    "min_spacing_m",
    "cover_by",
    "full_cover_m",
    "zero_cover_m",
)
Array = npt.NDArray[Any]


def build(parts: Parts) -> SitingProblem:
    """Return the siting problem of a checked document."""
    issues, given = parts.issues, parts.header.parameters
    sites, customers = parts["sites"], parts["customers"]
    if given.travel == "given":
        coverage, pair_cost, spacing = _given(parts)
    else:
        coverage, pair_cost, spacing = _measured(parts)
    issues.raise_if_any()
    names = {
        name: None if name in given.unnamed and is_numbered(table["id"]) else table.ids()
        for name, table in (("sites", sites), ("customers", customers))
    }
    limits = phase_limits(parts)
    check_phase_columns(parts)
    try:
        problem = SitingProblem(
            goal=SitingGoal(given.goal),
            coverage=coverage,
            demand_units=customers["demand_units"],
            site_cost_cents=sites["cost_cents"] if "cost_cents" in sites.table.columns else None,
            capacity_units=_capacities(parts),
            status=_statuses(parts),
            pair_cost_cents=pair_cost,
            site_distance_m=spacing,
            site_ids=names["sites"],
            customer_ids=names["customers"],
            place=_places(parts),
            **({name: getattr(given, name) for name in _PLAIN} | by_phase(parts, limits)),
        )
        return in_phases(parts, in_scenarios(parts, problem), limits)
    except InputError as error:
        # Tables of phases and scenarios tell what is wrong with them themselves.
        told = issues.all()
        issues.extend([issue for issue in error.issues if issue not in told])
        issues.raise_if_any()
        raise


def _statuses(parts: Parts) -> Array | None:
    sites = parts["sites"]
    if "status" not in sites.table.columns:
        return None
    return np.array([_STATUS[word] for word in sites["status"]], dtype=np.int64)


def _places(parts: Parts) -> Array | None:
    """Return which sites are sizes of one; a site without a place stands alone."""
    names = parts["sites"]["place"].tolist()
    if not any(names):
        return None
    first = {name: row for row, name in reversed(list(enumerate(names))) if name}
    return np.array([first.get(name, row) for row, name in enumerate(names)])


def _capacities(parts: Parts) -> Array | None:
    stated = parts["sites"]["capacity_units"]
    if not (stated != NO_INT).any():
        return None
    # Room for everybody is as good as no limit.
    tables = ("customers", "phase_demand", "scenario_demand")
    every = sum(int(parts[name]["demand_units"].sum()) for name in tables if name in parts.given)
    return np.where(stated == NO_INT, max(1, every), stated)


def _given(parts: Parts) -> tuple[Any, Array | None, Array | None]:
    """Return coverage, costs of pairs and distances among sites as the tables state them."""
    issues, table = parts.issues, parts["coverage"]
    if "coverage" not in parts.given:
        hint = "or write travel = straight or road in the parameters"
        wanted = "a table coverage, as travel is given"
        issues.add("missing-table", parts.where, Said("no table coverage"), wanted, hint)
    site = references(table, "site", parts["sites"], issues)
    customer = references(table, "customer", parts["customers"], issues)
    check_once(table, "customer", (site, customer), issues)
    cost = table["cost_cents"]
    stated = ~np.isnan(cost)
    if stated.any():
        wanted = "a cost, as other pairs have one"
        flag(table, "cost_cents", ~stated, "missing-value", wanted, issues)
    if len(issues):
        return None, None, None
    order = np.lexsort((customer, site))
    counts = np.bincount(site, minlength=len(parts["sites"]))
    coverage = Coverage(
        indptr=np.concatenate([[0], np.cumsum(counts)]),
        customer_idx=customer[order],
        distance_m=table["distance_m"][order],
        num_customers=len(parts["customers"]),
        cutoff_m=parts.header.parameters.reach_m,
    )
    pair_cost = cost[order] if stated.any() else None
    return coverage, pair_cost, _spacing(parts)


def _spacing(parts: Parts) -> Array | None:
    if "site_distances" not in parts.given:
        return None
    table, size = parts["site_distances"], len(parts["sites"])
    one = references(table, "site", parts["sites"], parts.issues)
    other = references(table, "other", parts["sites"], parts.issues)
    check_once(table, "other", (one, other), parts.issues)
    matrix = np.full((size, size), UNREACHABLE, dtype=np.int64)
    np.fill_diagonal(matrix, 0)
    matrix[one, other] = table["distance_m"]
    return matrix


def _measured(parts: Parts) -> tuple[Any, Array | None, Array | None]:
    """Return coverage, and distances among sites where they are wanted, through the router."""
    issues, given = parts.issues, parts.header.parameters
    for name in ("coverage", "site_distances"):
        if name in parts.given:
            where = parts[name].table.where
            wanted = f"no such table where travel is {given.travel}"
            issues.add("conflict", where, Said(f"a table {name}"), wanted)
    for name in ("sites", "customers"):
        table = parts[name]
        for column in ("lon", "lat"):
            if column in table.table.columns or len(table):
                wanted = f"a coordinate, as travel is {given.travel}"
                flag(table, column, np.isnan(table[column]), "missing-value", wanted, issues)
    network = network_from(parts["network/nodes"], parts["network/edges"], issues)
    if len(issues):
        return None, None, None
    try:
        router: Router = router_for(
            given.travel,
            profile=given.vehicle,
            detour_factor=given.detour_factor,
            network=network,
            snap_limit_m=given.snap_limit_m,
            far="unreachable",
        )
    except InputError as error:
        issues.extend(error.issues)
        return None, None, None
    places = points_of(parts["sites"])
    coverage = router.within(places, points_of(parts["customers"]), given.reach_m)
    spacing = router.matrix(places, places).distance_m if given.min_spacing_m else None
    return coverage, None, spacing


def lay_out(
    instance: Instance,
) -> tuple[dict[str, Any], dict[str, dict[str, Sequence[Any]]]]:
    """Return header fields and tables of a siting problem: travel is given as pairs.

    A problem in phases is written as sites and customers of one phase, with demand by phase.
    """
    plan = unphased(instance.problem)
    if plan is None:
        return _tables_of(instance.problem)
    fields, tables = _tables_of(plan.problem)
    units = plan.phase_units
    names = names_or_numbers(None, len(units))
    customers = tables["customers"]["id"]
    del tables["customers"]["demand_units"]
    if plan.opens_from.any():
        tables["sites"]["opens_from"] = names[plan.opens_from]
    limits = {"max_sites": plan.max_sites, "budget_cents": plan.budget_cents}
    stated = {name: each for name, each in limits.items() if each is not None}
    tables["phases"] = {"id": names, **stated}
    phase, customer = np.nonzero(units)
    tables["phase_demand"] = {
        "phase": names[phase],
        "customer": customers[customer],
        "demand_units": units[phase, customer],
    }
    return fields, tables


def _given_columns(problem: SitingProblem, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the columns whose fields a problem states."""
    found = {name: getattr(problem, field) for name, field in fields.items()}
    return {name: each for name, each in found.items() if each is not None}


def _tables_of(problem: SitingProblem) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return header fields and tables with a row for each site and customer of a problem."""
    coverage = problem.coverage
    sites = names_or_numbers(problem.site_ids, problem.num_sites)
    customers = names_or_numbers(problem.customer_ids, problem.num_customers)
    site_columns: dict[str, Any] = {"id": sites}
    if problem.status is not None:
        site_columns["status"] = [_STATUS_NAMES[int(code)] for code in problem.status]
    fields = {"cost_cents": "site_cost_cents", "capacity_units": "capacity_units", "phase": "phase"}
    site_columns |= _given_columns(problem, fields)
    if problem.place is not None:
        site_columns["place"] = [f"place {number}" for number in problem.place]
    pairs: dict[str, Any] = {
        "site": sites[coverage.site_idx],
        "customer": customers[coverage.customer_idx],
        "distance_m": coverage.distance_m,
    }
    if problem.pair_cost_cents is not None:
        pairs["cost_cents"] = problem.pair_cost_cents
    tables: dict[str, dict[str, Any]] = {
        "customers": {
            "id": customers,
            "demand_units": problem.demand_units,
            **_given_columns(problem, {"phase": "customer_phase", "scenario": "customer_scenario"}),
        },
        "sites": site_columns,
        "coverage": pairs,
    }
    if problem.site_distance_m is not None:
        one, other = np.divmod(np.arange(problem.num_sites**2), problem.num_sites)
        tables["site_distances"] = {
            "site": sites[one],
            "other": sites[other],
            "distance_m": problem.site_distance_m.ravel(),
        }
    if problem.scenario_units is not None:
        row, customer = np.nonzero(problem.scenario_units)
        tables["scenarios"] = {
            "id": names_or_numbers(None, len(problem.scenario_units)),
            "weight": problem.scenario_weight,
        }
        tables["scenario_demand"] = {
            "scenario": names_or_numbers(None, len(problem.scenario_units))[row],
            "customer": customers[customer],
            "demand_units": problem.scenario_units[row, customer],
        }
    limits = {
        name: getattr(problem, f"phase_{name}")
        for name in ("max_sites", "budget_cents")
        if getattr(problem, f"phase_{name}") is not None
    }
    if limits:
        count = len(next(iter(limits.values())))
        tables["phases"] = {"id": names_or_numbers(None, count), **limits}
    unnamed = [
        name
        for name, ids in (("sites", problem.site_ids), ("customers", problem.customer_ids))
        if ids is None
    ]
    parameters = {
        "goal": str(problem.goal),
        "travel": "given",
        "reach_m": coverage.cutoff_m,
        **{name: getattr(problem, name) for name in _PLAIN},
        **_special(problem),
        **({"unnamed": unnamed} if unnamed else {}),
    }
    return {"parameters": parameters}, tables


def _special(problem: SitingProblem) -> dict[str, Any]:
    """Return parameters of scenarios that are set."""
    special: dict[str, Any] = {}
    if problem.scenario_rule is not None:
        special["scenario_rule"] = str(problem.scenario_rule)
        special["scenario_target"] = problem.scenario_target
    if problem.load_weight is not None:
        special["load_weight"] = problem.load_weight.tolist()
    return special


KIND = Kind(
    name="siting",
    header=SitingHeader,
    rows=TABLES,
    build=build,
    lay_out=lay_out,
    problem_type=lambda: SitingProblem,
    required=("customers", "sites"),
)
