"""Phases and scenarios of a siting document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.io.cells import NO_INT
from dispatchopt.io.issues import Said
from dispatchopt.io.kinds._pairs import check_once
from dispatchopt.io.kinds.base import Parts
from dispatchopt.io.tables import flag, references
from dispatchopt.siting.phases import phased
from dispatchopt.siting.problem import SitingProblem
from dispatchopt.siting.scenarios import with_scenarios

Array = npt.NDArray[Any]


def phase_limits(parts: Parts) -> dict[str, Array]:
    """Return the limits by phase that the table states."""
    phases, limits = parts["phases"], {}
    for name in ("max_sites", "budget_cents"):
        stated = phases[name] != NO_INT
        if stated.any():
            wanted = "a limit, as other phases have one"
            flag(phases, name, ~stated, "missing-value", wanted, parts.issues)
            limits[name] = phases[name]
    parts.issues.raise_if_any()
    return limits


def by_phase(parts: Parts, limits: Mapping[str, Array]) -> dict[str, Any]:
    """Return the fields of a problem with sites of its own for each phase, or of one phase."""
    given = parts.header.parameters
    if "phase_demand" in parts.given:
        # The limits of the last phase are those of all.
        if given.max_sites is None and "max_sites" in limits:
            return {"max_sites": int(limits["max_sites"][-1])}
        if given.max_sites is None and given.budget_cents is None and "budget_cents" in limits:
            return {"budget_cents": int(limits["budget_cents"][-1])}
        return {}
    fields: dict[str, Any] = {f"phase_{name}": each for name, each in limits.items()}
    if "phase" in parts["sites"].table.columns:
        fields["phase"] = parts["sites"]["phase"]
    if "phase" in parts["customers"].table.columns:
        fields["customer_phase"] = parts["customers"]["phase"]
    if "scenario" in parts["customers"].table.columns:
        fields["customer_scenario"] = parts["customers"]["scenario"]
    if given.load_weight is not None:
        fields["load_weight"] = np.array(given.load_weight, dtype=np.int64)
    return fields


def in_phases(parts: Parts, problem: SitingProblem, limits: Mapping[str, Array]) -> SitingProblem:
    """Return the problem laid out over the phases whose demand a table states."""
    sites, phases, issues = parts["sites"], parts["phases"], parts.issues
    if "phase_demand" not in parts.given:
        return problem
    table = parts["phase_demand"]
    row = references(table, "phase", phases, issues)
    customer = references(table, "customer", parts["customers"], issues)
    check_once(table, "customer", (row, customer), issues)
    first = references(sites, "opens_from", phases, issues)
    issues.raise_if_any()
    units = np.zeros((len(phases), problem.num_customers), dtype=np.int64)
    units[row, customer] = table["demand_units"]
    return phased(problem, units, **limits, opens_from=np.maximum(first, 0))


def check_phase_columns(parts: Parts) -> None:
    """Report columns of sites that belong to the other way of writing phases."""
    is_laid_out = "phase_demand" in parts.given
    unwanted = "phase" if is_laid_out else "opens_from"
    if is_laid_out and "scenario" in parts["customers"].table.columns:
        wanted = "no such column with a table phase_demand"
        parts.issues.add(
            "conflict", parts["customers"].table.where, Said("a column scenario"), wanted
        )
    for table in (parts["sites"], parts["customers"]):
        if unwanted not in table.table.columns:
            continue
        if is_laid_out or (table[unwanted] != "").any():
            wanted = f"no such column {'with' if is_laid_out else 'without'} a table phase_demand"
            parts.issues.add("conflict", table.table.where, Said(f"a column {unwanted}"), wanted)
    parts.issues.raise_if_any()


def in_scenarios(parts: Parts, problem: SitingProblem) -> SitingProblem:
    """Return the problem with demand as the tables of scenarios state it."""
    given, issues = parts.header.parameters, parts.issues
    tables = [name for name in ("scenarios", "scenario_demand") if name in parts.given]
    if given.scenario_rule is None and not tables:
        return problem
    if given.scenario_rule is None or len(tables) < 2:
        wanted = "scenario_rule in the parameters and tables scenarios and scenario_demand"
        issues.add("missing-table", parts.where, Said("only some of them"), wanted)
        issues.raise_if_any()
    scenarios, table = parts["scenarios"], parts["scenario_demand"]
    row = references(table, "scenario", scenarios, issues)
    customer = references(table, "customer", parts["customers"], issues)
    check_once(table, "customer", (row, customer), issues)
    issues.raise_if_any()
    units = np.zeros((len(scenarios), problem.num_customers), dtype=np.int64)
    units[row, customer] = table["demand_units"]
    if problem.customer_phase is not None and given.scenario_rule != "expected":
        # Customers stand once for each scenario already, as they do in what was written.
        return problem.replace(
            scenario_units=units,
            scenario_weight=scenarios["weight"],
            scenario_rule=given.scenario_rule,
            scenario_target=given.scenario_target,
        )
    return with_scenarios(
        problem,
        units,
        scenarios["weight"],
        rule=given.scenario_rule,
        target=given.scenario_target,
    )
