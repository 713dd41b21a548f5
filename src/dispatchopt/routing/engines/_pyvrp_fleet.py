"""Places, depots and vehicle types of a routing problem in PyVRP's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.routing.problem import ANYWHERE, FAR, NO_STORE, UNREACHABLE, RoutingProblem

_LARGEST = int(np.iinfo(np.int64).max)
#: What is at least this large limits nothing.
NO_LIMIT = FAR // 2


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Our times in PyVRP's, which takes none below zero."""

    offset_s: int

    def early(self, time_s: int) -> int:
        """Return an earliest time."""
        return max(0, time_s - self.offset_s) if time_s > -NO_LIMIT else 0

    def late(self, time_s: int) -> int:
        """Return a latest time."""
        return _LARGEST if time_s >= NO_LIMIT else time_s - self.offset_s


class Places:
    """Locations: only the places in use, each once or, with bans, once per store it is tied to."""

    def __init__(self, problem: RoutingProblem, uses_bans: bool) -> None:
        self.problem = problem
        self.uses_bans = uses_bans
        self.index: dict[tuple[int, int, bool], int] = {}

    def of_client(self, place: int, store: int) -> int:
        """Return the location of a stop."""
        return self._at(place, store if self.uses_bans else NO_STORE, False)

    def of_depot(self, place: int, store: int = NO_STORE) -> int:
        """Return the location of a depot, which is a store's or a start or end place."""
        return self._at(place, store if self.uses_bans else NO_STORE, self.uses_bans)

    @property
    def size(self) -> int:
        """Number of locations."""
        return len(self.index)

    def _at(self, place: int, store: int, is_depot: bool) -> int:
        return self.index.setdefault((place, store, is_depot), len(self.index))

    def matrices(self) -> tuple[list[Any], list[Any], bool]:
        """Return distances and durations by profile, and whether some arc has no way."""
        keys = np.array(list(self.index), dtype=np.int64).reshape(-1, 3)
        place, store, is_depot = keys[:, 0], keys[:, 1], keys[:, 2].astype(bool)
        nowhere = place == ANYWHERE
        take = np.ix_(np.where(nowhere, 0, place), np.where(nowhere, 0, place))
        # Depots may be reached from anywhere, and only lead to clients of their own store.
        banned = (store[:, None] != store[None, :]) & (~is_depot[None, :])
        banned &= store[None, :] != NO_STORE
        banned &= (store[:, None] != NO_STORE) | is_depot[:, None]
        if not self.uses_bans:
            banned[:] = False
        distances, durations, has_gap = [], [], False
        for travel in self.problem.travel:
            distance = travel.distance_m[take].copy()
            duration = travel.duration_s[take].copy()
            closed = (distance >= UNREACHABLE) | (duration >= UNREACHABLE) | banned
            distance[closed] = UNREACHABLE
            for matrix in (distance, duration):
                matrix[nowhere, :] = 0
                matrix[:, nowhere] = 0
                np.fill_diagonal(matrix, 0)
            has_gap |= bool((distance >= UNREACHABLE).any())
            distances.append(distance)
            durations.append(duration)
        return distances, durations, has_gap


class Depots:
    """Depots: stores first, then plain places where routes start and end."""

    def __init__(self, pyvrp: Any, problem: RoutingProblem, clock: Clock, places: Places) -> None:
        self._pyvrp = pyvrp
        self._places = places
        stores = problem.stores
        self.depots: list[Any] = []
        self.store: list[int] = []
        self._plain: dict[int, int] = {}
        for store in range(len(stores)):
            latest_s = clock.late(int(stores.latest_s[store]))
            early_s = clock.early(int(stores.earliest_s[store]))
            is_open = early_s <= latest_s
            self.depots.append(
                pyvrp.Depot(
                    location=places.of_depot(int(stores.place[store]), store),
                    tw_early=early_s if is_open else 0,
                    tw_late=latest_s if is_open else 0,
                    service_duration=int(stores.service_s[store]),
                )
            )
            self.store.append(store)

    def plain(self, place: int) -> int:
        """Return the depot of a start or end place."""
        if place not in self._plain:
            self._plain[place] = len(self.depots)
            self.depots.append(self._pyvrp.Depot(location=self._places.of_depot(place)))
            self.store.append(NO_STORE)
        return self._plain[place]


class Fleet:
    """Vehicle types: one per courier row.

    Parameters
    ----------
    problem, clock, depots
        What the types refer to.
    stores_of
        Per courier row, the stores where it may load.
    capacities
        Returns all capacities of a courier row that loads at a store.
    most
        Largest number of couriers of use.
    is_paired
        Whether all orders have a pick-up place.
    """

    def __init__(
        self,
        pyvrp: Any,
        *,
        problem: RoutingProblem,
        clock: Clock,
        depots: Depots,
        stores_of: list[list[int]],
        capacities: Callable[[int, int], list[int]],
        most: int,
        is_paired: bool,
    ) -> None:
        self._pyvrp = pyvrp
        self._problem = problem
        self._clock = clock
        self._depots = depots
        self._stores_of = stores_of
        self._capacities = capacities
        self._most = most
        self._is_paired = is_paired

    def types(self) -> tuple[list[Any], list[int], list[int]]:
        """Return the types, their courier rows, and the store of their first trip."""
        made: list[Any] = []
        rows: list[int] = []
        first: list[int] = []
        for row in range(len(self._problem.couriers)):
            stores = self._stores_of[row]
            if self._is_paired:
                vehicle, store = self._plain(row), NO_STORE
            elif len(stores) == 1:
                vehicle, store = self._bound(row, stores[0]), stores[0]
            else:
                vehicle, store = self._free(row, stores), NO_STORE
            if vehicle is not None:
                made.append(vehicle)
                rows.append(row)
                first.append(store)
        return made, rows, first

    def _plain(self, row: int) -> Any:
        start = self._depots.plain(int(self._problem.couriers.start_place[row]))
        return self._vehicle(row, NO_STORE, start_depot=start)

    def _bound(self, row: int, store: int) -> Any:
        """Start at the store; the way there is the same for every route."""
        problem = self._problem
        start = int(problem.couriers.start_place[row])
        place = int(problem.stores.place[store])
        travel = problem.travel[int(problem.couriers.profile[row])]
        lead_m = 0 if start == ANYWHERE else int(travel.distance_m[start, place])
        lead_s = 0 if start == ANYWHERE else int(travel.duration_s[start, place])
        if max(lead_m, lead_s) >= UNREACHABLE:
            return None
        shift_end_s = self._clock.late(int(problem.couriers.latest_s[row]))
        shift_start_s = self._clock.early(int(problem.couriers.earliest_s[row])) + lead_s
        opens_s = self._clock.early(int(problem.stores.earliest_s[store]))
        closes_s = self._clock.late(int(problem.stores.latest_s[store]))
        if max(opens_s, shift_start_s) > min(closes_s, shift_end_s):
            return None
        more = int(problem.couriers.max_trips[row]) - 1
        reloads: dict[str, Any] = {}
        if more:
            reloads = {"reload_depots": [store], "max_reloads": min(more, FAR)}
        return self._vehicle(row, store, lead_m, lead_s, start_depot=store, **reloads)

    def _free(self, row: int, stores: list[int]) -> Any:
        """Start with a full dummy load, which has to be left at a store."""
        if not stores:
            return None
        couriers = self._problem.couriers
        capacity = self._capacities(row, NO_STORE)
        dummy = [0] * len(capacity)
        stop_dim = self._problem.num_dims
        dummy[stop_dim] = capacity[stop_dim]
        return self._vehicle(
            row,
            NO_STORE,
            start_depot=self._depots.plain(int(couriers.start_place[row])),
            reload_depots=stores,
            max_reloads=int(couriers.max_trips[row]),
            initial_load=dummy,
        )

    def _vehicle(self, row: int, store: int, lead_m: int = 0, lead_s: int = 0, **more: Any) -> Any:
        couriers = self._problem.couriers
        early_s = self._clock.early(int(couriers.earliest_s[row])) + lead_s
        late_s = self._clock.late(int(couriers.latest_s[row]))
        most_m = int(couriers.max_distance_m[row]) - lead_m
        most_s = int(couriers.max_duration_s[row]) - lead_s
        if couriers.count[row] == 0 or late_s < early_s or min(most_m, most_s) < 0:
            return None
        rate_m, rate_s = int(couriers.cost_per_m[row]), int(couriers.cost_per_s[row])
        return self._pyvrp.VehicleType(
            num_available=min(int(couriers.count[row]), self._most),
            capacity=self._capacities(row, store),
            end_depot=self._depots.plain(int(couriers.end_place[row])),
            fixed_cost=int(couriers.fixed_cost[row]) + rate_m * lead_m + rate_s * lead_s,
            tw_early=early_s,
            tw_late=late_s,
            shift_duration=_LARGEST if most_s >= NO_LIMIT else most_s,
            max_distance=_LARGEST if most_m >= NO_LIMIT else most_m,
            unit_distance_cost=rate_m,
            unit_duration_cost=rate_s,
            profile=int(couriers.profile[row]),
            **more,
        )
