"""Best multipliers for given open sites, by column generation over their fillings.

A filling is a set of customers that a site has room for. The linear relaxation of choosing one for
each open site, such that everyone is served once, has the best multipliers of "served once"
(Dantzig and Wolfe 1960). They are held near the best ones so far, which costs whoever is served too
little or too much (du Merle, Villeneuve, Desrosiers and Hansen 1999).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.errors import EngineError
from dispatchopt.siting.engines._load_dual import GRID
from dispatchopt.siting.engines._load_table import LoadTable
from dispatchopt.siting.engines._solver import simplex

#: Width within which multipliers are held, as a part of the gap; its factor where that is narrow.
_HELD, _WIDEN = 0.05, 3.0
#: Part of the gap by which the relaxation may exceed the bound in the end, and least distance.
_TAIL, _NEAR = 0.01, 0.02
#: Rounds at most, and what counts as nothing missing.
_ROUNDS, _NOTHING = 400, 1e-6
#: Simplex method of HiGHS that goes on from a solution when columns are added.
_PRIMAL = 4


class Fillings:
    """The relaxation for given open sites.

    Parameters
    ----------
    table
        Costs, with the pairs left out that are not of interest.
    is_open
        The open sites, shape (m,).
    low
        Least load of each site, shape (m,).
    """

    def __init__(self, table: LoadTable, is_open: BoolArray, low: IntArray, seed: int) -> None:
        self._table, self._opened, self._low = table, np.flatnonzero(is_open), low
        self._n, self._k = table.num_customers, int(is_open.sum())
        self._known: set[bytes] = set()
        self._highs = simplex(seed, simplex_strategy=_PRIMAL)
        none, one = np.zeros(0, dtype=np.int32), np.ones(self._n + self._k)
        self._highs.addRows(len(one), one, one, 0, none, none, np.zeros(0))
        # Customers served too little, and those served too much.
        each = np.arange(self._n)
        self._add(np.zeros(self._n), each, np.arange(self._n + 1), 1.0)
        self._add(np.zeros(self._n), each, np.arange(self._n + 1), -1.0)

    def _add(self, cost: FloatArray, row: IntArray, first: IntArray, value: float) -> None:
        count = len(cost)
        self._highs.addCols(
            count,
            cost,
            np.zeros(count),
            np.full(count, math.inf),
            len(row),
            first[:-1].astype(np.int32),
            row.astype(np.int32),
            np.full(len(row), value),
        )

    def _priced(self, worth: FloatArray) -> tuple[float, int]:
        """Add the best filling of each site; return the bound, and how many are new."""
        from dispatchopt.siting.engines import _load_knapsack

        cost, units, room = self._table.ground[:3]
        bound = float(worth.sum() + self._table.opening[self._opened].sum())
        share, count = np.zeros(self._n), 0
        for at, site in enumerate(self._opened.tolist()):
            limits = (int(self._low[site]), int(room[site]))
            bound -= float(_load_knapsack.fill_between(worth - cost[site], units, limits, share))
            taken = share > 1 - _NOTHING
            key = b"%d:" % at + np.packbits(taken).tobytes()
            # A site too large for dynamic programming may be filled in parts.
            if not math.isfinite(bound) or key in self._known or (share > taken + _NOTHING).any():
                continue
            self._known.add(key)
            held = np.flatnonzero(taken)
            row = np.append(held, self._n + at)
            total = np.array([float(cost[site, held].sum() + self._table.opening[site])])
            self._add(total, row, np.array([0, len(row)]), 1.0)
            count += 1
        return bound, count

    def _hold(self, worth: FloatArray, width: float) -> None:
        """Hold multipliers within a width of given ones."""
        index = np.arange(2 * self._n, dtype=np.int32)
        cost = np.concatenate([width + worth, width - worth])
        self._highs.changeColsCost(len(index), index, cost)

    def _solve(self) -> tuple[float, float, FloatArray] | None:
        """Return objective, what is missing, and multipliers; None if there is no solution."""
        import highspy

        self._highs.run()
        status, states = self._highs.getModelStatus(), highspy.HighsModelStatus
        if status in (states.kInfeasible, states.kUnboundedOrInfeasible, states.kUnknown):
            return None
        if status != states.kOptimal:
            raise EngineError(f"HiGHS ended a relaxation with {status.name}")
        solution = self._highs.getSolution()
        missing = float(np.sum(solution.col_value[: 2 * self._n]))
        worth = np.array(solution.row_dual[: self._n])
        return float(self._highs.getInfo().objective_function_value), missing, worth

    def best(
        self, worth: FloatArray, goal: float, should_stop: Callable[[], bool]
    ) -> tuple[FloatArray, float]:
        """Return multipliers that bound best, from given ones on, and their bound.

        It stops early where the bound is above ``goal``, inf if a site has no filling.
        """
        worth = self._on_grid(worth)
        if (self._low > self._table.room)[self._opened].any():
            return worth, math.inf
        best, _ = self._priced(worth)
        gap = min(goal - best, 0.01 * abs(best))
        width = _HELD * max(gap, 0.0) + 0.1
        self._hold(worth, width)
        for _ in range(_ROUNDS):
            if not best <= goal or should_stop():
                break
            found = self._solve()
            if found is None:
                break
            objective, missing, tried = found
            tried = self._on_grid(tried)
            bound, count = self._priced(tried)
            is_better = bound > best
            if is_better:
                best, worth = bound, tried
            if not count or objective - best < max(_NEAR, _TAIL * min(goal - best, abs(best))):
                if missing < _NOTHING:
                    break
                width *= _WIDEN
                is_better = True
            if is_better:
                self._hold(worth, width)
        return worth, best

    def _on_grid(self, worth: FloatArray) -> FloatArray:
        """Return the nearest multipliers whose sums are exact."""
        rounded: FloatArray = np.floor(worth * GRID + 0.5) / GRID
        return rounded if self._table.grain else np.array(worth)
