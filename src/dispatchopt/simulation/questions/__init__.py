"""A planner's questions, answered by simulating variants of a day on the same draws."""

from __future__ import annotations

from dispatchopt.simulation.questions.asked import QUESTIONS, Options, ask, compare_policies
from dispatchopt.simulation.questions.intervals import Interval, interval, paired
from dispatchopt.simulation.questions.study import Finding, Study, StudyProgress, Variant, compare
from dispatchopt.simulation.questions.variants import (
    add_shifts,
    redrawn,
    with_couriers,
    with_promise,
    with_store,
    with_store_means,
    with_surge,
    without_couriers,
    without_store,
)

__all__ = [
    "QUESTIONS",
    "Finding",
    "Interval",
    "Options",
    "Study",
    "StudyProgress",
    "Variant",
    "add_shifts",
    "ask",
    "compare",
    "compare_policies",
    "interval",
    "paired",
    "redrawn",
    "with_couriers",
    "with_promise",
    "with_store",
    "with_store_means",
    "with_surge",
    "without_couriers",
    "without_store",
]
