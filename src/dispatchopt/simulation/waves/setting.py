"""A day of requests in epochs, drawn from the customers of a static instance.

The dynamic problem of the EURO Meets NeurIPS 2022 Vehicle Routing Competition: every hour 100
requests are drawn, each with the place, the window, the demand and the service time of customers
of the instance, independently and with replacement; those that could not be served any more are
dropped. Routes leave an hour after the epoch at the earliest and are final.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray, set_frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.dispatch.waves.state import Forecast, Requests, WaveState
from dispatchopt.routing.problem import MANDATORY, RoutingProblem


@dataclass(frozen=True, kw_only=True, eq=False)
class WaveDay:
    """A day as it will be; a policy sees of it what has arrived.

    Parameters
    ----------
    name
        Name for display.
    seed
        Seed of the draws.
    first_epoch, last_epoch
        Numbers of the epochs.
    step_s, margin_s
        Seconds between epochs, and from an epoch until its routes leave.
    requests
        All requests of the day, in the order of arrival.
    arrives
        Epoch of each request, shape (n,), ascending.
    duration_s
        Driving between places, shape (places, places); place 0 is the depot.
    capacity
        Most load of a route.
    closes_s
        When routes must have ended.
    forecast
        From what the requests were drawn.
    """

    name: str
    seed: int
    first_epoch: int
    last_epoch: int
    step_s: int
    margin_s: int
    requests: Requests
    arrives: IntArray
    duration_s: IntArray
    capacity: int
    closes_s: int
    forecast: Forecast

    def __post_init__(self) -> None:
        set_frozen(self, "arrives", np.int64)
        set_frozen(self, "duration_s", np.int64)

    def start_s(self, epoch: int) -> int:
        """Return the second at which routes of an epoch leave at the earliest."""
        return epoch * self.step_s + self.margin_s

    def state(self, epoch: int, is_open: BoolArray) -> WaveState:
        """Return what is known at an epoch, if these requests are open."""
        rows = np.flatnonzero(is_open & (self.arrives <= epoch))
        requests = self.requests.rows(rows)
        state = WaveState(
            epoch=epoch,
            last_epoch=self.last_epoch,
            start_s=self.start_s(epoch),
            step_s=self.step_s,
            requests=requests,
            id=rows,
            must_go=np.ones(len(rows), dtype=np.bool_),
            duration_s=self.duration_s,
            capacity=self.capacity,
            closes_s=self.closes_s,
            forecast=self.forecast,
        )
        if epoch >= self.last_epoch:
            return state
        late = ~state.servable(requests, self.start_s(epoch + 1))
        object.__setattr__(state, "must_go", late)
        return state


def wave_day(
    problem: RoutingProblem,
    *,
    name: str = "",
    seed: int = 1,
    per_epoch: int = 100,
    step_s: int = 3600,
    margin_s: int = 3600,
    most_epochs: int | None = None,
) -> WaveDay:
    """Draw a day from the customers of a static instance.

    Parameters
    ----------
    problem
        Orders with windows, one store, and couriers who are all alike; the matrix of durations is
        also what driving costs.
    name
        Name for display.
    seed
        A whole number >= 0.
    per_epoch
        Requests drawn at each epoch, >= 1.
    step_s, margin_s
        Seconds between epochs, and from an epoch until its routes leave.
    most_epochs
        The day ends after so many epochs; None for as many as windows open in.

    Raises
    ------
    InputError
        If the problem is of another kind, or a value is out of range; all is listed.
    """
    issues = _issues(problem, seed, per_epoch, step_s, margin_s, most_epochs)
    if issues:
        raise InputError(issues)
    orders, couriers = problem.orders, problem.couriers
    depot = int(problem.stores.place[0])
    # The depot comes first, as everywhere in waves.
    places = np.concatenate([[depot], np.setdiff1d(np.arange(problem.num_places), [depot])])
    at = np.argsort(places)
    customers = Requests(
        place=at[orders.place],
        earliest_s=orders.earliest_s,
        latest_s=orders.latest_s,
        service_s=orders.service_s,
        load=orders.load[:, 0],
    )
    first, last = (
        max((int(opens_s) - margin_s) // step_s, 0)
        for opens_s in (customers.earliest_s.min(), customers.earliest_s.max())
    )
    if most_epochs is not None:
        last = min(last, first + most_epochs - 1)
    forecast = Forecast(customers=customers, per_epoch=per_epoch)
    empty = WaveDay(
        name=name,
        seed=seed,
        first_epoch=first,
        last_epoch=last,
        step_s=step_s,
        margin_s=margin_s,
        requests=customers.rows(np.zeros(0, dtype=np.int64)),
        arrives=np.zeros(0, dtype=np.int64),
        duration_s=problem.travel[int(couriers.profile[0])].duration_s[np.ix_(places, places)],
        capacity=int(couriers.capacity[0, 0]),
        closes_s=int(couriers.latest_s[0]),
        forecast=forecast,
    )
    return _drawn(empty, seed)


def _drawn(day: WaveDay, seed: int) -> WaveDay:
    """Draw the requests of all epochs."""
    # The competition draws from this generator in this order, so its seeds give its days.
    rng = np.random.default_rng(seed)
    parts, arrives = [], []
    for epoch in range(day.first_epoch, day.last_epoch + 1):
        drawn = day.forecast.draw(rng)
        state = day.state(epoch, np.zeros(len(day.requests), dtype=np.bool_))
        kept = drawn.rows(state.servable(drawn, state.start_s))
        parts.append(kept)
        arrives.append(np.full(len(kept), epoch))
    return replace(day, requests=Requests.concatenate(*parts), arrives=np.concatenate(arrives))


def _issues(  # noqa: PLR0917 (all that a day is made of)
    problem: RoutingProblem,
    seed: int,
    per_epoch: int,
    step_s: int,
    margin_s: int,
    most_epochs: int | None,
) -> list[Issue]:
    numbers = {"seed": (seed, 0), "per_epoch": (per_epoch, 1), "step_s": (step_s, 1)}
    numbers |= {"margin_s": (margin_s, 0), "most_epochs": (most_epochs or 1, 1)}
    issues = [
        Issue(
            code="out-of-range",
            where=name,
            found=repr(value),
            wanted=f"a whole number of at least {least}",
        )
        for name, (value, least) in numbers.items()
        if value < least
    ]
    orders, couriers = problem.orders, problem.couriers
    wanted = {
        "orders": (len(orders) > 0, "no orders", "customers to draw from"),
        "stores": (len(problem.stores) == 1, f"{len(problem.stores)} stores", "one depot"),
        "couriers": (len(couriers) == 1, f"{len(couriers)} classes", "couriers who are all alike"),
        "orders.load": (problem.num_dims == 1, f"{problem.num_dims} dimensions", "one dimension"),
        "orders.refusal_cost": (
            bool((orders.refusal_cost == MANDATORY).all()),
            "prices of refusal",
            "orders that must all be served",
        ),
        "orders.pickup_place": (
            not orders.has_pickup.any(),
            "pick-up places",
            "orders that are loaded at the depot",
        ),
    }
    issues += [
        Issue(
            code="wrong-kind",
            where=where,
            found=found,
            wanted=each,
            hint="days in epochs are drawn from a static problem with time windows",
        )
        for where, (is_good, found, each) in wanted.items()
        if not is_good
    ]
    return issues
