"""Siting solutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dispatchopt.geography.points import Points
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues
from dispatchopt.io.kinds._pairs import names_or_numbers
from dispatchopt.io.schema.solution import SitingDecisions
from dispatchopt.io.solutions.base import Feature, Names, SolutionKind, Unserved
from dispatchopt.siting import explain
from dispatchopt.siting.phases import copied
from dispatchopt.siting.problem import SitingProblem, SitingSolution


def _names(problem: SitingProblem) -> tuple[Any, Any]:
    sites = names_or_numbers(problem.site_ids, problem.num_sites)
    return sites, names_or_numbers(problem.customer_ids, problem.num_customers)


def decisions(instance: Instance, solution: SitingSolution) -> dict[str, Any]:
    """Return open sites and assignments by name."""
    sites, customers = _names(instance.problem)
    served = np.flatnonzero(solution.assignment >= 0)
    return {
        "open_sites": list(sites[solution.open_sites]),
        "assignment": [
            {"customer": customers[row], "site": sites[solution.assignment[row]]} for row in served
        ],
        "split": [
            {"customer": customers[customer], "site": sites[site], "units": units}
            for customer, site, units in _splits(solution)
        ],
    }


def _splits(solution: SitingSolution) -> list[tuple[int, int, int]]:
    return list(
        zip(
            solution.split_customer_idx.tolist(),
            solution.split_site_idx.tolist(),
            solution.split_units.tolist(),
            strict=True,
        )
    )


def solution(instance: Instance, made: Any, issues: Issues) -> SitingSolution:
    """Return the solution that decisions describe."""
    problem: SitingProblem = instance.problem
    site_names, customer_names = _names(problem)
    sites = Names("sites", site_names, issues)
    customers = Names("customers", customer_names, issues)
    opened = [
        sites.row(name, f"/decisions/open_sites/{at}") for at, name in enumerate(made.open_sites)
    ]
    assignment = np.full(problem.num_customers, -1)
    for at, each in enumerate(made.assignment):
        where = f"/decisions/assignment/{at}"
        customer = customers.row(each.customer, f"{where}/customer")
        site = sites.row(each.site, f"{where}/site")
        if customer >= 0 and assignment[customer] >= 0:
            issues.add("duplicate-id", f"{where}/customer", each.customer, "each customer once")
        if customer >= 0:
            assignment[customer] = site
    splits = [
        (
            customers.row(each.customer, f"/decisions/split/{at}/customer"),
            sites.row(each.site, f"/decisions/split/{at}/site"),
            each.units,
        )
        for at, each in enumerate(made.split)
    ]
    columns = np.array(splits, dtype=np.int64).reshape(-1, 3)
    return SitingSolution(
        open_sites=np.array(sorted(opened), dtype=np.int64),
        assignment=assignment,
        split_customer_idx=columns[:, 0],
        split_site_idx=columns[:, 1],
        split_units=columns[:, 2],
    )


def unserved(instance: Instance, made: SitingSolution) -> Sequence[Unserved]:
    """Return customers whose demand is not served in full, and why."""
    _, names = _names(instance.problem)
    return [
        Unserved(
            what="customer",
            id=names[each.customer],
            reason=str(each.reason),
            remedy=each.remedy,
        )
        for each in explain.unserved(instance.problem, made)
    ]


def rows(instance: Instance, made: SitingSolution) -> Sequence[Mapping[str, Any]]:
    """Return one row per customer and site that serves it, then open sites that serve nobody.

    These have a row without a customer, and 0 units, so that no sum changes.
    """
    problem: SitingProblem = instance.problem
    sites, customers = _names(problem)
    whole = [
        (int(row), int(made.assignment[row]), int(problem.demand_units[row]))
        for row in np.flatnonzero(made.assignment >= 0)
    ]
    pairs = sorted(whole + _splits(made))
    idle = sorted(set(made.open_sites.tolist()) - {site for _, site, _ in pairs})
    return [
        {"customer": customers[customer], "site": sites[site], "units": units}
        for customer, site, units in pairs
    ] + [{"customer": "", "site": sites[site], "units": 0} for site in idle]


def features(instance: Instance, made: SitingSolution) -> Sequence[Feature]:
    """Return sites and customers as points, and lines from sites to the customers they serve."""
    sites, customers = instance.places.get("sites"), instance.places.get("customers")
    if sites is None or customers is None:
        return []
    sites = copied(sites, instance.problem.num_sites)
    customers = copied(customers, instance.problem.num_customers)
    site_names, customer_names = _names(instance.problem)
    is_open = set(made.open_sites.tolist())
    result = [
        Feature(
            shape="point",
            places=sites[row : row + 1],
            properties={"layer": "sites", "id": site_names[row], "is_open": row in is_open},
        )
        for row in range(len(sites))
    ]
    served = {row["customer"]: row["site"] for row in rows(instance, made)}
    result += [
        Feature(
            shape="point",
            places=customers[row : row + 1],
            properties={"layer": "customers", "id": name, "site": served.get(name)},
        )
        for row, name in enumerate(customer_names)
    ]
    for row in np.flatnonzero(made.assignment >= 0):
        site = int(made.assignment[row])
        result.append(
            Feature(
                shape="line",
                places=Points.concatenate(sites[site : site + 1], customers[row : row + 1]),
                properties={
                    "layer": "assignment",
                    "site": site_names[site],
                    "customer": customer_names[row],
                },
            )
        )
    return result


SOLUTION = SolutionKind(
    name="siting",
    model=SitingDecisions,
    decisions=decisions,
    solution=solution,
    unserved=unserved,
    rows=rows,
    features=features,
)
