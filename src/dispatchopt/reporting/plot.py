"""Pictures through matplotlib, for slides and for files without a browser."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dispatchopt.core.errors import MissingPackageError
from dispatchopt.reporting.roads import display_roads
from dispatchopt.reporting.shades import store_shades

if TYPE_CHECKING:
    from dispatchopt.reporting.drawing import Drawing
    from dispatchopt.simulation.questions.study import Study

#: The page's palette for stores, and for what is not covered.
PALETTE = ("#0072b2", "#009e73", "#a3549f", "#b8860b", "#3aa6dd", "#6a5acd", "#5c7f00", "#c2589b")
_BAD = "#c8400a"
_ROAD = ("#b9a98a", "#c9c4b8", "#d9d7d0")


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPackageError("matplotlib", "plot") from error
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Any) -> bytes:
    out = io.BytesIO()
    # Without the version in the file, equal pictures are equal files.
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def map_png(drawing: Drawing, *, width: float = 10.0, height: float = 8.0) -> bytes:
    """Return a map as PNG; width and height in inches at 120 dots each.

    Raises
    ------
    MissingPackageError
        Without matplotlib (extra ``plot``).
    """
    figure = _figure(width, height)
    axes = figure.add_subplot()
    _draw_roads(axes, drawing)
    stores = drawing.sites[drawing.open_sites]
    shades = store_shades(stores.lon, stores.lat)
    served = drawing.store_of_customer >= 0
    colours = [PALETTE[shades[store]] for store in drawing.store_of_customer[served]]
    axes.scatter(
        drawing.customers.lon[served],
        drawing.customers.lat[served],
        s=5,
        c=colours or None,
        zorder=3,
    )
    if drawing.is_solved:
        left = drawing.customers[~served]
        axes.scatter(left.lon, left.lat, s=12, c=_BAD, marker="x", linewidths=0.8, zorder=3)
    else:
        axes.scatter(drawing.customers.lon, drawing.customers.lat, s=5, c=PALETTE[0], zorder=3)
    for index, line in enumerate(drawing.lines):
        axes.plot(line.lonlat[:, 0], line.lonlat[:, 1], color=PALETTE[index % 8], lw=1.2, zorder=4)
    is_closed = np.ones(len(drawing.sites), dtype=bool)
    is_closed[drawing.open_sites] = False
    closed = drawing.sites[is_closed]
    axes.scatter(closed.lon, closed.lat, s=18, facecolors="white", edgecolors="#55606e", zorder=5)
    axes.scatter(
        stores.lon,
        stores.lat,
        s=90,
        marker="v",
        c=[PALETTE[shade] for shade in shades] or None,
        edgecolors="white",
        zorder=6,
    )
    lat = np.concatenate([drawing.customers.lat, drawing.sites.lat])
    middle = float(lat.mean()) if len(lat) else 0.0
    axes.set_aspect(1 / max(0.05, float(np.cos(np.radians(middle)))))
    axes.set_title(drawing.title, parse_math=False)
    axes.set_xlabel("longitude, degrees")
    axes.set_ylabel("latitude, degrees")
    return _png(figure)


def _draw_roads(axes: Any, drawing: Drawing) -> None:
    from matplotlib.collections import LineCollection

    from dispatchopt.reporting.packing import UNITS_PER_DEGREE, unpack

    for group in reversed(display_roads(drawing.network, 20_000)):
        xy = np.cumsum(unpack(group["xy"]).reshape(-1, 2), axis=0) / UNITS_PER_DEGREE
        lines = np.split(xy, np.cumsum(unpack(group["counts"]))[:-1])
        level = group["level"]
        axes.add_collection(
            LineCollection(lines, colors=_ROAD[level], linewidths=1.4 - 0.45 * level, zorder=1)
        )


def curve_png(points: Sequence[Any], chosen: int | None = None, *, against: str = "sites") -> bytes:
    """Return coverage against number of sites, or against cost, as PNG.

    Parameters
    ----------
    points
        Mappings with ``sites`` or ``budget_cents``, ``covered_share`` and ``bound_share``, as in a
        plan's figures.
    chosen
        Number of sites, or budget, to mark.
    against
        ``sites`` or ``cost``.

    Raises
    ------
    MissingPackageError
        Without matplotlib (extra ``plot``).
    """
    figure = _figure(8.0, 5.0)
    axes = figure.add_subplot()
    name = "sites" if against == "sites" else "budget_cents"
    sites = [point[name] for point in points]
    covered = [point["covered_share"] for point in points]
    axes.fill_between(
        sites, covered, [point["bound_share"] for point in points], alpha=0.2, color=PALETTE[0]
    )
    axes.plot(sites, covered, marker="o", ms=3, color=PALETTE[0])
    if chosen is not None:
        axes.axvline(chosen, color="#17202a", ls="--", lw=1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("number of open sites" if against == "sites" else "budget, cents")
    axes.set_ylabel("share of demand covered")
    axes.grid(alpha=0.3)
    return _png(figure)


def profile_png(ratios: Mapping[str, Sequence[float]], *, label: str) -> bytes:
    """Return a performance profile as PNG (Dolan and More 2002).

    Parameters
    ----------
    ratios
        Per method its cost over the reference on every instance, in any order; infinity where it
        found nothing.
    label
        What a ratio is.

    Raises
    ------
    MissingPackageError
        Without matplotlib (extra ``plot``).
    """
    figure = _figure(7.0, 4.5)
    axes = figure.add_subplot()
    finite = [each for own in ratios.values() for each in own if np.isfinite(each)]
    last = max(finite, default=1.0)
    for index, (method, own) in enumerate(ratios.items()):
        steps = np.sort([each for each in own if np.isfinite(each)])
        share = np.arange(1, len(steps) + 1) / max(1, len(own))
        axes.step(
            [*steps, last],
            [*share, share[-1] if len(share) else 0.0],
            where="post",
            color=PALETTE[index % len(PALETTE)],
            label=method,
        )
    axes.set_xlabel(label)
    axes.set_ylabel("share of runs at or below")
    axes.set_ylim(0, 1.02)
    axes.legend(loc="lower right", frameon=False)
    return _png(figure)


def study_png(study: Study) -> bytes:
    """Return the on-time share of a study's variants, with intervals, as PNG.

    Raises
    ------
    MissingPackageError
        Without matplotlib (extra ``plot``).
    """
    figure = _figure(8.0, 5.0)
    axes = figure.add_subplot()
    found = [each.figures["on_time_share"] for each in study.findings]
    share = [each.mean for each in found]
    spread = [each.half if each.count > 1 else 0.0 for each in found]
    # Sites, policies and shifts have names; what is counted has an axis.
    is_named = study.question in {"store", "compare", "shifts"}
    places = list(range(len(found))) if is_named else [each.value for each in study.findings]
    style = {"capsize": 3, "marker": "o", "ms": 4, "color": PALETTE[0]}
    order = np.argsort(places, kind="stable")
    axes.errorbar(
        [places[at] for at in order],
        [share[at] for at in order],
        yerr=[spread[at] for at in order],
        ls="" if is_named else "-",
        **style,
    )
    if share:
        axes.axhline(share[0], color="#17202a", ls="--", lw=1)
    if is_named:
        axes.set_xticks(places, [each.label for each in study.findings], rotation=30, ha="right")
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(study.axis)
    axes.set_ylabel("share of orders on time")
    axes.set_title(study.answer, fontsize=9, wrap=True)
    axes.grid(alpha=0.3)
    return _png(figure)
