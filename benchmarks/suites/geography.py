"""Coverage and matrices by road, against the bare call to scipy that does the searching.

Ours includes everything between the places and the answer: snapping, the ways to the road, both
weights, rounding, sorting, checks. The bare call gets the nodes and the sparse matrix ready made,
and its dense result is dropped. The two alternate, and medians are compared.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.registry import Row, Suite, peak_mb

from dispatchopt.geography import PROFILES, Network, Points, RoadRouter
from dispatchopt.geography.distance import MEAN_RADIUS_M
from dispatchopt.geography.graph import Graph
from dispatchopt.io.roads import read_network

#: Sites, customers, origins, targets, repetitions; and the side of the generated grid.
SIZES = {
    "small": (50, 5_000, 10, 500, 3, 60),
    "medium": (200, 20_000, 50, 2_000, 5, 150),
    "large": (500, 100_000, 100, 5_000, 7, 225),
}
CUTOFF_M = 3_000


def run(size: str) -> list[Row]:
    """Return the rows of one size."""
    sites, customers, origins, targets, repeat, side = SIZES[size]
    network = _porto() if size == "large" else None
    network = network or _grid(side)
    rng = np.random.default_rng(1)
    rows = []
    for name in ("e-bike", "car"):
        router = RoadRouter(network=network, profile=PROFILES[name], snap_limit_m=5_000)
        router.matrix(network.points[:2], network.points[:2])
        case = f"{network.source} {name}"
        rows += _coverage(
            case, router, _near(network, rng, sites), _near(network, rng, customers), repeat
        )
        rows += _matrix(
            case, router, _near(network, rng, origins), _near(network, rng, targets), repeat
        )
    return rows


def _coverage(
    case: str, router: RoadRouter, sites: Points, customers: Points, repeat: int
) -> list[Row]:
    nodes = router.snapper(sites, "sites").node
    case = f"{case} coverage {len(sites)} x {len(customers)} in {CUTOFF_M} m"

    def unknown() -> Any:
        # New objects, so that no snap is remembered.
        return router.within(_copied(sites), _copied(customers), CUTOFF_M)

    def known() -> Any:
        return router.within(sites, customers, CUTOFF_M)

    pairs = known().num_pairs
    bare = [(router.graph.metres, CUTOFF_M + 0.5)]
    return _compared(
        case,
        {"new places": unknown, "places snapped before": known},
        nodes,
        bare,
        repeat,
        objective=float(len(customers) * len(sites) - pairs),
    )


def _matrix(
    case: str, router: RoadRouter, origins: Points, targets: Points, repeat: int
) -> list[Row]:
    nodes = router.snapper(origins, "origins").node
    graphs = [router.graph.metres] + [graph for graph in [router.graph.seconds] if graph]
    total = int(router.matrix(origins, targets).distance_m.sum())
    return _compared(
        f"{case} matrix {len(origins)} x {len(targets)}",
        {"new places": lambda: router.matrix(_copied(origins), _copied(targets))},
        nodes,
        [(graph, np.inf) for graph in graphs],
        repeat,
        objective=float(total),
    )


def _compared(
    case: str,
    ours: dict[str, Callable[[], Any]],
    nodes: Any,
    bare: list[tuple[Graph, float]],
    repeat: int,
    *,
    objective: float,
) -> list[Row]:
    from scipy.sparse.csgraph import dijkstra

    def rival() -> None:
        for graph, limit in bare:
            dijkstra(graph.csr, indices=nodes, limit=limit)

    works = {**ours, "scipy": rival}
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeat):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - start)
    calls = "one bare call" if len(bare) == 1 else "two bare calls, metres and seconds"
    base = float(np.median(times["scipy"]))
    first = times["scipy"][0]
    rows: list[Row] = []
    for name in ours:
        seconds = float(np.median(times[name]))
        rows.append(
            {
                "case": case,
                "method": f"RoadRouter, {name}",
                "seconds": seconds,
                "ratio": seconds / base,
                "objective": objective,
                "peak_mb": peak_mb(),
                "note": f"to {calls}; first time {times[name][0]:.3f} s against {first:.3f} s",
            }
        )
    rows.append({"case": case, "method": "scipy dijkstra", "seconds": base, "note": calls})
    return rows


def _copied(points: Points) -> Points:
    return points[:]


def _near(network: Network, rng: np.random.Generator, count: int) -> Points:
    """Return places within some 50 m of random nodes."""
    node = rng.integers(0, network.num_nodes, count)
    shift = rng.normal(0, 3e-4, (2, count))
    return Points(lon=network.lon[node] + shift[0], lat=network.lat[node] + shift[1])


def _porto() -> Network | None:
    beside = Path(__file__).parents[2].parent / "shared" / "data"
    path = Path(os.environ.get("DISPATCHOPT_DATA", beside)) / "geo" / "porto_drive"
    return read_network(path) if path.is_dir() else None


def _grid(side: int) -> Network:
    """Return a seeded grid of streets 150 m apart, a tenth of them missing, some one-way."""
    rng = np.random.default_rng(0)
    step = 150 / MEAN_RADIUS_M * 180 / np.pi
    lon, lat = np.meshgrid(np.arange(side) * step, np.arange(side) * step)
    node = np.arange(side * side).reshape(side, side)
    tail = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    head = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    there, back = rng.random((2, len(tail))) < [[0.95], [0.85]]
    length = 150 * rng.uniform(1.0, 1.3, len(tail))
    kind = rng.integers(0, 2, len(tail))
    return Network(
        lon=lon.ravel(),
        lat=lat.ravel(),
        tail=np.concatenate([tail[there], head[back]]),
        head=np.concatenate([head[there], tail[back]]),
        length_m=np.concatenate([length[there], length[back]]),
        classes=("residential", "secondary"),
        class_idx=np.concatenate([kind[there], kind[back]]),
        source=f"grid {side} x {side}",
    )


SUITE = Suite(
    name="geography",
    about="Coverage and matrices by road, against the bare scipy call",
    run=run,
)
