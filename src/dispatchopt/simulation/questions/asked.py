"""A planner's questions, each as variants of a day and a sentence for an answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.core.stop import Stop
from dispatchopt.dispatch.policy import Policy
from dispatchopt.geography.matrix import UNREACHABLE
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.questions import answers
from dispatchopt.simulation.questions import variants as ways
from dispatchopt.simulation.questions.study import (
    Change,
    Finding,
    Study,
    StudyProgress,
    Variant,
    compare,
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What questions can be asked with.

    Parameters
    ----------
    target
        Share of orders on time that is wanted, in (0, 1].
    grid
        Values to try, in place of the question's own: shares of today's couriers, minutes of the
        promise, factors of the surge.
    block_s
        Length of a shift that is added, in seconds.
    couriers
        Couriers added per shift.
    reach_m
        Longest way from a new store, in metres.
    sites
        Sites tried for a new store.
    surge_s
        Length of the surge, in seconds; it is about the busiest hour.
    """

    target: float = 0.95
    grid: tuple[float, ...] = ()
    block_s: int = 4 * 3600
    couriers: int = 1
    reach_m: int = 3000
    sites: int = 3
    surge_s: int = 3600

    def __post_init__(self) -> None:
        issues = []
        if not 0 < self.target <= 1:
            issues.append(_issue("target", self.target, "a share in (0, 1]"))
        for name in ("block_s", "couriers", "reach_m", "sites", "surge_s"):
            if getattr(self, name) < 1:
                issues.append(_issue(name, getattr(self, name), "a whole number of at least 1"))
        if any(not 0 <= each <= 10_000 for each in self.grid):
            issues.append(_issue("grid", self.grid, "numbers from 0 to 10000"))
        if issues:
            raise InputError(issues)


def _issue(where: str, found: object, wanted: str) -> Issue:
    return Issue(code="out-of-range", where=where, found=repr(found), wanted=wanted)


@dataclass(frozen=True, kw_only=True)
class _Question:
    axis: str
    variants: Callable[[Day, Options], list[Variant]]
    answer: Callable[[Sequence[Finding], float], str]


def ask(
    day: Day,
    question: str,
    options: Options | None = None,
    *,
    policy: str | Policy = "rolling",
    days: int = 3,
    seed: int = 1,
    is_redrawn: bool = True,
    stop: Stop | None = None,
    callback: Callable[[StudyProgress], None] | None = None,
) -> Study:
    """Answer a planner's question by simulation.

    Parameters
    ----------
    day
        The day.
    question
        ``couriers``: how many; ``shifts``: when one more is worth most; ``promise``: which can be
        kept; ``store``: what one more brings; ``surge``: what it does.
    options
        See ``Options``.
    policy
        The dispatch policy.
    days
        Days to draw, >= 1; all variants meet the same ones.
    seed
        Seed of the first day.
    is_redrawn
        Whether each day has other orders of the same kind (see ``redrawn``), or the day's own.
    stop, callback
        Limits of everything (see ``compare``), and who sees how far it is.

    Raises
    ------
    InputError
        If there is no such question, or the day has nothing to ask about.
    """
    if question not in QUESTIONS:
        known = ", ".join(QUESTIONS)
        raise InputError(
            Issue(code="bad-choice", where="question", found=repr(question), wanted=known)
        )
    if not len(day.orders) or not len(day.couriers) or days < 1:
        raise InputError(
            Issue(
                code="out-of-range",
                where="day",
                found=f"{len(day.orders)} orders, {len(day.couriers)} couriers, {days} days",
                wanted="at least one of each",
            )
        )
    how, given = QUESTIONS[question], Options() if options is None else options
    return _study(
        question,
        how.axis,
        how.variants(day, given),
        partial(_drawn, day, is_redrawn),
        lambda findings: how.answer(findings, given.target),
        policy=policy,
        days=days,
        seed=seed,
        stop=stop,
        callback=callback,
    )


def compare_policies(
    day: Day,
    first: str | Policy,
    then: str | Policy,
    *,
    other_day: Day | None = None,
    days: int = 5,
    seed: int = 1,
    is_redrawn: bool = True,
    stop: Stop | None = None,
    callback: Callable[[StudyProgress], None] | None = None,
) -> Study:
    """Compare two policies, or two plans of one day, pair by pair on the same drawn days.

    Parameters
    ----------
    day
        The day.
    first, then
        Policies.
    other_day
        Another plan of the day (other stores, stock, couriers or rules) for ``then``. Its orders
        must be as many, so that both draw the same ones.
    days, seed, is_redrawn, stop, callback
        As in ``ask``.

    Raises
    ------
    InputError
        If the other day has another number of orders.
    """
    second = day if other_day is None else other_day
    if len(second.orders) != len(day.orders):
        found = f"{len(second.orders)} orders"
        wanted = f"{len(day.orders)}, those of the first day"
        raise InputError(Issue(code="bad-shape", where="day", found=found, wanted=wanted))

    def changed(_: Day, drawn_seed: int) -> Day:
        return _drawn(second, is_redrawn, drawn_seed)

    names = [each if isinstance(each, str) else each.name for each in (first, then)]
    if second is not day:
        names = [f"{day.name or 'first'}, {names[0]}", f"{second.name or 'other'}, {names[1]}"]
    return _study(
        "compare",
        "policy or plan",
        [
            Variant(label=names[0], value=0, policy=first),
            Variant(label=names[1], value=1, policy=then, change=changed),
        ],
        partial(_drawn, day, is_redrawn),
        answers.compared,
        policy=first,
        days=days,
        seed=seed,
        stop=stop,
        callback=callback,
    )


def _study(
    question: str,
    axis: str,
    variants: Sequence[Variant],
    draw: Callable[[int], Day],
    answer: Callable[[Sequence[Finding]], str],
    *,
    policy: str | Policy,
    days: int,
    seed: int,
    stop: Stop | None,
    callback: Callable[[StudyProgress], None] | None,
) -> Study:
    findings, counted = compare(
        draw, variants, policy=policy, days=days, seed=seed, stop=stop, callback=callback
    )
    is_complete = counted == days and len(findings) == len(variants)
    if len(findings) > 1 or is_complete:
        said = answer(findings)
    else:
        said = "there was no time for two variants"
    if not is_complete and counted:
        said += f" (stopped early: {len(findings)} of {len(variants)} variants"
        said += f", {counted} of {days} days)"
    return Study(
        question=question,
        axis=axis,
        answer=said,
        findings=findings,
        days=days,
        days_counted=counted,
        is_complete=is_complete,
    )


def _fixed(change: Callable[[Day], Day]) -> Change:
    """Return a change that draws nothing."""
    return lambda day, _: change(day)


def _surged(day: Day, seed: int, *, factor: float, from_s: int, to_s: int) -> Day:
    return ways.with_surge(day, factor, from_s, to_s, seed)


def _drawn(day: Day, is_redrawn: bool, seed: int) -> Day:
    return ways.redrawn(day, seed) if is_redrawn else day


def _courier_variants(day: Day, options: Options) -> list[Variant]:
    k = int((day.couriers.off_s > day.couriers.on_s).sum())
    grid = options.grid or (1.0, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.4)
    counts = list(dict.fromkeys(max(0, round(k * factor)) for factor in (1.0, *grid)))
    return [
        Variant(
            label=f"{count} shifts",
            value=count,
            change=_fixed(partial(ways.with_couriers, count=count)),
        )
        for count in counts
    ]


def _promise_variants(day: Day, options: Options) -> list[Variant]:
    grid = options.grid or (20, 25, 30, 35, 40, 50, 60)
    today = day.rules.promise_s / 60
    return [
        Variant(
            label=f"{minutes:g} min",
            value=minutes,
            change=_fixed(partial(ways.with_promise, promise_s=round(minutes * 60))),
        )
        for minutes in dict.fromkeys((today, *sorted(grid)))
    ]


def _shift_variants(day: Day, options: Options) -> list[Variant]:
    first_s = int(day.orders.placed_s.min()) // 3600 * 3600
    last_s = int(day.orders.placed_s.max())
    starts = range(first_s, max(first_s + 1, last_s - options.block_s // 2), options.block_s // 2)
    rows = np.arange(options.couriers) % len(day.couriers)
    added = [
        Variant(
            label=f"+{options.couriers} {_clock(start)}-{_clock(start + options.block_s)}",
            value=start / 3600,
            change=_fixed(
                partial(ways.add_shifts, rows=rows, on_s=start, off_s=start + options.block_s)
            ),
        )
        for start in starts
    ]
    return [Variant(label="today", value=-1.0), *added]


def _clock(second: int) -> str:
    return f"{second // 3600:02d}:{second % 3600 // 60:02d}"


def _store_variants(day: Day, options: Options) -> list[Variant]:
    like = int(np.argmax(day.stores.pickers)) if len(day.stores) else 0
    if not len(day.stores):
        return [Variant(label="today", value=0)]
    added = [
        Variant(
            label=f"store at place {place}",
            value=float(place),
            change=_fixed(
                partial(ways.with_store, place=place, reach_m=options.reach_m, like=like)
            ),
        )
        for place in _sites(day, options.sites)
    ]
    return [Variant(label="today", value=-1.0), *added]


def _sites(day: Day, count: int) -> list[int]:
    """Return places of customers where a store would save most of the way, one after another."""
    rng = np.random.default_rng(0)
    places = np.unique(day.orders.place_idx)
    tried: IntArray = rng.permutation(places)[:300]
    orders = day.orders.place_idx[rng.permutation(len(day.orders))[:2000]]
    now_m = day.travel.block(day.stores.place_idx, orders).distance_m.min(axis=0)
    new_m = day.travel.block(tried, orders).distance_m
    found: list[int] = []
    for _ in range(min(count, len(tried))):
        saved = np.minimum(np.maximum(now_m - new_m, 0), UNREACHABLE).sum(axis=1)
        best = int(saved.argmax())
        if saved[best] <= 0:
            break
        found.append(int(tried[best]))
        now_m = np.minimum(now_m, new_m[best])
    return found


def _surge_variants(day: Day, options: Options) -> list[Variant]:
    hours = np.bincount(day.orders.placed_s // 3600)
    from_s = int(hours.argmax()) * 3600
    return [
        Variant(
            label=f"x {factor:g}",
            value=factor,
            change=partial(_surged, factor=factor, from_s=from_s, to_s=from_s + options.surge_s),
        )
        for factor in dict.fromkeys((1.0, *(options.grid or (2.0, 3.0, 5.0, 10.0))))
    ]


#: The questions, by name.
QUESTIONS: dict[str, _Question] = {
    "couriers": _Question(axis="shifts", variants=_courier_variants, answer=answers.fewest),
    "promise": _Question(
        axis="promise, minutes", variants=_promise_variants, answer=answers.shortest
    ),
    "shifts": _Question(
        axis="start of shift, hour", variants=_shift_variants, answer=answers.best_change
    ),
    "store": _Question(axis="place", variants=_store_variants, answer=answers.best_change),
    "surge": _Question(axis="factor on orders", variants=_surge_variants, answer=answers.largest),
}
