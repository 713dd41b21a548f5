"""Cost and times of many trips at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.routing.problem import ANYWHERE, UNREACHABLE, Orders, RoutingProblem

#: Cost of a set of orders that no trip can serve.
NO_TRIP = np.iinfo(np.int64).max
_CHUNK = 12_000
_FAR_BACK = -(1 << 50)

BestSequences = Callable[[IntArray, IntArray, int, int], tuple[IntArray, IntArray, BoolArray]]


def kernel_orders(table: Orders) -> IntArray:
    """Return what compiled code has to know of orders, two columns of them for each hinge."""
    columns = (table.place, table.service_s, table.earliest_s, table.deadline_s, table.release_s)
    return np.column_stack([*columns, *(column for hinge in table.hinges for column in hinge)])


class TripTiming:
    """Cost and lateness of many sequences at once, for one courier row at one store.

    ``orders`` may replace the table of the problem, with rows added at its end.
    """

    def __init__(
        self, problem: RoutingProblem, courier: int, store: int, orders: Orders | None = None
    ) -> None:
        self.problem = problem
        self.orders = problem.orders if orders is None else orders
        self.courier, self.store = courier, store
        couriers, stores = problem.couriers, problem.stores
        travel = problem.travel[int(couriers.profile[courier])]
        self.metres, self.seconds = travel.distance_m, travel.duration_s
        self.origin = int(stores.place[store])
        start = int(couriers.start_place[courier])
        self.lead_m = 0 if start == ANYWHERE else int(self.metres[start, self.origin])
        self.lead_s = 0 if start == ANYWHERE else int(self.seconds[start, self.origin])
        self.store_earliest_s = int(stores.earliest_s[store])
        self.store_latest_s = int(stores.latest_s[store])
        self.store_service_s = int(stores.service_s[store])
        self.end = int(couriers.end_place[courier])
        self.per_m = int(couriers.cost_per_m[courier])
        self.per_s = int(couriers.cost_per_s[courier])
        self.fixed = int(couriers.fixed_cost[courier])
        self.per_order = int(couriers.cost_per_order[courier])
        self.min_pay = int(couriers.min_pay[courier])
        self.changes = self.orders.changes(courier, store)
        self.has_changes = bool(self.changes.any())

    def best_sequences(
        self, sets: IntArray, permutations: IntArray, slack_s: int, slack_m: int
    ) -> tuple[IntArray, IntArray, BoolArray]:
        """Return the cheapest sequence of each set, its cost, and if one is nearly feasible.

        The cost is the largest number where no sequence is feasible; nearly means up to the slacks.
        """
        sequences = sets.copy()
        costs = np.full(len(sets), NO_TRIP, dtype=np.int64)
        nearly = np.zeros(len(sets), dtype=np.bool_)
        step = max(1, _CHUNK // len(permutations))
        for first in range(0, len(sets), step):
            tried = sets[first : first + step][:, permutations]
            cost, excess_s, excess_m = self.cost(tried)
            last = first + len(tried)
            nearly[first:last] = ((excess_s <= slack_s) & (excess_m <= slack_m)).any(axis=1)
            cost = np.where((excess_s <= 0) & (excess_m <= 0), cost, NO_TRIP)
            best, at = cost.argmin(axis=1), np.arange(len(tried))
            sequences[first:last], costs[first:last] = tried[at, best], cost[at, best]
        return sequences, costs, nearly

    def compiled(self) -> BestSequences:
        """Return ``best_sequences`` as compiled code, which knows no minimum pay and no changes."""
        if self.min_pay or self.has_changes:
            return self.best_sequences
        from dispatchopt.routing import _trip_kernel

        orders = kernel_orders(self.orders)
        legs = (np.ascontiguousarray(self.metres), np.ascontiguousarray(self.seconds))
        numbers = self.numbers()

        def best(
            sets: IntArray, permutations: IntArray, slack_s: int, slack_m: int
        ) -> tuple[IntArray, IntArray, BoolArray]:
            sets = np.ascontiguousarray(sets)
            found: tuple[IntArray, IntArray, BoolArray] = _trip_kernel.best_sequences(
                sets, permutations, orders, legs, numbers, slack_s, slack_m
            )
            return found

        return best

    def numbers(self) -> IntArray:
        """Return what compiled code has to know of courier and store, by position."""
        couriers, row = self.problem.couriers, self.courier
        numbers = [
            *(self.origin, self.lead_m, self.lead_s),
            *(self.store_earliest_s, self.store_latest_s, self.store_service_s),
            *(self.end, self.per_m, self.per_s, self.fixed, self.per_order),
            *(int(couriers.earliest_s[row]), int(couriers.latest_s[row])),
            *(int(couriers.max_duration_s[row]), int(couriers.max_distance_m[row])),
            *(len(self.orders.hinges), UNREACHABLE),
        ]
        return np.array(numbers, dtype=np.int64)

    def cost(self, sequences: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Return cost, seconds too late and metres too far, shape ``sequences.shape[:-1]``."""
        orders, couriers, row = self.orders, self.problem.couriers, self.courier
        ready = orders.release_s[sequences].max(axis=-1)
        floor = np.maximum(ready, self.store_earliest_s)
        delay = np.full(floor.shape, self.lead_s, dtype=np.int64)
        metres = np.full(floor.shape, self.lead_m, dtype=np.int64)
        late = floor - self.store_latest_s
        high = self.store_latest_s - delay
        events: list[tuple[IntArray, IntArray, IntArray, IntArray]] = []
        floor, delay = floor + self.store_service_s, delay + self.store_service_s
        place = np.full(floor.shape, self.origin, dtype=np.int64)
        longest = np.maximum(delay, metres)
        for position in range(sequences.shape[-1]):
            order = sequences[..., position]
            target = orders.place[order]
            leg_s, leg_m = self.seconds[place, target], self.metres[place, target]
            longest = np.maximum(longest, np.maximum(leg_s, leg_m))
            metres = metres + leg_m
            floor = np.maximum(floor + leg_s, orders.earliest_s[order])
            delay = delay + leg_s
            latest = orders.deadline_s[order]
            late = np.maximum(late, floor - latest)
            high = np.minimum(high, latest - delay)
            events += [(floor, delay, moment[order], rate[order]) for moment, rate in orders.hinges]
            floor, delay = floor + orders.service_s[order], delay + orders.service_s[order]
            place = target
        if self.end != ANYWHERE:
            leg_s, leg_m = self.seconds[place, self.end], self.metres[place, self.end]
            longest = np.maximum(longest, np.maximum(leg_s, leg_m))
            metres, floor, delay = metres + leg_m, floor + leg_s, delay + leg_s
        shift_end = int(couriers.latest_s[row])
        late, high = np.maximum(late, floor - shift_end), np.minimum(high, shift_end - delay)
        most_s = int(couriers.max_duration_s[row])
        low = np.maximum(int(couriers.earliest_s[row]), floor - most_s)
        late = np.maximum(np.maximum(late, low - high), delay - most_s)
        late = np.where(longest >= UNREACHABLE, -_FAR_BACK, late)
        far = metres - int(couriers.max_distance_m[row])
        cost = metres * self.per_m + self.fixed + sequences.shape[-1] * self.per_order
        spent = self._time_cost(
            (low, high), floor, delay, events, np.maximum(self.min_pay - cost, 0)
        )
        return cost + spent + self._of_changes(sequences), late, far

    def _of_changes(self, sequences: IntArray) -> IntArray | int:
        return self.changes[sequences].sum(axis=-1) if self.has_changes else 0

    def _time_cost(
        self,
        starts: tuple[IntArray, IntArray],
        floor: IntArray,
        delay: IntArray,
        events: list[tuple[IntArray, IntArray, IntArray, IntArray]],
        unpaid: IntArray,
    ) -> IntArray:
        """Return the least cost of duration and lateness over the start of the route.

        ``starts`` are the first and last ones, ``unpaid`` is what minimum pay leaves for time to
        cost at least.
        """
        low, high = starts
        if not events:
            return np.asarray(np.maximum(np.maximum(delay, floor - high) * self.per_s, unpaid))
        if not self.per_s:
            return self._time_cost_at(low, floor, delay, events, unpaid)
        kinks = [low, high, floor - delay]
        kinks += [f - d for f, d, _, _ in events] + [promise - d for _, d, promise, _ in events]
        if self.min_pay:
            kinks += [floor - unpaid // self.per_s, floor - unpaid // self.per_s - 1]
        best = self._time_cost_at(low, floor, delay, events, unpaid)
        for kink in kinks[1:]:
            start = np.minimum(np.maximum(kink, low), np.maximum(low, high))
            best = np.minimum(best, self._time_cost_at(start, floor, delay, events, unpaid))
        return best

    def _time_cost_at(
        self,
        start: IntArray,
        floor: IntArray,
        delay: IntArray,
        events: list[tuple[IntArray, IntArray, IntArray, IntArray]],
        unpaid: IntArray,
    ) -> IntArray:
        total = np.maximum((np.maximum(floor, start + delay) - start) * self.per_s, unpaid)
        for event_floor, event_delay, promise, price in events:
            late = np.maximum(event_floor, start + event_delay) - promise
            total = total + np.maximum(late, 0) * price
        return np.asarray(total)
