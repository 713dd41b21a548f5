"""Large problems: prices of scenarios and of room part the stores, SKU by SKU."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from dispatchopt.core import Run
from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.tolerance import relative_gap
from dispatchopt.inventory.surge.bound import bound_by_sku
from dispatchopt.inventory.surge.engines.scenarios import mean_wish
from dispatchopt.inventory.surge.problem import SurgeProblem, SurgeSolution

#: Relative error of sums that a bound is lowered by.
_ROUNDING = 1e-10
#: Rounds of prices of room without a rise after which steps shrink, and by how much.
_PATIENCE, _SHRINK, _NEW = 4, 0.7, 0.5


@dataclass(frozen=True, kw_only=True)
class PricesEngine:
    """A bound by prices of scenarios, and orders made unit by unit from what it suggests.

    Parameters
    ----------
    evaluations
        Evaluations of the bound of a SKU in a round.
    rounds
        Rounds in which SKUs that are still open are priced and polished again.
    room_rounds, room_evaluations
        Rounds in which prices of room are moved, and evaluations of the bound of a SKU in each.
    fill_every
        Rounds of prices of room between two plans.
    max_moves
        Units that are added, taken or exchanged for a SKU in a round at most.
    """

    evaluations: int = 60
    rounds: int = 6
    room_rounds: int = 300
    room_evaluations: int = 8
    fill_every: int = 10
    max_moves: int = 400
    name: str = "prices"
    packages: tuple[str, ...] = ("numpy", "numba")

    def unsupported(self, problem: SurgeProblem) -> str | None:  # noqa: ARG002
        """Take every problem."""
        return None

    def search(self, problem: SurgeProblem, run: Run[SurgeSolution]) -> None:
        """Price and polish each SKU; with room, move its prices first."""
        if run.solution is None:
            run.offer(SurgeSolution(order_units=np.zeros(problem.shape, dtype=np.int64)))
        if run.should_stop():
            return
        run.offer(SurgeSolution(order_units=mean_wish(problem)))
        run.step()
        if not problem.on_hand_units.size:
            run.raise_bound(run.objective or 0.0)
            return
        known = mean_wish(problem) if run.solution is None else run.solution.order_units
        parts = _Parts(problem, np.array(known))
        if problem.room_ml is None:
            self._apart(parts, run)
        else:
            self._together(parts, run)

    def _apart(self, parts: _Parts, run: Run[SurgeSolution]) -> None:
        """Solve SKUs that do not touch each other, the widest gaps again."""
        open_skus = np.argsort(parts.least - parts.cost, kind="stable")
        for turn in range(self.rounds):
            if turn:
                gap = parts.cost - parts.least
                open_skus = np.argsort(-gap, kind="stable")
                open_skus = open_skus[gap[open_skus] > 1e-7 * np.abs(parts.cost[open_skus])]
            parts.each(open_skus, lambda sku: self._one(parts, sku), run.should_stop)
            run.offer(SurgeSolution(order_units=parts.order))
            run.raise_bound(min(float(parts.least.sum()), run.objective or 0.0))
            is_met = relative_gap(run.objective or 0.0, run.bound) <= run.gap
            if is_met or not open_skus.size or not run.step():
                return

    def _one(self, parts: _Parts, sku: int) -> None:
        # Steps aim at the cost of what is known: a better order comes before most of them.
        for count in (self.evaluations // 4, self.evaluations):
            suggested = parts.raise_bound(sku, count)
            parts.polish(sku, np.floor(suggested + 1e-6).astype(np.int64), self.max_moves)

    def _together(self, parts: _Parts, run: Run[SurgeSolution]) -> None:
        """Move prices of room by subgradients, then send SKU after SKU in the room that is left."""
        problem = parts.problem
        every = np.arange(problem.shape[1])
        room = np.asarray(problem.room_ml, dtype=np.float64)
        volume = problem.volume_ml.astype(np.float64)
        best, step, waited = -np.inf, 1.0, 0
        kept, price = parts.room_price.copy(), parts.room_price
        mixed: FloatArray | None = None
        suggested = np.zeros(problem.shape)
        for turn in range(self.room_rounds):
            count = self.evaluations if turn == 0 else self.room_evaluations

            def work(sku: int, count: int = count) -> None:
                suggested[:, sku] = parts.raise_bound(sku, count)

            parts.priced[:] = -np.inf
            if parts.each(every, work, run.should_stop) < every.size:
                break
            value = float(parts.priced.sum() - price @ room)
            waited = 0 if value > best + 1e-7 * abs(value) else waited + 1
            if value > best:
                best, kept = value, price.copy()
                run.raise_bound(min(best - _ROUNDING * abs(best), run.objective or 0.0))
            if turn % self.fill_every == 0:
                self._fill(parts, suggested, run)
            is_met = relative_gap(run.objective or 0.0, run.bound) <= run.gap
            if is_met or not run.step():
                return
            if waited > _PATIENCE:
                step, waited, mixed = _SHRINK * step, 0, None
            slope = suggested @ volume - room
            mixed = slope if mixed is None else _NEW * slope + (1 - _NEW) * mixed
            blocked = (price <= 0) & (mixed < 0)
            norm = float((mixed * mixed)[~blocked].sum())
            if norm <= 0:
                break
            length = step * max((run.objective or 0.0) - value, 1e-6 * abs(value)) / norm
            parts.room_price = price = np.maximum(price + length * mixed, 0.0)
        parts.room_price = kept
        self._fill(parts, suggested, run)

    def _fill(self, parts: _Parts, suggested: FloatArray, run: Run[SurgeSolution]) -> None:
        """Send what is suggested as far as there is room, then polish with and without prices."""
        problem = parts.problem
        if run.should_stop():
            return
        parts.begin(np.floor(suggested + 1e-6).astype(np.int64))
        for is_priced in (True, False):
            for sku in range(problem.shape[1]):
                if sku % 20 == 0 and run.should_stop():
                    break
                parts.polish_in_room(sku, self.max_moves, is_priced=is_priced)
            parts.keep_better(run.objective)
            run.offer(SurgeSolution(order_units=parts.trial))


class _Parts:
    """The SKUs of a problem, each with prices, a bound and an order."""

    def __init__(self, problem: SurgeProblem, order: IntArray) -> None:
        from dispatchopt.inventory.surge.engines import _compiled

        self.problem, self.kernel = problem, _compiled
        stores, skus = problem.shape
        self.order, self.trial = order, order
        self.shelf = np.ascontiguousarray(problem.shelf_units.transpose(2, 0, 1))
        self.live = np.ascontiguousarray(problem.live_units.transpose(2, 0, 1))
        self.held = np.ascontiguousarray(problem.on_hand_units.T)
        self.chance = np.array(problem.probability)
        fare = -1.0 if problem.transfer_cost is None else float(problem.transfer_cost)
        margins = problem.shelf_margin, problem.live_margin, problem.holding_cost
        self.money = [(*map(float, each), fare) for each in zip(*margins, strict=True)]
        # More units than all stores can want at most are left over in every scenario.
        wanted = (self.shelf + self.live).max(axis=1).sum(axis=1) - self.held.sum(axis=1)
        limit = np.maximum(wanted, 0)
        if problem.available_units is not None:
            limit = np.minimum(limit, problem.available_units)
        self.stock = limit.astype(np.float64)
        saved = problem.shelf_margin + problem.holding_cost - max(fare, 0.0)
        self.price = np.repeat(np.maximum(0.5 * saved, 0.0)[:, None], self.chance.size, axis=1)
        self.room_price = np.zeros(stores)
        self.least = bound_by_sku(problem)
        self.priced = np.full(skus, -np.inf)
        self.cost = np.array([self._exact(sku, order[:, sku]) for sku in range(skus)])
        self.free = np.full(stores, np.iinfo(np.int64).max // 4)

    def each(
        self, skus: IntArray, work: Callable[[int], None], should_stop: Callable[[], bool]
    ) -> int:
        """Do something for each SKU, side by side; return how many were reached."""

        def one(sku: int) -> bool:
            if should_stop():
                return False
            work(sku)
            return True

        # SKUs do not touch each other, so that threads change nothing but the time.
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            return sum(pool.map(one, skus.tolist()))

    def raise_bound(self, sku: int, count: int) -> FloatArray:
        """Raise the bound of a SKU at the prices of room; return the order that it suggests."""
        extra = self.room_price * float(self.problem.volume_ml[sku])
        best = np.zeros(self.held.shape[1])
        target = self.cost[sku] + float(extra @ self.order[:, sku])
        value = self.kernel.bound(
            self.shelf[sku], self.live[sku], self.chance, self.money[sku], self.held[sku],
            self.stock[sku], extra, target, count, self.price[sku], best,
        )  # fmt: skip
        self.priced[sku] = value
        if self.problem.room_ml is None:
            least = min(value - _ROUNDING * abs(value), self.cost[sku])
            self.least[sku] = max(self.least[sku], least)
        return best

    def polish(self, sku: int, suggested: IntArray, max_moves: int) -> None:
        """Improve an order of a SKU, and keep it if it is the best."""
        extra = np.zeros(suggested.size)
        cost = self.kernel.polish(
            self.shelf[sku], self.live[sku], self.chance, self.money[sku], self.held[sku],
            self.stock[sku], extra, self.free, suggested, max_moves,
        )  # fmt: skip
        if cost < self.cost[sku]:
            self.cost[sku] = cost
            self.order[:, sku] = suggested

    def begin(self, suggested: IntArray) -> None:
        """Begin a plan with what is suggested, cut to the room of each store."""
        volume, room = self.problem.volume_ml, np.asarray(self.problem.room_ml)
        self.trial = suggested.copy()  # a new array: answers that were kept stay as they are
        for store in np.flatnonzero(suggested @ volume > room).tolist():
            share = room[store] / float(suggested[store] @ volume)
            self.trial[store] = np.floor(suggested[store] * share)
        self.left = room - self.trial @ volume

    def keep_better(self, objective: float | None) -> None:
        """Take the plan over if it costs less than what is known."""
        cost = np.array([self._exact(sku, self.trial[:, sku]) for sku in range(self.cost.size)])
        if objective is None or cost.sum() < objective:
            self.cost, self.order = cost, self.trial

    def polish_in_room(self, sku: int, max_moves: int, *, is_priced: bool) -> None:
        """Improve the order of a SKU in the plan in the room that the others leave."""
        volume = int(self.problem.volume_ml[sku])
        mine = np.ascontiguousarray(self.trial[:, sku])
        left = self.left + mine * volume
        fits = left // volume if volume else self.free
        extra = self.room_price * float(volume) * is_priced
        self.kernel.polish(
            self.shelf[sku], self.live[sku], self.chance, self.money[sku], self.held[sku],
            self.stock[sku], extra, fits, mine, max_moves,
        )  # fmt: skip
        self.trial[:, sku] = mine
        self.left = left - mine * volume

    def _exact(self, sku: int, order: IntArray) -> float:
        """Return the expected cost of an order of one SKU."""
        return float(
            self.kernel.polish(
                self.shelf[sku], self.live[sku], self.chance, self.money[sku], self.held[sku],
                self.stock[sku], np.zeros(order.size), np.zeros(order.size, np.int64),
                np.ascontiguousarray(order), 0,
            )
        )  # fmt: skip


ENGINE = PricesEngine()
