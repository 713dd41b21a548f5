"""What keeps each closed site closed, given the sites that are open."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.siting.problem import SiteStatus, SitingProblem

#: Words for a site whose opening no rule forbids.
NOTHING = ""


def obstacles(problem: SitingProblem, is_open: BoolArray) -> list[str]:
    """Return for each site which rule forbids opening it as well, in words.

    Empty for open sites, and for sites that might be opened without closing another. Where several
    rules forbid it the one that is hardest to lift is named.
    """
    words = [NOTHING] * problem.num_sites
    for is_hit, text in reversed(_rules(problem, is_open)):
        for site in np.flatnonzero(is_hit & ~is_open):
            words[site] = text
    return words


def is_apart(problem: SitingProblem, is_open: BoolArray) -> BoolArray:
    """Return for which sites no open one stands too close, or is another size of it."""
    apart = np.ones(problem.num_sites, dtype=bool)
    for first, second in problem.conflicts():
        apart[first] &= not is_open[second]
        apart[second] &= not is_open[first]
    return apart


def opens_later(problem: SitingProblem, is_open: BoolArray) -> BoolArray:
    """Return which sites are closed copies of one that opens in a later phase, shape (m,)."""
    if problem.phase is None or problem.place is None:
        return np.zeros(problem.num_sites, dtype=bool)
    opening = np.full(problem.num_sites, -1)
    np.maximum.at(opening, problem.place[is_open], problem.phase[is_open])
    later: BoolArray = ~is_open & (opening[problem.place] > problem.phase)
    return later


def _rules(problem: SitingProblem, is_open: BoolArray) -> list[tuple[BoolArray, str]]:
    """Return which sites each rule keeps closed, the hardest rule first."""
    m = problem.num_sites
    rules = [(problem.statuses == SiteStatus.FORBIDDEN, "it is forbidden")]
    later = opens_later(problem, is_open)
    rules.append((later, "it opens in a later phase"))
    if problem.place is not None:
        taken = np.zeros(m, dtype=bool)
        taken[problem.place[is_open]] = True
        what = "it opens in another phase" if problem.phase is not None else "another size is open"
        rules.append((taken[problem.place], what))
    close = ~is_apart(problem, is_open)
    rules.append((close, f"an open site stands within {problem.min_spacing_m:,} m"))
    rules += _limits(problem, is_open, np.ones(m, dtype=np.int64), "max_sites")
    rules += _limits(problem, is_open, problem.opening_cents, "budget_cents")
    return rules


def _limits(
    problem: SitingProblem, is_open: BoolArray, amount: IntArray, name: str
) -> list[tuple[BoolArray, str]]:
    """Return which sites a limit of sites or of cost keeps closed, over all and by phase."""
    rules = []
    limit, by_phase = getattr(problem, name), getattr(problem, f"phase_{name}")
    if limit is not None:
        left = limit - int(amount[is_open].sum())
        rules.append((amount > left, _text(name, left, "")))
    if by_phase is not None and problem.phase is not None:
        for at, most in enumerate(by_phase.tolist()):
            left = most - int(amount[is_open & (problem.phase <= at)].sum())
            hit = (problem.phase <= at) & (amount > left)
            rules.append((hit, _text(name, left, f" of phase {at}")))
    return rules


def _text(name: str, left: int, where: str) -> str:
    if name == "max_sites":
        return f"max_sites{where} is used up"
    return f"it costs more than the {left:,} cents left of the budget{where}"
