"""Set partitioning over all feasible short trips, with a certified gap.

Every feasible trip is a column, priced with its best sequence and start; each order is in one of
the chosen columns or refused, and no courier class is used more often than it has couriers. The
linear relaxation bounds the cost; columns whose reduced cost exceeds the gap cannot be part of a
better plan, and are fixed to zero before the integer programme is solved (HiGHS).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.run import Run
from dispatchopt.routing.bundles import Enumeration, enumerate_bundles
from dispatchopt.routing.engines._subset_rows import violated_triples
from dispatchopt.routing.problem import RoutingProblem, RoutingSolution, Trip
from dispatchopt.routing.reach import proof_of_infeasibility
from dispatchopt.routing.schedule import best_route


@dataclass(frozen=True, kw_only=True)
class BundlesEngine:
    """Enumerate, bound by the linear relaxation, solve the integer programme.

    Parameters
    ----------
    max_bundles
        Most columns; a problem with more is solved on the smaller trips, without their bound.
    first_columns
        Columns of least reduced cost in the first integer programme.
    rough_gap
        Relative gap at which the first integer programme ends: it only has to find a good plan,
        by which to leave out the columns that no better plan can hold.
    cut_rounds, cuts_per_round
        How often cuts are looked for, and how many are taken at a time.
    least_cut
        Columns below which the integer programme is solved as it is.
    """

    name: str = "bundles"
    packages: tuple[str, ...] = ("highspy",)
    max_bundles: int = 400_000
    first_columns: int = 2_500
    rough_gap: float = 0.001
    cut_rounds: int = 12
    cuts_per_round: int = 60
    least_cut: int = 200

    def unsupported(self, problem: RoutingProblem) -> str | None:
        """Return why bundles do not describe the problem, or None."""
        used = problem.couriers.count > 0
        if problem.orders.has_pickup.any():
            return "its trips are loaded at stores, and some orders have a pick-up place"
        if (problem.couriers.max_trips[used] > 1).any():
            return "it gives a courier one trip, and some may do more"
        return None

    def search(self, problem: RoutingProblem, run: Run[RoutingSolution]) -> None:
        """Enumerate and solve; each phase counts as a step."""
        proof = proof_of_infeasibility(problem)
        if proof is None and math.isinf(run.bound):
            proof = "no set of trips reaches every order that must be served"
        if proof is not None:
            run.note(f"No solution exists: {proof}.")
            run.prove_infeasible()
            return
        if not problem.orders.is_mandatory.any():
            run.offer(RoutingSolution())
        if run.should_stop():
            return
        found = enumerate_bundles(problem, limit=self.max_bundles, should_stop=run.should_stop)
        how = "all feasible trips" if found.is_complete else "some of the feasible trips"
        run.note(f"It chose among {how}: {found.num_bundles}.")
        if run.step():
            _Partition(self, problem, found, run).solve()


class _Partition:
    """The set-partitioning model of one problem."""

    def __init__(
        self,
        engine: BundlesEngine,
        problem: RoutingProblem,
        found: Enumeration,
        run: Run[RoutingSolution],
    ) -> None:
        self.engine, self.problem, self.run = engine, problem, run
        self.is_complete = found.is_complete
        self.blocks = found.blocks
        sizes = [len(block.cost) for block in found.blocks]
        self.block_of = np.repeat(np.arange(len(sizes)), sizes)
        self.row_in_block = np.arange(sum(sizes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        self.num_trips = sum(sizes)
        num_orders = len(problem.orders)
        refusable = np.flatnonzero(~problem.orders.is_mandatory)
        trip_cost = [block.cost for block in found.blocks]
        prices = problem.orders.refusal_cost[refusable]
        self.cost = np.concatenate([*trip_cost, prices]).astype(np.float64)
        lengths = np.concatenate(
            [
                *(np.full(len(b.cost), b.sequences.shape[1] + 1) for b in found.blocks),
                np.ones(len(refusable), dtype=np.int64),
            ]
        ).astype(np.int64)
        rows = [
            np.concatenate(
                [b.sequences, np.full((len(b.cost), 1), num_orders + b.courier)], axis=1
            ).ravel()
            for b in found.blocks
        ]
        self.indptr = np.concatenate([[0], np.cumsum(lengths)])
        self.indices = np.concatenate([*rows, refusable]).astype(np.int64)
        count = np.minimum(problem.couriers.count, num_orders)
        self.row_lower = np.concatenate([np.ones(num_orders), np.zeros(len(count))])
        self.row_upper = np.concatenate([np.ones(num_orders), count.astype(np.float64)])

    def solve(self) -> None:
        run, engine = self.run, self.engine
        everything = np.arange(len(self.cost))
        relaxed = self._highs(everything, is_integer=False)
        if relaxed is None:
            return
        if relaxed.is_infeasible:
            if self.is_complete:
                run.note("No solution exists: trips and couriers do not suffice.")
                run.prove_infeasible()
            return
        reduced = self._reduced_costs(relaxed.duals)
        self._raise_bound(self._safe_bound(relaxed.duals, reduced))
        if not run.step():
            return
        few = np.sort(np.argsort(reduced, kind="stable")[: engine.first_columns])
        is_refusal = np.arange(self.num_trips, len(self.cost))
        few = np.union1d(few, is_refusal)
        first = self._highs(few, is_integer=True, is_rough=True)
        if first is not None and first.chosen is not None:
            self._offer(few[first.chosen])
        if not run.step():
            return
        best = run.objective
        gap = math.inf if best is None else best - self._safe_bound(relaxed.duals, reduced)
        # Costs are whole: what is better at all is better by one.
        rest = everything[reduced <= gap - 1 + 1e-6]
        self._close(self._tightened(rest))

    def _tightened(self, rest: IntArray) -> IntArray:
        """Raise the bound by cuts, and leave out the columns that then cost too much."""
        for _ in range(self.engine.cut_rounds):
            best = self.run.objective
            relaxed = None if best is None else self._highs(rest, is_integer=False)
            if best is None or relaxed is None or relaxed.is_infeasible:
                return rest
            reduced = self._reduced_costs(relaxed.duals)[rest]
            sides = np.where(relaxed.duals > 0, self.row_lower, self.row_upper)
            bound = float((relaxed.duals * sides).sum() + np.minimum(reduced, 0.0).sum())
            # Columns left out before cannot be part of anything cheaper than the best.
            self._raise_bound(min(best, bound))
            used = np.flatnonzero(relaxed.shares > 1e-6)
            cuts = self._violated(rest[used], relaxed.shares[used])
            rest = rest[reduced <= best - bound - 1 + 1e-6]
            if not len(cuts) or len(rest) < self.engine.least_cut:
                return rest
            self._add_cuts(cuts)
        return rest

    def _violated(self, columns: IntArray, shares: FloatArray) -> IntArray:
        holds = np.zeros((len(columns), len(self.problem.orders)))
        for at, column in enumerate(columns.tolist()):
            own = self.indices[self.indptr[column] : self.indptr[column + 1]]
            holds[at, own[own < holds.shape[1]]] = 1.0
        return violated_triples(holds, shares, self.engine.cuts_per_round)

    def _add_cuts(self, triples: IntArray) -> None:
        """Append rows: of the trips that hold two of three orders, at most one is chosen."""
        num_columns, first_row = len(self.cost), len(self.row_lower)
        owner = np.repeat(np.arange(num_columns), np.diff(self.indptr))
        columns, rows = [owner], [self.indices]
        for at, triple in enumerate(triples):
            times = np.bincount(owner[np.isin(self.indices, triple)], minlength=num_columns)
            hit = np.flatnonzero(times >= 2)
            columns.append(hit)
            rows.append(np.full(len(hit), first_row + at))
        flat = np.concatenate(columns)
        order = np.argsort(flat, kind="stable")
        self.indices = np.concatenate(rows)[order]
        counts = np.bincount(flat, minlength=num_columns)
        self.indptr = np.concatenate([[0], np.cumsum(counts)])
        self.row_lower = np.concatenate([self.row_lower, np.zeros(len(triples))])
        self.row_upper = np.concatenate([self.row_upper, np.ones(len(triples))])

    def _close(self, rest: IntArray) -> None:
        """Solve over all columns that a better plan may hold."""
        answer = self._highs(rest, is_integer=True)
        if answer is None:
            return
        if answer.chosen is not None:
            self._offer(rest[answer.chosen])
        best = self.run.objective
        if self.is_complete:
            if answer.is_infeasible and best is None:
                self.run.prove_infeasible()
            elif best is not None:
                # Columns left out cannot be part of anything cheaper than the best.
                self._raise_bound(best if answer.is_infeasible else min(best, answer.bound))
        self.run.step()

    def _raise_bound(self, value: float) -> None:
        """Costs are whole, so a bound may be rounded up; a hair less guards against rounding."""
        if self.is_complete and math.isfinite(value):
            best = self.run.objective
            whole = float(math.ceil(value - 1e-6 * max(1.0, abs(value)) - 1e-6))
            self.run.raise_bound(whole if best is None else min(whole, best))

    def _reduced_costs(self, duals: FloatArray) -> FloatArray:
        paid = np.add.reduceat(duals[self.indices], self.indptr[:-1])
        reduced: FloatArray = self.cost - paid
        return reduced

    def _safe_bound(self, duals: FloatArray, reduced: FloatArray) -> float:
        """Return the Lagrangian bound of the duals: valid whatever the solver's tolerances."""
        sides = np.where(duals > 0, self.row_lower, self.row_upper)
        return float((duals * sides).sum() + np.minimum(reduced, 0.0).sum())

    def _offer(self, columns: IntArray) -> None:
        routes = []
        for column in columns[columns < self.num_trips].tolist():
            block = self.blocks[int(self.block_of[column])]
            stops = tuple(block.sequences[int(self.row_in_block[column])].tolist())
            route = best_route(self.problem, block.courier, [Trip(store=block.store, stops=stops)])
            if route is None:
                return
            routes.append(route)
        claimed = float(self.cost[columns].sum())
        self.run.offer(RoutingSolution(routes=tuple(routes)), claimed=claimed)

    def _interrupt(self, event: Any) -> None:
        """Let HiGHS end as soon as the run is cancelled or out of time."""
        if self.run.should_stop():
            event.interrupt()

    def _highs(
        self, columns: IntArray, *, is_integer: bool, is_rough: bool = False
    ) -> _Answer | None:
        """Solve over some columns; None if there was no time."""
        if self.run.should_stop():
            return None
        import highspy

        lengths = np.diff(self.indptr)[columns]
        start = np.concatenate([[0], np.cumsum(lengths)])
        take = np.repeat(self.indptr[columns] - start[:-1], lengths) + np.arange(start[-1])
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(columns), len(self.row_lower)
        model.col_cost_ = self.cost[columns]
        model.col_lower_ = np.zeros(len(columns))
        model.col_upper_ = np.ones(len(columns)) if is_integer else np.full(len(columns), math.inf)
        model.row_lower_, model.row_upper_ = self.row_lower, self.row_upper
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = start.astype(np.int32)
        model.a_matrix_.index_ = self.indices[take].astype(np.int32)
        model.a_matrix_.value_ = np.ones(len(take))
        if is_integer:
            model.integrality_ = [highspy.HighsVarType.kInteger] * len(columns)
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("threads", 1)
        solver.setOptionValue("random_seed", self.run.seed % (1 << 30))
        gap = max(self.run.gap, self.engine.rough_gap if is_rough else 0.0)
        solver.setOptionValue("mip_rel_gap", gap)
        solver.setOptionValue("mip_abs_gap", 0.999)
        if not math.isinf(self.run.time_left_s):
            solver.setOptionValue(
                "time_limit", max(0.01, self.run.time_left_s * (0.4 if is_rough else 1.0))
            )
        solver.passModel(model)
        if is_integer:
            solver.cbMipInterrupt += self._interrupt
        solver.run()
        return _answer(solver, highspy, is_integer)


@dataclass(frozen=True)
class _Answer:
    is_optimal: bool
    is_infeasible: bool
    bound: float
    chosen: IntArray | None
    duals: FloatArray
    shares: FloatArray


def _answer(solver: Any, highspy: Any, is_integer: bool) -> _Answer | None:
    status = solver.getModelStatus()
    kinds = highspy.HighsModelStatus
    is_infeasible = status in {kinds.kInfeasible, kinds.kUnboundedOrInfeasible}
    is_optimal = status == kinds.kOptimal
    if not (is_optimal or is_infeasible or is_integer):
        return None
    info, solution = solver.getInfo(), solver.getSolution()
    has_point = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    chosen = np.flatnonzero(np.array(solution.col_value) > 0.5) if has_point else None
    return _Answer(
        is_optimal=is_optimal,
        is_infeasible=is_infeasible,
        bound=float(info.mip_dual_bound) if is_integer else float(info.objective_function_value),
        chosen=chosen if is_integer else None,
        duals=np.array(solution.row_dual, dtype=np.float64),
        shares=np.array(solution.col_value, dtype=np.float64),
    )


ENGINE = BundlesEngine()
