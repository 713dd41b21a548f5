"""Capacities: Lagrangian bounds, branching on open sites, and a solver for who serves whom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.run import Run
from dispatchopt.siting.check import check
from dispatchopt.siting.engines import _solver
from dispatchopt.siting.engines._load_dual import (
    LEAST_STEP,
    LoadBound,
    Raised,
    ascend,
    fills_whole,
    is_compiled,
    least_loads,
    load_bound,
    to_serve,
    usual_worth,
)
from dispatchopt.siting.engines._load_local import annealed, assigned, improved
from dispatchopt.siting.engines._load_model import LoadModel, load_model
from dispatchopt.siting.engines._load_sites import SiteSearch
from dispatchopt.siting.engines._load_table import LoadTable, load_table
from dispatchopt.siting.engines._load_tree import Tree
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution

#: Entries of the table up to which it is kept in memory.
MOST_ENTRIES = 20_000_000
#: Rounds of the first bound between two starts from what it opens, and how long a step is.
_START_EVERY, _STEP = 40, 1.5
#: Neighbours of the best sites that are tried beside the sites of a bound.
_FEW = 8
#: Searches around the best sites without success before branching, and shaken choices in each.
_MOST_MISSES, _SHAKES = 2, 20
#: With whole customers: blocks, rounds of each, and rounds without a better bound that are borne.
_WHOLE_BLOCKS, _WHOLE_ROUNDS, _WHOLE_PATIENCE = 20, 200, 40
#: Pairs per customer, and nodes, of the first solve for given open sites; factors of the next.
_FIRST_PAIRS, _MORE_PAIRS, _FIRST_NODES, _MORE_NODES = 2.5, 1.6, 30, 3
#: Slack of a solver's floating-point bound, relative to it.
_SLACK = 5e-7


@dataclass(frozen=True, kw_only=True)
class CapacitatedEngine:
    """Lagrangian branch and bound on the open sites, for problems with capacities.

    "Served once" is relaxed, so that sites fill knapsacks; subgradients raise the bound, at the
    root and at each node. Where all sites are decided, the solver serves the customers, over the
    pairs that the bound leaves. Iterations are nodes.

    Parameters
    ----------
    rounds
        Most rounds of the bound at the root, > 0.
    """

    name: str = "capacitated"
    packages: tuple[str, ...] = ("numpy", "pulp", "highspy")
    rounds: int = 600

    def unsupported(self, problem: SitingProblem) -> str | None:
        """Return why not, or None."""
        if problem.capacity_units is None:
            return "it solves problems with capacities"
        if problem.goal in (SitingGoal.P_CENTER, SitingGoal.COVER_ALL):
            return f"it minimises the cost of serving, which {problem.goal} does not have"
        for name, is_set in (
            ("a budget", problem.budget_cents is not None),
            ("backup coverage", problem.cover_by > 1),
            ("a spacing of sites", problem.min_spacing_m > 0),
        ):
            if is_set:
                return f"it does not model {name}"
        if (reason := problem.not_modelled()) is not None:
            return reason
        entries = problem.num_customers * problem.num_sites
        if entries > MOST_ENTRIES:
            return f"it keeps a table of at most {MOST_ENTRIES:,} costs, not {entries:,}"
        return None

    def search(self, problem: SitingProblem, run: Run[SitingSolution]) -> None:
        """Search until proven or told to stop."""
        table = load_table(problem)
        is_possible = table is not None and int(table.is_fixed.sum()) <= table.max_open
        if table is None or not is_possible or table.least_units > int(table.room.sum()):
            run.prove_infeasible()
            return
        search = _Search(problem, table, run)
        if not table.num_customers:
            search.consider(np.zeros(0, dtype=np.int64), table.is_fixed)
            search.close()
        elif not run.should_stop():
            search.go(self.rounds)


ENGINE = CapacitatedEngine()


class _Search:
    """One run on one problem."""

    def __init__(self, problem: SitingProblem, table: LoadTable, run: Run[SitingSolution]) -> None:
        self._problem, self._table, self._run = problem, table, run
        self._tried: set[bytes] = set()
        self._sites: SiteSearch | None = None
        if fills_whole(table) and np.isinf(table.price).all():
            self._sites = SiteSearch(table, self.consider, run.should_stop, run.rng)

    def go(self, rounds: int) -> None:
        """Bound, start and branch."""
        run, table = self._run, self._table
        lower, upper = table.is_fixed, np.ones(table.num_sites, dtype=bool)
        if is_compiled(table):
            self._first()
        tree = self._tree()
        # Whole customers bound better still, so that their rounds are not the last.
        raised = self._relaxed(tree, rounds // 2 if fills_whole(table) else rounds)
        if fills_whole(table) and not run.should_stop():
            raised = self._whole(tree, raised)
            self._polish(tree, raised)
            self._fix_pairs(raised)
            tree = self._tree()
        if run.should_stop():
            return
        if tree.search(raised, lower, upper):
            self.close()

    def _tree(self) -> Tree:
        run = self._run
        rules: dict[str, Any] = {"should_stop": run.should_stop, "seed": run.seed}
        return Tree(self._table, self, step=run.step, raise_bound=self.raise_bound, **rules)

    def _first(self) -> None:
        """Serve without a compiler, which on first use can take all of the time."""
        table = self._table
        lower, upper = table.is_fixed, np.ones(table.num_sites, dtype=bool)
        rules: dict[str, Any] = {"goal": math.inf, "rounds": _START_EVERY, "step": _STEP}
        raised = ascend(table, usual_worth(table), lower, upper, **rules, is_plain=True)
        self.raise_bound(raised.value)
        found = load_bound(table, raised.worth, lower, upper)
        is_open = self._with_room(found)
        if not table.is_single:
            self._solve(table, is_open, None, math.inf, None)
            return
        for _ in range(2):
            site_of = assigned(table, is_open, found.fill_price, self._run.should_stop)
            if site_of is not None:
                self.consider(site_of, is_open)
                return
            is_open[np.lexsort((found.to_open, ~is_open))[: table.max_open]] = True

    def _polish(self, tree: Tree, raised: Raised) -> None:
        """Search around the best choice of sites."""
        upper, misses = np.ones(self._table.num_sites, dtype=bool), 0
        while self._sites is not None and misses < _MOST_MISSES and not self._run.should_stop():
            if raised.value >= tree.goal():
                return
            is_better = self._sites.improve(upper)
            for _ in range(0 if is_better else _SHAKES):
                is_better |= self._sites.shake(self.best() - raised.value, upper)
            misses = 0 if is_better else misses + 1

    def _fix_pairs(self, raised: Raised) -> None:
        """Leave out the pairs that no better solution uses."""
        table, most = self._table, self.best() - 0.5 * self._table.grain
        lower, upper = table.is_fixed, np.ones(table.num_sites, dtype=bool)
        found = load_bound(table, raised.worth, lower, upper, is_whole=True)
        low = least_loads(table, upper)
        rise = to_serve(table, raised.worth, found, low, is_whole=True) + found.to_open[:, None]
        slack = 1e-9 * max(1.0, abs(found.value))
        if math.isfinite(most):
            self._table = table.without(found.value + rise > most + slack)

    def _relaxed(self, tree: Tree, rounds: int) -> Raised:
        """Raise the bound with sites filled in parts; start from what it opens."""
        table = self._table
        lower, upper = table.is_fixed, np.ones(table.num_sites, dtype=bool)
        worth, step = usual_worth(table), _STEP
        for made in range(0, rounds, _START_EVERY):
            raised = ascend(
                table, worth, lower, upper, goal=tree.goal(), rounds=_START_EVERY, step=step
            )
            worth = raised.worth
            self.raise_bound(raised.value)
            self.serve(load_bound(table, worth, lower, upper))
            # Steps shorten from one start to the next as they would within.
            step = max(0.05, _STEP * 0.75 ** (made / _START_EVERY))
            if self._run.should_stop():
                break
        return raised

    def _whole(self, tree: Tree, raised: Raised) -> Raised:
        """Raise the bound further with sites filled by whole customers."""
        table = self._table
        lower, upper = table.is_fixed, np.ones(table.num_sites, dtype=bool)
        step = 1.0
        for _ in range(_WHOLE_BLOCKS):
            raised = ascend(
                table,
                raised.worth,
                lower,
                upper,
                goal=tree.goal(),
                rounds=_WHOLE_ROUNDS,
                step=step,
                is_whole=True,
                patience=_WHOLE_PATIENCE,
            )
            step = raised.step
            self.raise_bound(raised.value)
            self.serve(load_bound(table, raised.worth, lower, upper, is_whole=True))
            if step < LEAST_STEP or raised.value >= tree.goal() or self._run.should_stop():
                break
        return raised

    def best(self) -> float:
        """Cost of the best solution, constants left out."""
        objective = self._run.objective
        return math.inf if objective is None else objective - self._table.constant

    def raise_bound(self, value: float) -> None:
        """Report a bound."""
        if math.isfinite(value):
            value = min(self._table.rounded_up(value), self.best())
            self._run.raise_bound(value + self._table.constant)

    def close(self) -> None:
        """Nothing better than the best solution is left."""
        if self._run.objective is None:
            self._run.prove_infeasible()
        else:
            self.raise_bound(self.best())

    def serve(self, found: LoadBound, *, is_last: bool = False) -> None:
        """Serve from the sites that a bound opens, and from those nearly opened if room lacks.

        If these are decided (``is_last``), it is worth more effort.
        """
        is_open = self._with_room(found)
        if self._sites is not None:
            self._search_sites(self._sites, found, is_open, is_last=is_last)
            return
        key = is_open.tobytes()
        if key in self._tried:
            return
        self._tried.add(key)
        if self._table.is_single:
            self._assign(found, is_open)
        else:
            self._solve(self._table, is_open, None, math.inf, None)

    def _with_room(self, found: LoadBound) -> BoolArray:
        """Return the sites that a bound opens, and those nearly opened if room lacks."""
        table, is_open = self._table, found.chosen.copy()
        for site in np.argsort(found.to_open, kind="stable"):
            if int(table.room[is_open].sum()) >= table.least_units:
                break
            if not is_open[site] and int(is_open.sum()) < table.max_open:
                is_open[site] = True
        return is_open

    def _search_sites(
        self, sites: SiteSearch, found: LoadBound, is_open: BoolArray, *, is_last: bool
    ) -> None:
        """Value a choice of sites, and some neighbours of the best one if it is no better."""
        sites.look(found)
        if is_last:
            sites.settle(is_open)
        elif not sites.start(is_open):
            every = np.ones(self._table.num_sites, dtype=bool)
            sites.improve(every, _FEW)
            sites.shake(self.best() - found.value, every)

    def _assign(self, found: LoadBound, is_open: BoolArray) -> None:
        """Place customers by regret, and improve that by moves."""
        table = self._table
        site_of = assigned(table, is_open, found.fill_price, self._run.should_stop)
        if site_of is None:
            return
        self.consider(site_of, is_open)
        if is_compiled(table):
            site_of = annealed(table, site_of, is_open, found.fill_price)
            if site_of is not None:
                site_of = improved(table, site_of, is_open, self._run.should_stop)
                self.consider(site_of, is_open)

    def consider(self, site_of: IntArray, is_open: BoolArray) -> None:
        """Offer who is served from where, without the sites that serve nobody."""
        table = self._table
        used = np.zeros(table.num_sites, dtype=bool)
        used[site_of[site_of >= 0]] = True
        is_open = (is_open & (used | (table.opening <= 0))) | table.is_fixed
        assignment = np.full(self._problem.num_customers, -1, dtype=np.int64)
        served = site_of >= 0
        assignment[table.customer[served]] = table.site[site_of[served]]
        self._offer(SitingSolution(open_sites=table.site[is_open], assignment=assignment))

    def _offer(self, solution: SitingSolution) -> None:
        report = check(self._problem, solution)
        objective = self._run.objective
        if report.is_feasible and (objective is None or report.objective < objective):
            self._run.offer(solution)

    def solve_open(
        self,
        table: LoadTable,
        is_open: BoolArray,
        found: LoadBound,
        rise: FloatArray,
        tries: int,
    ) -> float:
        """Solve for given open sites; return a bound on what is left, inf if that is nothing.

        Only pairs go to the solver that a solution up to a target may use: few at first, so that
        good solutions come soon and make the next target exact.
        """
        best = self.best()
        if not table.is_single:
            return self._solve(table, is_open, None, math.inf, None)
        rise = rise[is_open]
        # No solution that is better than the best costs more.
        most = best - 0.5 * table.grain if math.isfinite(best) else math.inf
        wanted = int(_FIRST_PAIRS * _MORE_PAIRS ** min(tries, 30) * table.num_customers)
        target = most
        if wanted < rise.size:
            nearest = np.partition(rise.ravel(), wanted)[wanted]
            target = min(most, max(found.value + nearest, found.value + table.grain))
        slack = 1e-9 * max(1.0, abs(found.value))
        pairs = rise <= target - found.value + slack
        nodes = _FIRST_NODES * _MORE_NODES ** min(tries, 12)
        return self._solve(table, is_open, pairs, target, nodes)

    def _solve(
        self,
        table: LoadTable,
        is_open: BoolArray,
        pairs: BoolArray | None,
        target: float,
        nodes: int | None,
    ) -> float:
        """Solve for given open sites over pairs that are enough up to a target."""
        run = self._run
        if run.should_stop():
            return -math.inf
        if pairs is None:
            pairs = np.ones((int(is_open.sum()), table.num_customers), dtype=bool)
        made = load_model(table, np.flatnonzero(is_open), pairs)
        if not len(made.site):
            return self._unserved(made, target)

        def found(values: FloatArray) -> None:
            self._offer(made.solution(values, self._problem.num_customers))

        outcome = _solver.solve(
            made.model,
            solver="HiGHS",
            limits=_solver.Limits(
                time_s=run.time_left_s,
                nodes=nodes,
                gap_absolute=0.99 * table.grain if table.grain else 1e-9,
                seed=run.seed,
            ),
            hooks=_solver.Hooks(
                should_stop=run.should_stop, found=found, bounded=lambda _value, _nodes: None
            ),
        )
        if outcome.values is not None:
            found(outcome.values)
        if outcome.ending is _solver.Ending.INFEASIBLE:
            return self._beyond(target)
        bound = outcome.bound - _SLACK * max(1.0, abs(outcome.bound))
        if not math.isfinite(bound):
            return -math.inf
        if outcome.ending is _solver.Ending.OPTIMAL and outcome.values is not None:
            # The best over these pairs: also over all, unless pairs beyond the target do better.
            value = float(made.model.cost @ outcome.values) + made.model.offset
            return math.inf if value <= target else target
        return min(bound, target)

    def _unserved(self, made: LoadModel, target: float) -> float:
        """Do without the solver, which knows no model without columns: nobody is served."""
        if not np.isfinite(self._table.price).all():
            return self._beyond(target)
        self._offer(made.solution(np.zeros(0), self._problem.num_customers))
        return math.inf if made.model.offset <= target else target

    def _beyond(self, target: float) -> float:
        """Return the bound of a model without a solution: pairs beyond its target may have one."""
        return math.inf if target >= self.best() - self._table.grain else target
