"""Streets of a made-up town: which crossings are joined, how, and how long that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.seeds import stream
from dispatchopt.generators.crossings import Crossings, place_crossings
from dispatchopt.generators.plan import GRID, OLD_TOWN, RINGS, SUBURB, TownPlan
from dispatchopt.geography.distance import LocalPlane, straight_m
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points

#: Where made-up towns lie: in the East China Sea, so that none is taken for a real one.
ORIGIN_LON, ORIGIN_LAT = 124.0, 30.0
CLASSES = ("primary", "secondary", "tertiary", "residential")
PRIMARY, SECONDARY, TERTIARY, RESIDENTIAL = range(4)
#: Speed limits by class, km/h.
_LIMIT_KMH = np.array([60, 50, 40, 30])
#: Street segments per crossing that remain in each layout; real networks have 1.3 to 1.6.
_SEGMENTS_PER_NODE = {OLD_TOWN: 1.5, GRID: 1.62, RINGS: 1.52, SUBURB: 1.32}
#: How much longer than straight a street is, at most, by class.
_CURVE = np.array([0.02, 0.04, 0.10, 0.16])
#: Share of residential streets with one direction: lines of a grid, and others.
_ONEWAY_LINES, _ONEWAY_OTHERS = 0.5, 0.22


@dataclass(frozen=True, kw_only=True, eq=False)
class _Segments:
    """Undirected streets between two crossings, sorted by both ends; ``first < second``."""

    first: IntArray
    second: IntArray
    straight_m: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class _Town:
    """A plan, its crossings, and the segments that may join them."""

    plan: TownPlan
    nodes: Crossings
    segments: _Segments


def generate_streets(*, num_nodes: int, seed: int) -> Network:
    """Return a strongly connected street network of a made-up town.

    Parameters
    ----------
    num_nodes
        Crossings wanted, >= 25; the network has as many within about 5 %.
    seed
        A whole number >= 0.
    """
    plan, nodes = place_crossings(num_nodes, seed)
    segments = _candidates(nodes)
    town = _Town(plan=plan, nodes=nodes, segments=segments)
    on_avenue, name_idx = _avenue_segments(town)
    bridge, bridge_names = _bridges(town, stream(seed, "streets", "bridges"))
    allowed, is_bridge = bridge >= 0, bridge > 0
    is_ring = np.array([name.startswith("Ring") for name in (*plan.avenue_names, "")])
    kind = np.where(on_avenue, np.where(is_ring[name_idx], PRIMARY, SECONDARY), RESIDENTIAL)
    kind = np.where(is_bridge, np.minimum(kind, SECONDARY), kind)
    kind = _through_roads(town, allowed, is_bridge, kind)
    keep = _kept(town, allowed, kind, stream(seed, "streets", "missing"))
    is_plain_bridge = is_bridge & (name_idx < 0)
    name_idx = np.where(is_plain_bridge, bridge - 1 + len(plan.avenue_names), name_idx)
    names = (*plan.avenue_names, *bridge_names)
    return _directed(nodes, _take(segments, keep), kind[keep], (name_idx[keep], names), seed)


def _take(segments: _Segments, keep: BoolArray | IntArray) -> _Segments:
    return _Segments(**{name: values[keep] for name, values in vars(segments).items()})


def _candidates(nodes: Crossings) -> _Segments:
    """Sides of the Delaunay triangles, less those that are clearly the longest of a triangle."""
    from scipy.spatial import Delaunay

    triangles = np.asarray(Delaunay(nodes.xy).simplices, dtype=np.int64)
    sides = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]], axis=2)
    length = np.hypot(*(nodes.xy[sides[..., 0]] - nodes.xy[sides[..., 1]]).transpose(2, 0, 1))
    ranked = np.sort(length, axis=1)
    is_long = (length == ranked[:, 2:]) & (length > 1.18 * ranked[:, 1:2])
    key = (sides[..., 0] * len(nodes) + sides[..., 1]).ravel()
    unique, where = np.unique(key, return_inverse=True)
    dropped = np.zeros(len(unique), dtype=bool)
    np.logical_or.at(dropped, where, is_long.ravel())
    first, second = unique // len(nodes), unique % len(nodes)
    on_avenue = (nodes.avenue[first] >= 0) & (nodes.avenue[second] >= 0)
    straight = np.hypot(*(nodes.xy[first] - nodes.xy[second]).T)
    keep = ~dropped | on_avenue
    # Dropping longest sides leaves a shortest spanning tree whole: each side dropped closes a
    # triangle of shorter ones.
    return _Segments(first=first[keep], second=second[keep], straight_m=straight[keep])


def _avenue_segments(town: _Town) -> tuple[BoolArray, IntArray]:
    """Mark the segments of avenues, and join avenues where another one runs across."""
    nodes, segments = town.nodes, town.segments
    first, second = segments.first, segments.second
    same = (nodes.avenue[first] == nodes.avenue[second]) & (nodes.avenue[first] >= 0)
    near = np.abs(nodes.step[first] - nodes.step[second]) <= 2
    forced = same & near
    name_idx = np.where(forced, nodes.avenue[first], -1)
    neighbours = _neighbours(len(nodes), segments)
    joined = set(zip(first[forced].tolist(), second[forced].tolist(), strict=True))
    order = np.lexsort((nodes.step, nodes.avenue))
    order = order[nodes.avenue[order] >= 0]
    for one, other in zip(order[:-1].tolist(), order[1:].tolist(), strict=True):
        is_pair = nodes.avenue[one] == nodes.avenue[other]
        if not is_pair or (min(one, other), max(one, other)) in joined:
            continue
        common = neighbours[one].keys() & neighbours[other].keys()
        if common:
            middle = min(
                sorted(common),
                key=lambda node: float(
                    segments.straight_m[neighbours[one][node]]
                    + segments.straight_m[neighbours[other][node]]
                ),
            )
            for segment in (neighbours[one][middle], neighbours[other][middle]):
                forced[segment] = True
                if name_idx[segment] < 0:
                    name_idx[segment] = nodes.avenue[one]
    return forced, name_idx


def _neighbours(num_nodes: int, segments: _Segments) -> list[dict[int, int]]:
    """Return for each node its neighbours and the segment to each."""
    found: list[dict[int, int]] = [{} for _ in range(num_nodes)]
    pairs = zip(segments.first.tolist(), segments.second.tolist(), strict=True)
    for segment, (one, other) in enumerate(pairs):
        found[one][other] = segment
        found[other][one] = segment
    return found


def _bridges(town: _Town, random: np.random.Generator) -> tuple[IntArray, tuple[str, ...]]:
    """Return per segment -1 where a barrier stops it, 0 on plain ground, else the bridge number."""
    plan, nodes, segments = town.plan, town.nodes, town.segments
    state = np.zeros(len(segments.first), dtype=np.int64)
    opened = np.zeros(len(state), dtype=bool)
    barrier_of = np.full(len(state), -1)
    one, other = nodes.xy[segments.first], nodes.xy[segments.second]
    for number, barrier in enumerate(plan.barriers):
        crosses = np.flatnonzero(np.sign(barrier.side(one)) != np.sign(barrier.side(other)))
        if len(crosses) == 0:
            continue
        along = barrier.along((one[crosses] + other[crosses]) / 2)
        gap = barrier.crossing_gap_m
        targets = np.arange(along.min() + gap * random.uniform(0.2, 0.8), along.max(), gap)
        if len(targets) == 0:
            targets = along.mean(keepdims=True)
        targets = targets + random.uniform(-0.3, 0.3, len(targets)) * gap
        # Avenues lead to bridges, and bridges are short.
        is_avenue = (nodes.avenue[segments.first[crosses]] >= 0) & (
            nodes.avenue[segments.first[crosses]] == nodes.avenue[segments.second[crosses]]
        )
        price = segments.straight_m[crosses] - 0.35 * gap * is_avenue
        chosen = np.unique(np.argmin(np.abs(along - targets[:, None]) + price, axis=1))
        is_free = barrier_of[crosses] < 0
        opened[crosses[chosen]] = is_free[chosen]
        opened[crosses[~is_free]] = False
        barrier_of[crosses[is_free]] = number
    opened |= _needed(nodes, segments, (barrier_of >= 0) & ~opened)
    state[(barrier_of >= 0) & ~opened] = -1
    bridges = np.flatnonzero(opened & (barrier_of >= 0))
    state[bridges] = np.arange(1, len(bridges) + 1)
    names = [plan.barriers[number].name for number in barrier_of[bridges].tolist()]
    return state, tuple(f"{name} {count}" for count, name in enumerate(names, start=1))


def _needed(nodes: Crossings, segments: _Segments, stopped: BoolArray) -> BoolArray:
    """Return which stopped segments must be opened all the same so that all hangs together."""
    tree = _spanning_tree(nodes, segments, segments.straight_m + 1e7 * stopped)
    return tree & stopped


def _spanning_tree(nodes: Crossings, segments: _Segments, weight: FloatArray) -> BoolArray:
    """Return which segments belong to the lightest tree that joins all nodes; weights > 0."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    square = (len(nodes), len(nodes))
    graph = csr_array((weight, (segments.first, segments.second)), shape=square)
    tree = minimum_spanning_tree(graph).tocoo()
    # Segments are sorted by both ends, and so can be looked up.
    keys = segments.first * len(nodes) + segments.second
    is_in = np.zeros(len(weight), dtype=bool)
    is_in[np.searchsorted(keys, tree.row.astype(np.int64) * len(nodes) + tree.col)] = True
    return is_in


def _through_roads(
    town: _Town, allowed: BoolArray, is_bridge: BoolArray, kind: IntArray
) -> IntArray:
    """Make tertiary roads: shortest ways between neighbouring districts, and to the bridges."""
    plan, nodes, segments = town.plan, town.nodes, town.segments
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra
    from scipy.spatial import cKDTree

    square = (len(nodes), len(nodes))
    usable = np.flatnonzero(allowed)
    weight = segments.straight_m[usable] * np.where(kind[usable] < RESIDENTIAL, 0.7, 1.0)
    graph = csr_array((weight, (segments.first[usable], segments.second[usable])), shape=square)
    centre_nodes = np.unique(cKDTree(nodes.xy).query(plan.bend(plan.centres))[1])
    tree = cKDTree(nodes.xy[centre_nodes])
    count = min(5, len(centre_nodes))
    partners = tree.query(nodes.xy[centre_nodes], k=count)[1].reshape(len(centre_nodes), -1)
    ends = np.concatenate([segments.first[is_bridge], segments.second[is_bridge]])
    row_of_end = tree.query(nodes.xy[ends])[1] if len(ends) else ends
    before = dijkstra(graph, directed=False, indices=centre_nodes, return_predecessors=True)[1]
    on_way = np.zeros(len(kind), dtype=bool)
    number = _segment_numbers(len(nodes), segments)
    for row in range(len(centre_nodes)):
        targets = np.concatenate([centre_nodes[partners[row]], ends[row_of_end == row]])
        _mark_ways(before[row], targets, number, on_way)
    return np.where(on_way & (kind == RESIDENTIAL), TERTIARY, kind)


def _segment_numbers(num_nodes: int, segments: _Segments) -> dict[int, int]:
    keys = (segments.first * num_nodes + segments.second).tolist()
    numbers = {key: number for number, key in enumerate(keys)}
    keys = (segments.second * num_nodes + segments.first).tolist()
    numbers.update({key: number for number, key in enumerate(keys)})
    return numbers


def _mark_ways(
    before: IntArray, targets: IntArray, number: dict[int, int], on_way: BoolArray
) -> None:
    for target in targets.tolist():
        node = target
        while before[node] >= 0:
            previous = int(before[node])
            on_way[number[previous * len(before) + node]] = True
            node = previous


def _kept(
    town: _Town, allowed: BoolArray, kind: IntArray, random: np.random.Generator
) -> BoolArray:
    """Return which segments get built: through roads, a spanning tree, and some of the others."""
    plan, nodes, segments = town.plan, town.nodes, town.segments
    noise = random.uniform(0.5, 1.5, len(kind))
    weight = segments.straight_m * noise * np.where(kind < RESIDENTIAL, 0.01, 1.0)
    keep = _spanning_tree(nodes, segments, weight + 1e7 * ~allowed)
    keep |= kind < RESIDENTIAL
    layout = plan.layout[nodes.district[segments.first]]
    per_layout = np.bincount(plan.layout[nodes.district], minlength=4)
    draw = random.random(len(kind))
    for each, wanted in _SEGMENTS_PER_NODE.items():
        here = (layout == each) & allowed
        spare = here & ~keep
        missing = wanted * per_layout[each] - (here & keep).sum()
        keep |= spare & (draw < missing / max(int(spare.sum()), 1))
    return keep


def _directed(
    nodes: Crossings,
    segments: _Segments,
    kind: IntArray,
    naming: tuple[IntArray, tuple[str, ...]],
    seed: int,
) -> Network:
    """Give the segments directions, lengths and places on the globe."""
    forward, backward = _one_ways(nodes, segments, kind, stream(seed, "streets", "one-ways"))
    lonlat = np.round(LocalPlane(ORIGIN_LON, ORIGIN_LAT).to_lonlat(nodes.xy), 6)
    points = Points(lon=lonlat[:, 0], lat=lonlat[:, 1])
    curve = stream(seed, "streets", "curves").beta(1.2, 3.0, len(kind)) * _CURVE[kind] * 2
    straight = straight_m(points[segments.first], points[segments.second])
    # Whole metres, rounded up: no street is shorter than the line between its ends.
    length = np.ceil(straight * (1 + curve))
    classes, class_idx = _by_name(CLASSES, kind)
    names, name_idx = _by_name(naming[1], naming[0])
    fore, back = np.flatnonzero(forward), np.flatnonzero(backward)
    arcs = np.concatenate([fore, back])
    tail = np.concatenate([segments.first[fore], segments.second[back]])
    head = np.concatenate([segments.second[fore], segments.first[back]])
    order = np.lexsort((head, tail))
    arcs = arcs[order]
    return Network(
        lon=points.lon,
        lat=points.lat,
        tail=tail[order],
        head=head[order],
        length_m=length[arcs],
        classes=classes,
        class_idx=class_idx[arcs],
        maxspeed_m_s=np.round(_LIMIT_KMH[kind[arcs]] / 3.6, 4),
        names=names,
        name_idx=name_idx[arcs],
        source="generated streets",
    )


def _by_name(names: tuple[str, ...], idx: IntArray) -> tuple[tuple[str, ...], IntArray]:
    """Return the names that occur, sorted as a reader of files would find them; -1 is none."""
    used = sorted((names[each], each) for each in np.unique(idx[idx >= 0]).tolist())
    number = np.full(len(names) + 1, -1)
    number[[each for _, each in used]] = np.arange(len(used))
    return tuple(name for name, _ in used), number[idx]


def _one_ways(
    nodes: Crossings, segments: _Segments, kind: IntArray, random: np.random.Generator
) -> tuple[BoolArray, BoolArray]:
    """Return where driving is allowed forward and backward, every place staying reachable."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    first, second = segments.first, segments.second
    same = nodes.district[first] == nodes.district[second]
    off_avenue = (nodes.avenue[first] < 0) & (nodes.avenue[second] < 0)
    in_lattice = same & off_avenue & (nodes.column[first] + nodes.row[first] > 0)
    along_row = in_lattice & (nodes.row[first] == nodes.row[second])
    along_column = in_lattice & ~along_row & (nodes.column[first] == nodes.column[second])
    line = np.where(along_row, nodes.row[first], nodes.column[first])
    on_line = along_row | along_column
    key = (nodes.district[first] * 2 + along_row) * 100_000 + line
    draws = random.random(200_003)
    line_draw = draws[(key * 7919) % len(draws)]
    draw = np.where(on_line, line_draw, random.random(len(kind)))
    is_one_way = (draw < np.where(on_line, _ONEWAY_LINES, _ONEWAY_OTHERS)) & (kind == RESIDENTIAL)
    place = np.where(
        along_row, nodes.column[second] > nodes.column[first], nodes.row[second] > nodes.row[first]
    )
    onward = np.where(on_line, place == (line % 2 == 0), random.random(len(kind)) < 0.5)
    forward, backward = ~is_one_way | onward, ~is_one_way | ~onward
    tail = np.concatenate([first[forward], second[backward]])
    head = np.concatenate([second[forward], first[backward]])
    square = (len(nodes), len(nodes))
    graph = csr_array((np.ones(len(tail)), (tail, head)), shape=square)
    labels = connected_components(graph, directed=True, connection="strong")[1]
    # A one-way street between two strong components becomes two-way; that joins them all.
    stuck = labels[first] != labels[second]
    return forward | stuck, backward | stuck
