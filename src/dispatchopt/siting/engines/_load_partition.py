"""Who is served from which open site, as a choice of one filling for each of them.

A filling is a set of customers that a site has room for. With multipliers of "served once", a
solution costs the Lagrangian bound and what its fillings earn less than the best ones of their
sites. So a solution below a target is made of fillings that earn less than the best by no more
than target and bound are apart. If these are few, all are listed, and a set-partitioning model
over them (Balinski 1965) finds the best solution below the target, or shows that there is none
(enumeration within the gap: Baldacci, Christofides and Mingozzi 2008).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.run import Run
from dispatchopt.siting.engines import _solver
from dispatchopt.siting.engines._load_dual import LoadBound
from dispatchopt.siting.engines._load_table import LoadTable
from dispatchopt.siting.engines._model import LinearModel
from dispatchopt.siting.problem import SitingSolution

#: Fillings that are listed at most, and nodes of a choice among them.
_MOST_FILLINGS, _NODES = 5_000, 200
#: First width of the gap within which they are listed, relative to the bound; factor of the next.
_NARROWEST, _WIDER = 3e-5, 1.4
#: Slack of a solver's floating-point bound, relative to it.
_SLACK = 5e-7


@dataclass(frozen=True, kw_only=True, eq=False)
class Fillings:
    """Fillings of open sites, all that earn nearly the most.

    Parameters
    ----------
    opened
        The open sites, shape (k,).
    owner
        Position of each filling's site in ``opened``, shape (f,).
    member
        Pairs (filling, customer), shape (2, number of pairs).
    cost
        What serving each filling costs, opening left out, shape (f,).
    loss
        What it earns less than the best of its site, shape (f,).
    """

    opened: IntArray
    owner: IntArray
    member: IntArray
    cost: FloatArray
    loss: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Priced:
    """What multipliers say about serving from open sites.

    Parameters
    ----------
    worth
        The multipliers, shape (n,).
    found
        Their bound.
    rise
        What serving over each pair adds to it at least, shape (m, n).
    low
        Least load of each site, shape (m,).
    """

    worth: FloatArray
    found: LoadBound
    rise: FloatArray
    low: IntArray


def fillings_within(
    table: LoadTable, is_open: BoolArray, priced: Priced, *, gap: float, most: int
) -> Fillings | None:
    """Return all fillings of open sites that earn less than the best by at most ``gap``.

    None if they are more than ``most``.
    """
    from dispatchopt.siting.engines import _load_fillings

    opened = np.flatnonzero(is_open)
    owners, members, costs, losses = [], [], [], []
    count = 0
    for at, site in enumerate(opened.tolist()):
        items = np.flatnonzero((priced.rise[site] <= gap) & np.isfinite(table.cost[site]))
        profit = priced.worth[items] - table.cost[site, items]
        # Those that are surely in or out come first, so that their part of the tree is a path.
        order = np.argsort(-np.abs(profit), kind="stable")
        items, profit = items[order], np.ascontiguousarray(profit[order])
        earned = float(table.opening[site] - priced.found.site_value[site])
        chosen = np.zeros((most - count, len(items)), dtype=bool)
        span = (int(priced.low[site]), int(table.room[site]))
        units = table.units[items].astype(np.int64)
        size = _load_fillings.fillings(profit, units, span, earned - gap, chosen)
        if size < 0:
            return None
        chosen = chosen[:size]
        row, column = np.nonzero(chosen)
        owners.append(np.full(size, at))
        members.append(np.stack([row + count, items[column]]))
        costs.append(chosen @ table.cost[site, items])
        losses.append(np.maximum(earned - chosen @ profit, 0.0))
        count += size
    return Fillings(
        opened=opened,
        owner=np.concatenate(owners),
        member=np.concatenate(members, axis=1),
        cost=np.concatenate(costs),
        loss=np.concatenate(losses),
    )


def partition_model(table: LoadTable, made: Fillings, gap: float) -> LinearModel:
    """Return the model: a filling for each site, everyone served once, at most ``gap`` lost."""
    model = LinearModel()
    model.offset = float(table.opening[made.opened].sum())
    columns = model.columns(made.cost, is_whole=True)
    filling, customer = made.member
    model.rows(table.num_customers, (customer, columns[filling], 1.0), lower=1.0, upper=1.0)
    model.rows(len(made.opened), (made.owner, columns, 1.0), lower=1.0, upper=1.0)
    model.rows(1, (np.zeros(len(columns), dtype=np.int64), columns, made.loss), upper=gap)
    return model


def served_by(table: LoadTable, made: Fillings, values: FloatArray) -> IntArray:
    """Return the site of each customer that values of the columns stand for, -1 for none."""
    filling, customer = made.member
    is_used = values[filling] > 0.5
    site = np.full(table.num_customers, -1, dtype=np.int64)
    site[customer[is_used]] = made.opened[made.owner[filling[is_used]]]
    return site


class FillingSearch:
    """Solves for given open sites as long as fillings below a rising target are few."""

    def __init__(
        self,
        run: Run[SitingSolution],
        offer: Callable[[IntArray, BoolArray], None],
        best: Callable[[], float],
    ) -> None:
        self._run, self._offer, self._best = run, offer, best

    def bound(self, table: LoadTable, is_open: BoolArray, priced: Priced) -> float:
        """Return a bound on what given open sites leave; inf if nothing better than the best."""
        first = bound = priced.found.value
        # Everyone has to be served: a filling stands for all that its site does.
        if np.isfinite(table.price).any():
            return bound
        most = self._best() - 0.5 * table.grain
        slack = 1e-9 * max(1.0, abs(bound))
        width = max(table.rounded_up(bound) - bound, _NARROWEST * abs(bound))
        while math.isfinite(most) and not self._run.should_stop():
            target = min(first + width, most)
            gap = target - first + slack
            made = fillings_within(table, is_open, priced, gap=gap, most=_MOST_FILLINGS)
            if made is None:
                return bound
            bound = self._chosen(table, made, gap, bound, target)
            if bound < target:
                return bound
            if bound == math.inf or target >= most:
                return math.inf
            width = max(width + table.grain, _WIDER * width)
        return bound

    def _chosen(
        self, table: LoadTable, made: Fillings, gap: float, bound: float, target: float
    ) -> float:
        """Choose a filling for each site; return a bound on what is left, inf for nothing.

        The target itself is returned if there is nothing up to it.
        """
        run = self._run
        if len(np.unique(made.owner)) < len(made.opened):
            return target
        model = partition_model(table, made, gap + 1e-7 * max(1.0, gap))
        is_open = np.zeros(table.num_sites, dtype=bool)
        is_open[made.opened] = True

        def found(values: FloatArray) -> None:
            site = served_by(table, made, values)
            if (site >= 0).all():
                self._offer(site, is_open)

        outcome = _solver.solve(
            model,
            solver="HiGHS",
            limits=_solver.Limits(
                time_s=run.time_left_s,
                nodes=_NODES,
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
            return target
        if outcome.ending is _solver.Ending.OPTIMAL and outcome.values is not None:
            value = float(model.cost @ outcome.values) + model.offset
            # A solution that the run did not keep proves nothing.
            return math.inf if self._best() <= value + _SLACK * max(1.0, abs(value)) else bound
        least = outcome.bound - _SLACK * max(1.0, abs(outcome.bound))
        return float(max(bound, min(least, np.nextafter(target, -math.inf))))
