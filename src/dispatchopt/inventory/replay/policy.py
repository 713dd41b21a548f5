"""Stock policies: what is ordered, and what is moved, at the end of a day."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from dispatchopt.core import Stop, solve
from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.domain import DOMAIN
from dispatchopt.inventory.problem import MAX_TOTAL, MAX_UNITS, InventoryProblem


@dataclass(frozen=True, kw_only=True, eq=False)
class StockView:
    """What a policy sees in the evening; all arrays are (S, K) and not to be changed.

    Parameters
    ----------
    day
        Number of the day, from 0.
    on_hand_units, on_order_units, owed_units
        Stock, orders not yet arrived, and demand owed to customers.
    sold_units
        Served today.
    oldest_units
        Units that will be thrown away tomorrow unless they are sold; None without shelf lives.
    central_units
        Stock of the city warehouse, (K,); None without a limit.
    """

    day: int
    on_hand_units: FloatArray
    on_order_units: FloatArray
    owed_units: FloatArray
    sold_units: FloatArray
    oldest_units: FloatArray | None
    central_units: FloatArray | None

    @property
    def position_units(self) -> FloatArray:
        """Stock on hand and on order less what is owed."""
        return np.asarray(self.on_hand_units + self.on_order_units - self.owed_units)


@dataclass(frozen=True, kw_only=True, eq=False)
class Transfers:
    """Units moved between stores overnight, all (T,)."""

    sku: IntArray
    origin: IntArray
    target: IntArray
    units: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Decision:
    """Orders of all pairs, (S, K), and moves."""

    order_units: FloatArray
    transfers: Transfers | None = None


class Policy(Protocol):
    """Anything that decides."""

    def decide(self, view: StockView) -> Decision:
        """Return what to order and to move this evening."""
        ...  # pragma: no cover


@dataclass(frozen=True, kw_only=True, eq=False)
class OrderUpTo:
    """Raise the position of each pair to a level every evening.

    Parameters
    ----------
    level_units
        Order-up-to level, anything that broadcasts to (S, K).
    case_pack_units
        Orders are rounded up to multiples of this, (K,) or a number; 0 for no rounding.
    """

    level_units: FloatArray | float
    case_pack_units: IntArray | int = 0

    def decide(self, view: StockView) -> Decision:
        """Order what lacks."""
        lack = np.maximum(self.level_units - view.position_units, 0.0)
        return Decision(order_units=_packed(lack, self.case_pack_units))


@dataclass(frozen=True, kw_only=True, eq=False)
class ReorderUpTo:
    """(s, S): where the position is at or below s, raise it to S."""

    reorder_units: FloatArray | float
    level_units: FloatArray | float
    case_pack_units: IntArray | int = 0

    def decide(self, view: StockView) -> Decision:
        """Order what lacks to S where s is reached."""
        position = view.position_units
        lack = np.maximum(self.level_units - position, 0.0)
        lack = np.where(position <= self.reorder_units, lack, 0.0)
        return Decision(order_units=_packed(lack, self.case_pack_units))


@dataclass(frozen=True, kw_only=True, eq=False)
class RoundQuantity:
    """(r, nQ): where the position is at or below r, order as many Q as raise it above r."""

    reorder_units: FloatArray | float
    quantity_units: FloatArray | float

    def decide(self, view: StockView) -> Decision:
        """Order whole quantities."""
        lack = self.reorder_units - view.position_units
        times = np.where(lack >= 0, np.floor(lack / self.quantity_units) + 1.0, 0.0)
        return Decision(order_units=times * self.quantity_units)


@dataclass(frozen=True, kw_only=True, eq=False)
class Allocate:
    """Solve the allocation of each evening: central stock, room, facings, case packs and all.

    Parameters
    ----------
    problem
        Demand over the days that an order covers, costs and limits; stock on hand and central
        stock are taken from the day.
    gap
        Relative gap at which an evening's allocation is good enough.
    """

    problem: InventoryProblem
    gap: float = 1e-4

    def decide(self, view: StockView) -> Decision:
        """Order what the engine says."""
        position = np.clip(np.floor(view.position_units), 0, MAX_UNITS).astype(np.int64)
        changes: dict[str, IntArray] = {"on_hand_units": position}
        if view.central_units is not None:
            there = np.clip(np.floor(view.central_units), 0, MAX_TOTAL)
            changes["available_units"] = there.astype(np.int64)
        result = solve(DOMAIN, self.problem.replace(**changes), stop=Stop(gap=self.gap))
        if result.solution is None:
            # Facings that central stock cannot reach: send nothing rather than stop the replay.
            return Decision(order_units=np.zeros(self.problem.shape))
        return Decision(order_units=result.solution.order_units.astype(np.float64))


@dataclass(frozen=True, kw_only=True, eq=False)
class EvenOut:
    """Another policy, and overnight moves from stores above one level to stores below another.

    Per SKU the units above ``high_units`` go to the stores below ``low_units``, in the order of
    the stores. The inner policy sees the stock after the moves.

    Parameters
    ----------
    policy
        The inner policy.
    low_units, high_units
        Levels, anything that broadcasts to (S, K).
    """

    policy: Policy
    low_units: FloatArray | float
    high_units: FloatArray | float
    _none: Transfers = field(
        default_factory=lambda: Transfers(
            sku=np.zeros(0, dtype=np.int64),
            origin=np.zeros(0, dtype=np.int64),
            target=np.zeros(0, dtype=np.int64),
            units=np.zeros(0),
        ),
        repr=False,
    )

    def decide(self, view: StockView) -> Decision:
        """Move, then order."""
        spare = np.floor(np.maximum(view.on_hand_units - self.high_units, 0.0))
        lack = np.ceil(np.maximum(self.low_units - view.position_units, 0.0))
        lack = np.where(spare > 0, 0.0, lack)
        moves = _matched(spare, lack)
        if moves is None:
            return self.policy.decide(view)
        on_hand = np.array(view.on_hand_units)
        np.subtract.at(on_hand, (moves.origin, moves.sku), moves.units)
        np.add.at(on_hand, (moves.target, moves.sku), moves.units)
        after = StockView(
            day=view.day,
            on_hand_units=on_hand,
            on_order_units=view.on_order_units,
            owed_units=view.owed_units,
            sold_units=view.sold_units,
            oldest_units=view.oldest_units,
            central_units=view.central_units,
        )
        return Decision(order_units=self.policy.decide(after).order_units, transfers=moves)


def _matched(spare: FloatArray, lack: FloatArray) -> Transfers | None:
    """Match what is spare with what lacks, SKU by SKU, both in the order of the stores."""
    spare_ends, lack_ends = np.cumsum(spare, axis=0), np.cumsum(lack, axis=0)
    total = np.minimum(spare_ends[-1:], lack_ends[-1:]) if len(spare) else np.zeros((1, 0))
    skus = np.flatnonzero(total.ravel() > 0)
    if not skus.size:
        return None
    rows = []
    for sku in skus.tolist():
        # Cut the common range at the ends of both; each piece has one origin and one target.
        most = float(total[0, sku])
        ends = np.unique(np.concatenate([spare_ends[:, sku], lack_ends[:, sku]]))
        ends = ends[(ends > 0) & (ends <= most)]
        begin = np.concatenate([[0.0], ends[:-1]])
        origin = np.searchsorted(spare_ends[:, sku], begin, side="right")
        target = np.searchsorted(lack_ends[:, sku], begin, side="right")
        rows.append((np.full(ends.size, sku), origin, target, ends - begin))
    sku_of, origin, target, units = (np.concatenate(each) for each in zip(*rows, strict=True))
    return Transfers(sku=sku_of, origin=origin, target=target, units=units)


def _packed(lack: FloatArray, pack: IntArray | int) -> FloatArray:
    if isinstance(pack, int) and pack == 0:
        return lack
    each = np.maximum(np.asarray(pack), 1)
    # A hair below a whole number of packs is rounding.
    return np.asarray(np.ceil(lack / each - 1e-9) * each)
