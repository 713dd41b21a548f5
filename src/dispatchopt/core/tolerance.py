"""When two computed values count as equal."""

from __future__ import annotations

import math

#: Absolute and relative slack for costs that pass through floating point.
ABSOLUTE = 1e-6
RELATIVE = 1e-9
#: Relative slack of a bound that a floating-point solver reports.
BOUND_RELATIVE = 1e-6


def same_cost(left: float, right: float) -> bool:
    """Whether two costs are equal up to rounding."""
    return math.isclose(left, right, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def bound_meets(bound: float, objective: float) -> bool:
    """Whether a lower bound proves an objective (minimisation) optimal up to rounding."""
    return bound >= objective - max(ABSOLUTE, BOUND_RELATIVE * abs(objective))


def bound_crosses(bound: float, objective: float) -> bool:
    """Whether a claimed lower bound lies above a verified objective by more than rounding."""
    return bound > objective + max(ABSOLUTE, BOUND_RELATIVE * abs(objective))


def relative_gap(objective: float, bound: float) -> float:
    """Gap between objective and lower bound, relative to the objective; 0 where they meet."""
    difference = objective - bound
    if difference <= ABSOLUTE:
        return 0.0
    if objective == 0:
        return math.inf
    return difference / abs(objective)
