"""Stock, orders on the way, and one day after the other."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.problem import MAX_TOTAL, MAX_UNITS
from dispatchopt.inventory.replay.draw import Draws, stream
from dispatchopt.inventory.replay.lines import serve_lines
from dispatchopt.inventory.replay.measures import SUMS
from dispatchopt.inventory.replay.policy import Decision, Policy, StockView, Transfers
from dispatchopt.inventory.replay.problem import ReplayProblem, Unmet
from dispatchopt.inventory.replay.shelves import Shelves

#: What the random streams of a day other than demand are numbered from.
_LEADS = 1 << 40


class World:
    """One replication of the days."""

    def __init__(self, problem: ReplayProblem, draws: Draws, seed: int, replication: int) -> None:
        self.problem, self.draws = problem, draws
        self.key = (seed, replication)
        self.day = 0
        self.shelves = Shelves(problem)
        if problem.start_units is not None:
            self.shelves.receive(problem.start_units)
        self.on_order = np.zeros(problem.shape)
        self.owed = np.zeros(problem.shape)
        self.sold = np.zeros(problem.shape)
        self.is_owing = problem.unmet is Unmet.BACKORDER
        self.central = None if problem.central_units is None else problem.central_units.copy()
        if self.central is None and problem.central_inflow_units is not None:
            self.central = np.zeros(problem.num_skus)
        self.due: list[FloatArray | None] = [None] * (int(problem.lead_days.max()) + 2)
        workers = min(8, os.cpu_count() or 1)
        self.pool = ThreadPoolExecutor(workers) if len(draws.chunks) > 1 else None

    def close(self) -> None:
        """Give threads back."""
        if self.pool is not None:
            self.pool.shutdown()

    def step(self, policy: Policy) -> FloatArray:
        """Live through one day and return its sums, (len(SUMS),)."""
        received = self._arrive()
        sums = self._lines() if self.problem.baskets is not None else self._demand()
        sums["received_units"] = received
        self._close_day(sums)
        oldest = self.shelves.oldest()
        view = StockView(
            day=self.day,
            on_hand_units=self.shelves.stock,
            on_order_units=self.on_order,
            owed_units=self.owed,
            sold_units=self.sold,
            oldest_units=oldest,
            central_units=self.central,
        )
        self._decide(policy.decide(view), sums)
        self.day += 1
        sums["days"] = 1.0
        return np.array([sums.get(name, 0.0) for name in SUMS])

    def _arrive(self) -> float:
        problem = self.problem
        if self.central is not None and self.day and problem.central_inflow_units is not None:
            self.central += problem.central_inflow_units
            np.minimum(self.central, float(MAX_TOTAL), out=self.central)
        slot = self.day % len(self.due)
        arrived, self.due[slot] = self.due[slot], None
        if arrived is None:
            return 0.0
        self.on_order -= arrived
        np.maximum(self.on_order, 0.0, out=self.on_order)
        self.shelves.receive(arrived)
        if self.is_owing:
            now = np.minimum(self.shelves.stock, self.owed)
            self.shelves.take(now)
            self.owed -= now
        return float(arrived.sum())

    def _demand(self) -> dict[str, float]:
        """Independent demand of all pairs, some stores at a time."""
        chunks = self.draws.chunks
        if self.pool is None:
            parts = [self._demand_of(each) for each in chunks]
        else:
            parts = list(self.pool.map(self._demand_of, chunks))
        return {name: float(sum(part[name] for part in parts)) for name in parts[0]}

    def _demand_of(self, stores: slice) -> dict[str, float]:
        demand = self.draws.demand(self.key, self.day, stores)
        stock = self.shelves.stock[stores]
        sold = np.minimum(stock, demand, out=self.sold[stores])
        lacking = demand - sold
        self.shelves.take(sold, stores)
        missed = np.count_nonzero(lacking > 0)
        lines = float(np.count_nonzero(demand > 0))
        if self.is_owing:
            self.owed[stores] += lacking
        return {
            "pair_days": float(demand.size),
            "pair_days_served": float(demand.size - missed),
            "lines": lines,
            "lines_filled": lines - missed,
            "demand_units": float(demand.sum()),
            "served_units": float(sold.sum()),
            "shortage_cost": 0.0 if self.is_owing else self._priced(lacking, stores),
        }

    def _priced(self, units: FloatArray, stores: slice) -> float:
        return _weighed(self.problem.shortage_cost, units, stores)

    def _lines(self) -> dict[str, float]:
        """Orders of several lines, in the sequence in which they come."""
        assert self.problem.baskets is not None
        rng = stream(*self.key, self.day, 0)
        served = serve_lines(
            self.problem.baskets.draw(rng), self.shelves.stock, self.problem.backup_store
        )
        self.sold = served.taken
        self.shelves.take(served.taken)
        sums = dict(served.sums)
        sums["shortage_cost"] = self._priced(served.lost, slice(None))
        sums["pair_days"] = float(served.lost.size)
        sums["pair_days_served"] = float(served.lost.size - np.count_nonzero(served.lost))
        return sums

    def _close_day(self, sums: dict[str, float]) -> None:
        problem = self.problem
        wasted = self.shelves.age()
        if wasted is not None:
            sums["wasted_units"] = float(wasted.sum())
            if problem.waste_cost is not None:
                price = problem.waste_cost[self.shelves.fresh]
                sums["waste_cost"] = float(wasted.sum(axis=0) @ price)
        stock = self.shelves.stock
        sums["stock_units"] = float(stock.sum())
        sums["holding_cost"] = _weighed(problem.holding_cost, stock, slice(None))
        if self.is_owing:
            sums["owed_units"] = float(self.owed.sum())
            sums["shortage_cost"] = self._priced(self.owed, slice(None))

    def _decide(self, decision: Decision, sums: dict[str, float]) -> None:
        if decision.transfers is not None and decision.transfers.units.size:
            moves = _checked_moves(decision.transfers, self.shelves.stock, self.day)
            self.shelves.move(moves)
            sums["transfer_units"] = float(moves.units.sum())
        order = _checked_order(decision.order_units, self.problem.shape, self.day)
        if self.central is not None:
            given = _rationed(order, self.central, self.problem.packs)
            sums["cut_units"] = float(order.sum() - given.sum())
            self.central -= given.sum(axis=0)
            order = given
        if self.problem.order_cost is not None:
            sums["order_cost"] = float(np.count_nonzero(order, axis=0) @ self.problem.order_cost)
        self.on_order += order
        self._send(order)

    def _send(self, order: FloatArray) -> None:
        problem, size = self.problem, len(self.due)
        if problem.lead_days.size == 1:
            self.due[(self.day + 1 + int(problem.lead_days[0])) % size] = order
            return
        rng = stream(*self.key, self.day, _LEADS)
        which = np.searchsorted(np.cumsum(problem.lead_chances), rng.random(problem.num_stores))
        lead = problem.lead_days[np.minimum(which, problem.lead_days.size - 1)]
        for days in np.unique(lead):
            slot = (self.day + 1 + int(days)) % size
            already = self.due[slot]
            table = np.zeros(problem.shape) if already is None else already
            rows = lead == days
            table[rows] += order[rows]
            self.due[slot] = table


def _weighed(price: FloatArray, units: FloatArray, stores: slice) -> float:
    if price.ndim == 1:
        return float(units.sum(axis=0) @ price)
    return float(np.einsum("ij,ij->", units, price[stores]))


def _checked_order(order: FloatArray, shape: tuple[int, int], day: int) -> FloatArray:
    table = np.array(order, dtype=np.float64)
    if table.shape != shape:
        table = np.array(np.broadcast_to(table, shape)) if table.ndim < 2 else table
    if table.shape != shape or not ((table >= 0) & (table <= MAX_UNITS)).all():
        found = f"shape {table.shape}, {table.min(initial=0):g} to {table.max(initial=0):g}"
        wanted = f"an array of shape {shape} of numbers from 0 to {MAX_UNITS:g}"
        raise InputError(
            Issue(code="bad-decision", where=f"orders of day {day}", found=found, wanted=wanted)
        )
    return table


def _checked_moves(moves: Transfers, stock: FloatArray, day: int) -> Transfers:
    sent = np.zeros(stock.shape)
    try:
        np.add.at(sent, (moves.origin, moves.sku), moves.units)
        is_right = bool((sent <= stock + 1e-9).all() and (moves.units >= 0).all())
        is_right &= bool((moves.target >= 0).all() and (moves.target < len(stock)).all())
        is_right &= bool((moves.origin >= 0).all() and (moves.sku >= 0).all())
    except (IndexError, ValueError, TypeError):
        is_right = False
    if not is_right:
        wanted = "moves of stock that is there, between stores that exist"
        raise InputError(
            Issue(code="bad-decision", where=f"moves of day {day}", found="others", wanted=wanted)
        )
    return moves


def _rationed(order: FloatArray, stock: FloatArray, packs: IntArray) -> FloatArray:
    """Cut orders in proportion to what there is, in whole packs; the rest by largest remainder."""
    total = order.sum(axis=0)
    over = np.flatnonzero(total > stock)
    if not over.size:
        return order
    given, pack = order.copy(), packs[over].astype(np.float64)
    exact = order[:, over] * (stock[over] / total[over]) / pack
    whole = np.floor(exact + 1e-12)
    left = np.floor((stock[over] - whole.sum(axis=0) * pack) / pack + 1e-12)
    rank = np.argsort(np.argsort(-(exact - whole), axis=0, kind="stable"), axis=0, kind="stable")
    more = (rank < left) & ((whole + 1) * pack <= order[:, over] + 1e-9)
    given[:, over] = (whole + more) * pack
    return given
