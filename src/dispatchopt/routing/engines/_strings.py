"""Ruin and recreate of plans with one store per courier: what the compiled search works on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.seeds import stream
from dispatchopt.routing.problem import (
    ANYWHERE,
    FAR,
    Route,
    RoutingProblem,
    RoutingSolution,
    Trip,
)
from dispatchopt.routing.reach import servable_orders
from dispatchopt.routing.schedule import best_route

#: A time that limits nothing, small enough for sums.
_LIMIT = 1 << 45
#: Places of the table of routes that were met, a power of two, and how much they may hold in all.
_SLOTS, _TEXT = 1 << 18, 1 << 22
#: Ways fit 32 bits.
_LONGEST = 1 << 30
#: Orders near each order that trips are ruined at, and beside which it may be put.
_NEAR, _BESIDE = 200, 60
#: Price of a second of waiting, in seconds on the way, where orders are told near from far.
_WAIT_PRICE = 0.2


def unsupported(problem: RoutingProblem) -> str | None:
    """Return which rule the search lacks, or None."""
    orders, couriers, stores = problem.orders, problem.couriers, problem.stores
    used = np.flatnonzero(couriers.count > 0)
    in_use = [problem.stores_of_courier(row) for row in used.tolist()]
    lacks = {
        "pick-up places": orders.has_pickup.any(),
        "a price of lateness": bool(orders.hinges),
        "freshness": (orders.max_age_s < FAR).any(),
        "locks": (orders.locked_courier >= 0).any(),
        "a price of changes": orders.has_changes,
        "skills": orders.skills.any(),
        "breaks": len(problem.breaks) > 0,
        "picking": (stores.pick_s > 0).any(),
        "costs of time": couriers.cost_per_s[used].any(),
        "costs per order": couriers.cost_per_order[used].any(),
        "minimum pay": couriers.min_pay[used].any(),
        "limits of stops": (couriers.max_stops[used] < len(orders)).any(),
        "several loads": problem.num_dims > 1,
        "several profiles": len(set(couriers.profile[used].tolist())) > 1,
        "a choice of stores": any(len(each) != 1 for each in in_use),
        "orders bound to stores": orders.store_options is not None and len(stores) > 1,
    }
    for what, is_asked in lacks.items():
        if is_asked:
            return what
    profiles = couriers.profile[used].tolist()
    for row, own in zip(used.tolist(), in_use, strict=True):
        place = int(stores.place[own[0]])
        if couriers.start_place[row] not in (ANYWHERE, place) or couriers.end_place[row] != place:
            return "ways to the store"
    if any(int(problem.travel[row].distance_m.max()) >= _LONGEST for row in profiles):
        return "ways that are too long"
    if not all(problem.travel[row].is_reachable.all() for row in profiles):
        return "places without a way"
    return None


class Strings:
    """A search that may be gone on with.

    Parameters
    ----------
    problem
        One that is not refused.
    plan
        Where it begins; in time.
    """

    def __init__(self, problem: RoutingProblem, plan: RoutingSolution, *, seed: int) -> None:
        from dispatchopt.routing.engines import _strings_kernel, _strings_plan

        self._kernel: Any = _strings_kernel
        self._layout: Any = _strings_plan
        self.problem = problem
        couriers, k = problem.couriers, self._layout
        rows = np.flatnonzero(couriers.count > 0)
        travel = problem.travel[int(couriers.profile[rows[0]])]
        self.kept = _chain(travel.distance_m, problem.orders.place, servable_orders(problem))
        n = len(self.kept)
        #: Courier row and store of every route.
        self.courier = [row for row in rows.tolist() for _ in range(min(n, couriers.count[row]))]
        self.store = [int(problem.stores_of_courier(row)[0]) for row in self.courier]
        num = len(self.courier)
        dearest = max(1, int(couriers.cost_per_m[rows].max()))
        #: Cost of the longest way.
        self.longest = max(1, int(travel.distance_m.max(initial=0)) * dearest)
        self._given = self._table()
        places = np.concatenate([problem.orders.place[self.kept], problem.stores.place])
        there = [each[np.ix_(places, places)] for each in (travel.distance_m, travel.duration_s)]
        both = [*there, *(each.T for each in there)]
        ways = np.ascontiguousarray(np.stack(both, axis=-1), dtype=np.int32)
        # Column by column in memory: most rows of a node are asked for together.
        self._plan = np.zeros((k.PLAN_SIZE, self._given.shape[1]), dtype=np.int64, order="F")
        self._sets = np.zeros((6, max(n, num)), dtype=np.int64)
        self._meta = np.zeros(k.META_SIZE, dtype=np.int64)
        self._meta[[k.NUM_ORDERS, k.NUM_ROUTES, k.BEST]] = n, num, 1 << 62
        self._meta[k.NUM_KINDS] = len(rows)
        self._meta[k.MANY_TRIPS] = int((couriers.max_trips[rows] > 1).any())
        self._meta[k.RANDOM] = stream(seed, "strings").integers(1, 1 << 62)
        self._args = (ways, self._given, self._plan, self._sets, self._meta)
        own = problem.orders.place[self.kept]
        self._near = (
            _nearest(travel.distance_m, own, min(_NEAR, n - 1)),
            self._adjoining(travel, own, min(_BESIDE, n - 1)),
        )
        self._best = np.zeros(2 * n + 2 * num + 2, dtype=np.int64)
        self._met = np.zeros((3, _SLOTS // 2), dtype=np.int64)
        self._text = np.zeros(_TEXT, dtype=np.int32)
        marks = stream(seed, "marks").integers(1, 1 << 63, n).astype(np.uint64)
        slots = np.zeros((2, _SLOTS), dtype=np.int64)
        self._pool = (marks, slots, self._met, self._text)
        self.is_sound = self.load(plan)

    def _table(self) -> IntArray:
        """Return what is known of orders, and of starts and ends of couriers."""
        k, problem = self._layout, self.problem
        orders, couriers, stores = problem.orders, problem.couriers, problem.stores
        n, slots = len(self.kept), self.courier
        start = n + 2 * np.arange(len(slots))
        given = np.zeros((k.GIVEN_SIZE, 2 * n + 2 * len(slots)), dtype=np.int64, order="F")
        given[k.PLACE, :n] = np.arange(n)
        given[k.EARLY, :n] = np.maximum(orders.earliest_s[self.kept], -_LIMIT)
        given[k.LATE, :n] = np.minimum(orders.deadline_s[self.kept], _LIMIT)
        given[k.SERVICE, :n] = orders.service_s[self.kept]
        given[k.RELEASE, :n] = np.maximum(orders.release_s[self.kept], -_LIMIT)
        refusal = orders.refusal_cost[self.kept]
        # To leave out what must be served costs more than any plan.
        most = 4 * (n + 1) * self.longest + int(couriers.fixed_cost[slots].sum()) + 1
        given[k.REFUSAL, :n] = np.where(refusal < 0, most, refusal)
        given[k.PLACE, start] = given[k.PLACE, start + 1] = n + np.array(self.store)
        soonest = np.maximum(stores.earliest_s[self.store], couriers.earliest_s[slots])
        given[k.EARLY, start] = np.maximum(soonest, -_LIMIT)
        given[k.EARLY, start + 1] = -_LIMIT
        given[k.LATE, start] = np.minimum(stores.latest_s[self.store], _LIMIT)
        given[k.LATE, start + 1] = np.minimum(couriers.latest_s[slots], _LIMIT)
        given[k.SERVICE, start] = stores.service_s[self.store]
        given[k.KIND, start] = slots
        given[k.UNIT, start] = couriers.cost_per_m[slots]
        given[k.FIXED, start] = couriers.fixed_cost[slots]
        given[k.MOST_TRIPS, start] = couriers.max_trips[slots]
        given[k.MOST_M, start] = couriers.max_distance_m[slots]
        given[k.MOST_S, start] = np.minimum(couriers.max_duration_s[slots], _LIMIT)
        if problem.num_dims:
            given[k.LOAD, :n] = orders.load[self.kept, 0]
            given[k.CAPACITY, start] = couriers.capacity[slots, 0]
        return given

    def load(self, solution: RoutingSolution) -> bool:
        """Make a plan the one at hand; returns whether it keeps its times here."""
        k, plan, meta = self._layout, self._plan, self._meta
        n, num = len(self.kept), len(self.courier)
        row_of = {order: row for row, order in enumerate(self.kept.tolist())}
        for group, size in ((k.VISITS, n), (k.EMPTY, 0), (k.ABSENT, n)):
            self._sets[2 * group + 1] = -1
            self._sets[2 * group : 2 * group + 2, :size] = np.arange(size)
            meta[group] = size
        plan[k.ROUTE, :n] = -1
        plan[k.ROUTE, n : n + 2 * num] = np.repeat(np.arange(num), 2)
        free: dict[int, list[int]] = {}
        for slot in range(num - 1, -1, -1):
            free.setdefault(self.courier[slot], []).append(slot)
            start = n + 2 * slot
            plan[k.AFTER, start], plan[k.BEFORE, start + 1] = start + 1, start
        spare = n + 2 * num
        for route in solution.routes:
            slot = free[route.courier].pop()
            start = n + 2 * slot
            nodes: list[int] = []
            for number, trip in enumerate(route.trips):
                if number:
                    nodes.append(spare)
                    k.settle(spare, start, self._given)
                    k.drop(k.VISITS, spare - n - 2 * num, self._sets, meta)
                    spare += 1
                for order in trip.stops:
                    nodes.append(row_of[order])
                    k.drop(k.ABSENT, row_of[order], self._sets, meta)
            plan[k.ROUTE, nodes] = slot
            chain = [start, *nodes, start + 1]
            plan[k.AFTER, chain[:-1]] = chain[1:]
            plan[k.BEFORE, chain[1:]] = chain[:-1]
        is_sound = True
        for slot in range(num):
            is_sound &= bool(k.renew(slot, *self._args))
        gone = self._sets[2 * k.ABSENT, : int(meta[k.ABSENT])]
        starts = n + 2 * np.arange(num)
        cost = plan[k.COST, starts].sum() + self._given[k.REFUSAL, gone].sum()
        meta[k.TOTAL] = cost
        if is_sound and cost < meta[k.BEST]:
            meta[k.BEST] = cost
            meta[k.BEST_SIZE] = k.dump(plan, meta, self._best)
        return is_sound

    def _adjoining(self, travel: Any, own: IntArray, width: int) -> IntArray:
        """Return, per order, orders that it may follow and that may follow it, in turn.

        Either kind is sorted by the way, with a price of the time for which the later of the two
        has to be waited for at least (as in PyVRP's lists of neighbours).
        """
        orders, kept, cells = self.problem.orders, self.kept, np.ix_(own, own)
        metres, legs = travel.distance_m[cells], travel.duration_s[cells]
        early = np.maximum(orders.earliest_s[kept], orders.release_s[kept])
        late = np.minimum(orders.deadline_s[kept], _LIMIT)
        served = orders.service_s[kept][:, None] + legs
        speed = float(metres.sum() / max(1, legs.sum()))
        waits = np.maximum(0, orders.earliest_s[kept][None, :] - late[:, None] - served)
        rank = metres + _WAIT_PRICE * speed * waits
        rank[early[:, None] + served > late[None, :]] = np.inf
        np.fill_diagonal(rank, np.inf)
        found = np.full((len(own), 2 * width), -1, dtype=np.int64)
        for side, by in enumerate((rank.T, rank)):
            chosen = np.argsort(by, axis=1, kind="stable")[:, :width]
            chosen[np.isinf(np.take_along_axis(by, chosen, axis=1))] = -1
            found[:, side::2] = chosen
        return found

    def run(self, steps: int, heat: float) -> None:
        """Take some steps; a plan that costs more by ``heat`` is taken over with chance 1/e."""
        self._kernel.run(steps, heat, *self._args, *self._near, self._best, *self._pool)

    @property
    def best_cost(self) -> int:
        """Cost of the cheapest plan met, with a large price per order that must be served."""
        return int(self._meta[self._layout.BEST])

    @property
    def cost(self) -> int:
        """Cost of the plan at hand."""
        return int(self._meta[self._layout.TOTAL])

    def _routes(self, flat: list[int]) -> Iterator[tuple[int, list[list[int]]]]:
        """Yield number and orders by trip of each route that is written down."""
        at = 0
        while at < len(flat):
            slot, at = flat[at], at + 1
            trips: list[list[int]] = [[]]
            while flat[at] != -2:
                if flat[at] >= len(self.kept):
                    trips.append([])
                else:
                    trips[-1].append(int(self.kept[flat[at]]))
                at += 1
            at += 1
            yield slot, trips

    def met(self, most: int) -> list[tuple[int, int, tuple[Trip, ...]]]:
        """Return courier row, cost and trips of routes that were met, in the cheapest plans."""
        k, layout = self._kernel, self._layout
        size = int(self._meta[layout.NUM_MET])
        known = np.flatnonzero(self._met[k.MET_BEGIN, :size] >= 0)
        if len(known) > most:
            rank = np.argsort(self._met[k.MET_TOTAL, known], kind="stable")
            known = known[rank[:most]]
        text = self._text[: int(self._meta[layout.MET_SIZE])]
        ends = np.flatnonzero(text == -2)
        begins = self._met[k.MET_BEGIN, known]
        made = []
        for at, begin in zip(known.tolist(), begins.tolist(), strict=True):
            end = int(ends[np.searchsorted(ends, begin)])
            [(slot, trips)] = self._routes(text[begin : end + 1].tolist())
            cost = int(self._met[k.MET_COST, at])
            made.append((self.courier[slot], cost, self._trips(slot, trips)))
        return made

    def _trips(self, slot: int, trips: list[list[int]]) -> tuple[Trip, ...]:
        return tuple(Trip(store=self.store[slot], stops=tuple(stops)) for stops in trips)

    def _must(self) -> list[int]:
        is_mandatory = self.problem.orders.is_mandatory
        return [order for order in self.kept.tolist() if is_mandatory[order]]

    def best(self) -> RoutingSolution | None:
        """Return the cheapest plan met; None if it refuses what must be served, or misses times."""
        routes: list[Route] = []
        served: set[int] = set()
        flat = self._best[: int(self._meta[self._layout.BEST_SIZE])].tolist()
        for slot, trips in self._routes(flat):
            served.update(order for stops in trips for order in stops)
            timed = best_route(self.problem, self.courier[slot], self._trips(slot, trips))
            if timed is None:
                return None
            routes.append(timed)
        if any(order not in served for order in self._must()):
            return None
        return RoutingSolution(routes=tuple(routes))


def _chain(metres: IntArray, place: IntArray, is_kept: Any) -> IntArray:
    """Return the orders in use, each followed by the nearest one that is left.

    What is near then lies near in memory as well, on which much of the speed depends.
    """
    kept = np.flatnonzero(is_kept)
    ways = metres[np.ix_(place[kept], place[kept])].astype(np.float64)
    sequence = np.zeros(len(kept), dtype=np.int64)
    for at in range(1, len(kept)):
        ways[:, sequence[at - 1]] = np.inf
        sequence[at] = int(ways[sequence[at - 1]].argmin())
    return kept[sequence]


def _nearest(metres: IntArray, own: IntArray, width: int) -> IntArray:
    """Return, per order, the nearest other ones."""
    ways = (metres + metres.T)[np.ix_(own, own)].astype(np.float64)
    np.fill_diagonal(ways, np.inf)
    return np.argsort(ways, axis=1, kind="stable")[:, :width].astype(np.int64)
