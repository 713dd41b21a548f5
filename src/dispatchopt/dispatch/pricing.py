"""What it costs to give a bundle to a courier, or to leave it open. Costs are seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.dispatch.bundles import Units, Work
from dispatchopt.dispatch.guarantee import pay_share
from dispatchopt.dispatch.inbound import Inbound
from dispatchopt.dispatch.state import DispatchState


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Weights of the cost of a trip.

    Parameters
    ----------
    late_weight
        Seconds of cost per second past the due time, on top of the second itself.
    late_s
        Seconds of cost of being late at all.
    inbound_weight
        Seconds of cost per second of the courier's way to the store.
    duration_weight
        Seconds of cost per second from the take-over to the last door, within the shift.
    merge_weight
        Further seconds of cost per second of the ride when bundles are judged.
    wait_weight
        Seconds of cost per second for which a courier is expected to stand at a store, because
        nobody can say when the goods are ready.
    pay_s
        Seconds of cost per order that raises the courier's pay, as far as that is likelier than
        with others. 0 where wages are no guarantee.
    open_s, open_least_s
        Cost of leaving an order open that is ready now, and least cost of leaving one open that
        is ready much later.
    age_weight
        Further cost of leaving one open per second that it has been ready.
    beyond_s
        Least cost of leaving one open beyond that of its cheapest trip, where nobody can be at the
        store by the time it is ready.
    """

    late_weight: float
    late_s: float
    inbound_weight: float
    duration_weight: float
    merge_weight: float
    wait_weight: float
    pay_s: float
    open_s: float
    open_least_s: float
    age_weight: float
    beyond_s: float


class Pricing:
    """Costs of bundles with couriers at one tick."""

    def __init__(self, state: DispatchState, work: Work, near: Inbound, prices: Prices) -> None:
        self._state, self._work, self._near, self._prices = state, work, near, prices
        rules = state.rules
        share = pay_share(state.couriers, rules, state.now_s) if prices.pay_s > 0 else None
        # An order left open is paid for later, so only differences between couriers count.
        self._pay_s = None if share is None else prices.pay_s * (share - share.mean())
        self._least_s = np.zeros(len(work.row))
        self._floor_s = work.ready_s + rules.pickup_s + work.direct_s + rules.dropoff_s
        if len(state.orders.declined_courier):
            owner = np.repeat(np.arange(len(state.orders)), np.diff(state.orders.declined_ptr))
            self._said_no = set(
                zip(owner.tolist(), state.orders.declined_courier.tolist(), strict=True)
            )
        else:
            self._said_no = set()

    def of(self, units: Units, pair: IntArray, *, is_merging: bool = False) -> FloatArray:
        """Return the cost of each bundle with the courier of a pair; inf where it is illegal.

        Rides cost more while merging, so that time saved for later orders counts.
        """
        state, rules = self._state, self._state.rules
        couriers, prices = state.couriers, self._prices
        courier, here_s = self._near.courier[pair], self._near.here_s[pair]
        # Nobody arrives sooner than pays, and goods are taken over as soon as both are there.
        there_s = np.maximum(here_s, self.arrival_s(units))
        taken_s = np.maximum(units.samples_s, there_s[:, None])
        pickup_s = taken_s.mean(axis=1)
        member = np.maximum(units.member, 0)
        is_member = units.member >= 0
        step_s = (rules.dropoff_s + rules.leave_s) * np.arange(units.member.shape[1])
        drive = np.ceil(units.along_s * couriers.pace[courier][:, None])
        after_s = rules.pickup_s + drive + step_s + rules.dropoff_s
        delay_s = pickup_s[:, None] + after_s - self._floor_s[member]
        if prices.late_weight > 0 or prices.late_s > 0:
            late_s = taken_s[:, None, :] + (after_s - self._work.due_s[member])[:, :, None]
            delay_s += self._lateness(late_s).mean(axis=2)
        cost = np.where(is_member, delay_s, 0).sum(axis=1)
        last_s = pickup_s + np.where(is_member, after_s, 0).max(axis=1, initial=0)
        cost += prices.inbound_weight * self._near.drive_s[pair]
        cost += prices.wait_weight * (pickup_s - there_s)
        weight = prices.duration_weight + (prices.merge_weight if is_merging else 0.0)
        # Time after the shift is of no use to any other order, so last trips may be long ones.
        end_s = np.minimum(last_s + rules.leave_s, couriers.off_s[courier])
        cost += weight * np.maximum(0, end_s - pickup_s)
        if self._pay_s is not None:
            cost += units.size * self._pay_s[courier]
        legal = (pickup_s <= couriers.off_s[courier]) & (pickup_s - here_s <= rules.max_wait_s)
        legal &= units.size <= couriers.capacity_orders[courier]
        legal &= units.load_ml <= couriers.capacity_ml[courier]
        if self._said_no:
            legal &= ~self._is_declined(units, courier)
        priced: FloatArray = np.where(legal, cost, np.inf)
        return priced

    def arrival_s(self, units: Units) -> IntArray:
        """Return the second at which it is best to be at the store, where one can choose.

        Of goods that are ready at a known time, that time. Else the quantile at which a second
        later would make goods wait for as much as a second sooner makes the courier stand
        (the newsvendor's).
        """
        count = units.samples_s.shape[1]
        if count == 1:
            return units.samples_s[:, 0]
        level = self._prices.wait_weight / np.maximum(self._prices.wait_weight + units.size, 1e-9)
        at = np.clip(np.ceil(level * count).astype(np.int64) - 1, 0, count - 1)
        best: IntArray = np.sort(units.samples_s, axis=1)[np.arange(len(units)), at]
        return best

    def _lateness(self, late_s: FloatArray) -> FloatArray:
        """Price of deliveries so long after their due time, before it if negative."""
        prices = self._prices
        price: FloatArray = prices.late_weight * np.maximum(0, late_s)
        return price + prices.late_s * (late_s > 0)

    def _is_declined(self, units: Units, courier: IntArray) -> BoolArray:
        names = self._state.couriers.idx[courier].tolist()
        rows = np.where(units.member >= 0, self._work.row[np.maximum(units.member, 0)], -1)
        return np.array(
            [
                any((row, name) in self._said_no for row in members if row >= 0)
                for members, name in zip(rows.tolist(), names, strict=True)
            ],
            dtype=np.bool_,
        )

    def hold_least(self, unit: IntArray, pair: IntArray, cost: FloatArray) -> None:
        """Let no order be left open for being far from all couriers, who will not come nearer.

        Parameters
        ----------
        unit, pair, cost
            All candidates for single orders, as the work has them, and their costs, shape (m,).
        """
        least_s = np.full(len(self._least_s), np.inf)
        np.minimum.at(least_s, unit, cost)
        here_s = np.full(len(self._least_s), np.inf)
        np.minimum.at(here_s, unit, np.where(np.isfinite(cost), self._near.here_s[pair], np.inf))
        is_late = np.isfinite(least_s) & (here_s > self._work.ready_s)
        self._least_s[is_late] = least_s[is_late] + self._prices.beyond_s

    def left_open(self, units: Units) -> FloatArray:
        """Return the cost of leaving each bundle without a courier for now."""
        prices, now_s = self._prices, self._state.now_s
        member = np.maximum(units.member, 0)
        # Orders ready far ahead must not tie up couriers whom others need now.
        ahead_s = np.maximum(0, self._work.samples_s - now_s - 120)
        each_s = np.maximum(prices.open_least_s, prices.open_s - 2 * ahead_s).mean(axis=1)
        # Who has waited long must not wait for ever, however long the trip.
        waited_s = np.maximum(0, now_s - self._state.orders.ready_s[self._work.row])
        each_s = each_s + prices.age_weight * waited_s
        each_s += self._lateness(self._floor_s + each_s - self._work.due_s)
        cost = np.maximum(each_s, self._least_s)[member]
        total: FloatArray = np.where(units.member >= 0, cost, 0).sum(axis=1)
        return total
