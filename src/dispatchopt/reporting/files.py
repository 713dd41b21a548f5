"""Everything that reporting writes, by the name of the file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.reporting.drawing import drawing_of, drawing_of_plan
from dispatchopt.reporting.geojson import day_features, feature_collection, write_geopackage
from dispatchopt.reporting.map import day_html, render_html
from dispatchopt.reporting.report import report_html
from dispatchopt.reporting.tables import csv_text, order_rows, stock_rows

if TYPE_CHECKING:
    from dispatchopt.pipeline.result import CityPlan
    from dispatchopt.simulation.day import Day
    from dispatchopt.simulation.outcome import DayOutcome

#: Names of the files that a plan may have.
PLAN_FILES = (
    "figures.json",
    "siting.json",
    "stores.geojson",
    "report.html",
    "orders.csv",
    "stock.csv",
)
_ENDINGS = (".html", ".png", ".geojson", ".gpkg")


def json_text(value: Any) -> str:
    """Return JSON for files and pipes, ending with a new line."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def plan_files(plan: CityPlan, *, tiles: str | None = None) -> dict[str, str | bytes]:
    """Return the files of a plan by name.

    ``figures.json``, ``siting.json``, ``stores.geojson``, ``report.html``; and ``stock.csv`` and
    ``orders.csv`` where there is a stock plan and a replayed day.
    """
    return dict(each_plan_file(plan, tiles=tiles))


def each_plan_file(
    plan: CityPlan, *, tiles: str | None = None
) -> Iterator[tuple[str, str | bytes]]:
    """Make the files of a plan one by one, as ``plan_files`` does: quick and telling ones first.

    Whoever runs out of time keeps those made so far.
    """
    yield "figures.json", json_text(plan.figures)
    yield "siting.json", json_text(_siting(plan))
    drawing = drawing_of_plan(plan)
    yield "stores.geojson", json_text(feature_collection(drawing, layers=("sites",)))
    yield "report.html", report_html(plan, tiles=tiles)
    if plan.day is not None and plan.outcome is not None:
        yield "orders.csv", csv_text(*order_rows(plan.day, plan.outcome))
    if plan.inventory_problem is not None and plan.inventory is not None:
        solution = plan.inventory.solution
        if solution is not None:
            yield "stock.csv", csv_text(*stock_rows(plan.inventory_problem, solution))


def _siting(plan: CityPlan) -> dict[str, Any]:
    city, stores = plan.city, plan.store_sites
    return {
        **plan.siting.summary(),
        "open_sites": [city.sites.ids[site] for site in stores],
        "nearest_store": {
            city.customers.ids[customer]: city.sites.ids[stores[store]]
            for customer, store in enumerate(plan.store_of_customer.tolist())
            if store >= 0
        },
    }


def day_text(day: Day, outcome: DayOutcome, figures: Mapping[str, Any], kind: str) -> str:
    """Return a replayed day as text of a kind.

    ``json`` is the figures and one record per order, ``csv`` one row per order, ``geojson`` one
    point per order, ``html`` a map with play-back.

    Raises
    ------
    InputError
        If there is no such kind.
    UnsupportedError
        If a map is asked for and the day gives no places.
    """
    if kind == "csv":
        return csv_text(*order_rows(day, outcome))
    if kind == "geojson":
        return json_text(day_features(day, outcome))
    if kind == "html":
        return day_html(day, outcome)
    if kind != "json":
        raise _unknown_ending(f".{kind}", (".json", ".csv", ".geojson", ".html"))
    names, rows = order_rows(day, outcome)
    return json_text(
        {
            "day": outcome.day_name,
            "policy": outcome.policy,
            "seed": outcome.seed,
            "stopped_by": str(outcome.stopped_by),
            "digest": outcome.digest,
            "figures": dict(figures),
            "orders": [dict(zip(names, row, strict=True)) for row in rows],
        }
    )


def render(
    instance: Any,
    held: Any,
    output: str | Path,
    *,
    tiles: str | None = None,
    overwrite: bool = False,
) -> None:
    """Draw an instance and, if given, its solution; the ending of the output says how.

    Parameters
    ----------
    instance
        An ``Instance``.
    held
        Something with a field ``solution``, or None.
    output
        A path that ends with .html, .png, .geojson or .gpkg; ``-`` writes HTML to stdout.
    tiles
        Address of map tiles for .html, see ``report_html``.
    overwrite
        Whether a file that exists may be replaced.

    Raises
    ------
    InputError
        If the ending is unknown, or the file exists and may not be replaced.
    UnsupportedError
        If the instance gives no places.
    MissingPackageError
        For .png without matplotlib.
    """
    from dispatchopt.io.atomic import write_whole

    solution = None if held is None else held.solution
    if str(output) == "-":
        sys.stdout.write(render_html(instance, solution, tiles=tiles))
        return
    path = Path(output)
    ending = path.suffix.lower()
    if ending not in _ENDINGS:
        raise _unknown_ending(ending, _ENDINGS)
    if ending == ".html":
        content = render_html(instance, solution, tiles=tiles).encode()
    elif ending == ".geojson":
        content = json_text(feature_collection(drawing_of(instance, solution))).encode()
    elif ending == ".png":
        from dispatchopt.reporting.plot import map_png

        content = map_png(drawing_of(instance, solution))
    else:
        drawing = drawing_of(instance, solution)
        write_whole(path, lambda to: write_geopackage(drawing, to), overwrite=overwrite)
        return
    write_whole(path, lambda to: _put(to, content), overwrite=overwrite)


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _unknown_ending(found: str, endings: tuple[str, ...]) -> InputError:
    return InputError(
        Issue(
            code="unknown-format",
            where="output",
            found=found or "no ending",
            wanted=" or ".join(endings),
        )
    )
