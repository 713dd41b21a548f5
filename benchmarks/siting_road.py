"""Sites of a city by road and by ruler, from a document to a proven answer and a page.

``python -m benchmarks.siting_road PAGE.html`` solves 500 sites and 100,000 customers on the streets
of Porto (``geo/porto_drive`` below ``DISPATCHOPT_DATA``), 30 sites within 3 km, both ways, and
writes the page that compares them. Sites and customers lie within some 50 m of seeded random nodes;
customers have 1 to 9 units of demand.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dispatchopt import siting
from dispatchopt.core.result import Result
from dispatchopt.core.seeds import stream
from dispatchopt.core.stop import Stop
from dispatchopt.geography import PROFILES, Network, StraightRouter
from dispatchopt.io import read
from dispatchopt.io.document import Document, typed
from dispatchopt.io.encodings.folder import ENCODING
from dispatchopt.io.instance import Instance
from dispatchopt.io.kinds._network import network_tables
from dispatchopt.io.kinds.base import as_lists
from dispatchopt.io.roads import read_network
from dispatchopt.siting import SitingSolution
from dispatchopt.siting.belief import Belief, compare_beliefs

REACH_M = 3_000


@dataclass(frozen=True, kw_only=True)
class Solved:
    """What was read, solved and compared, and how long each step took."""

    instance: Instance
    road: Result[SitingSolution]
    ruler: Belief | None
    seconds: dict[str, float]
    cpu_s: dict[str, float]


def porto() -> Network | None:
    """Return the streets of Porto, or None where the data are not."""
    beside = Path(__file__).parents[1].parent / "shared" / "data"
    path = Path(os.environ.get("DISPATCHOPT_DATA", beside)) / "geo" / "porto_drive"
    return read_network(path) if path.is_dir() else None


def write_document(
    network: Network, sites: int, customers: int, max_sites: int, path: Path
) -> None:
    """Write a siting document by road: places near random nodes, with the streets."""
    rng = stream(1, "siting-road")
    tables: dict[str, Any] = {}
    for name, count in (("sites", sites), ("customers", customers)):
        node = rng.integers(0, network.num_nodes, count)
        shift = rng.normal(0, 3e-4, (2, count))
        tables[name] = {
            "id": [f"{name[0]}{row}" for row in range(count)],
            "lon": network.lon[node] + shift[0],
            "lat": network.lat[node] + shift[1],
        }
    tables["customers"]["demand_units"] = rng.integers(1, 10, customers)
    tables |= network_tables(network)
    header = {
        "format": "dispatchopt",
        "version": 1,
        "kind": "siting",
        "name": f"{sites} sites x {customers} customers, {max_sites} to open",
        "source": network.source,
        "parameters": {
            "travel": "road",
            "reach_m": REACH_M,
            "max_sites": max_sites,
            "snap_limit_m": 5_000,
        },
    }
    laid = {name: typed(name, as_lists(columns)) for name, columns in tables.items()}
    ENCODING.write(Document(header=header, tables=laid), path)


def solve(path: Path, stop: Stop, *, by_ruler: Stop | None = None) -> Solved:
    """Read a document and solve it by road and, if asked for, by ruler."""
    clock = _Clock()
    instance = read(path)
    clock.lap("read, coverage by road included")
    road = siting.solve(instance.problem, stop=stop, seed=1)
    clock.lap("solve by road")
    ruler = None
    if by_ruler is not None:
        straight = StraightRouter(profile=PROFILES["e-bike"], detour_factor=1.0)
        places = instance.places
        believed = straight.within(places["sites"], places["customers"], REACH_M)
        ruler = compare_beliefs(instance.problem, believed, road, stop=by_ruler, seed=1)
        clock.lap("solve by ruler")
    return Solved(
        instance=instance, road=road, ruler=ruler, seconds=clock.laps, cpu_s=clock.cpu_laps
    )


def page(solved: Solved, network: Network) -> str:
    """Return the page that compares the two answers."""
    from dispatchopt.reporting.ruler_section import ruler_html

    instance = solved.instance
    if solved.ruler is None:
        raise ValueError("nothing was solved by ruler")
    problem = instance.problem
    return ruler_html(
        solved.ruler,
        title=f"{REACH_M / 1000:g} km by road and by ruler: {instance.name}",
        reach_m=REACH_M,
        sites=instance.places["sites"],
        customers=instance.places["customers"],
        demand_units=problem.demand_units,
        site_ids=problem.site_ids,
        customer_ids=problem.customer_ids,
        source=instance.source,
        network=network,
    )


class _Clock:
    """Seconds between laps, of the wall and of this process."""

    def __init__(self) -> None:
        self._last, self._last_cpu = time.perf_counter(), time.process_time()
        self.laps: dict[str, float] = {}
        self.cpu_laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """Close a lap."""
        here, cpu = time.perf_counter(), time.process_time()
        self.laps[name], self.cpu_laps[name] = here - self._last, cpu - self._last_cpu
        self._last, self._last_cpu = here, cpu


def main(target: str) -> None:
    """Solve the large case and write its page."""
    network = porto()
    if network is None:
        raise SystemExit("no folder geo/porto_drive below DISPATCHOPT_DATA")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "porto"
        write_document(network, 500, 100_000, 30, path)
        solved = solve(path, Stop(time_s=60), by_ruler=Stop(time_s=60))
    total = solved.instance.problem.total_units
    for name, result in (("road", solved.road), ("ruler", solved.ruler and solved.ruler.believed)):
        if not result:
            continue
        unserved, bound = result.objective or 0.0, result.bound or 0.0
        served, most = total - unserved, total - bound
        print(
            f"{name}: {result.status}, {served:,.0f} of {total:,} units served, "
            f"at most {most:,.0f}; gap of what is served {(most - served) / served:.4%}, "
            f"engine {result.engine}"
        )
    for name, seconds in solved.seconds.items():
        print(f"{name}: {seconds:.1f} s, CPU {solved.cpu_s[name]:.1f} s")
    if solved.ruler is not None:
        found = solved.ruler
        print(
            f"by ruler {found.promised_units:,} promised, {found.kept_units:,} kept, "
            f"{len(found.broken):,} customers not reached, {found.lost_units:,} units lost"
        )
    Path(target).write_text(page(solved, network), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.siting_road", description=__doc__)
    parser.add_argument("page", help="file of the page that shows the difference")
    main(parser.parse_args().page)
