"""What a simulated day was worth, in figures.

Click to door, ready to pick-up, ready to door, overage, utilisation, orders and trips per courier
hour, and orders per trip follow section 2.2 of Reyes, Erera, Savelsbergh, Sahasrabudhe and O'Neil,
"The Meal Delivery Routing Problem" (2018). The on-time share is over all orders placed, so that
refusing orders cannot improve it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.delays import PARTS, Delays, delays
from dispatchopt.simulation.outcome import DayOutcome, OrderStatus
from dispatchopt.simulation.soonest import soonest_s

#: How many of the worst orders are listed.
NUM_WORST = 20


def metrics(day: Day, outcome: DayOutcome) -> dict[str, Any]:
    """Return the figures of a day as plain values, fit for JSON.

    Times are seconds, money cents, shares in [0, 1]. A figure over no orders is None. The part
    ``decisions`` is wall clock and differs between runs; all else is repeatable.
    """
    records = outcome.orders
    placed: BoolArray = records.status != OrderStatus.UNPLACED
    done: BoolArray = records.status == OrderStatus.DELIVERED
    on_time = done & (records.late_s == 0)
    split = delays(day, outcome)
    counts = {
        str(status.name).lower(): int((records.status == status).sum())
        for status in OrderStatus
        if status is not OrderStatus.UNPLACED
    }
    return {
        "day": outcome.day_name,
        "policy": outcome.policy,
        "seed": outcome.seed,
        "stopped_by": str(outcome.stopped_by),
        "simulated_until_s": outcome.simulated_until_s,
        "orders": {"total": len(records), "placed": int(placed.sum()), **counts},
        "on_time_share": _share(on_time, placed),
        **_ceiling(day, placed, on_time),
        "delivered_share": _share(done, placed),
        "complete_share": _share(done & (records.missing_lines == 0), placed),
        **_times(day, outcome, done),
        "parts_mean_s": dict(
            zip(PARTS, split.parts_s[done].mean(axis=0).tolist(), strict=True) if done.any() else []
        ),
        "by_hour": _by_hour(day, outcome, placed, done, on_time),
        "couriers": _couriers(day, outcome),
        "trips": _trips(outcome),
        "cost": cost(day, outcome),
        "reasons": _counts(split.reason, placed),
        "worst": _worst(day, outcome, split),
        "decisions": _decisions(outcome),
    }


def cost(day: Day, outcome: DayOutcome) -> dict[str, Any]:
    """Return the cost of the day in cents, its parts, and the cost per delivered order.

    Wages are paid for the shifts as planned, up to the second at which a day was stopped.
    """
    rules, records, couriers = day.rules, outcome.orders, day.couriers
    done = records.status == OrderStatus.DELIVERED
    lost = ~done & (records.status != OrderStatus.UNPLACED)
    is_cut = str(outcome.stopped_by) != "completed"
    until_s = outcome.simulated_until_s if is_cut else int(couriers.off_s.max(initial=0))
    end_s = couriers.off_s.copy()
    gone = day.incidents.quit_courier
    # Who goes home early is paid until then, and who never comes is not paid.
    end_s[gone] = np.clip(day.incidents.quit_s, couriers.on_s[gone], couriers.off_s[gone])
    paid_s = np.minimum(end_s, until_s) - np.minimum(couriers.on_s, until_s)
    wages = paid_s / 3600 * rules.wage_cents_per_hour
    if rules.is_wage_guarantee:
        earned = outcome.couriers.orders * rules.pay_cents_per_order
        wages = np.maximum(0, wages - earned)
    parts = {
        "wages": float(wages.sum()),
        "pay_per_order": float(done.sum()) * rules.pay_cents_per_order,
        "kilometres": float(outcome.couriers.distance_m.sum()) / 1000 * rules.cents_per_km,
        "lateness": float(records.late_s[done].sum()) / 60 * rules.lateness_cents_per_min,
        "lost_orders": float(lost.sum()) * rules.refusal_cents,
    }
    total, count = sum(parts.values()), int(done.sum())
    return {
        "total_cents": total,
        "per_order_cents": total / count if count else None,
        "parts_cents": parts,
    }


def _ceiling(day: Day, placed: BoolArray, on_time: BoolArray) -> dict[str, float | None]:
    """Share that could be on time at all, with a courier at hand for every order."""
    soonest = soonest_s(day)
    could: BoolArray = placed & (soonest >= 0) & (soonest <= day.orders.due_s)
    return {
        "on_time_ceiling_share": _share(could, placed),
        "on_time_of_ceiling": _share(on_time & could, could),
    }


def _share(chosen: BoolArray, among: BoolArray) -> float | None:
    return float(chosen.sum()) / float(among.sum()) if among.any() else None


def _summary(values: IntArray | FloatArray) -> dict[str, float] | None:
    """Mean, standard deviation and quantiles, as in the summaries of Reyes et al."""
    if not len(values):
        return None
    quantiles = np.percentile(values, [0, 10, 50, 90, 100]).tolist()
    names = ("min", "p10", "p50", "p90", "max")
    return {
        "mean": float(np.mean(values)),
        "std": float(np.std(values)),
        **dict(zip(names, quantiles, strict=True)),
    }


def _times(day: Day, outcome: DayOutcome, done: BoolArray) -> dict[str, Any]:
    records, orders = outcome.orders, day.orders
    delivered_s = records.delivered_s[done]
    ready_s = records.ready_s[done]
    soonest = soonest_s(day)
    return {
        "click_to_door_s": _summary(delivered_s - orders.placed_s[done]),
        "ready_to_pickup_s": _summary(records.pickup_s[done] - ready_s),
        "ready_to_door_s": _summary(delivered_s - ready_s),
        "overage_s": _summary(records.late_s[done]),
        "floor_s": _summary((soonest - orders.placed_s)[soonest >= 0]),
        "excess_s": _summary(delivered_s - soonest[done]),
    }


def _by_hour(
    day: Day, outcome: DayOutcome, placed: BoolArray, done: BoolArray, on_time: BoolArray
) -> list[dict[str, Any]]:
    """Figures by the hour of placement; hours past midnight go on from 24."""
    hour = day.orders.placed_s // 3600
    rows: list[dict[str, Any]] = []
    for now in np.unique(hour[placed]):
        here = placed & (hour == now)
        took_s = (outcome.orders.delivered_s - day.orders.placed_s)[here & done]
        summary = _summary(took_s)
        rows.append(
            {
                "hour": int(now),
                "placed": int(here.sum()),
                "delivered": int((here & done).sum()),
                "on_time": int((here & on_time).sum()),
                "on_time_share": _share(here & on_time, here),
                "click_to_door_mean_s": None if summary is None else summary["mean"],
                "click_to_door_p90_s": None if summary is None else summary["p90"],
            }
        )
    return rows


def _couriers(day: Day, outcome: DayOutcome) -> dict[str, Any]:
    table, records = day.couriers, outcome.couriers
    shift_s = table.off_s - table.on_s
    has_shift = shift_s > 0
    hours = float(shift_s.sum()) / 3600
    is_done = outcome.orders.status == OrderStatus.DELIVERED
    service_s = (day.rules.park_s + day.rules.pickup_s) * records.trips
    service_s = service_s + (day.rules.dropoff_s + day.rules.leave_s) * records.orders
    active_s = records.driving_s + service_s
    return {
        "shifts": len(table),
        "used": int((records.trips > 0).sum()),
        "shift_hours": hours,
        # Driving and service over the length of the shift, as in Reyes et al.
        "utilisation": _summary(active_s[has_shift] / shift_s[has_shift]),
        "busy_share": float(records.busy_s.sum()) / 3600 / hours if hours else None,
        "waiting_share": float(records.waiting_s.sum()) / 3600 / hours if hours else None,
        "orders_per_hour": float(is_done.sum()) / hours if hours else None,
        "trips_per_hour": float(records.trips.sum()) / hours if hours else None,
        "distance_km": float(records.distance_m.sum()) / 1000,
    }


def _trips(outcome: DayOutcome) -> dict[str, Any]:
    sizes = np.diff(outcome.trips.order_ptr)
    return {
        "count": len(sizes),
        "orders_per_trip": float(sizes.mean()) if len(sizes) else None,
        "by_size": {str(size): int((sizes == size).sum()) for size in np.unique(sizes)},
    }


def _counts(reasons: tuple[str, ...], placed: BoolArray) -> dict[str, int]:
    kept = [reason for reason, here in zip(reasons, placed, strict=True) if here and reason]
    return {reason: kept.count(reason) for reason in sorted(set(kept))}


def _worst(day: Day, outcome: DayOutcome, split: Delays) -> list[dict[str, Any]]:
    """List lost orders first, then the latest ones."""
    records = outcome.orders
    is_lost = np.isin(
        records.status, [OrderStatus.REFUSED, OrderStatus.CANCELLED, OrderStatus.UNDELIVERED]
    )
    is_late = records.late_s > 0
    order = np.lexsort((np.arange(len(records)), -records.late_s, ~is_lost))
    rows: list[dict[str, Any]] = []
    for idx in [int(i) for i in order if is_lost[i] or is_late[i]][:NUM_WORST]:
        is_done = records.status[idx] == OrderStatus.DELIVERED
        store, placed_s = int(records.store[idx]), int(day.orders.placed_s[idx])
        rows.append(
            {
                "order": day.orders.ids[idx],
                "order_idx": idx,
                "status": OrderStatus(int(records.status[idx])).name.lower(),
                "reason": split.reason[idx],
                "placed_s": placed_s,
                "late_s": int(records.late_s[idx]) if is_done else None,
                "click_to_door_s": int(records.delivered_s[idx]) - placed_s if is_done else None,
                "store": day.stores.ids[store] if store >= 0 else None,
                "parts_s": dict(zip(PARTS, split.parts_s[idx].tolist(), strict=True))
                if is_done
                else None,
            }
        )
    return rows


def _decisions(outcome: DayOutcome) -> dict[str, Any]:
    wall = outcome.decision_wall_s
    if not len(wall):
        return {"count": 0, "wall_p50_s": None, "wall_p99_s": None, "wall_max_s": None}
    p50, p99, most = np.percentile(wall, [50, 99, 100]).tolist()
    return {"count": len(wall), "wall_p50_s": p50, "wall_p99_s": p99, "wall_max_s": most}
