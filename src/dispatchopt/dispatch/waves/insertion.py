"""Putting requests into routes at their cheapest places: plans to begin from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.dispatch.waves.state import Requests, WaveState


@dataclass(kw_only=True)
class _Line:
    """A route with what it takes to judge an insertion.

    ``done_s`` is when service at each stop ends at the earliest, the depot first; ``by_s`` the
    latest second at which each stop may begin, the depot last.
    """

    rows: list[int]
    start_s: int
    load: int
    place: IntArray
    done_s: IntArray
    by_s: IntArray


def completed(  # noqa: PLR0917 (what a plan to begin from rests on)
    state: WaveState,
    requests: Requests,
    routes: list[tuple[int, ...]],
    rows: IntArray,
    release_s: IntArray,
    least_s: int,
) -> list[tuple[int, ...]]:
    """Return routes that hold some more requests, each put where it lengthens the way least.

    Parameters
    ----------
    state
        Gives ways, capacity and the end of the day.
    requests
        All requests.
    routes
        Feasible routes.
    rows
        Requests to be put in, on routes of their own where that is cheaper.
    release_s
        When each request is there; a route leaves no earlier than the last of its requests.
    least_s
        When routes leave at the earliest.
    """
    lines = [_line(state, requests, list(route), release_s, least_s) for route in routes]
    for row in rows[np.lexsort((rows, requests.latest_s[rows]))].tolist():
        best_cost = float(2 * state.duration_s[0, requests.place[row]])
        best: tuple[int, list[int]] | None = None
        for at, line in enumerate(lines):
            found = _cheapest(state, requests, line, row, int(release_s[row]))
            if found is not None and found[0] < best_cost:
                best_cost = found[0]
                best = (at, [*line.rows[: found[1]], row, *line.rows[found[1] :]])
        if best is None:
            lines.append(_line(state, requests, [row], release_s, least_s))
        else:
            lines[best[0]] = _line(state, requests, best[1], release_s, least_s)
    return [tuple(line.rows) for line in lines]


def _line(
    state: WaveState, requests: Requests, rows: list[int], release_s: IntArray, least_s: int
) -> _Line:
    start_s = max(least_s, int(release_s[rows].max())) if rows else least_s
    place = np.concatenate([[0], requests.place[rows], [0]])
    ways_s = state.duration_s[place[:-1], place[1:]].tolist()
    early, late = requests.earliest_s[rows].tolist(), requests.latest_s[rows].tolist()
    service = requests.service_s[rows].tolist()
    done_s, by_s = [start_s], [state.closes_s]
    for at in range(len(rows)):
        done_s.append(max(done_s[-1] + ways_s[at], early[at]) + service[at])
    for at in range(len(rows) - 1, -1, -1):
        by_s.append(min(late[at], by_s[-1] - ways_s[at + 1] - service[at]))
    return _Line(
        rows=rows,
        start_s=start_s,
        load=int(requests.load[rows].sum()),
        place=place,
        done_s=np.array(done_s),
        by_s=np.array(by_s[::-1]),
    )


def _cheapest(
    state: WaveState, requests: Requests, line: _Line, row: int, release_s: int
) -> tuple[float, int] | None:
    """Return the least lengthening and the position of a request in a route; None if there is none.

    A request that is there only after the route's start would push the whole route, so such routes
    are left alone.
    """
    if line.load + requests.load[row] > state.capacity or release_s > line.start_s:
        return None
    here = int(requests.place[row])
    to_s = state.duration_s[line.place[:-1], here]
    from_s = state.duration_s[here, line.place[1:]]
    begin_s = np.maximum(line.done_s + to_s, requests.earliest_s[row])
    leave_s = begin_s + requests.service_s[row] + from_s
    can = (begin_s <= requests.latest_s[row]) & (leave_s <= line.by_s)
    if not can.any():
        return None
    more = to_s + from_s - state.duration_s[line.place[:-1], line.place[1:]]
    at = int(np.where(can, more, np.iinfo(np.int64).max).argmin())
    return float(more[at]), at
