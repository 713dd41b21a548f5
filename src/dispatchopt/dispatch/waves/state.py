"""What a policy sees at an epoch, and what it may decide."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray, set_frozen


@dataclass(frozen=True, kw_only=True, eq=False)
class Requests:
    """Requests by column, n rows.

    Parameters
    ----------
    place
        Index into the matrix of durations; place 0 is the depot.
    earliest_s, latest_s
        When service may begin, in seconds of the day; hard.
    service_s
        Seconds of service.
    load
        Units.
    """

    place: IntArray
    earliest_s: IntArray
    latest_s: IntArray
    service_s: IntArray
    load: IntArray

    def __post_init__(self) -> None:
        for each in fields(self):
            set_frozen(self, each.name, np.int64)

    def __len__(self) -> int:
        return len(self.place)

    def rows(self, chosen: IntArray | BoolArray) -> Requests:
        """Return some of the rows."""
        return Requests(**{each.name: getattr(self, each.name)[chosen] for each in fields(self)})

    @staticmethod
    def concatenate(*parts: Requests) -> Requests:
        """Return the rows of all parts, one after another."""
        return Requests(
            **{
                each.name: np.concatenate([getattr(part, each.name) for part in parts])
                for each in fields(Requests)
            }
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Forecast:
    """From what later requests are drawn: each attribute from these customers, by itself.

    Parameters
    ----------
    customers
        The customers, by column.
    per_epoch
        Requests drawn for each epoch; those that could not be served any more are dropped.
    """

    customers: Requests
    per_epoch: int

    def draw(self, rng: np.random.Generator) -> Requests:
        """Return the requests of one epoch, those that cannot be served included."""
        size, n = self.per_epoch, len(self.customers)
        place, window, load, service = (rng.integers(n, size=size) for _ in range(4))
        given = self.customers
        return Requests(
            place=given.place[place],
            earliest_s=given.earliest_s[window],
            latest_s=given.latest_s[window],
            service_s=given.service_s[service],
            load=given.load[load],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class WaveState:
    """All that is known at an epoch.

    Parameters
    ----------
    epoch, last_epoch
        Number of this epoch, and of the last one, at which all that is left must leave.
    start_s
        Second at which routes leave at the earliest.
    step_s
        Seconds between epochs.
    requests
        What is open.
    id
        Number of each request in the order of arrival, shape (n,).
    must_go
        Whether a request would be late if it waited for the next epoch.
    duration_s
        Driving between places; this is also what routes cost, shape (places, places).
    capacity
        Most load of a route.
    closes_s
        When routes must have ended.
    forecast
        From what later requests are drawn.
    """

    epoch: int
    last_epoch: int
    start_s: int
    step_s: int
    requests: Requests
    id: IntArray
    must_go: BoolArray
    duration_s: IntArray
    capacity: int
    closes_s: int
    forecast: Forecast

    @property
    def epochs_left(self) -> int:
        """Epochs after this one."""
        return self.last_epoch - self.epoch

    def servable(self, requests: Requests, start_s: int) -> BoolArray:
        """Return which requests a route of their own could serve if it left at a second."""
        arrive_s = np.maximum(start_s + self.duration_s[0, requests.place], requests.earliest_s)
        back_s = arrive_s + requests.service_s + self.duration_s[requests.place, 0]
        can: BoolArray = (arrive_s <= requests.latest_s) & (back_s <= self.closes_s)
        return can


#: A route: rows of the requests in sequence.
WaveRoute = tuple[int, ...]
