"""Leaves of a block's tree: choices of sites, and bounds on what they cost at any prices.

Multipliers r_i of rows, 0 <= r_i <= w_i, and g_k >= 0 of groups of sites of which at least one is
open, give the bound

    sum of r_i + sum of g_k + sum over open j of (l_j - c_j) + sum over free j of min(0, l_j - c_j)

at prices l, where c_j is the sum of the multipliers of j's rows and groups. So a total and a number
for each site tell the bound at new prices at once. All of it is in whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray

#: Distance from a whole number that counts as none.
_WHOLE = 5e-3
#: What a site more must multiply the score of a group by, and the least share of one.
_BETTER, _LEAST_SHARE = 1.02, 1e-4
#: Least gain of a side.
_LEAST_GAIN = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Choices:
    """Choices of sites.

    Parameters
    ----------
    lower, upper
        Bounds on y, shape (n,).
    groups
        Sites of which at least one is open, each an index array of two free ones at least.
    """

    lower: BoolArray
    upper: BoolArray
    groups: tuple[IntArray, ...]

    @property
    def free(self) -> BoolArray:
        """Sites that may be open or closed, shape (n,)."""
        return self.upper & ~self.lower

    def narrowed(
        self, lower: BoolArray, upper: BoolArray, groups: tuple[IntArray, ...] | None = None
    ) -> Choices | None:
        """Return the choices within other bounds on y, and groups; None if there are none."""
        groups = self.groups if groups is None else groups
        while True:
            if (lower & ~upper).any():
                return None
            groups = tuple(each[upper[each]] for each in groups if not lower[each].any())
            if any(len(each) == 0 for each in groups):
                return None
            single = [int(each[0]) for each in groups if len(each) == 1]
            if not single:
                return Choices(lower=lower, upper=upper, groups=groups)
            lower = lower.copy()
            lower[single] = True

    def side(self, group: IntArray, *, is_open: bool) -> Choices | None:
        """Return those in which one of a group is open, or none of it is."""
        if is_open:
            return self.narrowed(self.lower, self.upper, (*self.groups, group))
        upper = self.upper.copy()
        upper[group] = False
        return self.narrowed(self.lower, upper)


@dataclass(kw_only=True, eq=False)
class Leaf:
    """Choices of sites, and what is known about their costs.

    Parameters
    ----------
    choices
        The choices.
    total, column
        Sum of the scaled multipliers, and their sum over the rows and groups of each site, shape
        (n,).
    scale
        What multipliers are multiplied by before they are rounded down.
    share, missed
        Open shares of its relaxation, shape (n,), and the units that they leave unserved.
    has_share
        Whether they are its own, and not those of the leaf that it was a part of.
    group
        Sites to branch on.
    version
        Number of the prices that the rest is about.
    tight
        Its choices that may cost less than the target.
    value
        What all its choices cost at least, or the target if that is less.
    is_solved
        Whether it was solved at these prices.
    """

    choices: Choices
    total: int
    column: IntArray
    scale: int
    share: FloatArray | None = None
    missed: float = 0.0
    has_share: bool = False
    group: IntArray | None = None
    version: int = -1
    tight: Choices | None = None
    value: int = 0
    is_solved: bool = False

    def scaled(self, price: IntArray, choices: Choices) -> tuple[int, IntArray]:
        """Return the scaled bound of some of the choices, and the reduced cost of each site."""
        reduced = price * self.scale - self.column
        total = self.total + int(reduced[choices.lower].sum())
        return total + int(np.minimum(reduced[choices.free], 0).sum()), reduced

    def refresh(self, price: IntArray, version: int) -> None:
        """Take other prices."""
        if self.version != version:
            self.version, self.is_solved, self.tight = version, False, self.choices
            self.value = -(-self.scaled(price, self.choices)[0] // self.scale)

    def settle(self, price: IntArray, most: int) -> bool:
        """Leave out what costs more than ``most`` for good; whether anything is left."""
        found = _within(self.choices, *self.scaled(price, self.choices), most * self.scale)
        if found is not None and found is not self.choices:
            self.choices, self.version = found, -1
        return found is not None

    def tighten(self, target: int, total: int, reduced: IntArray) -> None:
        """Leave out what costs the target at these prices, as a scaled bound of the rest says."""
        if self.tight is not None:
            self.tight = _within(self.tight, total, reduced, target * self.scale - 1)
        if self.tight is None:
            self.value, self.is_solved = max(self.value, target), True

    def branches(self) -> list[Leaf]:
        """Return its choices in which no site of its group is open, and those in which one is."""
        if self.group is None or self.tight is None:
            return []
        found = []
        for is_open in (False, True):
            choices = self.choices.side(self.group, is_open=is_open)
            if choices is not None:
                tight = self.tight.side(self.group, is_open=is_open)
                found.append(
                    replace(self, choices=choices, tight=tight, is_solved=False, has_share=False)
                )
        return found


def _within(choices: Choices, total: int, reduced: IntArray, most: int) -> Choices | None:
    """Return the choices that may cost ``most``, scaled; None if there are none.

    Moving y_j off its bound costs its reduced cost (Dantzig, Fulkerson and Johnson 1954).
    """
    room = most - total
    if room < 0:
        return None
    free = choices.free
    opened, closed = free & (-reduced > room), free & (reduced > room)
    if not (opened.any() or closed.any()):
        return choices
    return choices.narrowed(choices.lower | opened, choices.upper & ~closed)


def group_to_branch_on(share: FloatArray, inverse: FloatArray | None) -> IntArray:
    """Return sites to branch on together: all are closed, or at least one is open.

    Where many sites can stand in for each other, closing one changes nothing. Near the central path
    the barrier is about a parabola, with Q the inverse of its matrix: moving the sum of the shares
    of a group by d adds d^2 / (2 q), with q the sum of Q over the group.

    Parameters
    ----------
    share
        Shares of free sites, shape (k,).
    inverse
        The matrix Q, shape (k, k), if it is known.
    """
    split = (share > _WHOLE) & (share < 1 - _WHOLE)
    if not split.any() or inverse is None:
        return np.array([int(share.argmax())])
    diagonal = np.maximum(np.diag(inverse), 1e-300)
    each = np.where(split, _score(share, diagonal), 0.0)
    one = int(each.argmax())
    chosen, value = [one], float(each[one])
    total, bend, row = float(share[one]), float(diagonal[one]), inverse[one].copy()
    can_join = share > _LEAST_SHARE
    can_join[one] = False
    while True:
        bends = np.maximum(bend + 2 * row + diagonal, 1e-300)
        fits = can_join & (total + share < 1 - _WHOLE)
        scores = np.where(fits, _score(total + share, bends), 0.0)
        one = int(scores.argmax())
        if scores[one] < _BETTER * value:
            return np.sort(np.array(chosen))
        chosen.append(one)
        can_join[one] = False
        value, total, bend = float(scores[one]), total + float(share[one]), float(bends[one])
        row += inverse[one]


def _score(total: FloatArray, bend: FloatArray) -> FloatArray:
    """Return the product of the gains of both sides."""
    down, up = total**2 / (2 * bend), np.maximum(1 - total, 0.0) ** 2 / (2 * bend)
    found: FloatArray = np.maximum(down, _LEAST_GAIN) * np.maximum(up, _LEAST_GAIN)
    return found
