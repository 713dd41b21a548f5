"""Maps of instances and solutions as one HTML file, made from the same parts as the report."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.reporting.day_sections import courier_section, promise_section, worst_section
from dispatchopt.reporting.drawing import Drawing, drawing_of
from dispatchopt.reporting.html import Figure
from dispatchopt.reporting.leaflet import leaflet_version
from dispatchopt.reporting.packing import pack_ring
from dispatchopt.reporting.page import Page, page_html
from dispatchopt.reporting.places import bounds_of, packed_customers, packed_sites
from dispatchopt.reporting.playback import playback
from dispatchopt.reporting.roads import display_roads
from dispatchopt.reporting.shades import NUM_SHADES, store_shades
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.outcome import DayOutcome

_STATUS_WORDS = ("candidate", "existing", "required", "forbidden", "closable")


def render_html(instance: Any, solution: Any = None, *, tiles: str | None = None) -> str:
    """Return a map of an instance and, if given, its solution as one HTML page.

    Parameters
    ----------
    instance
        An ``Instance`` with places.
    solution
        A solution of its kind, or for a day its ``DayOutcome``.
    tiles
        Address of map tiles, see ``report_html``.

    Raises
    ------
    UnsupportedError
        If the instance gives no places.
    """
    if isinstance(instance.problem, Day) and isinstance(solution, DayOutcome):
        return day_html(instance.problem, solution, source=instance.source, tiles=tiles)
    return page_html(_page(drawing_of(instance, solution)), tiles=tiles)


def day_html(day: Day, outcome: DayOutcome, *, source: str = "", tiles: str | None = None) -> str:
    """Return a replayed day as one HTML page: map with play-back where places are known."""
    charts: dict[str, Any] = {}
    shades = np.arange(len(day.stores)) % NUM_SHADES
    map_data = play = None
    if day.places is not None:
        stores = day.places[day.stores.place_idx]
        shades = store_shades(stores.lon, stores.lat)
        play = playback(day, outcome, shades, None)
        map_data = {
            "bounds": bounds_of(day.places),
            "attribution": source,
            "roads": [],
            "areas": [],
            "sites": packed_sites(
                ids=day.stores.ids,
                points=stores,
                status=np.ones(len(day.stores), dtype=np.int64),
                shade=shades,
                facts=[[] for _ in day.stores.ids],
                notes=[""] * len(day.stores),
            ),
        }
    sections = [
        promise_section(day, outcome, None, charts),
        courier_section(day, outcome, charts),
        worst_section(day, outcome, shades),
    ]
    page = Page(
        title=day.name or "A day",
        kicker=f"Replayed day · policy {outcome.policy} · seed {outcome.seed}",
        sections=[section for section in sections if section is not None],
        map_data=map_data,
        play_data=play,
        charts=charts,
        footer=_footer(source),
    )
    return page_html(page, tiles=tiles)


def drawing_html(drawing: Drawing, *, tiles: str | None = None) -> str:
    """Return a drawing as one HTML page."""
    return page_html(_page(drawing), tiles=tiles)


def _page(drawing: Drawing) -> Page:
    figures = [Figure(label=name, value=value) for name, value in drawing.facts.items()]
    if drawing.is_solved:
        figures.append(Figure(label="Stores", value=f"{len(drawing.open_sites):,}"))
        total = int(drawing.demand_units.sum())
        served = int(drawing.demand_units[drawing.store_of_customer >= 0].sum())
        if total:
            figures.append(Figure(label="Demand served", value=f"{served / total:.1%}"))
    return Page(
        title=drawing.title or "Map",
        figures=figures,
        map_data=drawing_map(drawing),
        footer=_footer(drawing.source),
    )


def _footer(source: str) -> list[str]:
    return [
        f"Data: {source}" if source else "Data: source not stated.",
        f"Map: Leaflet {leaflet_version()}, included in this file.",
    ]


def drawing_map(drawing: Drawing) -> dict[str, Any]:
    """Return the map's data for a drawing."""
    stores = drawing.sites[drawing.open_sites]
    shades = store_shades(stores.lon, stores.lat)
    has_store = drawing.store_of_customer >= 0
    of_customer = drawing.store_of_customer[has_store]
    site = np.full(len(drawing.customers), -1)
    site[has_store] = drawing.open_sites[of_customer]
    shade = np.full(len(drawing.customers), -1)
    shade[has_store] = shades[of_customer]
    shade_of_site = np.full(len(drawing.sites), -1)
    shade_of_site[drawing.open_sites] = shades
    reason = "not served" if drawing.is_solved else "nothing is decided yet"
    return {
        "bounds": bounds_of(drawing.customers, drawing.sites),
        "attribution": drawing.source,
        "roads": display_roads(drawing.network),
        "areas": [],
        "customers": packed_customers(
            ids=drawing.customer_ids,
            points=drawing.customers,
            demand_units=drawing.demand_units,
            store_site=site,
            shade=shade,
            distance_m=drawing.distance_m,
            reason=np.zeros(len(drawing.customers), dtype=np.int64),
            reasons=[reason],
        ),
        "sites": packed_sites(
            ids=drawing.site_ids,
            points=drawing.sites,
            status=drawing.site_status,
            shade=shade_of_site,
            facts=[[("Status", _STATUS_WORDS[int(s)])] for s in drawing.site_status],
            notes=[""] * len(drawing.sites),
        ),
        "routes": [
            {
                "path": pack_ring(line.lonlat),
                "shade": int(shades[line.store]) if line.store >= 0 else index % NUM_SHADES,
                "name": line.name,
                "facts": [list(fact) for fact in line.facts],
            }
            for index, line in enumerate(drawing.lines)
            if len(line.lonlat) > 1
        ],
    }
