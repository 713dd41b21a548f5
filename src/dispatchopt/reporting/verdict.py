"""The top of a plan's page: the verdict, proofs, key figures, and the decisions in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dispatchopt.core.result import Result, Status, StopReason
from dispatchopt.reporting.costs import cost_parts, delivered_orders
from dispatchopt.reporting.html import Figure, Tone
from dispatchopt.simulation.outcome import OrderStatus
from dispatchopt.siting.problem import SitingGoal

if TYPE_CHECKING:
    from dispatchopt.pipeline.result import CityPlan

#: On-time shares from which a plan is good, and from which it is fair.
GOOD_SHARE, FAIR_SHARE = 0.95, 0.8
GOALS = {
    "cover-all": "the fewest or cheapest stores that cover the demand asked for",
    "max-coverage": "the most demand covered within the limits",
    "p-median": "the least distance to customers",
    "p-center": "the least distance to the farthest customer",
    "fixed-charge": "the least cost of stores and transport",
}


def count(number: int, one: str, many: str = "") -> str:
    """Return ``1 store`` or ``2 stores``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def share_text(value: float) -> str:
    """Return a share in percent that does not round up to 100 % or down to 0 %."""
    if 0.9995 <= value < 1:
        return ">99.9%"
    if 0 < value < 0.0005:
        return "<0.1%"
    return f"{value:.1%}"


def on_time_share(plan: CityPlan) -> float | None:
    """Return on-time orders over all orders placed; None where no day was replayed."""
    day = plan.figures.get("day")
    return None if day is None or day["on_time_share"] is None else float(day["on_time_share"])


def verdict(plan: CityPlan) -> tuple[Tone, str]:
    """Return the one sentence that sums the plan up."""
    status = plan.siting.status
    if status is Status.INFEASIBLE:
        text = "No choice of sites meets all limits; this is proven. Loosen a limit and plan again."
        return "bad", text
    if plan.siting.solution is None:
        return "bad", "No choice of sites was found in the time given."
    if len(plan.store_sites) == 0:
        return "bad", "No store is open: nothing can be delivered under these limits."
    covered = float(plan.figures["siting"]["covered_share"])
    reach_km = plan.city.parameters.reach_m / 1000
    stores = count(len(plan.store_sites), "store")
    cover = f"{stores} {'covers' if len(plan.store_sites) == 1 else 'cover'} {share_text(covered)}"
    cover += f" of demand within {reach_km:g} km"
    share = on_time_share(plan)
    if share is None or plan.outcome is None:
        tone: Tone = "good" if covered >= GOOD_SHARE else "warn" if covered > 0 else "bad"
        return tone, f"{cover}. No day was replayed."
    promise = plan.city.parameters.promise_s / 60
    placed = int((plan.outcome.orders.status != OrderStatus.UNPLACED).sum())
    text = (
        f"{share_text(share)} of {count(placed, 'order')} reach the door within "
        f"{promise:g} minutes; {cover}."
    )
    tone = "good" if share >= GOOD_SHARE else "warn" if share >= FAIR_SHARE else "bad"
    if plan.outcome.stopped_by is not StopReason.COMPLETED:
        text += " The replay was cut short: figures are of the part that was replayed."
        tone = "warn" if tone == "good" else tone
    return tone, text


def badges(plan: CityPlan) -> list[tuple[str, str, Tone]]:
    """Return what is proven about each decision."""
    out = [_siting_proof(plan)]
    if plan.inventory is not None:
        out.append(_proof("Stock", plan.inventory))
    if plan.outcome is not None:
        is_whole = plan.outcome.stopped_by is StopReason.COMPLETED
        word = "to its end" if is_whole else f"cut short ({plan.outcome.stopped_by})"
        out.append(("Day replayed", word, "good" if is_whole else "warn"))
    if plan.stopped_by in (StopReason.TIME, StopReason.CANCELLED):
        out.append(("Plan", f"ended by {plan.stopped_by}", "warn"))
    return out


def _siting_proof(plan: CityPlan) -> tuple[str, str, Tone]:
    """Return the proof of siting; for coverage in points of demand, which planners think in.

    The relative gap of what is left uncovered says little: 2 of 1,000 against a bound of 1 is 50 %.
    """
    result, total = plan.siting, plan.siting_problem.total_units
    is_coverage = plan.siting_problem.goal is SitingGoal.MAX_COVERAGE
    if result.status is not Status.FEASIBLE or result.objective is None or not is_coverage:
        return _proof("Siting", result)
    if result.bound is None or not np.isfinite(result.bound) or total == 0:
        return _proof("Siting", result)
    points = 100 * (result.objective - result.bound) / total
    text = f"at most {max(points, 0.01):.2f} points of coverage from the best"
    return "Siting", text, "good" if points < 1 else "warn"


def _proof(name: str, result: Result[Any]) -> tuple[str, str, Tone]:
    if result.status is Status.OPTIMAL:
        return name, "proven optimal", "good"
    if result.status is Status.INFEASIBLE:
        return name, "proven infeasible", "bad"
    if result.solution is None:
        return name, "no solution found", "bad"
    if result.gap is None or not np.isfinite(result.gap):
        return name, "feasible, no bound", "warn"
    text = f"at most {max(result.gap, 1e-4):.2%} from the best"
    return name, text, "good" if result.gap < 0.01 else "warn"


def key_figures(plan: CityPlan) -> list[Figure]:
    """Return the row of key figures."""
    siting, figures = plan.figures["siting"], []
    share = on_time_share(plan)
    if share is not None:
        tone: Tone = "good" if share >= GOOD_SHARE else "warn" if share >= FAIR_SHARE else "bad"
        note = f"promise {plan.city.parameters.promise_s / 60:g} min"
        figures.append(Figure(label="On time", value=share_text(share), note=note, tone=tone))
        figures += _day_figures(plan)
    covered = float(siting["covered_share"])
    figures.append(
        Figure(
            label="Demand covered",
            value=share_text(covered),
            note=f"{siting['covered_units']:,} of {siting['total_units']:,} orders a day",
            tone="" if covered > 0.5 else "bad",
        )
    )
    figures.append(
        Figure(
            label="Stores",
            value=f"{len(plan.store_sites):,}",
            unit=f"of {len(plan.city.sites):,} sites",
            note=f"rent {siting['rent_cents'] / 100:,.2f} a day" if siting["rent_cents"] else "",
        )
    )
    if plan.inventory is not None and "fill_rate" in plan.inventory.figures:
        fill = float(plan.inventory.figures["fill_rate"])
        note = f"of units asked for, {len(plan.city.skus):,} SKUs"
        figures.append(Figure(label="Expected fill", value=share_text(fill), note=note))
    orders = delivered_orders(plan)
    if orders:
        value = sum(cost_parts(plan).values()) / orders / 100
        note = "rent, couriers, stock, penalties"
        figures.append(Figure(label="Cost per order", value=f"{value:,.2f}", note=note))
    return figures


def _day_figures(plan: CityPlan) -> list[Figure]:
    if plan.outcome is None or plan.day is None:
        return []
    records = plan.outcome.orders
    delivered = records.status == OrderStatus.DELIVERED
    out = []
    if delivered.any():
        took = (records.delivered_s - plan.day.orders.placed_s)[delivered] / 60
        note = f"nine of ten within {np.quantile(took, 0.9):.1f} min"
        out.append(
            Figure(label="Click to door", value=f"{np.median(took):.1f}", unit="min", note=note)
        )
    complete = plan.figures["day"]["complete_share"]
    if plan.inventory is not None and complete is not None:
        note = "of all placed: delivered, no line missing"
        out.append(Figure(label="Complete orders", value=share_text(complete), note=note))
    return out


def decisions(plan: CityPlan) -> list[str]:
    """Return what was decided, in plain sentences."""
    siting = plan.figures["siting"]
    goal = GOALS.get(str(plan.siting_problem.goal), str(plan.siting_problem.goal))
    if len(plan.store_sites) == 0:
        return [f"No site is opened. The goal was {goal}."]
    city = plan.city
    names = [city.sites.ids[site] for site in plan.store_sites[:12]]
    rest = len(plan.store_sites) - len(names)
    listed = ", ".join(names) + (f" and {rest:,} more" if rest > 0 else "")
    uncovered = int((plan.store_of_customer < 0).sum())
    out = [
        f"{count(len(plan.store_sites), 'site')} of {len(city.sites):,} "
        f"{'is' if len(plan.store_sites) == 1 else 'are'} open: {listed}. The goal was {goal}.",
        f"{share_text(float(siting['covered_share']))} of demand lies within "
        f"{city.parameters.reach_m:,} m of a store, measured by {plan.router.source}; "
        + (
            f"{count(uncovered, 'customer')} {'is' if uncovered == 1 else 'are'} out of reach."
            if uncovered
            else "nobody is out of reach."
        ),
    ]
    out += _stock_sentence(plan) + _day_sentences(plan)
    return out + [f"{stage.name.capitalize()}: {stage.note}." for stage in _noted(plan)]


def _noted(plan: CityPlan) -> list[Any]:
    return [stage for stage in plan.stages if stage.note]


def _stock_sentence(plan: CityPlan) -> list[str]:
    if plan.inventory is None or plan.inventory.solution is None:
        return []
    units = int(plan.inventory.solution.order_units.sum())
    fill = plan.inventory.figures.get("fill_rate")
    text = f"{units:,} units of {len(plan.city.skus):,} SKUs are sent to the stores"
    return [text + (f", expected to fill {share_text(fill)} of demand." if fill else ".")]


def _day_sentences(plan: CityPlan) -> list[str]:
    if plan.outcome is None or plan.day is None:
        return []
    records = plan.outcome.orders
    failed = int(np.isin(records.status, (OrderStatus.REFUSED, OrderStatus.CANCELLED)).sum())
    late = int(((records.status == OrderStatus.DELIVERED) & (records.late_s > 0)).sum())
    text = (
        f"In the replayed day, {count(delivered_orders(plan), 'order')} were delivered by "
        f"{count(len(plan.day.couriers), 'courier')} under the policy “{plan.outcome.policy}”: "
        f"{late:,} late, {failed:,} refused or cancelled."
    )
    return [text]
