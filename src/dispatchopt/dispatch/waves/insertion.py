"""Putting requests into routes at their cheapest places: plans to begin from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.dispatch.waves.state import Requests, WaveState

_NEVER = np.iinfo(np.int64).max


@dataclass(kw_only=True)
class _Line:
    """A route with what it takes to judge an insertion.

    ``load`` and ``start_s``, its start at the earliest, have a value for each gap, so that the
    gaps of all routes can be judged at once; ``place`` has the depot first and last. ``by_s`` is
    the latest second at which the stop after each gap may begin, the depot's last; ``last_s`` the
    latest at which the route may leave.
    """

    rows: list[int]
    start_s: IntArray
    load: IntArray
    place: IntArray
    by_s: IntArray
    last_s: IntArray
    #: When the stop before each gap is done at the earliest if the route leaves at a second.
    done_s: dict[int, IntArray] = field(default_factory=dict)


def completed(
    state: WaveState,
    requests: Requests,
    routes: list[tuple[int, ...]],
    rows: IntArray,
    release_s: IntArray,
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
    """
    lines = [_line(state, requests, list(route), release_s) for route in routes]
    for row in rows[np.lexsort((rows, requests.latest_s[rows]))].tolist():
        found = _cheapest(state, requests, lines, row, int(release_s[row])) if lines else None
        if found is None:
            lines.append(_line(state, requests, [row], release_s))
        else:
            held = lines[found[0]].rows
            held = [*held[: found[1]], row, *held[found[1] :]]
            lines[found[0]] = _line(state, requests, held, release_s)
    return [tuple(line.rows) for line in lines]


def _line(state: WaveState, requests: Requests, rows: list[int], release_s: IntArray) -> _Line:
    place = np.concatenate([[0], requests.place[rows], [0]])
    ways_s = state.duration_s[place[:-1], place[1:]].tolist()
    late, service = requests.latest_s[rows].tolist(), requests.service_s[rows].tolist()
    by_s = [state.closes_s]
    for at in range(len(rows) - 1, -1, -1):
        by_s.append(min(late[at], by_s[-1] - ways_s[at + 1] - service[at]))
    gaps = len(rows) + 1
    return _Line(
        rows=rows,
        start_s=np.full(gaps, max(state.start_s, int(release_s[rows].max()))),
        load=np.full(gaps, requests.load[rows].sum()),
        place=place,
        by_s=np.array(by_s[::-1]),
        last_s=np.full(gaps, by_s[-1] - ways_s[0]),
    )


def _done(state: WaveState, requests: Requests, line: _Line, release_s: int) -> IntArray:
    """Return when the stop before each gap is done if a route waits for something."""
    start_s = max(release_s, int(line.start_s[0]))
    if start_s not in line.done_s:
        ways_s = state.duration_s[line.place[:-1], line.place[1:]].tolist()
        early = requests.earliest_s[line.rows].tolist()
        service = requests.service_s[line.rows].tolist()
        done_s = [start_s]
        for way_s, early_s, stay_s in zip(ways_s, early, service, strict=False):
            done_s.append(max(done_s[-1] + way_s, early_s) + stay_s)
        line.done_s[start_s] = np.array(done_s)
    return line.done_s[start_s]


def _cheapest(
    state: WaveState, requests: Requests, lines: list[_Line], row: int, release_s: int
) -> tuple[int, int] | None:
    """Return the route and the gap where a request costs least; None for a route of its own."""
    here = int(requests.place[row])
    before = np.concatenate([line.place[:-1] for line in lines])
    after = np.concatenate([line.place[1:] for line in lines])
    done_s = np.concatenate([_done(state, requests, line, release_s) for line in lines])
    by_s, last_s, load = (
        np.concatenate([getattr(line, name) for line in lines])
        for name in ("by_s", "last_s", "load")
    )
    to_s, from_s = state.duration_s[before, here], state.duration_s[here, after]
    begin_s = np.maximum(done_s + to_s, requests.earliest_s[row])
    can = (begin_s <= requests.latest_s[row]) & (release_s <= last_s)
    can &= begin_s + requests.service_s[row] + from_s <= by_s
    can &= load + requests.load[row] <= state.capacity
    more_s = np.where(can, to_s + from_s - state.duration_s[before, after], _NEVER)
    at = int(more_s.argmin())
    if more_s[at] >= state.duration_s[0, here] + state.duration_s[here, 0]:
        return None
    first = np.cumsum([0] + [len(line.load) for line in lines])
    line = int(np.searchsorted(first, at, side="right")) - 1
    return line, at - int(first[line])
