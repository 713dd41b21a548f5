"""From a first solution to a proof: settle sites at the root, cut, branch, and search between."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.siting.engines import _cover_local
from dispatchopt.siting.engines._cover_build import shrunk
from dispatchopt.siting.engines._cover_cuts import Cuts, halved, violated_sums
from dispatchopt.siting.engines._cover_decompose import Decomposition, can_decompose
from dispatchopt.siting.engines._cover_improve import Search, Watch, relaxation_work
from dispatchopt.siting.engines._cover_interior import Interior, is_faster
from dispatchopt.siting.engines._cover_lp import Ending, Relaxation, Relaxed
from dispatchopt.siting.engines._cover_model import CoverModel, DualBound, dual_bound
from dispatchopt.siting.engines._cover_patterns import local_cuts
from dispatchopt.siting.engines._cover_tree import Keeper, Tree

#: Share of free sites that must be settled before the model is built anew, and how often.
_WORTH = 0.2
_MOST_ROUNDS = 4
#: Cuts added a round, in small models and in large ones, and rounds at most.
_CUTS, _CUTS_IF_LARGE, _MOST_CUTS = 150, 500, 300
#: Work of rounds with halved sums alone, lest small models wait for a compiler; then local cuts
#: take their place, unless these are few.
_PLAIN_WORK, _FEW_CUTS = 2e6, 10
#: Work in which cuts must promise to close the gap, by what the last rounds gained.
_LOOK_BACK, _CLOSING_WORK = 3, 1.5e8
#: Simplex steps after which a round of cuts is taken back: per set, and in small models by work.
_CUT_STEPS, _CUT_WORK = 2, 1e8
#: Sets from which on more cuts are added a round; work of looking for cuts, for each pair.
_LARGE, _PAIR_WORK = 4_000, 40.0


def settle_and_branch(  # noqa: C901 - the order of its steps is what it is about
    improver: _cover_local.Improver, keeper: Keeper, watch: Watch, *, is_whole: bool = True
) -> None:
    """Solve the root, settle sites by reduced costs, shrink, cut, and at last branch.

    Parameters
    ----------
    improver
        Swaps on the model.
    keeper
        Holds the best solution, and is offered others.
    watch
        Limits.
    is_whole
        Whether to look for better solutions by annealing as well.
    """
    model, search, may_part = improver.model, None, is_whole
    for settled in range(_MOST_ROUNDS):
        if not (model.upper & ~model.lower).any():
            keeper.consider(model.lower)
            watch.raise_bound(keeper.best)
            return
        relaxation = _relaxation(model, keeper, watch)
        root = relaxation.first(model.lower, model.upper)
        exact = dual_bound(model, root.row_dual, model.lower, model.upper)
        value = _reported(model, exact, watch)
        if root.ending is Ending.STOPPED or not watch.step():
            return
        is_open = _cover_local.rounded(model, root.sites)
        if is_open is not None:
            keeper.consider(improver.improved(is_open))
        if _is_done(model, exact, value, keeper, watch):
            return
        smaller = _smaller(model, exact, keeper) if settled < _MOST_ROUNDS - 1 else None
        if smaller is None:
            # A second time blocks would mostly say what they said.
            is_wide = may_part and settled < _MOST_ROUNDS - 1 and can_decompose(model)
            is_wide &= isinstance(relaxation, Interior)
            may_part &= not is_wide
            search = _begun(model, keeper, watch, is_short=is_wide) if is_whole else None
            if is_wide and not _is_done(model, exact, value, keeper, watch):
                smaller, bound = _decomposed(model, root, keeper, watch=watch, search=search)
                value = max(value, bound)
            if _is_done(model, exact, value, keeper, watch):
                return
        if smaller is None:
            if isinstance(relaxation, Relaxation):
                model, root = _tightened(
                    model, relaxation, root, keeper, watch=watch, search=search
                )
            exact = dual_bound(model, root.row_dual, model.lower, model.upper)
            value = max(value, exact.value(model) or 0)
            if _is_done(model, exact, value, keeper, watch):
                return
            # Cuts belong to the model's sets; a much smaller model finds its own.
            smaller = _smaller(model, exact, keeper)
            if smaller is None or settled == _MOST_ROUNDS - 1:
                break
        model = smaller
        keeper.rebase(model)
        improver = _cover_local.Improver(model, watch.should_stop)
    tree = Tree(
        improver,
        model,
        relaxation,
        keeper,
        step=watch.step,
        raise_bound=watch.raise_bound,
        between=None if search is None else search.between,
    )
    tree.search(root, value)


def _relaxation(model: CoverModel, keeper: Keeper, watch: Watch) -> Relaxation | Interior:
    """Return the relaxation that is solved faster."""
    if _is_dense(model):
        return Interior(model, should_stop=watch.should_stop, best=lambda: keeper.best)
    return Relaxation(
        model,
        time_left_s=lambda: watch.time_left_s,
        should_stop=watch.should_stop,
        seed=watch.seed,
    )


def _is_dense(model: CoverModel) -> bool:
    """Whether the interior point method is faster, and counts what the model counts."""
    num_free = int((model.upper & ~model.lower).sum())
    has_price = _cover_local.missable(model) is None
    return has_price and is_faster(model.pairs, model.sets.num_sets, num_free)


def _reported(model: CoverModel, exact: DualBound, watch: Watch) -> int:
    value = exact.value(model)
    if value is not None:
        watch.raise_bound(value)
    return 0 if value is None else value


def _is_done(model: CoverModel, exact: DualBound, value: int, keeper: Keeper, watch: Watch) -> bool:
    """Whether nothing better is left (which is reported), or time."""
    lower, upper = exact.fixings(model, keeper.best, model.lower, model.upper)
    if value >= keeper.best or not model.is_possible(lower, upper):
        watch.raise_bound(keeper.best)
        return True
    return watch.should_stop()


def _smaller(model: CoverModel, exact: DualBound, keeper: Keeper) -> CoverModel | None:
    """Return the model without settled sites; None if these are few."""
    lower, upper = exact.fixings(model, keeper.best, model.lower, model.upper)
    free, left = int((model.upper & ~model.lower).sum()), int((upper & ~lower).sum())
    return None if free - left < _WORTH * free else shrunk(model, lower, upper)


def _decomposed(
    model: CoverModel,
    root: Relaxed,
    keeper: Keeper,
    *,
    watch: Watch,
    search: Search | None,
) -> tuple[CoverModel | None, int]:
    """Bound by blocks of sites while that helps.

    Returns a smaller model if sites are settled, and the bound.
    """
    parts = Decomposition(model, root, watch.should_stop)
    while parts.improve(keeper.best):
        watch.raise_bound(parts.bound)
        if search is not None:
            search.after(parts.work)
    watch.raise_bound(parts.bound)
    if parts.bound >= keeper.best:
        return None, parts.bound
    lower, upper = parts.limits()
    free, left = int((model.upper & ~model.lower).sum()), int((upper & ~lower).sum())
    return None if free == left else shrunk(model, lower, upper), parts.bound


def _tightened(  # noqa: C901 - one loop with its ends
    model: CoverModel,
    relaxation: Relaxation,
    root: Relaxed,
    keeper: Keeper,
    *,
    watch: Watch,
    search: Search | None,
) -> tuple[CoverModel, Relaxed]:
    """Add cuts round by round while the bound rises enough; those that do not bind go again."""
    if len(model.pairs.row) * _PAIR_WORK > _CLOSING_WORK:
        # Looking once would already take as long as closing the gap may.
        return model, root
    seen, count = [(root.objective, 0.0)], max(1, model.sets.num_sets)
    work = 0.0
    table: tuple[Any, IntArray, dict[bytes, IntArray]] = (*model.table_of_sets(), {})
    most_steps = int(max(_CUT_STEPS * count, _CUT_WORK / count))
    for turn in range(_MOST_CUTS):
        if root.ending is not Ending.SOLVED or watch.should_stop():
            break
        cuts = _cutting_off(model, root, table, is_plain=work < _PLAIN_WORK)
        if not cuts.count:
            break
        basis = relaxation.basis()
        relaxation.add(cuts)
        root = relaxation.solve(model.lower, model.upper, most_steps=most_steps)
        if root.ending is not Ending.SOLVED and not watch.should_stop():
            # Too dear for what they give.
            relaxation.drop_last(cuts.count)
            relaxation.restore(basis)
            return model, relaxation.solve(model.lower, model.upper)
        model = replace(model, cuts=model.cuts.joined(cuts))
        exact = dual_bound(model, root.row_dual, model.lower, model.upper)
        value = _reported(model, exact, watch)
        if root.ending is not Ending.SOLVED or value >= keeper.best:
            break
        work += relaxation_work(root.simplex_steps, count)
        if search is not None:
            search.between(root.simplex_steps)
        if turn % 2:
            stays = relaxation.drop_slack(model.cuts.count)
            model = replace(model, cuts=model.cuts.taken(stays))
            root = relaxation.solve(model.lower, model.upper)
            work += relaxation_work(root.simplex_steps, count)
        seen.append((root.objective, work))
        if len(seen) > _LOOK_BACK:
            value_before, work_before = seen[-1 - _LOOK_BACK]
            gained, left = root.objective - value_before, keeper.best - root.objective
            if gained * _CLOSING_WORK < left * (work - work_before):
                break
    return model, root


def _cutting_off(
    model: CoverModel,
    root: Relaxed,
    table: tuple[Any, IntArray, dict[bytes, IntArray]],
    *,
    is_plain: bool,
) -> Cuts:
    """Return cuts that a solution of the relaxation violates."""
    sums = violated_sums(*model.whole_rows(), np.concatenate([root.sites, root.missed]))
    most = _CUTS_IF_LARGE if model.sets.num_sets >= _LARGE else _CUTS
    if is_plain:
        return halved(sums, most)
    cuts = local_cuts(sums, *table)
    return cuts if cuts.count >= _FEW_CUTS else cuts.joined(halved(sums, most))


def _begun(model: CoverModel, keeper: Keeper, watch: Watch, *, is_short: bool) -> Search | None:
    """Return what looks for better solutions, which has begun to; None if units have no price."""
    if _cover_local.missable(model) is not None:
        return None
    branch = partial(settle_and_branch, is_whole=False)
    search = Search(model, keeper, watch, branch, has_cuts=not _is_dense(model))
    search.begin(is_short=is_short)
    return search
