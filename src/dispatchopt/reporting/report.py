"""The report of a plan: one HTML file that opens without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dispatchopt.reporting.costs import cost_section
from dispatchopt.reporting.day_sections import courier_section, promise_section, worst_section
from dispatchopt.reporting.html import Section
from dispatchopt.reporting.leaflet import leaflet_version
from dispatchopt.reporting.page import Page, page_html
from dispatchopt.reporting.payload import plan_map, plan_playback, plan_shades
from dispatchopt.reporting.plan_sections import coverage_section, method_section
from dispatchopt.reporting.ruler_section import ruler_section
from dispatchopt.reporting.stock_section import stock_section
from dispatchopt.reporting.verdict import badges, decisions, key_figures, verdict

if TYPE_CHECKING:
    from dispatchopt.pipeline.result import CityPlan


def report_html(plan: CityPlan, *, tiles: str | None = None) -> str:
    """Return the report of a plan as one HTML page that needs no other file and no network.

    Parameters
    ----------
    plan
        What ``dispatchopt.pipeline.plan`` returned; parts may be missing.
    tiles
        Address of map tiles with ``{z}``, ``{x}`` and ``{y}``. Only with it does the page ask a
        host for anything. None for no tiles.

    Raises
    ------
    InputError
        If ``tiles`` is no such address.
    MissingPackageError
        If the package that ships the map's script is not installed.
    """
    return page_html(plan_page(plan), tiles=tiles)


def plan_page(plan: CityPlan) -> Page:
    """Return what the report of a plan shows."""
    charts: dict[str, Any] = {}
    tone, sentence = verdict(plan)
    city = plan.city
    sections = _sections(plan, charts)
    return Page(
        title=city.name or "City plan",
        kicker=f"Plan of stores, stock and couriers · {len(city.customers):,} customers · "
        f"{len(city.sites):,} sites · {len(city.orders):,} orders · "
        f"{len(city.couriers):,} couriers",
        verdict=sentence,
        tone=tone,
        badges=badges(plan),
        figures=key_figures(plan),
        decisions=decisions(plan),
        sections=sections,
        map_data=plan_map(plan),
        play_data=plan_playback(plan),
        charts=charts,
        footer=[
            f"Data: {city.source}" if city.source else "Data: source not stated.",
            f"Map: Leaflet {leaflet_version()}, included in this file. "
            "This page asks no host for anything unless map tiles were asked for.",
        ],
    )


def _sections(plan: CityPlan, charts: dict[str, Any]) -> list[Section]:
    shades = plan_shades(plan)
    sections: list[Section | None] = [coverage_section(plan, charts)]
    if plan.ruler is not None:
        city = plan.city
        sections.append(
            ruler_section(
                plan.ruler,
                reach_m=city.parameters.reach_m,
                total_units=plan.siting_problem.total_units,
                customer_ids=city.customers.ids,
                site_ids=city.sites.ids,
                demand_units=city.customers.demand_units,
            )
        )
    if plan.inventory_problem is not None:
        solution = None if plan.inventory is None else plan.inventory.solution
        sections.append(
            stock_section(
                plan.inventory_problem,
                solution,
                sku_names=plan.city.skus.names,
                stores=plan.figures["stores"],
                shades=shades,
                charts=charts,
            )
        )
    if plan.day is not None and plan.outcome is not None:
        surge = plan.city.orders.is_surge
        sections.append(promise_section(plan.day, plan.outcome, surge, charts))
        sections.append(courier_section(plan.day, plan.outcome, charts))
        sections.append(cost_section(plan))
        sections.append(worst_section(plan.day, plan.outcome, shades))
    sections.append(method_section(plan, charts))
    return [section for section in sections if section is not None]
