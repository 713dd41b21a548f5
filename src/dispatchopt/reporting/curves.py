"""Coverage against number of sites and against cost, as charts and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatchopt.reporting.charts import chart, series
from dispatchopt.reporting.html import Card, Column, Section, Table, chart_html, table_html
from dispatchopt.reporting.page import Page, page_html

if TYPE_CHECKING:
    from dispatchopt.pipeline.siting_curve import Curve

#: By what the curve runs over: column of x, what one step is called, and the axis.
_AXES = {
    "sites": ("sites", "sites", "number of open sites"),
    "cost": ("budget_cents", "cents", "budget, cents"),
}
_TITLES = {
    "sites": "Share of demand covered against number of sites",
    "cost": "Share of demand covered against cost",
}


def curve_chart(
    rows: Sequence[Mapping[str, Any]], against: str, marks: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Return the chart of a curve; the band above it is what may be possible.

    Parameters
    ----------
    rows
        Points with ``covered_share``, ``bound_share`` and what the curve runs over.
    against
        ``sites`` or ``cost``.
    marks
        Points to point out: ``x``, ``y`` and ``label``.
    """
    name, unit, label = _AXES[against]
    covered = [float(row["covered_share"]) for row in rows]
    bound = [float(row["bound_share"]) for row in rows]
    return chart(
        _TITLES[against],
        x={
            "label": label,
            "kind": "number",
            "values": [int(row[name]) for row in rows],
            "unit": unit,
        },
        y={"label": "share of demand covered", "kind": "percent", "min": 0, "max": 1},
        series=[
            series(
                "best found",
                covered,
                "c0",
                low=covered,
                high=bound,
                band_name="what may be possible",
            )
        ],
        marks=list(marks),
        height=300,
    )


def proven_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how many points of a curve are proven best."""
    gaps = [float(row["bound_share"]) - float(row["covered_share"]) for row in rows]
    return f"{sum(1 for gap in gaps if gap < 1e-6)} of {len(rows)} points are proven best."


def curve_page(found: Curve, title: str) -> Page:
    """Return a page with the chart and the table of a curve."""
    made = curve_chart(found.rows, found.against)
    names = [name for name in (found.rows[0] if found.rows else {}) if name != "open_sites"]
    numbers = [n for n in names if n not in ("status", "is_efficient")]
    table = Table(
        caption=_TITLES[found.against],
        columns=[
            Column(name=name.replace("_", " "), kind="number", digits=4 if "share" in name else 0)
            if name in numbers
            else Column(name=name.replace("_", " "))
            for name in names
        ],
        rows=[[_cell(row[name]) for name in names] for row in found.rows],
    )
    cards = [
        Card(
            title=_TITLES[found.against],
            pieces=[chart_html("curve", made)],
            note=proven_text(found.rows),
            width="wide",
        ),
        Card(title="Points", pieces=[table_html(table)], width="wide"),
    ]
    return Page(
        title=title or "Coverage",
        kicker=_TITLES[found.against],
        sections=[Section(key="curve-section", title="Curve", cards=cards)],
        charts={"curve": made},
        footer=["This page asks no host for anything."],
    )


def write_curve(found: Curve, output: str | Path, *, title: str, overwrite: bool = False) -> None:
    """Draw a curve into a file whose name ends with .html or .png.

    Raises
    ------
    InputError
        If the file exists and may not be replaced.
    MissingPackageError
        For .png without matplotlib.
    """
    from dispatchopt.io.atomic import write_whole

    path = Path(output)
    if path.suffix.lower() == ".png":
        from dispatchopt.reporting.plot import curve_png

        content = curve_png(found.rows, against=found.against)
    else:
        content = page_html(curve_page(found, title)).encode()
    write_whole(path, lambda to: _put(to, content), overwrite=overwrite)


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value
