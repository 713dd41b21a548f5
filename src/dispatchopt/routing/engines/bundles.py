"""Set partitioning over all feasible short trips, with a certified gap.

Every feasible trip is a column, priced with its best sequence and start; each order is in one of
the chosen columns or refused, and no courier class is used more often than it has couriers. The
linear relaxation, tightened by cuts, bounds the cost; branch and bound closes the gap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from dispatchopt.core.run import Run
from dispatchopt.routing.bundles import enumerate_bundles
from dispatchopt.routing.check import check
from dispatchopt.routing.engines._bundle_search import BundleSearch, Known
from dispatchopt.routing.engines._chains import solve_chains
from dispatchopt.routing.engines._effort import Effort
from dispatchopt.routing.engines._generated import Widths, solve_generated
from dispatchopt.routing.engines._repair import mended
from dispatchopt.routing.engines._trip_pricing import why_not
from dispatchopt.routing.picking import has_picking
from dispatchopt.routing.problem import FAR, RoutingProblem, RoutingSolution
from dispatchopt.routing.reach import proof_of_infeasibility

#: Orders times courier rows up to which a plan is begun one order after the other.
_MOST_BEGUN = 1_000


@dataclass(frozen=True, kw_only=True)
class BundlesEngine:
    """Enumerate, bound by the linear relaxation, solve the integer programme.

    Parameters
    ----------
    max_bundles
        Most trips that are listed; of a problem with more, those near the optimum of the linear
        relaxation are generated.
    max_listed
        Most trips that are listed where they cannot be generated.
    max_small, max_near
        Then: most of the smaller trips that are kept, and most that are generated.
    first_gap, gap_growth
        Then: reduced cost of the trips that are generated first, as a share of the bound, and by
        what it grows.
    max_chained
        Most sets of orders per group of couriers that may do several trips.
    effort
        How much is done at each stage.
    """

    name: str = "bundles"
    packages: tuple[str, ...] = ("highspy",)
    max_bundles: int = 200_000
    max_listed: int = 1_000_000
    max_small: int = 200_000
    max_near: int = 400_000
    first_gap: float = 0.001
    gap_growth: float = 2.0
    max_chained: int = 200_000
    effort: Effort = field(default_factory=Effort)

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
        is_generated = why_not(problem) is None
        found = enumerate_bundles(
            problem,
            limit=self.max_bundles if is_generated else max(self.max_bundles, self.max_listed),
            should_stop=run.should_stop,
            known=None if known is None else known.trips,
        )
        how = "all feasible trips" if found.is_complete else "some of the feasible trips"
        run.note(f"It chose among {how}: {found.num_bundles}.")
        warm = None
        if not found.is_complete and is_generated:
            widths = Widths(
                max_small=self.max_small,
                max_near=self.max_near,
                first_gap=self.first_gap,
                gap_growth=self.gap_growth,
            )
            if solve_generated(problem, found, run, self.effort, widths):
                return None
        if run.step():
            warm = BundleSearch(self.effort, problem, found, run).solve(known)
        return None if found.known is None else Known(trips=found.known, warm=warm)

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


def _has_chains(problem: RoutingProblem) -> bool:
    """Whether a courier may do more than one trip."""
    used = problem.couriers.count > 0
    return bool((problem.couriers.max_trips[used] > 1).any())


ENGINE = BundlesEngine()
