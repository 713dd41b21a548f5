"""Variants of a day, each simulated on the same drawn days and compared with the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dispatchopt.core.stop import Stop
from dispatchopt.dispatch.policy import Policy
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.metrics import metrics
from dispatchopt.simulation.questions.intervals import Interval, interval, paired
from dispatchopt.simulation.runner import simulate

Change = Callable[[Day, int], Day]


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way the day could be.

    Parameters
    ----------
    label
        For tables.
    value
        What is varied, as a number; it is the x axis of a plot.
    change
        Turns a drawn day (and the seed of its draws) into the variant.
    policy
        Another policy than that of the study; None for the study's own.
    """

    label: str
    value: float
    change: Change = field(default=lambda day, _: day)
    policy: str | Policy | None = None


#: Figures of a day that are compared: name, unit, and whether more is better.
MEASURES: dict[str, tuple[str, bool]] = {
    "on_time_share": ("share of orders placed", True),
    "delivered_share": ("share of orders placed", True),
    "click_to_door_min": ("minutes", False),
    "orders_per_courier_hour": ("orders", True),
    "cost_per_order_cents": ("cents", False),
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one variant was worth.

    Parameters
    ----------
    label, value
        As in the variant.
    orders
        Orders placed per day, mean.
    figures
        Mean and interval of each measure.
    change
        Difference to the first variant on the same days, with interval; empty for the first.
    """

    label: str
    value: float
    orders: float
    figures: dict[str, Interval]
    change: dict[str, Interval]


@dataclass(frozen=True, kw_only=True)
class Study:
    """The answer to a question.

    Parameters
    ----------
    question
        Its name.
    axis
        What is varied, with its unit.
    answer
        One sentence.
    findings
        One per variant; all changes are against the first.
    days
        Days that were asked for.
    days_counted
        Days on which the findings rest: those that every variant in them met to the end.
    is_complete
        Whether every day of every variant was simulated to its end.
    """

    question: str
    axis: str
    answer: str
    findings: tuple[Finding, ...]
    days: int
    days_counted: int
    is_complete: bool

    def rows(self) -> list[dict[str, Any]]:
        """Return one plain row per variant."""
        return [_row(finding) for finding in self.findings]

    def value(self) -> dict[str, Any]:
        """Return everything as plain values, fit for JSON."""
        return {
            "question": self.question,
            "axis": self.axis,
            "answer": self.answer,
            "days": self.days,
            "days_counted": self.days_counted,
            "is_complete": self.is_complete,
            "variants": self.rows(),
        }


def _row(finding: Finding) -> dict[str, Any]:
    row: dict[str, Any] = {
        "variant": finding.label,
        "value": finding.value,
        "orders": round(finding.orders, 1),
    }
    for name, found in finding.figures.items():
        row[name] = _rounded(found.mean)
        row[f"{name}_pm"] = _rounded(found.half)
    for name, found in finding.change.items():
        row[f"{name}_change"] = _rounded(found.mean)
        row[f"{name}_change_pm"] = _rounded(found.half)
    return row


def _rounded(number: float) -> float | None:
    return None if number != number else round(number, 5)  # noqa: PLR0124 (nan)


@dataclass(frozen=True, kw_only=True)
class StudyProgress:
    """How far a study is."""

    done: int
    total: int
    label: str

    @property
    def share(self) -> float:
        """Share of the simulations that are done, in [0, 1]."""
        return self.done / self.total if self.total else 1.0


def compare(
    draw: Callable[[int], Day],
    variants: Sequence[Variant],
    *,
    policy: str | Policy = "rolling",
    days: int = 3,
    seed: int = 1,
    stop: Stop | None = None,
    callback: Callable[[StudyProgress], None] | None = None,
) -> tuple[tuple[Finding, ...], int]:
    """Simulate every variant on the same drawn days.

    Where the limits end it early, only days count that every variant met to the end, so that means
    of variants rest on the same days. Within the first day, the variants that were simulated count.

    Parameters
    ----------
    draw
        Returns the day of a seed.
    variants
        The variants; the first is what the others are compared with.
    policy
        The dispatch policy.
    days
        Days to draw, >= 1; two or more give intervals.
    seed
        Seed of the first day; the others follow.
    stop
        Limits of everything.
    callback
        Sees how far the study is, after each day.

    Returns
    -------
    tuple
        One finding per variant that counts, and the number of days they rest on.
    """
    clock = (Stop() if stop is None else stop).start()
    seen: list[list[dict[str, float | None]]] = [[] for _ in variants]
    total, done = days * len(variants), 0
    for number in range(days):
        drawn = draw(seed + number)
        for at, variant in enumerate(variants):
            chosen = policy if variant.policy is None else variant.policy
            day = variant.change(drawn, seed + number)
            outcome = simulate(day, chosen, seed=seed + number, stop=clock.share(1.0))
            if str(outcome.stopped_by) != "completed":
                return _findings(variants, seen)
            seen[at].append(_measured(metrics(day, outcome)))
            done += 1
            if callback is not None:
                callback(StudyProgress(done=done, total=total, label=variant.label))
    return _findings(variants, seen)


def _findings(
    variants: Sequence[Variant], seen: list[list[dict[str, float | None]]]
) -> tuple[tuple[Finding, ...], int]:
    """Return a finding of every variant over the days that all of them have seen."""
    counted = min(len(rows) for rows in seen) or min(1, len(seen[0]))
    findings = tuple(
        _finding(variant, rows[:counted], seen[0][:counted] if at else None)
        for at, (variant, rows) in enumerate(zip(variants, seen, strict=True))
        if rows
    )
    return findings, counted


def _measured(figures: dict[str, Any]) -> dict[str, float | None]:
    door = figures["click_to_door_s"]
    return {
        "orders": float(figures["orders"]["placed"]),
        "on_time_share": figures["on_time_share"],
        "delivered_share": figures["delivered_share"],
        "click_to_door_min": None if door is None else door["mean"] / 60,
        "orders_per_courier_hour": figures["couriers"]["orders_per_hour"],
        "cost_per_order_cents": figures["cost"]["per_order_cents"],
    }


def _finding(
    variant: Variant,
    days: list[dict[str, float | None]],
    base: list[dict[str, float | None]] | None,
) -> Finding:
    def column(rows: list[dict[str, float | None]], name: str) -> list[float | None]:
        return [row.get(name) for row in rows]

    return Finding(
        label=variant.label,
        value=variant.value,
        orders=interval(column(days, "orders")).mean,
        figures={name: interval(column(days, name)) for name in MEASURES},
        change={}
        if base is None
        else {name: paired(column(base, name), column(days, name)) for name in MEASURES},
    )
