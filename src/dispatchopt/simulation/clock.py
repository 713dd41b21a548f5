"""The simulation's own clock: whole seconds of the day, and a queue of what comes next."""

from __future__ import annotations

import heapq

from dispatchopt.simulation.events import EventKind


class Clock:
    """Time of day and events to come, in the total order (time, kind, id)."""

    def __init__(self) -> None:
        self.now_s = 0
        self._queue: list[tuple[int, int, int]] = []

    def at(self, time_s: int, kind: EventKind, number: int) -> None:
        """Let an event happen at a time; one in the past happens now."""
        heapq.heappush(self._queue, (max(int(time_s), self.now_s), int(kind), int(number)))

    def pop_until(self, time_s: int) -> tuple[int, EventKind, int] | None:
        """Return the next event up to a time and set the clock to it; None if there is none."""
        if not self._queue or self._queue[0][0] > time_s:
            return None
        at_s, kind, number = heapq.heappop(self._queue)
        self.now_s = at_s
        return at_s, EventKind(kind), number

    @property
    def next_s(self) -> int | None:
        """Time of the next event, or None."""
        return self._queue[0][0] if self._queue else None
