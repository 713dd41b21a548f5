"""Parts of a plan of PyVRP's, as problems of their own: some neighbouring routes at a time.

What an iteration of PyVRP takes grows with the whole problem, though it changes a few stops only,
and one worse corner of a large plan has to be made up for before anything else is accepted. So the
orders of some neighbouring routes, with all couriers who are free, are searched alone, and go back
if they cost less: decomposition by routes, as in Santini, Schneider, Vidal and Vigo (2023),
Decomposition strategies for vehicle routing heuristics, INFORMS Journal on Computing 35(3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part that was cut out.

    Parameters
    ----------
    data, start
        Its own ``ProblemData``, and the ``Solution`` to begin from.
    routes
        Rows of its routes in the plan that it was cut from.
    items, types
        Clients (or shipments) and vehicle types there, by those of the part.
    """

    data: Any
    start: Any
    routes: frozenset[int]
    items: IntArray
    types: tuple[int, ...]


class Parts:
    """Cuts parts out of the plans of one problem, and puts them back.

    Parameters
    ----------
    data
        PyVRP's ``ProblemData``: all clients or all shipments.
    """

    def __init__(self, data: Any) -> None:
        self._data = data
        self._is_paired = data.num_shipments > 0
        if self._is_paired:
            ends = [(each.pickup.location, each.delivery.location) for each in data.shipments()]
        else:
            ends = [(each.location, each.location) for each in data.clients()]
        #: Where each item is picked up and delivered.
        self._ends = np.array(ends, dtype=np.int64).reshape(-1, 2)
        self._group = np.arange(len(ends))
        for group in data.groups():
            self._group[group.clients] = min(group.clients)

    @property
    def num_items(self) -> int:
        """Number of clients or shipments."""
        return len(self._ends)

    @property
    def num_stops(self) -> int:
        """Number of stops: two of each shipment."""
        return self.num_items * (2 if self._is_paired else 1)

    def cut(self, plan: Any, near: int, stops: int) -> Part:
        """Return the routes that come nearest to an item, of some ``stops`` in all.

        Items in no route that are nearer than the farthest of these routes are part of it as well.
        """
        size = max(1, stops // 2) if self._is_paired else stops
        routes = plan.routes()
        owner = self._owner(routes)
        lengths = np.bincount(owner[owner >= 0], minlength=len(routes))
        chosen: list[int] = []
        is_in = np.zeros(self.num_items, dtype=bool)
        taken = 0
        for item in self._by_distance(near).tolist():
            row = int(owner[item])
            if row < 0:
                is_in[item] = True
            elif row not in chosen:
                if chosen and taken + lengths[row] > 1.25 * size:
                    break
                chosen.append(row)
                taken += int(lengths[row])
            if taken >= size:
                break
        is_in |= np.isin(owner, chosen)
        return self._part(routes, frozenset(chosen), self._whole_groups(is_in, owner))

    def put_back(self, plan: Any, part: Part, found: Any) -> Any:
        """Return the plan with what was found for a part."""
        import pyvrp

        kept = [each for row, each in enumerate(plan.routes()) if row not in part.routes]
        made = [
            _moved(each, self._data, part.items.tolist(), part.types[each.vehicle_type()])
            for each in found.routes()
        ]
        return pyvrp.Solution(self._data, kept + made)

    def _owner(self, routes: Sequence[Any]) -> IntArray:
        """Return the route of each item, -1 for none."""
        owner = np.full(self.num_items, -1, dtype=np.int64)
        for row, route in enumerate(routes):
            owner[[stop.idx for stop in route if not stop.is_depot()]] = row
        return owner

    def _by_distance(self, near: int) -> IntArray:
        """Return all items, those first whose end is nearest to the same end of an item."""
        metres = self._data.distance_matrix(0)
        ways = np.full(self.num_items, np.iinfo(np.int64).max)
        for side in range(2):
            here, there = self._ends[near, side], self._ends[:, side]
            ways = np.minimum(ways, metres[here, there] + metres[there, here])
        return np.argsort(ways, kind="stable")

    def _whole_groups(self, is_in: BoolArray, owner: IntArray) -> IntArray:
        """Return the items, alternatives added or left out where another route has the order."""
        if not self._data.num_groups:
            return np.flatnonzero(is_in)
        is_there = np.isin(self._group, self._group[is_in])
        is_elsewhere = np.isin(self._group, self._group[(owner >= 0) & ~is_in])
        return np.flatnonzero(is_there & ~is_elsewhere)

    def _part(self, routes: Sequence[Any], chosen: frozenset[int], items: IntArray) -> Part:
        import pyvrp

        data = self._data
        used = [0] * data.num_vehicle_types
        for row, route in enumerate(routes):
            used[route.vehicle_type()] += row not in chosen
        free = [each.num_available - used[row] for row, each in enumerate(data.vehicle_types())]
        types = tuple(row for row, count in enumerate(free) if count > 0)
        most = len(items)
        locations = sorted(
            {int(each) for each in self._ends[items].ravel()}
            | {each.location for each in data.depots()}
        )
        place = {location: row for row, location in enumerate(locations)}
        cells = np.ix_(locations, locations)
        row_of = {item: row for row, item in enumerate(items.tolist())}
        groups = [each for each in data.groups() if each.clients[0] in row_of]
        group_of = {client: row for row, each in enumerate(groups) for client in each.clients}
        matrices: Any = [
            [np.ascontiguousarray(each[cells]) for each in kind]
            for kind in (data.distance_matrices(), data.duration_matrices())
        ]
        small = pyvrp.ProblemData(
            locations=[pyvrp.Location(0, 0)] * len(locations),
            clients=[] if self._is_paired else self._clients(items, place, group_of),
            depots=[
                pyvrp.Depot(
                    location=place[each.location],
                    tw_early=each.tw_early,
                    tw_late=each.tw_late,
                    service_duration=each.service_duration,
                )
                for each in data.depots()
            ],
            vehicle_types=[
                data.vehicle_type(row).replace(num_available=min(free[row], most)) for row in types
            ],
            distance_matrices=matrices[0],
            duration_matrices=matrices[1],
            groups=[
                pyvrp.ClientGroup([row_of[client] for client in group.clients], group.required)
                for group in groups
            ],
            shipments=self._shipments(items, place) if self._is_paired else [],
        )
        made = [
            _moved(routes[row], small, row_of, types.index(routes[row].vehicle_type()))
            for row in sorted(chosen)
        ]
        start = pyvrp.Solution(small, made)
        return Part(data=small, start=start, routes=chosen, items=items, types=types)

    def _clients(
        self, items: IntArray, place: dict[int, int], group_of: dict[int, int]
    ) -> list[Any]:
        import pyvrp

        made = []
        for item in items.tolist():
            each = self._data.client(item)
            made.append(
                pyvrp.Client(
                    location=place[each.location],
                    delivery=each.delivery,
                    pickup=each.pickup,
                    service_duration=each.service_duration,
                    tw_early=each.tw_early,
                    tw_late=each.tw_late,
                    release_time=each.release_time,
                    prize=each.prize,
                    required=each.required,
                    group=group_of.get(item),
                )
            )
        return made

    def _shipments(self, items: IntArray, place: dict[int, int]) -> list[Any]:
        import pyvrp

        made = []
        for item in items.tolist():
            each = self._data.shipment(item)
            made.append(
                pyvrp.Shipment(
                    pickup_location=place[each.pickup.location],
                    delivery_location=place[each.delivery.location],
                    pickup_tw_early=each.pickup.tw_early,
                    pickup_tw_late=each.pickup.tw_late,
                    pickup_service_duration=each.pickup.service_duration,
                    delivery_tw_early=each.delivery.tw_early,
                    delivery_tw_late=each.delivery.tw_late,
                    delivery_service_duration=each.delivery.service_duration,
                    amount=each.amount,
                    prize=each.prize,
                    required=each.required,
                )
            )
        return made


def _moved(route: Any, data: Any, row_of: Any, vehicle_type: int) -> Any:
    """Return a route with its stops and its vehicle type renumbered, as one of other data."""
    import pyvrp

    stops = list(route)[1:-1]
    activities = [
        pyvrp.Activity(stop.type, stop.idx if stop.is_depot() else row_of[stop.idx])
        for stop in stops
    ]
    return pyvrp.Route(data, activities, vehicle_type)
