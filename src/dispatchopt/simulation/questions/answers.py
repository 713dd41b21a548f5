"""The sentences that answer a planner's questions."""

from __future__ import annotations

from collections.abc import Sequence

from dispatchopt.simulation.questions.study import Finding


def compared(findings: Sequence[Finding]) -> str:
    """Return how the second variant differs from the first."""
    change = findings[1].change["on_time_share"]
    door = findings[1].change["click_to_door_min"]
    if change.count < 2:
        return f"{findings[1].label}: {_points(change.mean)} on time; two days give an interval"
    sure = "clearly" if change.is_clear else "not clearly"
    return (
        f"{findings[1].label} is {sure} different from {findings[0].label}: "
        f"{_points(change.mean)} +- {100 * change.half:.1f} on time, "
        f"{door.mean:+.2f} +- {door.half:.2f} min click to door ({change.count} days)"
    )


def _points(share: float) -> str:
    return f"{100 * share:+.1f} points"


def fewest(findings: Sequence[Finding], target: float) -> str:
    """Return the least value of a variant that keeps the share on time."""
    kept = [each for each in findings if each.figures["on_time_share"].mean >= target]
    wanted = f"{100 * target:.0f} % on time"
    if not kept:
        best = max(findings, key=lambda each: each.figures["on_time_share"].mean)
        share = 100 * best.figures["on_time_share"].mean
        return f"no number tried keeps {wanted}: {best.label} keep {share:.1f} %"
    least = min(kept, key=lambda each: each.value)
    return f"{least.label} keep {wanted}; today there are {findings[0].value:.0f}"


def shortest(findings: Sequence[Finding], target: float) -> str:
    """Return the shortest promise that is kept, and how well today's is."""
    kept = [each for each in findings if each.figures["on_time_share"].mean >= target]
    first = findings[0]
    today = f"{first.label} is kept for {100 * first.figures['on_time_share'].mean:.1f} %"
    if not kept:
        return f"{today}; no promise tried is kept for {100 * target:.0f} %"
    least = min(kept, key=lambda each: each.value)
    return f"{today}; the shortest kept for {100 * target:.0f} % is {least.label}"


def best_change(findings: Sequence[Finding], _: float) -> str:
    """Return the variant that brings most."""
    if len(findings) < 2:
        return "there is nothing to try"
    best = max(findings[1:], key=lambda each: each.change["on_time_share"].mean)
    change = best.change["on_time_share"]
    spread = "" if change.count < 2 else f" +- {100 * change.half:.1f}"
    return f"{best.label} brings most: {_points(change.mean)}{spread} on time"


def largest(findings: Sequence[Finding], target: float) -> str:
    """Return the largest surge at which the share on time is kept."""
    kept = [each for each in findings if each.figures["on_time_share"].mean >= target]
    wanted = f"{100 * target:.0f} % on time"
    worst = findings[-1]
    said = f"{worst.label} leaves {100 * worst.figures['on_time_share'].mean:.1f} % on time"
    if not kept:
        return f"even without a surge fewer than {wanted}; {said}"
    return f"{max(kept, key=lambda each: each.value).label} still keeps {wanted}; {said}"
