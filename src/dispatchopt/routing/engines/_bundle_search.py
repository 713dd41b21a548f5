"""A search over enumerated trips: trips into columns, columns into plans."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.run import Run
from dispatchopt.routing.bundles import Enumeration
from dispatchopt.routing.engines._columns import Columns, columns_of, columns_of_plan, row_keys
from dispatchopt.routing.engines._effort import Effort, Warm
from dispatchopt.routing.engines._partition import Partition
from dispatchopt.routing.engines._ruin import LEAST_TRIPS, Ruin, is_plan, nearest_first
from dispatchopt.routing.known_trips import KnownTrips
from dispatchopt.routing.problem import RoutingProblem, RoutingSolution, Trip
from dispatchopt.routing.schedule import best_route


@dataclass(frozen=True, kw_only=True, eq=False)
class WarmTrips:
    """Trips and cuts that the last linear programme ended with, by courier, store and orders.

    Parameters
    ----------
    trips
        Courier row, store, and orders filled up with -1, shape (num_trips, width).
    cuts
        Three orders each, shape (num_cuts, 3).
    """

    trips: IntArray
    cuts: IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """What a search leaves to the next one: all trips, and what the linear programme ended with."""

    trips: KnownTrips | None
    warm: WarmTrips | None


class BundleSearch:
    """One run: trips into columns, columns into plans.

    ``ceiling`` is the cost below which no plan has other trips; None if that is not known.
    """

    def __init__(
        self,
        effort: Effort,
        problem: RoutingProblem,
        found: Enumeration,
        run: Run[RoutingSolution],
        ceiling: float | None = None,
    ) -> None:
        self.problem, self.run = problem, run
        self.ceiling = math.inf if found.is_complete else ceiling
        self.blocks = found.blocks
        sizes = [len(block.cost) for block in found.blocks]
        self.first_of = np.cumsum([0, *sizes])
        self.effort = effort
        self._ruins: Ruin | None = None

    def solve(self, known: Known | None, warm: Warm | None = None) -> WarmTrips | None:
        """Search; what is ``known`` of the last state, or ``warm``, says where to begin."""
        run = self.run
        columns, top = columns_of(self.problem, self.blocks)
        steps = self.effort.ruin_steps
        if warm is None:
            warm = self._warm(columns, known)
            steps = steps if warm is None else self.effort.warm_ruin_steps
        self._ruin(columns, top, steps)
        if run.should_stop():
            return None if known is None else known.warm
        best = run.objective
        partition = Partition(
            columns,
            best=top if best is None else best,
            ceiling=math.inf if self.ceiling is None else self.ceiling,
            known=self._known(columns),
            effort=self.effort,
            seed=run.seed,
            offer=self._offer,
            tell_bound=self._raise_bound,
            should_stop=run.should_stop,
            time_left=lambda: run.time_left_s,
            improve=partial(self._ruin, columns, top, self.effort.more_ruin_steps),
            warm=warm,
            current=lambda: self._current(columns),
        )
        # A plan is proven best where no other one can cost less by one, and costs are whole.
        is_proven = partition.solve()
        if is_proven and self.ceiling is not None:
            if run.objective is None and self.ceiling < math.inf:
                run.raise_bound(self.ceiling)
            elif run.objective is None:
                run.note("No solution exists: trips and couriers do not suffice.")
                run.prove_infeasible()
            else:
                run.raise_bound(min(run.objective, self.ceiling))
        return None if partition.kept is None else self._kept(columns, partition.kept)

    def _warm(self, columns: Columns, known: Known | None) -> Warm | None:
        """Return the columns of trips that are known, and the cuts."""
        if known is None or known.warm is None:
            return None
        trips, n = known.warm.trips, columns.num_orders
        width = max(trips.shape[1] - 1, columns.members.shape[1])
        wanted = np.full((len(trips), width + 1), -1, dtype=np.int64)
        wanted[:, : trips.shape[1]] = trips
        wanted[:, 0] += n
        wanted[:, 2:] = -np.sort(-wanted[:, 2:], axis=1)
        there = np.full((len(columns), width + 1), -1, dtype=np.int64)
        members = columns.members
        stops = np.where(members[:, 1:] < n, members[:, 1:], -1)
        there[:, 0], there[:, 1] = members[:, 0], columns.store
        there[:, 2 : 2 + stops.shape[1]] = -np.sort(-stops, axis=1)
        keys, others = row_keys(there), row_keys(wanted)
        order = np.argsort(keys, kind="stable")
        at = np.minimum(np.searchsorted(keys[order], others), len(keys) - 1)
        found = order[at[keys[order][at] == others]] if len(keys) else at[:0]
        is_new = np.ones(n, dtype=np.bool_)
        old = members[found, 1:]
        is_new[old[old < n]] = False
        return Warm(columns=np.unique(found), cuts=known.warm.cuts, is_new=is_new)

    def _kept(self, columns: Columns, warm: Warm) -> WarmTrips:
        """Return what the search ended with, by courier, store and orders."""
        n, chosen = columns.num_orders, warm.columns[columns.store[warm.columns] >= 0]
        members = columns.members[chosen]
        stops = np.where(members[:, 1:] < n, members[:, 1:], -1)
        trips = np.column_stack([members[:, 0] - n, columns.store[chosen], stops])
        return WarmTrips(trips=trips, cuts=warm.cuts)

    def _ruin(
        self,
        columns: Columns,
        top: float,
        steps: int,
        saved: FloatArray | None = None,
        times: int = 1,
    ) -> float:
        """Look for a better plan, from the best one so far; returns the cost of the best.

        ``saved`` is what one courier more would save, per class, where that is known.
        """
        run = self.run
        best = top if run.objective is None else run.objective
        if len(columns) - columns.num_orders < LEAST_TRIPS or run.should_stop():
            return best
        if self._ruins is None:
            self._ruins = Ruin(columns, self._near_s(), seed=run.seed)
        search = self._ruins
        gap = 0.0
        if saved is not None:
            search.price_couriers(saved)
            gap = (best - run.bound) / max(1.0, abs(best))
        known = self._known(columns)
        if len(known):
            search.start_from(known, gap)
        chosen, cost = search.run(times * steps * columns.num_orders, run.should_stop)
        if cost < best - 0.5 and is_plan(columns, chosen):
            self._offer(columns.origin[chosen], cost)
            best = cost
        return best

    def _known(self, columns: Columns) -> IntArray:
        """Return the columns of the best plan so far, whatever its sequences."""
        plan = self.run.solution
        return np.zeros(0, dtype=np.int64) if plan is None else columns_of_plan(columns, plan)

    def _current(self, columns: Columns) -> tuple[IntArray, IntArray]:
        """Return the columns of the best plan, refusals included, and who is near whom."""
        known = self._known(columns)
        rows = columns.members[known].ravel()
        is_served = np.zeros(columns.num_rows + 1, dtype=np.bool_)
        is_served[rows] = True
        refused = np.flatnonzero(columns.store < 0)
        left = refused[~is_served[columns.members[refused, 0]]]
        return np.sort(np.concatenate([known, left])), nearest_first(self._near_s())

    def _near_s(self) -> IntArray:
        """Return the seconds between doors, as the first couriers go."""
        place = self.problem.orders.place
        travel = self.problem.travel[int(self.problem.couriers.profile[0])]
        return travel.duration_s[np.ix_(place, place)]

    def _raise_bound(self, value: float) -> None:
        run = self.run
        if self.ceiling is not None and (run.objective is not None or value < math.inf):
            value = min(value, self.ceiling)
            run.raise_bound(value if run.objective is None else min(value, run.objective))
        run.step()

    def _offer(self, columns: IntArray, cost: float) -> None:
        routes = []
        for column in columns[columns < self.first_of[-1]].tolist():
            number = int(np.searchsorted(self.first_of, column, side="right")) - 1
            block = self.blocks[number]
            stops = tuple(block.sequences[column - self.first_of[number]].tolist())
            route = best_route(self.problem, block.courier, [Trip(store=block.store, stops=stops)])
            if route is None:
                return
            routes.append(route)
        self.run.offer(RoutingSolution(routes=tuple(routes)), claimed=cost)
