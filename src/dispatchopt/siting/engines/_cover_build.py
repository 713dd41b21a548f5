"""From a siting problem to a covering model, and to smaller ones once sites are settled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.siting.engines._cover_cuts import no_cuts
from dispatchopt.siting.engines._cover_interior import is_faster
from dispatchopt.siting.engines._cover_model import CoverModel
from dispatchopt.siting.engines._pairs import Pairs, merge
from dispatchopt.siting.engines._sets import Sets, build, minimal, sets_of_rows
from dispatchopt.siting.engines._share import share
from dispatchopt.siting.hashing import first_of_each, mix
from dispatchopt.siting.problem import SitingGoal, SitingProblem

#: Pairs of pairs up to which sites are compared with each other.
_MOST_COMPARED = 2e8


def model_of(problem: SitingProblem) -> CoverModel | None:
    """Return the model of a coverage problem; None if someone cannot be served at all."""
    pairs = merge(problem)
    if pairs.is_unreachable:
        return None
    blank = _blank(problem, pairs)
    return None if blank is None else shrunk(blank, blank.lower, blank.upper)


def unshrunk_model(problem: SitingProblem) -> CoverModel:
    """Return rows and limits of a maximum coverage problem, with all sites and without sets."""
    blank = _blank(problem, merge(problem))
    if blank is None:
        raise ValueError("a maximum coverage problem always has a model")
    return blank


def _blank(problem: SitingProblem, pairs: Pairs) -> CoverModel | None:
    """Return the model without sets; None if too much lies out of reach."""
    if problem.goal is SitingGoal.MAX_COVERAGE:
        site_cost = np.zeros(problem.num_sites, dtype=np.int64)
    elif problem.minimise_cost:
        site_cost = problem.opening_cents
    else:
        site_cost = np.ones(problem.num_sites, dtype=np.int64)
    may_miss = None
    if problem.goal is SitingGoal.COVER_ALL and not problem.must_serve_all:
        may_miss = int(pairs.units.sum()) - problem.required_units
        if may_miss < 0:
            return None
    allowed, fixed = problem.is_allowed, problem.is_fixed_open
    none = np.zeros(0, dtype=np.int64)
    return CoverModel(
        pairs=pairs,
        sets=Sets(
            weight=np.zeros(0),
            units=none,
            parent=none,
            indptr=np.zeros(1, dtype=np.int64),
            site=none,
            constant=0.0,
        ),
        site_cost=site_cost,
        set_cost=none,
        lower=fixed,
        upper=allowed,
        spend=problem.opening_cents,
        max_sites=problem.max_sites,
        budget=problem.budget_cents,
        may_miss=may_miss,
        must_cover=problem.must_serve_all,
        offset=int(pairs.constant),
        set_of_row=np.full(pairs.num_rows, -1, dtype=np.int64),
    )


def shrunk(model: CoverModel, lower: BoolArray, upper: BoolArray) -> CoverModel:
    """Return the model for tighter bounds on y, without whatever they settle.

    Rows that an open site covers go, closed sites go from the rows, rows that have become alike are
    merged, and so do sites that another one is as good as.
    """
    pairs, lost = _settled(model.pairs, lower, upper)
    upper = upper & ~_dominated(model, pairs, lower, upper)
    pairs, _ = _settled(pairs, lower, upper)
    offset, may_miss = model.offset, model.may_miss
    if may_miss is not None:
        may_miss -= lost
    elif not model.must_cover:
        offset += lost
    if model.must_cover:
        sets, set_of_row = _minimal_sets(pairs)
        set_cost = np.zeros(sets.num_sets, dtype=np.int64)
    else:
        sets = build(pairs)
        # Sets that others share only make more of them, and the simplex method faster.
        if may_miss is not None or not is_faster(pairs, sets.num_sets, int((upper & ~lower).sum())):
            sets = share(sets, pairs.num_sites)
        set_of_row = sets_of_rows(pairs)
        set_cost = np.zeros(sets.num_sets, dtype=np.int64) if may_miss is not None else sets.units
    return replace(
        model,
        pairs=pairs,
        sets=sets,
        set_cost=set_cost,
        lower=lower,
        upper=upper,
        may_miss=may_miss,
        offset=offset,
        set_of_row=set_of_row,
        cuts=no_cuts(),
    )


def _minimal_sets(pairs: Pairs) -> tuple[Sets, IntArray]:
    row, site, number = minimal(pairs)
    count = int(row.max(initial=-1)) + 1
    sets = Sets(
        weight=np.zeros(count),
        units=np.ones(count, dtype=np.int64),
        parent=np.full(count, -1, dtype=np.int64),
        indptr=np.searchsorted(row, np.arange(count + 1)),
        site=site,
        constant=0.0,
    )
    return sets, number


def _settled(pairs: Pairs, lower: BoolArray, upper: BoolArray) -> tuple[Pairs, int]:
    """Drop rows that are covered in any case and sites that stay closed; merge equal rows.

    Also returns the units that nothing can cover any more.
    """
    covered = np.zeros(pairs.num_rows, dtype=bool)
    covered[pairs.row[lower[pairs.site]]] = True
    keep = upper[pairs.site] & ~covered[pairs.row]
    row, site = pairs.row[keep], pairs.site[keep]
    reached = np.zeros(pairs.num_rows, dtype=bool)
    reached[row] = True
    lost = int(pairs.units[~covered & ~reached].sum())
    hashes = []
    for salt in (1, 3):
        bits = mix(np.arange(pairs.num_sites), salt)[site]
        total = np.zeros(pairs.num_rows, dtype=np.uint64)
        np.add.at(total, row, bits)
        hashes.append(total)
    members = np.flatnonzero(reached)
    first, group = first_of_each(hashes[0][members], hashes[1][members])
    number = np.full(pairs.num_rows, -1, dtype=np.int64)
    number[members[first]] = np.arange(len(first))
    keep = number[row] >= 0
    units = np.zeros(len(first), dtype=np.int64)
    np.add.at(units, group, pairs.units[members])
    row, site = number[row[keep]], site[keep]
    order = np.lexsort((site, row))
    return (
        replace(
            pairs,
            row=row[order],
            site=site[order],
            cost=np.zeros(len(row)),
            price=units.astype(np.float64),
            units=units,
        ),
        lost,
    )


def _dominated(model: CoverModel, pairs: Pairs, lower: BoolArray, upper: BoolArray) -> BoolArray:
    """Return free sites that another site is as good as: all its rows, and no dearer."""
    from scipy import sparse

    reach = np.bincount(pairs.site, minlength=pairs.num_sites)
    free = upper & ~lower
    useless: BoolArray = free & (reach == 0)
    size = np.bincount(pairs.row, minlength=pairs.num_rows).astype(np.float64)
    if float(size @ size) > _MOST_COMPARED:
        return useless
    table = sparse.csr_array(
        (np.ones(len(pairs.row), dtype=np.int32), (pairs.row, pairs.site)),
        shape=(pairs.num_rows, pairs.num_sites),
    )
    common = (table.T @ table).tocoo()
    one, other = common.coords
    inside = (common.data == reach[one]) & (one != other) & free[one] & free[other]
    one, other = one[inside], other[inside]
    cost, spend = model.site_cost, model.spend
    no_dearer = (cost[other] <= cost[one]) & (spend[other] <= spend[one])
    alike = (reach[one] == reach[other]) & (cost[one] == cost[other]) & (spend[one] == spend[other])
    # Of sites that are alike, the first stays.
    worse: IntArray = one[no_dearer & (~alike | (other < one))]
    useless[worse] = True
    return useless
