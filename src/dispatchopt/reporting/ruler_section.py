"""The part of a page on reach by road and by ruler: what a ruler promises and roads do not keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.geography.points import Points
from dispatchopt.reporting.drawing import Drawing
from dispatchopt.reporting.html import Card, Column, Figure, Section, Table, facts_html, table_html
from dispatchopt.reporting.map import drawing_map
from dispatchopt.reporting.page import Page, page_html
from dispatchopt.siting.belief import Belief

#: Broken promises that the page lists.
_MOST_LISTED = 50


def ruler_section(
    found: Belief,
    *,
    reach_m: int,
    total_units: int,
    customer_ids: Sequence[str],
    site_ids: Sequence[str],
    demand_units: IntArray,
) -> Section:
    """Return the section that compares sites chosen by road with sites chosen by ruler.

    Parameters
    ----------
    found
        The comparison.
    reach_m
        The reach of both.
    total_units
        All demand.
    customer_ids, site_ids, demand_units
        Names, and the demand of each customer.
    """
    cards = [
        Card(
            title="Two answers to one question",
            pieces=[facts_html(_facts(found, reach_m, total_units))],
            note=_sentence(found, reach_m, total_units),
            width="wide",
        ),
        Card(
            title="Sites that differ",
            pieces=[facts_html(_differences(found, site_ids))],
            width="wide",
        ),
    ]
    if len(found.broken):
        rows = [
            [
                customer_ids[customer],
                int(demand_units[customer]),
                site_ids[site],
                int(metres),
            ]
            for customer, site, metres in zip(
                found.broken[:_MOST_LISTED].tolist(),
                found.nearest_site.tolist(),
                found.nearest_m.tolist(),
                strict=False,
            )
        ]
        table = Table(
            caption="Customers whom the ruler promises and no road within reach serves",
            columns=[
                Column(name="Customer"),
                Column(name="Demand", kind="number"),
                Column(name="Nearest store by ruler"),
                Column(name="Metres by ruler", kind="number"),
            ],
            rows=rows,
        )
        more = len(found.broken) - len(rows)
        cards.append(
            Card(
                title="Promises that the roads break",
                pieces=[table_html(table)],
                note=f"and {more:,} customers more" if more else "",
                width="wide",
            )
        )
    return Section(
        key="ruler",
        title=f"{reach_m / 1000:g} km by road and by ruler",
        cards=cards,
        intro="The same sites, customers and limits, once with reach along roads and once with "
        "straight lines; then the answer by ruler is held to the roads.",
    )


def _facts(found: Belief, reach_m: int, total: int) -> list[tuple[str, str]]:
    def share(units: int) -> str:
        return f"{units:,} units, {units / total:.2%}" if total else f"{units:,} units"

    gap = found.believed.gap
    proof = "proven best" if gap == 0 else ("gap unknown" if gap is None else f"gap {gap:.3%}")
    road = found.true.gap
    road_proof = (
        "proven best" if road == 0 else ("gap unknown" if road is None else f"gap {road:.3%}")
    )
    return [
        (
            f"Within {reach_m:,} m by ruler, sites chosen by ruler (the promise)",
            f"{share(found.promised_units)} ({proof})",
        ),
        ("… of which by road as well (what is kept)", share(found.kept_units)),
        ("… promised and not kept", share(found.promised_units - found.kept_units)),
        ("… reached by road though not by ruler", share(found.gained_units)),
        (
            f"Within {reach_m:,} m by road, sites chosen by road",
            f"{share(found.best_units)} ({road_proof})",
        ),
        ("Lost by choosing with the ruler", share(found.lost_units)),
        ("Customers promised and not reached", f"{len(found.broken):,}"),
    ]


def _sentence(found: Belief, reach_m: int, total: int) -> str:
    if not total or not found.promised_units:
        return ""
    broken = 1 - found.kept_units / found.promised_units
    lost = found.lost_units / total
    return (
        f"Of what sites chosen by ruler promise within {reach_m / 1000:g} km, {broken:.1%} lies "
        f"farther by road; sites chosen by road reach {lost:.1%} of all demand more."
    )


def _differences(found: Belief, site_ids: Sequence[str]) -> list[tuple[str, str]]:
    road = set(found.true.require().open_sites.tolist())
    ruler = set(found.believed.require().open_sites.tolist())

    def names(sites: set[int]) -> str:
        return ", ".join(site_ids[site] for site in sorted(sites)) or "none"

    return [
        ("Chosen both ways", names(road & ruler)),
        ("By road only", names(road - ruler)),
        ("By ruler only", names(ruler - road)),
    ]


def ruler_html(
    found: Belief,
    *,
    title: str,
    reach_m: int,
    sites: Points,
    customers: Points,
    demand_units: IntArray,
    site_ids: Sequence[str] | None = None,
    customer_ids: Sequence[str] | None = None,
    source: str = "",
    network: Any = None,
) -> str:
    """Return a page of its own that compares sites chosen by road with sites chosen by ruler.

    The map shows the sites chosen by ruler and, as not served, whom they do not reach by road.
    """
    names = site_ids or [str(each) for each in range(len(sites))]
    people = customer_ids or [str(each) for each in range(len(customers))]
    opened = found.believed.require().open_sites
    store = np.full(len(customers), -1)
    number = np.full(len(sites) + 1, -1)
    number[opened] = np.arange(len(opened))
    store = number[found.believed.require().assignment]
    store[found.broken] = -1
    total = int(demand_units.sum())
    drawing = Drawing(
        title=title,
        source=source,
        site_ids=names,
        sites=sites,
        site_status=np.zeros(len(sites), dtype=np.int64),
        open_sites=opened,
        customer_ids=people,
        customers=customers,
        demand_units=demand_units,
        store_of_customer=store,
        network=network,
    )
    section = ruler_section(
        found,
        reach_m=reach_m,
        total_units=total,
        customer_ids=people,
        site_ids=names,
        demand_units=demand_units,
    )
    page = Page(
        title=title,
        kicker="Reach by road and by ruler",
        verdict=_sentence(found, reach_m, total),
        figures=[
            Figure(label="Promised by ruler", value=f"{found.promised_units / max(total, 1):.1%}"),
            Figure(label="Kept by road", value=f"{found.kept_units / max(total, 1):.1%}"),
            Figure(label="Chosen by road", value=f"{found.best_units / max(total, 1):.1%}"),
        ],
        map_data=drawing_map(drawing),
        sections=[section],
        footer=[
            f"Data: {source}" if source else "Data: source not stated.",
            "The map shows the sites chosen by ruler; customers not served are those that they "
            "do not reach by road.",
        ],
    )
    return page_html(page)
