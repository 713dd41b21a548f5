"""The independent checker of a day in epochs."""

from __future__ import annotations

from collections import Counter

from dispatchopt.core.result import Report, Violation
from dispatchopt.simulation.waves.outcome import Wave, WaveOutcome
from dispatchopt.simulation.waves.setting import WaveDay


def check_waves(day: WaveDay, outcome: WaveOutcome) -> Report:
    """Check a day: every request once, not too early, in its window, within capacity.

    Rules: ``unknown-request``, ``empty-route``, ``future-request-known``, ``request-missed``,
    ``request-twice``, ``late``, ``route-after-close``, ``capacity``, ``wrong-cost``.
    """
    violations: list[Violation] = []
    total = 0
    for wave in outcome.waves:
        cost_s = 0
        for number, route in enumerate(wave.routes):
            found, took_s = _route(day, wave.epoch, route, f"epoch {wave.epoch}, route {number}")
            violations += found
            cost_s += took_s
        if cost_s != wave.cost_s:
            by = abs(cost_s - wave.cost_s)
            violations.append(Violation(rule="wrong-cost", where=f"epoch {wave.epoch}", by=by))
        total += cost_s
    violations += _once(day, outcome.waves)
    return Report(objective=float(total), violations=tuple(violations), parts={"driving_s": total})


def _route(
    day: WaveDay, epoch: int, route: tuple[int, ...], where: str
) -> tuple[list[Violation], int]:
    found: list[Violation] = []
    if not route:
        return [Violation(rule="empty-route", where=where, by=1.0)], 0
    if min(route) < 0 or max(route) >= len(day.requests):
        return [Violation(rule="unknown-request", where=where, by=1.0)], 0
    requests, at_s, place, load, driven_s = day.requests, day.start_s(epoch), 0, 0, 0
    for request in route:
        if day.arrives[request] > epoch:
            by = float(day.arrives[request] - epoch)
            found.append(Violation(rule="future-request-known", where=where, by=by))
        here = int(requests.place[request])
        way_s = int(day.duration_s[place, here])
        driven_s += way_s
        at_s = max(at_s + way_s, int(requests.earliest_s[request]))
        if at_s > requests.latest_s[request]:
            by = float(at_s - requests.latest_s[request])
            found.append(Violation(rule="late", where=f"{where}, request {request}", by=by))
        at_s += int(requests.service_s[request])
        load, place = load + int(requests.load[request]), here
    way_s = int(day.duration_s[place, 0])
    if at_s + way_s > day.closes_s:
        by = float(at_s + way_s - day.closes_s)
        found.append(Violation(rule="route-after-close", where=where, by=by))
    if load > day.capacity:
        found.append(Violation(rule="capacity", where=where, by=float(load - day.capacity)))
    return found, driven_s + way_s


def _once(day: WaveDay, waves: tuple[Wave, ...]) -> list[Violation]:
    served = Counter(request for wave in waves for route in wave.routes for request in route)
    found = [
        Violation(rule="request-twice", where=f"request {request}", by=float(count - 1))
        for request, count in sorted(served.items())
        if count > 1
    ]
    last = waves[-1].epoch if waves else day.first_epoch - 1
    missed = [
        request
        for request, arrives in enumerate(day.arrives.tolist())
        if request not in served and arrives <= last == day.last_epoch
    ]
    return found + [
        Violation(rule="request-missed", where=f"request {request}", by=1.0) for request in missed
    ]
