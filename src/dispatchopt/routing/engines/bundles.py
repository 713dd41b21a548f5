"""Set partitioning over all feasible short trips, with a certified gap.

Every feasible trip is a column, priced with its best sequence and start; each order is in one of
the chosen columns or refused, and no courier class is used more often than it has couriers. The
linear relaxation, tightened by cuts, bounds the cost; branch and bound closes the gap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.run import Run
from dispatchopt.routing.bundles import Enumeration, enumerate_bundles
from dispatchopt.routing.check import check
from dispatchopt.routing.engines._chains import solve_chains
from dispatchopt.routing.engines._columns import Columns, columns_of, columns_of_plan, row_keys
from dispatchopt.routing.engines._effort import Effort, Warm
from dispatchopt.routing.engines._generation import Generation, small_bundles
from dispatchopt.routing.engines._partition import Partition
from dispatchopt.routing.engines._repair import mended
from dispatchopt.routing.engines._ruin import LEAST_TRIPS, Ruin, is_plan, nearest_first
from dispatchopt.routing.engines._trip_pricing import why_not
from dispatchopt.routing.known_trips import KnownTrips
from dispatchopt.routing.picking import has_picking
from dispatchopt.routing.problem import FAR, RoutingProblem, RoutingSolution, Trip
from dispatchopt.routing.reach import proof_of_infeasibility
from dispatchopt.routing.schedule import best_route

#: Times that trips are generated; the gap grows between them.
_MOST_GAPS = 24
#: Orders times courier rows up to which a plan is begun one order after the other.
_MOST_BEGUN = 1_000


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


@dataclass(frozen=True, kw_only=True)
class BundlesEngine:
    """Enumerate, bound by the linear relaxation, solve the integer programme.

    Parameters
    ----------
    max_bundles
        Most trips that are listed; of a problem with more, those near the optimum of the linear
        relaxation are generated.
    max_small, max_near
        Then: most of the smaller trips that are kept, and most that are generated.
    first_gap, gap_growth
        Then: reduced cost of the trips that are generated first, as a share of the bound, and by
        what it grows.
    max_chained
        Most sets of orders per group of couriers that may do several trips.
    effort
        How much is done at each stage.
    ruin_steps, more_ruin_steps, warm_ruin_steps
        Steps of ruin and recreate per order: before the linear programme; each time that the gap
        is found to be wide; and before the linear programme where one is gone on with.
    """

    name: str = "bundles"
    packages: tuple[str, ...] = ("highspy",)
    max_bundles: int = 1_000_000
    max_small: int = 1_000_000
    max_near: int = 400_000
    first_gap: float = 0.01
    gap_growth: float = 2.0
    max_chained: int = 200_000
    effort: Effort = field(default_factory=Effort)
    ruin_steps: int = 40
    more_ruin_steps: int = 200
    warm_ruin_steps: int = 10

    def unsupported(self, problem: RoutingProblem) -> str | None:
        """Return why bundles do not describe the problem, or None."""
        used = problem.couriers.count > 0
        if problem.orders.has_pickup.any():
            return "its trips are loaded at stores, and some orders have a pick-up place"
        if len(problem.breaks):
            return "it knows no breaks"
        if has_picking(problem):
            return "it takes orders to be ready at set times, and some stores pick them in turn"
        if _has_chains(problem):
            couriers = problem.couriers
            limits = np.minimum(couriers.max_duration_s, couriers.max_distance_m)
            if (limits[used] < FAR).any():
                return "it does not chain trips within a limit on distance or duration"
            if couriers.min_pay[used].any():
                return "it does not chain trips under minimum pay"
            if problem.orders.has_changes:
                return "it does not chain trips under a price of changes"
        return None

    def search(self, problem: RoutingProblem, run: Run[RoutingSolution]) -> None:
        """Enumerate and solve; each phase counts as a step."""
        self.search_on(problem, run, None)

    def search_on(
        self, problem: RoutingProblem, run: Run[RoutingSolution], known: Known | None
    ) -> Known | None:
        """Search, going on from what is known; returns what the next state may begin with."""
        proof = proof_of_infeasibility(problem)
        if proof is None and math.isinf(run.bound):
            proof = "no set of trips reaches every order that must be served"
        if proof is not None:
            run.note(f"No solution exists: {proof}.")
            run.prove_infeasible()
            return None
        if _has_chains(problem):
            if not run.should_stop():
                solve_chains(problem, run, self.max_chained)
            return None
        self._mend(problem, run)
        if run.should_stop():
            return None
        found = enumerate_bundles(
            problem,
            limit=self.max_bundles,
            should_stop=run.should_stop,
            known=None if known is None else known.trips,
        )
        how = "all feasible trips" if found.is_complete else "some of the feasible trips"
        run.note(f"It chose among {how}: {found.num_bundles}.")
        warm = None
        if self._generated(problem, found, run):
            return None
        if run.step():
            warm = _Search(self, problem, found, run).solve(known)
        return None if found.known is None else Known(trips=found.known, warm=warm)

    def _generated(
        self, problem: RoutingProblem, found: Enumeration, run: Run[RoutingSolution]
    ) -> bool:
        """Solve without a list of all trips, if that is too long and there is time for a bound."""
        if found.is_complete or why_not(problem) is not None:
            return False
        small, size = small_bundles(found, self.max_small)
        generation = Generation(
            problem,
            small,
            seed=run.seed,
            should_stop=run.should_stop,
            time_left=lambda: run.time_left_s,
        )
        generation.relax(lambda value: _tell(run, value))
        bound, reached = generation.bound, -math.inf
        if math.isinf(bound):
            return False
        gap = max(1.0, self.first_gap * abs(bound))
        for _ in range(_MOST_GAPS):
            if run.objective is not None:
                gap = min(gap, run.objective - bound + 1.0)
            near = generation.near(gap, self.max_near) if run.step() else None
            if near is not None and math.isinf(max(near[1], reached)):
                # There were too many sequences to end the search.
                gap /= self.gap_growth**2
                continue
            if near is None or near[1] <= reached:
                break
            blocks, reached = near
            larger = [block for block in blocks if block.sequences.shape[1] > size]
            largest = max((block.sequences.shape[1] for block in larger), default=size)
            part = Enumeration(blocks=small + larger, is_complete=False)
            # A plan that costs less than that has no other trips; costs are whole.
            ceiling = float(math.ceil(bound + reached - 1e-3))
            _Search(self, problem, part, run, ceiling, is_built_up=size >= largest - 1).solve(None)
            if run.objective is not None and run.objective <= max(ceiling, run.bound):
                break
            gap *= self.gap_growth
        if math.isinf(reached):
            return False
        run.note(f"Other trips were generated, to {reached:.0f} above the relaxation.")
        return True

    def _mend(self, problem: RoutingProblem, run: Run[RoutingSolution]) -> None:
        """Better the plan that was given; without any, begin one, before anything is compiled."""
        known = run.solution
        if known is None and len(problem.orders) * len(problem.couriers) <= _MOST_BEGUN:
            better = mended(problem, RoutingSolution())
            if better is not None and not check(problem, better).violations:
                run.offer(better)
        elif known is not None and run.start is not None and known.routes:
            better = mended(problem, known)
            if better is not None:
                run.offer(better)


def _tell(run: Run[RoutingSolution], value: float) -> None:
    """Tell a bound, rounded up: costs are whole."""
    whole = float(math.ceil(value - 1e-6 * max(1.0, abs(value)) ** 0.5 - 1e-6))
    run.raise_bound(whole if run.objective is None else min(whole, run.objective))


def _has_chains(problem: RoutingProblem) -> bool:
    """Whether a courier may do more than one trip."""
    used = problem.couriers.count > 0
    return bool((problem.couriers.max_trips[used] > 1).any())


class _Search:
    """One run: trips into columns, columns into plans.

    ``ceiling`` is the cost below which no plan has other trips; None if that is not known.
    ``is_built_up`` says that trips can be reached order by order: those between are there.
    """

    def __init__(
        self,
        engine: BundlesEngine,
        problem: RoutingProblem,
        found: Enumeration,
        run: Run[RoutingSolution],
        ceiling: float | None = None,
        *,
        is_built_up: bool = True,
    ) -> None:
        self.problem, self.run = problem, run
        self.ceiling = math.inf if found.is_complete else ceiling
        self.is_built_up = is_built_up
        self.blocks = found.blocks
        sizes = [len(block.cost) for block in found.blocks]
        self.first_of = np.cumsum([0, *sizes])
        self.engine, self.effort = engine, engine.effort
        self._ruins: Ruin | None = None

    def solve(self, known: Known | None) -> WarmTrips | None:
        run = self.run
        columns, top = columns_of(self.problem, self.blocks)
        warm = self._warm(columns, known)
        steps = self.engine.ruin_steps if warm is None else self.engine.warm_ruin_steps
        if self.is_built_up or len(self._known(columns)):
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
            improve=(
                partial(self._ruin, columns, top, self.engine.more_ruin_steps)
                if self.is_built_up
                else None
            ),
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


ENGINE = BundlesEngine()
