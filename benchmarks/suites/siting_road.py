"""Maximum coverage by road and by ruler, from a document to a bound; sites by ruler on roads."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.registry import Row, Suite, peak_mb
from benchmarks.siting_road import porto, solve, write_document
from benchmarks.suites.geography import _grid

from dispatchopt.core.stop import Stop

#: Sites, customers, sites to open, side of the generated grid.
SIZES = {
    "small": (40, 1_000, 4, 60),
    "medium": (200, 20_000, 15, 120),
    "large": (500, 100_000, 30, 225),
}


def run(size: str) -> list[Row]:
    """Return a row for each way of measuring, and one for sites by ruler held to the roads."""
    sites, customers, opened, side = SIZES[size]
    network = porto() if size == "large" else None
    network = network or _grid(side)
    stop = Stop(iterations=500) if size == "small" else Stop(time_s=60.0)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "city"
        write_document(network, sites, customers, opened, path)
        solved = solve(path, stop, by_ruler=stop)
    case = f"{network.source}, {sites} x {customers}, p = {opened}"
    read_s = solved.seconds["read, coverage by road included"]
    total = solved.instance.problem.total_units
    rows: list[Row] = [
        {
            "case": case,
            "method": "by road, reading included",
            "seconds": read_s + solved.seconds["solve by road"],
            "cpu_s": sum(list(solved.cpu_s.values())[:2]),
            "objective": solved.road.objective,
            "bound": solved.road.bound,
            "status": str(solved.road.status),
            "peak_mb": peak_mb(),
            "note": f"{read_s:.1f} s of it reading; {total} units",
        }
    ]
    if solved.ruler is not None:
        found = solved.ruler
        rows.append(
            {
                "case": case,
                "method": "by ruler",
                "seconds": solved.seconds["solve by ruler"],
                "cpu_s": solved.cpu_s["solve by ruler"],
                "objective": found.believed.objective,
                "bound": found.believed.bound,
                "status": str(found.believed.status),
                "note": f"{len(found.broken)} customers promised and not reached by road",
            }
        )
        rows.append(
            {
                "case": case,
                "method": "sites by ruler, held to the roads",
                "seconds": solved.seconds["solve by ruler"],
                "objective": float(total - found.kept_units - found.gained_units),
                "note": f"{found.lost_units} units fewer than sites by road",
            }
        )
    return rows


SUITE = Suite(
    name="siting_road",
    about="Maximum coverage within 3 km by road, from a document, against sites chosen by ruler.",
    run=run,
)
