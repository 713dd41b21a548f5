"""Every order at its best for given prices of stock, and what each choice costs beyond that.

With a price per unit of each SKU in each store the orders part. For one order with m lines let
``F[A]`` be the cheapest way to send the set of lines A in one shipment, prices included, and
``H_j[A]`` the cheapest way to deal with A in at most j shipments, lines left unserved included:
``H_0[A]`` is the cost of serving nothing and
``H_j[A] = min(H_{j-1}[A], min over non-empty B in A of F[B] + H_{j-1}[A - B])``. Sets are bit
masks, so the work is 3^m for any number of stores, done for all orders of m lines at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.sourcing.problem import SourcingProblem

#: Lines of an order up to which the recursion is used; longer ones are relaxed.
MAX_LINES = 8
#: Numbers in one table of options x sets.
_MAX_CELLS = 4_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """What the orders do at given prices.

    Parameters
    ----------
    value
        Least cost of each order with prices, (O,); for orders of many lines a lower bound on it.
    choice_of_line
        The choice that serves each line, (L,); -1 for none.
    """

    value: FloatArray
    choice_of_line: IntArray


class Pricing:
    """Orders in groups of equal numbers of lines, ready to be priced again and again."""

    def __init__(self, problem: SourcingProblem) -> None:
        self.problem = problem
        self.line, self.option = problem.choices
        key = problem.option_store[self.option] * problem.num_skus + problem.line_sku[self.line]
        cells, self.cell = np.unique(key, return_inverse=True)
        self.stock = problem.stock_units.ravel()[cells].astype(np.float64)
        self.cell_key = cells
        self.units = problem.line_units[self.line].astype(np.float64)
        wanted = np.bincount(self.cell, weights=self.units, minlength=cells.size)
        #: Whether all lines that could be served from the cell exceed its stock.
        self.is_contested = wanted > self.stock
        servable = np.zeros(problem.num_lines, dtype=bool)
        servable[self.line] = True
        self.lost_for_sure = float(problem.unserved_cost[~servable].sum())
        self.groups = self._groups(np.flatnonzero(servable))

    def evaluate(self, price: FloatArray) -> Evaluation:
        """Let every order do what is best for it at the prices per unit of the cells."""
        value = np.zeros(self.problem.num_orders)
        chosen = np.full(self.problem.num_lines, -1, dtype=np.int64)
        charge = np.append(price[self.cell] * self.units, np.inf)
        for group in self.groups:
            group.evaluate(charge, value, chosen)
        return Evaluation(value=value, choice_of_line=chosen)

    def excess(self, price: FloatArray) -> FloatArray:
        """What each choice costs its order beyond the best, (C,); 0 where that is not known."""
        out = np.zeros(self.line.size)
        charge = np.append(price[self.cell] * self.units, np.inf)
        for group in self.groups:
            group.excess(charge, out)
        return out

    def usage(self, choice_of_line: IntArray) -> FloatArray:
        """Units taken from each cell."""
        taken = choice_of_line[choice_of_line >= 0]
        units = np.bincount(self.cell[taken], self.units[taken], minlength=self.stock.size)
        return units.astype(np.float64)

    def _groups(self, lines: IntArray) -> list[_Masks | _Long]:
        """Orders by their number of servable lines, cut so that tables stay small."""
        problem = self.problem
        lines = lines[np.argsort(problem.line_order[lines], kind="stable")]
        orders, first, count = np.unique(
            problem.line_order[lines], return_index=True, return_counts=True
        )
        # Choices as a table: one row per option that holds a line of its order.
        rank = np.full(problem.num_lines, -1, dtype=np.int64)
        rank[lines] = np.arange(lines.size) - np.repeat(first, count)
        useful, row = np.unique(self.option, return_inverse=True)
        by_order = np.argsort(problem.option_order[useful], kind="stable")
        place = np.empty(useful.size, dtype=np.int64)
        place[by_order] = np.arange(useful.size)
        options, row = useful[by_order], place[row]
        ends = np.searchsorted(problem.option_order[options], orders, side="right")
        starts = np.searchsorted(problem.option_order[options], orders, side="left")
        groups: list[_Masks | _Long] = []
        for size in np.unique(count):
            which = np.flatnonzero(count == size)
            few = min(int(size), MAX_LINES)
            width = int((ends - starts)[which].sum()) * 2**few + which.size * 3**few
            parts = np.array_split(which, min(which.size, 1 + width // _MAX_CELLS))
            for part in parts:
                mine = orders[part], first[part][:, None] + np.arange(size)
                spans = starts[part], ends[part]
                groups.append(self._group(mine[0], lines[mine[1]], spans, (options, row, rank)))
        return groups

    def _group(
        self,
        order: IntArray,
        line: IntArray,
        spans: tuple[IntArray, IntArray],
        table: tuple[IntArray, IntArray, IntArray],
    ) -> _Masks | _Long:
        """Tables of some orders with equal numbers of lines, (G,) and (G, m)."""
        options, row, rank = table
        problem, size = self.problem, line.shape[1]
        num = spans[1] - spans[0]
        begin = np.concatenate([[0], np.cumsum(num)])
        rows = np.repeat(spans[0] - begin[:-1], num) + np.arange(begin[-1])
        # Choices of these rows, spread over a table of rows x lines; the last charge is infinite.
        position = np.full(options.size, -1, dtype=np.int64)
        position[rows] = np.arange(rows.size)
        at = position[row]
        mine = np.flatnonzero(at >= 0)
        choice = np.full((rows.size, size), self.line.size, dtype=np.int64)
        choice[at[mine], rank[self.line[mine]]] = mine
        kind = _Masks if size <= MAX_LINES else _Long
        return kind(
            order=order,
            line=line,
            lost=problem.unserved_cost[line],
            starts=begin[:-1],
            num=num,
            ship=problem.shipment_cost[options[rows]],
            choice=choice,
            split=problem.split_cost,
            shipments=min(problem.max_shipments, size),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Group:
    """Orders of the same number m of lines: G orders, R rows (options) in all."""

    order: IntArray  # (G,)
    line: IntArray  # (G, m)
    lost: FloatArray  # (G, m)
    starts: IntArray  # (G,), first row of each order
    num: IntArray  # (G,), rows of each order
    ship: FloatArray  # (R,)
    choice: IntArray  # (R, m)
    split: float
    shipments: int


class _Masks(_Group):
    """Orders of few lines, by recursion over sets of lines."""

    def evaluate(self, charge: FloatArray, value: FloatArray, chosen: IntArray) -> None:
        """Fill in the value of each order and the choice of each of its lines."""
        sent, once, later, picks = self._tables(charge)
        everything = once.shape[1] - 1
        every = np.arange(everything + 1)
        with_one = once + later[-1][:, everything ^ every]
        best = 1 + np.argmin(with_one[:, 1:], axis=1)
        rows = np.arange(len(self.order))
        shipped = with_one[rows, best] - self.split
        leave = later[0][:, everything]
        is_sent = shipped < leave
        value[self.order] = np.where(is_sent, shipped, leave)
        piece = np.where(is_sent, best, 0)
        rest = np.where(is_sent, everything ^ piece, 0)
        self._send(sent, once, piece, chosen)
        for pick in reversed(picks):
            piece = pick[rows, rest]
            rest = rest ^ piece
            self._send(sent, once, piece, chosen)

    def excess(self, charge: FloatArray, out: FloatArray) -> None:
        """Fill in the cost of each choice beyond the best of its order."""
        sent, once, later, _ = self._tables(charge)
        everything = once.shape[1] - 1
        every = np.arange(everything + 1)
        rest = later[-1][:, everything ^ every]
        whole = sent + np.repeat(rest, self.num, axis=0) - self.split
        best = np.minimum((once + rest)[:, 1:].min(axis=1) - self.split, later[0][:, everything])
        beyond = whole - np.repeat(best, self.num)[:, None]
        for at in range(self.line.shape[1]):
            with_line = np.flatnonzero(every >> at & 1)
            is_held = self.choice[:, at] < out.size
            out[self.choice[is_held, at]] = beyond[:, with_line].min(axis=1)[is_held]

    def _tables(
        self, charge: FloatArray
    ) -> tuple[FloatArray, FloatArray, list[FloatArray], list[IntArray]]:
        """Cost of one shipment by row and by order, the H_j, and the sets that they send first."""
        size = self.line.shape[1]
        sent = np.empty((self.ship.size, 2**size))
        sent[:, 0] = self.ship + self.split
        lost = np.zeros((len(self.order), 2**size))
        for at in range(size):
            low, high = 1 << at, 2 << at
            sent[:, low:high] = sent[:, :low] + charge[self.choice[:, at]][:, None]
            lost[:, low:high] = lost[:, :low] + self.lost[:, at, None]
        once = np.minimum.reduceat(sent, self.starts, axis=0)
        later, picks = [lost], []
        mask, sub, begin, end = _pairs(size)
        for _ in range(self.shipments - 1):
            before = later[-1]
            # The empty set leads, so that ties send nothing.
            first = np.where(sub == 0, 0.0, once[:, sub])
            costs = first + before[:, mask ^ sub]
            now = np.minimum.reduceat(costs, begin, axis=1)
            is_best = costs == np.repeat(now, end - begin, axis=1)
            place = np.where(is_best, np.arange(sub.size), sub.size)
            later.append(now)
            picks.append(sub[np.minimum.reduceat(place, begin, axis=1)])
        return sent, once, later, picks

    def _send(self, sent: FloatArray, once: FloatArray, piece: IntArray, chosen: IntArray) -> None:
        """Serve the lines of each order's set ``piece`` from its cheapest row."""
        some = np.flatnonzero(piece)
        if not some.size:
            return
        mine = sent[np.arange(self.ship.size), np.repeat(piece, self.num)]
        is_best = mine == np.repeat(once[np.arange(len(piece)), piece], self.num)
        row = np.minimum.reduceat(
            np.where(is_best, np.arange(self.ship.size), self.ship.size), self.starts
        )
        for at in range(self.line.shape[1]):
            has = some[piece[some] >> at & 1 == 1]
            chosen[self.line[has, at]] = self.choice[row[has], at]


class _Long(_Group):
    """Orders of many lines, relaxed: one shipment is paid, any store may send any line."""

    def evaluate(self, charge: FloatArray, value: FloatArray, chosen: IntArray) -> None:
        """Fill in a lower bound on each order's value, and the choices that it takes."""
        costs = charge[self.choice]
        least = np.minimum.reduceat(costs, self.starts, axis=0)
        paid = np.minimum(least, self.lost)
        shipped = paid.sum(axis=1) + np.minimum.reduceat(self.ship, self.starts)
        leave = self.lost.sum(axis=1)
        is_sent = shipped < leave
        value[self.order] = np.where(is_sent, shipped, leave)
        is_best = costs == np.repeat(least, self.num, axis=0)
        count = np.arange(self.ship.size)[:, None]
        row = np.minimum.reduceat(np.where(is_best, count, self.ship.size), self.starts, axis=0)
        for at in range(self.line.shape[1]):
            has = np.flatnonzero(is_sent & (least[:, at] < self.lost[:, at]))
            chosen[self.line[has, at]] = self.choice[row[has, at], at]

    def excess(self, charge: FloatArray, out: FloatArray) -> None:
        """Leave the excess at 0: nothing is known."""


@cache
def _pairs(size: int) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """All sets of ``size`` elements, each with all its subsets: sets, subsets, begins, ends."""
    every = np.arange(2**size)
    mask, sub = np.nonzero((every[:, None] & every) == every)
    begin = np.searchsorted(mask, every)
    return mask, sub, begin, np.append(begin[1:], mask.size)
