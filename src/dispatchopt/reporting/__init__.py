"""Reports, maps, pictures and tables of instances, solutions and plans."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dispatchopt.reporting.comparison import compare
    from dispatchopt.reporting.curves import write_curve
    from dispatchopt.reporting.drawing import Drawing, drawing_of, drawing_of_plan
    from dispatchopt.reporting.files import day_text, plan_files, render
    from dispatchopt.reporting.geojson import feature_collection, write_geopackage
    from dispatchopt.reporting.map import day_html, render_html
    from dispatchopt.reporting.plot import curve_png, map_png
    from dispatchopt.reporting.report import report_html
    from dispatchopt.reporting.summary import print_day, print_plan, print_result, print_verdict

# Each name is loaded when first asked for, so that a table does not wait for a map.
_HOMES = {
    "Drawing": "drawing",
    "compare": "comparison",
    "curve_png": "plot",
    "day_html": "map",
    "day_text": "files",
    "drawing_of": "drawing",
    "drawing_of_plan": "drawing",
    "feature_collection": "geojson",
    "map_png": "plot",
    "plan_files": "files",
    "print_day": "summary",
    "print_plan": "summary",
    "print_result": "summary",
    "print_verdict": "summary",
    "render": "files",
    "render_html": "map",
    "report_html": "report",
    "write_curve": "curves",
    "write_geopackage": "geojson",
}

__all__ = [
    "Drawing",
    "compare",
    "curve_png",
    "day_html",
    "day_text",
    "drawing_of",
    "drawing_of_plan",
    "feature_collection",
    "map_png",
    "plan_files",
    "print_day",
    "print_plan",
    "print_result",
    "print_verdict",
    "render",
    "render_html",
    "report_html",
    "write_curve",
    "write_geopackage",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # The name of a module loaded by now would hide the function of the same name.
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
