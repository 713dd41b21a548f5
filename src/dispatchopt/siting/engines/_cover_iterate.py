"""Steps of an interior point method for maximum coverage, in shares of sites alone."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.siting.engines._cover_chain import Chain

#: Share of the way to the border that a step goes.
_DAMPING = 0.99
#: Shares that a solve starts from stay so far from 0 and 1.
_INSIDE = 2e-2
#: Gap that a solve starts with, as a share of demand. Starting nearer takes more steps.
_FIRST_GAP = 0.3


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """What bounds on y leave: rows that free sites cover, and those sites.

    Parameters
    ----------
    rows, free
        Indices of rows and sites.
    table, turned
        Which site covers which row (scipy CSR of ones), and its transpose; None with a chain.
    weight
        Weights of rows, of the order of 1.
    cost
        What opening a free site costs, in the same unit.
    is_compiled
        Whether products within rows are worth compiled code.
    chain
        The rows, where they are told by how each differs from the one before; None if not.
    """

    rows: IntArray
    free: IntArray
    weight: FloatArray
    cost: FloatArray
    table: Any = None
    turned: Any = None
    is_compiled: bool = True
    chain: Chain | None = None

    def cover(self, share: FloatArray) -> FloatArray:
        """Return the sum of shares over the sites of each row."""
        found: FloatArray = self.table @ share if self.chain is None else self.chain.cover(share)
        return found

    def worth(self, price: FloatArray) -> FloatArray:
        """Return the sum of prices over the rows of each site."""
        found: FloatArray = self.turned @ price if self.chain is None else self.chain.worth(price)
        return found

    @cached_property
    def _products(self) -> tuple[IntArray, IntArray]:
        """Row of each product within a row, and its place in the lower triangle."""
        start, column = self.table.indptr.astype(np.int64), self.table.indices
        length = np.diff(start)
        row = np.repeat(np.arange(len(length)), length)
        # Each entry with those before it in its row, and itself.
        count = np.arange(len(column)) - start[row] + 1
        one = np.repeat(np.arange(len(column)), count)
        other = np.arange(len(one)) - np.repeat(np.cumsum(count) - count - start[row], count)
        return row[one], column[one] * np.int64(len(self.free)) + column[other]

    def normal(self, width: FloatArray) -> FloatArray:
        """Return the lower triangle of ``A^T diag(width) A``."""
        size = len(self.free)
        if self.chain is not None:
            return self.chain.normal(width)
        if not self.is_compiled:
            row, place = self._products
            flat: FloatArray = np.asarray(
                np.bincount(place, weights=width[row], minlength=size * size), dtype=np.float64
            )
            return flat.reshape(size, size)
        # Compiled code is imported only where it is needed.
        from dispatchopt.siting.engines import _cover_interior_kernels as kernels

        matrix = np.zeros((size, size))
        kernels.normal(self.table.indptr, self.table.indices, width, matrix)
        return matrix


class Iterate:
    """Shares y with all that hangs on them, and the best bound and shares so far.

    Five primal vectors are paired with dual ones, whose products tend to 0: what covers a row too
    often with its price, what a row misses with what its price spares of its weight, y and 1 - y
    with multipliers of their own, and the room of each limit with its price. They lie end to end,
    so that a step is a few operations on long vectors; ``parts`` takes them apart.

    Parameters
    ----------
    part
        The problem; weights are of the order of 1.
    limits
        Weights of free sites and what may be used, of each limit.
    shares
        Where to start, shape (sites,); None for the middle.
    """

    def __init__(
        self, part: Part, limits: list[tuple[FloatArray, float]], shares: FloatArray | None
    ) -> None:
        self.part = part
        count, size = len(part.rows), len(part.free)
        self.total = float(part.weight.sum())
        # Each limit is scaled to sites, so that multipliers are of one size.
        self._scale = np.array([max(1e-9, float(weights.mean())) for weights, _ in limits])
        self.sides = np.array(
            [weights / scale for (weights, _), scale in zip(limits, self._scale, strict=True)]
        ).reshape(len(limits), size)
        # Without room for a site an interior does not exist; a little of one makes it.
        self.limit = np.maximum(np.array([limit for _, limit in limits]) / self._scale, 1e-6)
        y = np.full(size, 0.5) if shares is None else shares[part.free]
        y = np.clip(y, _INSIDE, 1 - _INSIDE)
        if len(limits):
            used = float(np.max((self.sides @ y) / self.limit))
            y = np.clip(y * min(1.0, 0.999 / max(used, 1e-9)), 1e-9, 1 - _INSIDE)
        mu = _FIRST_GAP * self.total / (2.0 * count + 2.0 * size + len(limits))
        over = part.cover(y) - 1.0
        price = _central(over, part.weight, mu)
        left, missed = mu / price, mu / (part.weight - price)
        # Rounding must not part what is missed from what is left over.
        missed += np.maximum(left - over - missed, 0.0)
        worth = self.part.worth(price) - self.part.cost
        side = _marginal(worth, self.sides, self.limit)
        unmet = worth - self.sides.T @ side
        ends = list(itertools.accumulate([count, count, size, size, len(limits)], initial=0))
        self._ends = list(itertools.pairwise(ends))
        self.primal = np.concatenate([missed + over, missed, y, 1 - y, mu / side])
        self.dual = np.concatenate(
            [
                price,
                part.weight - price,
                mu / y + np.maximum(-unmet, 0.0),
                mu / (1 - y) + np.maximum(unmet, 0.0),
                side,
            ]
        )
        self._looked: _System | None = None
        self.bound, self.upper = -np.inf, np.inf
        self.best_price, self.best_shares, self.best_side = price, y, side
        self._note()

    def parts(self, whole: FloatArray) -> list[FloatArray]:
        """Return the five vectors that lie end to end."""
        return [whole[begin:end] for begin, end in self._ends]

    def bend(self) -> FloatArray | None:
        """Return the diagonal of the inverse of the matrix kept, limits allowed for."""
        return None if self._looked is None else self._looked.diagonal()

    def inverse(self) -> FloatArray | None:
        """Return the inverse of the matrix kept, limits left out."""
        return None if self._looked is None else self._looked.inverse()

    def advance(self, *, look: bool) -> bool:
        """Take a step: predict, correct, and move as far as all stays inside (Mehrotra 1992).

        With ``look``, keep the matrix for ``bend``. Returns False, with all as it was, where
        rounding lets no step be taken.
        """
        try:
            system = _System(self)
        except np.linalg.LinAlgError:
            return False
        if look or self._looked is None:
            self._looked = system
        primal, dual = self.primal, self.dual
        products = primal * dual
        mean = float(products.mean())
        ahead, behind = system.direction(-products)
        far, deep = _reach(primal, ahead), _reach(dual, behind)
        after = float((primal + far * ahead) @ (dual + deep * behind)) / len(products)
        aim = mean * min(1.0, max(after / mean, 1e-3)) ** 3
        ahead, behind = system.direction(aim - products - ahead * behind)
        self.primal = primal + _DAMPING * _reach(primal, ahead) * ahead
        self.dual = dual + _DAMPING * _reach(dual, behind) * behind
        self._note()
        return True

    def _note(self) -> None:
        """Keep bound and value of the iterate where they are the best so far."""
        price, _, _, _, side = self.parts(self.dual)
        left, missed, y, _, _ = self.parts(self.primal)
        worth = self.part.worth(price) - self.part.cost
        if len(side) == 1:
            # The best price of a single limit fills it with the sites that are worth most.
            side = _marginal(worth, self.sides, self.limit)
        profit = worth - self.sides.T @ side
        bound = float(price.sum() - np.maximum(profit, 0.0).sum() - side @ self.limit)
        if bound > self.bound:
            self.bound, self.best_price, self.best_side = bound, price, side / self._scale
        if (self.sides @ y <= self.limit * (1 + 1e-6) + 1e-9).all():
            value = float(self.part.weight @ np.maximum(missed - left, 0.0) + self.part.cost @ y)
            if value < self.upper:
                self.upper, self.best_shares = value, y


class _System:
    """The linear equations of a step, reduced to the sites and factorised."""

    def __init__(self, at: Iterate) -> None:
        from scipy.linalg.lapack import dpotrf

        self._at = at
        self._pairs = (at.parts(at.primal), at.parts(at.dual))
        (left, missed, y, rest, room), (price, spare, low, high, side) = self._pairs
        self._width = 1.0 / (left / price + missed / spare)
        matrix = at.part.normal(self._width)
        flat = np.arange(len(y))
        matrix[flat, flat] += low / y + high / rest + 1e-12
        # Its lower triangle is the upper one of its transpose, which LAPACK takes as it lies.
        self._factor, failed = dpotrf(matrix.T, lower=0, overwrite_a=1, clean=0)
        if failed:
            raise np.linalg.LinAlgError("the matrix of a step is not positive definite")
        self._unmet = at.part.worth(price) - at.part.cost - at.sides.T @ side + low - high
        self._short = at.limit - at.sides @ y - room
        self._solved = self._solve(at.sides.T)
        self._schur = at.sides @ self._solved
        self._schur[np.diag_indices(len(side))] += room / side

    def _solve(self, right: FloatArray) -> FloatArray:
        """Return what the factorised matrix maps to a right-hand side, shape (m,) or (m, k)."""
        from scipy.linalg.lapack import dpotrs

        found: FloatArray = dpotrs(self._factor, right, lower=0)[0]
        return found

    def direction(self, wanted_change: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the steps, primal and dual, that change the five products by so much."""
        at, change = self._at, self._at.parts(wanted_change)
        (left, missed, y, rest, room), (price, spare, low, high, side) = self._pairs
        pull = change[0] / price - change[1] / spare
        wanted = self._unmet + at.part.worth(self._width * pull)
        wanted += change[2] / y - change[3] / rest
        plain = self._solve(wanted)
        excess = at.sides @ plain - self._short + change[4] / side
        more = np.linalg.solve(self._schur, excess) if len(excess) else excess
        step = plain - self._solved @ more
        gain = self._width * (pull - at.part.cover(step))
        ahead = [
            (change[0] - left * gain) / price,
            (change[1] + missed * gain) / spare,
            step,
            -step,
            (change[4] - room * more) / side,
        ]
        behind = [gain, -gain, (change[2] - low * step) / y, (change[3] + high * step) / rest, more]
        return np.concatenate(ahead), np.concatenate(behind)

    def inverse(self) -> FloatArray:
        """Return the inverse matrix, without limits."""
        from scipy.linalg.lapack import dpotri

        upper = np.triu(dpotri(self._factor, lower=0)[0])
        found: FloatArray = upper + np.triu(upper, 1).T
        return found

    def diagonal(self) -> FloatArray:
        """Return the diagonal of the inverse matrix, with all steps kept within the limits."""
        from scipy.linalg.lapack import dpotri

        inverse, _ = dpotri(self._factor, lower=0)
        diagonal: FloatArray = np.diag(inverse).copy()
        if len(self._schur):
            within = np.linalg.solve(self._schur, self._solved.T)
            diagonal -= np.einsum("ij,ji->i", self._solved, within)
        return np.maximum(diagonal, 1e-300)


def _marginal(worth: FloatArray, sides: FloatArray, limit: FloatArray) -> FloatArray:
    """Return a multiplier > 0 of each limit, at which it is about filled."""
    found = np.empty(len(limit))
    for at, (weights, most) in enumerate(zip(sides, limit, strict=True)):
        per = worth / np.maximum(weights, 1e-12)
        order = np.argsort(-per, kind="stable")
        filled = int(np.searchsorted(np.cumsum(weights[order]), most, side="left"))
        last = float(per[order[min(filled, len(order) - 1)]]) if len(order) else 0.0
        found[at] = max(last, 1e-6) / len(limit)
    return found


def _central(over: FloatArray, weight: FloatArray, mu: float) -> FloatArray:
    """Return the multiplier p with mu / p - mu / (weight - p) = over: 0 < p < weight."""
    # over p^2 - (over weight + 2 mu) p + mu weight = 0, solved without cancellation.
    half = over * weight + 2 * mu
    root = np.sqrt((over * weight) ** 2 + 4 * mu * mu)
    price = 2 * mu * weight / (half + root)
    margin = 1e-12 * weight
    return np.clip(price, margin, weight - margin)


def _reach(values: FloatArray, steps: FloatArray) -> float:
    """Return how far, 1 at most, values > 0 may go before one of them is 0."""
    return 1.0 / max(1.0, -float(np.min(steps / values)))
