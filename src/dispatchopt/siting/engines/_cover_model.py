"""The covering model in whole numbers, and bounds on it that no rounding can falsify."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines._cover_cuts import Cuts, no_cuts
from dispatchopt.siting.engines._model import LinearModel
from dispatchopt.siting.engines._pairs import Pairs
from dispatchopt.siting.engines._sets import Sets

#: Sums of scaled whole numbers stay below this, so that int64 holds them.
_ROOM = 2.0**61


@dataclass(frozen=True, kw_only=True, eq=False)
class CoverModel:
    """Minimise ``site_cost @ y + set_cost @ u + offset``; all of it whole numbers.

    y_j says whether site j is open and u_s whether no site of set s is. Rows: u_s + sum of added
    y_j >= u_parent (1 without a parent), at most ``max_sites`` sites, at most ``budget`` spent, at
    most ``may_miss`` units unserved, and cuts that all whole solutions keep.

    Parameters
    ----------
    pairs
        Merged customers.
    sets
        Their sets of sites.
    site_cost, set_cost
        Objective, int64, shape (m,) and (num_sets,).
    lower, upper
        Bounds of y, shape (m,).
    spend
        What opening costs, int64, shape (m,).
    max_sites, budget, may_miss
        Limits; None for none.
    must_cover
        Whether u is 0: every set needs an open site.
    offset
        Part of the objective that is due in any case.
    set_of_row
        Set of each merged customer, shape (rows,); -1 where it is implied by others.
    cuts
        Further valid rows over sites, then sets.
    """

    pairs: Pairs
    sets: Sets
    site_cost: IntArray
    set_cost: IntArray
    lower: BoolArray
    upper: BoolArray
    spend: IntArray
    max_sites: int | None
    budget: int | None
    may_miss: int | None
    must_cover: bool
    offset: int
    set_of_row: IntArray
    cuts: Cuts = field(default_factory=no_cuts)

    @property
    def num_sites(self) -> int:
        """Number of sites m."""
        return len(self.site_cost)

    @cached_property
    def grain(self) -> int:
        """Greatest whole number that divides every objective value less the offset."""
        divisor = int(np.gcd.reduce(np.concatenate([self.site_cost, self.set_cost])))
        return max(1, divisor)

    @cached_property
    def rows_of_sites(self) -> tuple[IntArray, IntArray]:
        """Rows of merged customers that each site reaches, as (indptr, row)."""
        order = np.argsort(self.pairs.site, kind="stable")
        indptr = np.searchsorted(self.pairs.site[order], np.arange(self.num_sites + 1))
        return indptr, self.pairs.row[order]

    @cached_property
    def _entries(self) -> tuple[IntArray, IntArray]:
        return self.sets.set_idx, self.sets.site

    def unserved_units(self, is_open: BoolArray) -> int:
        """Return the units of merged customers that no open site reaches."""
        indptr, row = self.rows_of_sites
        missed = np.ones(self.pairs.num_rows, dtype=bool)
        for site in np.flatnonzero(is_open):
            missed[row[indptr[site] : indptr[site + 1]]] = False
        return int(self.pairs.units[missed].sum())

    def value(self, is_open: BoolArray) -> int | None:
        """Return the objective of a set of open sites; None if it breaks a rule."""
        if (is_open & ~self.upper).any() or (self.lower & ~is_open).any():
            return None
        if self.max_sites is not None and int(is_open.sum()) > self.max_sites:
            return None
        if self.budget is not None and int(self.spend[is_open].sum()) > self.budget:
            return None
        missed = self.unserved_units(is_open)
        allowed = 0 if self.must_cover else self.may_miss
        if allowed is not None and missed > allowed:
            return None
        priced = 0 if allowed is not None else missed
        return int(self.site_cost[is_open].sum()) + priced + self.offset

    def is_possible(self, lower: BoolArray, upper: BoolArray) -> bool:
        """Whether bounds on y leave a solution; decided without a solver."""
        if self.max_sites is not None and int(lower.sum()) > self.max_sites:
            return False
        if self.budget is not None and int(self.spend[lower].sum()) > self.budget:
            return False
        allowed = 0 if self.must_cover else self.may_miss
        return allowed is None or self.unserved_units(upper) <= allowed

    def linear(self) -> LinearModel:
        """Return the linear relaxation; its columns are y, then u."""
        model = LinearModel(offset=float(self.offset))
        sets = self.sets
        sites = model.columns(self.site_cost, lower=self.lower, upper=self.upper)
        missed = model.columns(self.set_cost, upper=0.0 if self.must_cover else 1.0)
        index = np.arange(sets.num_sets)
        child = np.flatnonzero(sets.parent >= 0)
        model.rows(
            sets.num_sets,
            (index, missed, 1.0),
            (sets.set_idx, sites[sets.site], 1.0),
            (child, missed[sets.parent[child]], -1.0),
            lower=np.where(sets.parent >= 0, 0.0, 1.0),
        )
        zero = np.zeros(self.num_sites, dtype=np.int64)
        if self.max_sites is not None:
            model.rows(1, (zero, sites, 1.0), upper=self.max_sites)
        if self.budget is not None:
            model.rows(1, (zero, sites, self.spend), upper=self.budget)
        if self.may_miss is not None:
            none = np.zeros(sets.num_sets, dtype=np.int64)
            model.rows(1, (none, missed, sets.units), upper=self.may_miss)
        cuts = self.cuts
        if cuts.count:
            model.rows(cuts.count, (cuts.row, cuts.column, cuts.value), lower=cuts.limit)
        return model

    def whole_rows(self) -> tuple[Any, IntArray]:
        """Return rows ``>= limit`` with whole coefficients, over sites, then sets (CSR, limit).

        One for each merged customer, without parents; then the cuts; then the limit on sites.
        """
        from scipy import sparse

        pairs, count = self.pairs, self.num_sites
        rows = np.flatnonzero(self.set_of_row >= 0)
        number = np.full(pairs.num_rows, -1, dtype=np.int64)
        number[rows] = np.arange(len(rows))
        keep = (number[pairs.row] >= 0) & self.upper[pairs.site]
        row, column = number[pairs.row[keep]], pairs.site[keep]
        missing = count + self.set_of_row[rows]
        if not self.must_cover:
            row = np.concatenate([row, np.arange(len(rows))])
            column = np.concatenate([column, missing])
        value = np.ones(len(row), dtype=np.int64)
        limit = np.ones(len(rows), dtype=np.int64)
        row = np.concatenate([row, len(rows) + self.cuts.row])
        column = np.concatenate([column, self.cuts.column])
        value = np.concatenate([value, self.cuts.value])
        limit = np.concatenate([limit, self.cuts.limit])
        if self.max_sites is not None:
            sites = np.flatnonzero(self.upper)
            row = np.concatenate([row, np.full(len(sites), len(limit))])
            column = np.concatenate([column, sites])
            value = np.concatenate([value, np.full(len(sites), -1)])
            limit = np.append(limit, -self.max_sites)
        shape = (len(limit), count + self.sets.num_sets)
        return sparse.csr_array((value, (row, column)), shape=shape), limit

    def table_of_sets(self) -> tuple[Any, IntArray]:
        """Return the sites that reach each customer with a set of his own, and his row by set.

        A CSR matrix of the first rows of ``whole_rows``, over sites alone, and shape (num_sets,),
        -1 for sets that only others are built on.
        """
        rows, _ = self.whole_rows()
        own = self.set_of_row[self.set_of_row >= 0]
        row_of_set = np.full(self.sets.num_sets, -1, dtype=np.int64)
        row_of_set[own] = np.arange(len(own))
        return rows[: len(own), : self.num_sites].tocsr(), row_of_set


@dataclass(frozen=True, kw_only=True, eq=False)
class DualBound:
    """A Lagrangian bound in scaled whole numbers.

    Parameters
    ----------
    total
        Scaled bound, without the offset, for the bounds on y that it was computed for.
    reduced
        Scaled reduced cost of each y, shape (m,).
    scale
        What both are multiplied by; 0 where no bound could be computed.
    """

    total: int
    reduced: IntArray
    scale: int

    def value(self, model: CoverModel) -> int | None:
        """Return the bound as an objective value, rounded up to one that can occur."""
        if self.scale == 0:
            return None
        return rounded_up(self.total, self.scale, model)

    def fixings(
        self, model: CoverModel, best: int, lower: BoolArray, upper: BoolArray
    ) -> tuple[BoolArray, BoolArray]:
        """Return the bounds on y of all solutions better than ``best``, as far as they are seen.

        Moving y_j off its bound costs its reduced cost (Dantzig, Fulkerson and Johnson 1954).
        """
        if self.scale == 0:
            return lower, upper
        # A better solution costs at most ``best - grain``.
        room = (best - model.grain - model.offset) * self.scale - self.total
        free = upper & ~lower
        closed = free & (self.reduced > max(room, 0))
        opened = free & (-self.reduced > max(room, 0))
        if room < 0:
            return lower, upper
        return lower | opened, upper & ~closed


def rounded_up(total: int, scale: int, model: CoverModel) -> int:
    """Return the least objective value that can occur at or above a scaled bound."""
    step = scale * model.grain
    return -((-total) // step) * model.grain + model.offset


def dual_bound(
    model: CoverModel, row_dual: FloatArray, lower: BoolArray, upper: BoolArray
) -> DualBound:
    """Return the Lagrangian bound of row multipliers, evaluated in whole numbers.

    Any multipliers >= 0 give a valid bound, so that those of a floating-point solver only decide
    how good it is: they are scaled, rounded, and all sums are then exact.
    """
    sets, count = model.sets, model.sets.num_sets
    sides = _sides(model)
    dual = np.nan_to_num(np.asarray(row_dual, dtype=np.float64), posinf=0.0, neginf=0.0)
    cuts, begin = model.cuts, count + len(sides)
    floats = np.maximum(np.concatenate([dual[:count], -dual[count:begin], dual[begin:]]), 0.0)
    lengths = np.diff(sets.indptr) + 3.0
    size = float(floats[:count] @ lengths) + float(model.set_cost.sum() + model.site_cost.sum())
    size += sum(
        float(value) * (limit + float(weights.sum()))
        for value, (limit, weights, _) in zip(floats[count:begin], sides, strict=True)
    )
    size += float(floats[begin:][cuts.row] @ np.abs(cuts.value))
    size += float(floats[begin:] @ np.abs(cuts.limit))
    power = math.floor(math.log2(_ROOM / max(size, 1.0)))
    if power < 1:
        return DualBound(total=0, reduced=np.zeros(model.num_sites, dtype=np.int64), scale=0)
    scale = 2 ** min(power, 40)
    # Rounding down leaves the float estimate of the size an upper bound.
    whole = np.floor(floats * scale).astype(np.int64)
    rows, side, cut = whole[:count], whole[count:begin], whole[begin:]
    by_site = _summed(*model._entries, rows, model.num_sites)  # noqa: SLF001 - its own model
    reduced = model.site_cost * scale - by_site
    by_set = model.set_cost * scale - rows
    child = np.flatnonzero(sets.parent >= 0)
    np.add.at(by_set, sets.parent[child], rows[child])
    total = int(rows[sets.parent < 0].sum())
    for value, (limit, weights, is_on_sites) in zip(side.tolist(), sides, strict=True):
        total -= value * limit
        if is_on_sites:
            reduced = reduced + value * weights
        else:
            by_set = by_set + value * weights
    if cuts.count:
        by_column = np.zeros(model.num_sites + count, dtype=np.int64)
        np.add.at(by_column, cuts.column, cut[cuts.row] * cuts.value)
        reduced = reduced - by_column[: model.num_sites]
        by_set = by_set - by_column[model.num_sites :]
        total += int(cut @ cuts.limit)
    total += int(reduced[lower].sum())
    total += int(np.minimum(reduced[upper & ~lower], 0).sum())
    if not model.must_cover:
        total += int(np.minimum(by_set, 0).sum())
    return DualBound(total=total, reduced=reduced, scale=scale)


def _sides(model: CoverModel) -> list[tuple[int, IntArray, bool]]:
    """Return limit, weights, and whether they lie on sites, of each side row in its order."""
    rows: list[tuple[int, IntArray, bool]] = []
    if model.max_sites is not None:
        rows.append((model.max_sites, np.ones(model.num_sites, dtype=np.int64), True))
    if model.budget is not None:
        rows.append((model.budget, model.spend, True))
    if model.may_miss is not None:
        rows.append((model.may_miss, model.sets.units, False))
    return rows


def _summed(rows: IntArray, sites: IntArray, value: IntArray, num_sites: int) -> IntArray:
    total = np.zeros(num_sites, dtype=np.int64)
    np.add.at(total, sites, value[rows])
    return total


def with_bounds(model: CoverModel, lower: BoolArray, upper: BoolArray) -> CoverModel:
    """Return the model with other bounds on y."""
    return replace(model, lower=lower, upper=upper)
