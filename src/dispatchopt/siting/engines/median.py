"""p-median and fixed charge without capacities: multipliers, closed-form cuts, branching."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray
from dispatchopt.core.run import Run
from dispatchopt.siting.assign import cheapest_assignment, open_mask
from dispatchopt.siting.check import check
from dispatchopt.siting.engines import _median_local as local
from dispatchopt.siting.engines._median_anneal import Annealer, is_quick
from dispatchopt.siting.engines._median_dual import Multipliers
from dispatchopt.siting.engines._median_master import Master
from dispatchopt.siting.engines._median_table import Table, table_of
from dispatchopt.siting.engines._median_tree import Tree
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution

#: Entries of the table of costs up to which it is kept in memory.
MOST_ENTRIES = 60_000_000
#: Share of the columns that must be settled before the table is built anew.
_WORTH = 0.1
#: Entries of the table from which annealing comes before the bound, in place of kicks, where many
#: sites open: steepest descent takes seconds there, and is some percent off.
_LARGE = 1_000_000
#: Nodes after which annealing comes for the first time in the tree; then twice as many, ...
_FIRST_NODES = 16
#: Gap from which it is worth its time, and how much longer it gets from run to run, and at most.
_WIDE, _LONGER, _LONGEST = 5e-4, 2, 8


@dataclass(frozen=True, kw_only=True)
class MedianEngine:
    """Benders decomposition with closed-form cuts, for p-median and uncapacitated fixed charge.

    Lazy greedy and swaps give the first solution, a subgradient search the first bound; columns
    that neither can be part of a better solution nor be missing in one are settled. Cuts on the
    rest go into a relaxation in HiGHS, and branching closes what is left. Where the relaxation
    leaves a gap, annealing looks for better solutions before the tree and now and then in it. Every
    bound is evaluated from multipliers, not taken from the solver. Iterations are swaps, rounds of
    cuts and nodes.

    Parameters
    ----------
    kicks
        Kicks of the local search before the bound, >= 0.
    rounds
        Rounds of the subgradient search, > 0.
    """

    name: str = "median"
    packages: tuple[str, ...] = ("numpy", "highspy")
    kicks: int = 20
    rounds: int = 400

    def unsupported(self, problem: SitingProblem) -> str | None:
        """Return why not, or None."""
        if problem.goal not in (SitingGoal.P_MEDIAN, SitingGoal.FIXED_CHARGE):
            return f"it solves p-median and fixed charge, not {problem.goal}"
        if problem.capacity_units is not None:
            return "it does not model capacities"
        if problem.cover_by > 1:
            return "it does not model backup coverage"
        if (reason := problem.not_modelled("sizes of a site")) is not None:
            return reason
        entries = problem.num_customers * problem.num_sites
        if entries > MOST_ENTRIES:
            return f"it keeps a table of at most {MOST_ENTRIES:,} costs, not {entries:,}"
        return None

    def search(self, problem: SitingProblem, run: Run[SitingSolution]) -> None:
        """Search until proven or told to stop."""
        if run.start is None:
            _offer(problem, run, problem.is_fixed_open)
        table = table_of(problem)
        if table is None or not table.is_possible(table.is_fixed):
            run.prove_infeasible()
            return
        if run.should_stop():
            return
        _Search(self, problem, table, run).go()


ENGINE = MedianEngine()


def _offer(problem: SitingProblem, run: Run[SitingSolution], is_open: BoolArray) -> bool:
    """Offer open sites, each customer at its best, if that keeps the rules and is better."""
    solution = cheapest_assignment(problem, np.flatnonzero(is_open))
    report = check(problem, solution)
    if not report.is_feasible or (run.objective is not None and report.objective >= run.objective):
        return False
    return run.offer(solution)


class _Search:
    """One run on one problem; the table shrinks as columns are settled."""

    def __init__(
        self, engine: MedianEngine, problem: SitingProblem, table: Table, run: Run[SitingSolution]
    ) -> None:
        self._engine, self._problem, self._run = engine, problem, run
        self._whole = self.table = table
        self._tried: set[bytes] = set()
        self._annealer: tuple[Table, Annealer] | None = None
        self._num_nodes, self._next_nodes = 0, _FIRST_NODES
        self._length = 1

    def go(self) -> None:
        """Start, bound, settle, cut and branch."""
        run, table = self._run, self.table
        start = self._start()
        self.consider(start)
        is_large = table.num_rows * table.num_columns >= _LARGE
        if run.objective is not None and is_large and is_quick(table, int(start.sum())):
            self._anneal()
        else:
            self._kick(start)
        if run.should_stop():
            return
        if run.objective is None:
            # No start keeps all rules: branching finds a solution, or that there is none.
            self._cut_and_branch(local.usual_worth(table, start))
            return
        multipliers = Multipliers(table, local.usual_worth(table, self._best_mask()))
        lower, upper = table.is_fixed.copy(), np.ones(table.num_columns, dtype=bool)
        found = multipliers.search(
            self.best(), lower, upper, rounds=self._engine.rounds, should_stop=run.should_stop
        )
        self.raise_bound(found.value)
        # What the relaxed problem opens is often close to a good solution.
        self._improve(found.chosen)
        if run.should_stop():
            return
        lower, upper = found.settled(table, self.best(), lower, upper)
        self.table = table.without(~upper, lower)
        self._cut_and_branch(multipliers.worth)

    def best(self) -> float:
        """Cost of the best solution, constants left out."""
        objective = self._run.objective
        return math.inf if objective is None else objective - self._whole.constant

    def raise_bound(self, value: float) -> None:
        """Report a bound, rounded up where costs are whole."""
        if not math.isfinite(value):
            return
        if self._whole.is_whole:
            value = math.ceil(value - 1e-6)
        self._run.raise_bound(float(min(value, self.best()) + self._whole.constant))

    def _close(self) -> None:
        """Nothing better than the best solution is left."""
        if self._run.objective is None:
            self._run.prove_infeasible()
        else:
            self.raise_bound(self.best())

    def _start(self) -> BoolArray:
        run, table = self._run, self.table
        if run.start is not None:
            given = open_mask(self._problem, run.start.open_sites)[table.site]
            if table.is_possible(given):
                return given
        return local.greedy(table, run.should_stop)

    def consider(self, is_open: BoolArray) -> None:
        """Offer open columns of the table at hand if they are better."""
        table = self.table
        if not table.is_possible(is_open):
            return
        best = self.best()
        if table.value(is_open) >= best - 1e-9 * max(1.0, abs(best)):
            return
        mask = np.zeros(self._problem.num_sites, dtype=bool)
        mask[table.site[is_open]] = True
        _offer(self._problem, self._run, mask)

    def _best_mask(self) -> BoolArray:
        solution = self._run.solution
        assert solution is not None
        return open_mask(self._problem, solution.open_sites)[self.table.site]

    def _improve(self, is_open: BoolArray) -> BoolArray:
        """Take swaps till none helps, and offer the end."""
        table = self.table
        if len(table.side):
            self.consider(is_open)
            return is_open
        swapper = local.Swapper(table, is_open)
        swapper.descend(self._run.step)
        self.consider(swapper.is_open)
        return swapper.is_open

    def _kick(self, start: BoolArray) -> None:
        run = self._run
        current = self._improve(start)
        value = self.table.value(current)
        for _ in range(self._engine.kicks):
            moved = None
            if not run.should_stop() and not len(self.table.side):
                moved = local.kicked(run.rng, self.table, current, 0.15)
            if moved is None:
                return
            moved = self._improve(moved)
            if self.table.value(moved) <= value:
                current, value = moved, self.table.value(moved)

    def _anneal(self) -> None:
        """Look for something better around the best solution; not under side rules."""
        run, table = self._run, self.table
        if len(table.side) or not table.num_rows or run.objective is None or run.should_stop():
            return
        if run.objective - run.bound <= _WIDE * abs(run.objective):
            return
        start = self._best_mask()
        if self._annealer is None or self._annealer[0] is not table:
            count = max(1, int(start.sum()))
            annealer = Annealer(table, count, run.should_stop, int(run.rng.integers(1 << 30)))
            self._annealer = table, annealer
        annealer = self._annealer[1]
        self.consider(annealer.run(start, self._length * annealer.steps))
        self._length = min(_LONGER * self._length, _LONGEST)

    def _cut_and_branch(self, worth: FloatArray) -> None:
        run = self._run
        rows = np.arange(self.table.num_rows)
        cuts = (rows, worth)
        while True:
            table = self.table
            if table.num_columns == int(table.is_fixed.sum()):
                self.consider(table.is_fixed)
                self._close()
                return
            master = Master(
                table,
                time_left_s=lambda: run.time_left_s,
                should_stop=run.should_stop,
                seed=run.seed,
            )
            master.add_cuts(*cuts)
            tree = Tree(
                master,
                best=self.best,
                consider=self._round,
                step=run.step,
                raise_bound=self.raise_bound,
            )
            free = np.ones(table.num_columns, dtype=bool)
            root = tree.cut(table.is_fixed, free, is_root=True)
            if root is None:
                self._close()
                return
            solved, bound, lower, upper = root
            if solved.is_stopped or run.should_stop():
                return
            self._round(solved.share, lower, upper)
            if solved.bound is not None and run.objective is not None:
                lower, upper = solved.bound.settled(table, self.best(), lower, upper)
            settled = int((lower | ~upper).sum()) - int(table.is_fixed.sum())
            if settled < _WORTH * table.num_columns:
                self._anneal()
                if tree.search((solved, bound, lower, upper)):
                    self._close()
                return
            cuts = master.tight_cuts()
            self.table = table.without(~upper, lower)

    def _round(self, share: FloatArray, lower: BoolArray, upper: BoolArray) -> None:
        """Open the columns with the greatest shares, and improve them if they are new."""
        table = self.table
        self._num_nodes += 1
        if self._num_nodes >= self._next_nodes:
            self._next_nodes *= 2
            self._anneal()
        likely = np.where(lower, 2.0, np.where(upper, share, -1.0))
        count = min(table.max_open, int(np.ceil(likely[upper].clip(0, 1).sum() - 1e-6)))
        is_open = np.zeros(table.num_columns, dtype=bool)
        is_open[np.argsort(-likely, kind="stable")[:count]] = True
        is_open &= upper
        key = np.packbits(is_open).tobytes()
        if key in self._tried:
            return
        self._tried.add(key)
        best = self.best()
        value = table.value(is_open)
        if value <= best + 0.02 * abs(best) or len(self._tried) <= 3:
            self._improve(is_open)
