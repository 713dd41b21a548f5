"""Walking up the levels of many pairs at once, with the distribution by recursion.

For whole-number demand of moderate size, stepping y = 0, 1, 2, ... for all pairs together costs a
few multiplications per pair and step, where the incomplete beta function costs some hundreds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.problem import LevelRule

#: Steps after which a pair is left to the closed forms.
MAX_STEPS = 512
#: Least P(D = 0) from which the recursion starts without underflow.
_MIN_START = 1e-280
#: Active pairs are repacked when fewer than this share of them are left.
_REPACK = 0.75


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """A chunk of n pairs, flat.

    Parameters
    ----------
    demand
        Demands, (n,).
    start_units
        Lowest level allowed, (n,).
    pack_units
        Units per step, (n,).
    holding_cost, shortage_cost
        Costs per unit left over (waste included) and per unit missing, (n,).
    target
        Target of the rule, (n,).
    rule
        What makes a level good; not ``z-sigma``, which has a closed form.
    """

    demand: Demand
    start_units: IntArray
    pack_units: IntArray
    holding_cost: FloatArray
    shortage_cost: FloatArray
    target: FloatArray
    rule: LevelRule


@dataclass(frozen=True, kw_only=True)
class Walked:
    """What the walk found.

    Parameters
    ----------
    is_done
        Pairs that were finished; the figures of the others have no meaning, (n,).
    packs
        Steps above the start, (n,).
    start_loss, level_loss
        Expected demand not met at the start and at the level found, (n,).
    gains
        Saving per unit of each step of the finished pairs, upwards, pair by pair; empty unless
        asked for.
    """

    is_done: BoolArray
    packs: IntArray
    start_loss: FloatArray
    level_loss: FloatArray
    gains: FloatArray


def can_walk(demand: Demand, start_units: IntArray) -> BoolArray:
    """Return the pairs whose distribution can be built by recursion within the steps."""
    if not demand.is_discrete:
        return np.zeros(demand.mean_units.shape, dtype=np.bool_)
    start, _, _ = _panjer(demand)
    reach = demand.mean_units + 5 * np.sqrt(demand.true_variance)
    return np.asarray((start >= _MIN_START) & (np.maximum(reach, start_units) < MAX_STEPS - 64))


def walk(pairs: Pairs, width: int = 0, *, is_compiled: bool = False) -> Walked:
    """Return the least level in whole steps above the start that is good under the rule.

    Parameters
    ----------
    pairs
        The pairs; all must pass ``can_walk``.
    width
        Record gains, and leave pairs with more steps than this unfinished. 0 records none, and
        has no such limit.
    is_compiled
        Use the compiled loop, which does the same sums one pair after the other: several times
        as fast, once a second or two have gone into compiling it on this machine.
    """
    if is_compiled:
        return _walk_compiled(pairs, width)
    state = _State(pairs, width)
    for level in range(MAX_STEPS):
        if not state.num_left:
            break
        state.visit(level)
        state.climb(level)
    return state.walked()


def _walk_compiled(pairs: Pairs, width: int) -> Walked:
    from dispatchopt.inventory import compiled

    count = pairs.start_units.size
    probability, add, multiply = _panjer(pairs.demand)
    packs, losses = np.empty(count, dtype=np.int64), np.zeros((2, count))
    gains = compiled.room_for_gains(count, width)
    rules = {
        LevelRule.CRITICAL_RATIO: compiled.CRITICAL_RATIO,
        LevelRule.FILL_RATE: compiled.FILL_RATE,
        LevelRule.CYCLE_SERVICE: compiled.CYCLE_SERVICE,
    }
    filled = compiled.climb(
        (rules[pairs.rule], MAX_STEPS, width),
        (pairs.demand.mean_units, probability, add, multiply),
        (pairs.start_units, pairs.pack_units),
        (_limit_of(pairs), np.asarray(pairs.holding_cost)),
        (packs, losses, gains),
    )
    return Walked(
        is_done=packs >= 0,
        packs=np.maximum(packs, 0),
        start_loss=losses[0],
        level_loss=losses[1],
        gains=gains[:filled].copy() if width else np.zeros(0),
    )


def _limit_of(pairs: Pairs) -> FloatArray:
    """What ends the climb: see ``_State.visit``."""
    if pairs.rule is LevelRule.FILL_RATE:
        # Stop where the loss falls to this; slack as rounding may keep it a hair above.
        return np.asarray((1.0 - pairs.target) * pairs.demand.mean_units * (1 + 1e-12))
    if pairs.rule is LevelRule.CYCLE_SERVICE:
        return np.asarray(pairs.target - 1e-13)
    return np.asarray(pairs.holding_cost + pairs.shortage_cost)


class _State:
    """The pairs still climbing, repacked from time to time."""

    def __init__(self, pairs: Pairs, width: int) -> None:
        count = pairs.start_units.size
        self.rule = pairs.rule
        self.width = width
        self.is_done = np.zeros(count, dtype=np.bool_)
        self.packs = np.zeros(count, dtype=np.int64)
        self.start_loss = np.zeros(count)
        self.level_loss = np.zeros(count)
        self.records: list[tuple[IntArray, IntArray, FloatArray]] = []
        probability, add, multiply = _panjer(pairs.demand)
        self.active = {
            "place": np.arange(count),
            "probability": probability,
            "cdf": probability.copy(),
            "loss": pairs.demand.mean_units.copy(),
            "last_loss": np.zeros(count),
            "add": add,
            "multiply": multiply,
            "next": pairs.start_units.copy(),
            "pack": pairs.pack_units.copy(),
            "packs": np.full(count, -1),
            "pay": _limit_of(pairs),
            "held": np.array(pairs.holding_cost),
        }
        self.is_left = np.ones(count, dtype=np.bool_)
        self.num_left = count

    def walked(self) -> Walked:
        """Return what was found, with the gains sorted by pair."""
        first = np.cumsum(np.where(self.is_done, self.packs, 0))
        gains = np.zeros(int(first[-1]) if self.width and first.size else 0)
        first = np.concatenate([[0], first[:-1]])
        for place, step, gain in self.records:
            kept = self.is_done[place]
            gains[first[place[kept]] + step[kept]] = gain[kept]
        return Walked(
            is_done=self.is_done,
            packs=self.packs,
            start_loss=self.start_loss,
            level_loss=self.level_loss,
            gains=gains,
        )

    def visit(self, level: int) -> None:
        """Judge the pairs for which ``level`` is a whole number of steps above the start."""
        a = self.active
        here = np.flatnonzero(a["next"] == level)
        if not here.size:
            return
        loss, place = a["loss"][here], a["place"][here]
        packs = a["packs"][here] + 1
        is_start = packs == 0
        if is_start.any():
            self.start_loss[place[is_start]] = loss[is_start]
        if self.rule is LevelRule.CRITICAL_RATIO:
            is_good = self._judge_gain(here, loss, packs)
            reached, reached_loss = packs - 1, a["last_loss"][here]
        else:
            value, limit = (loss, a["pay"][here])
            if self.rule is LevelRule.CYCLE_SERVICE:
                value, limit = -a["cdf"][here], -limit
            is_good, reached, reached_loss = value <= limit, packs, loss
        self._finish(here[is_good], reached[is_good], reached_loss[is_good])
        on = here
        a["packs"][on] = packs
        a["last_loss"][on] = loss
        a["next"][on] += a["pack"][on]

    def climb(self, level: int) -> None:
        """Go from ``level`` to the next one."""
        a = self.active
        if self.num_left < _REPACK * self.is_left.size:
            keep = np.flatnonzero(self.is_left)
            for name in a:
                a[name] = a[name][keep]
            self.is_left = np.ones(keep.size, dtype=np.bool_)
        a["loss"] -= 1.0 - a["cdf"]
        a["probability"] *= (a["add"] + a["multiply"] * level) / (level + 1.0)
        a["cdf"] += a["probability"]

    def _judge_gain(self, here: IntArray, loss: FloatArray, packs: IntArray) -> BoolArray:
        """Whether the step just made does not pay, so that the level before it was the best."""
        a = self.active
        pack = a["pack"][here]
        gain = a["pay"][here] * (a["last_loss"][here] - loss) / pack - a["held"][here]
        is_step = packs > 0
        is_good = is_step & (gain <= 0)
        if self.width:
            is_full = packs > self.width
            kept = is_step & ~is_good & ~is_full
            self.records.append((a["place"][here[kept]], packs[kept] - 1, gain[kept]))
            self._drop(here[is_full & ~is_good])
        return np.asarray(is_good)

    def _finish(self, which: IntArray, packs: IntArray, loss: FloatArray) -> None:
        place = self.active["place"][which]
        fresh = self.is_left[which]
        place = place[fresh]
        self.packs[place] = packs[fresh]
        self.level_loss[place] = loss[fresh]
        self.is_done[place] = True
        self._drop(which)

    def _drop(self, which: IntArray) -> None:
        self.num_left -= int(np.count_nonzero(self.is_left[which]))
        self.is_left[which] = False
        # No level is ever theirs again.
        self.active["next"][which] = -(2**60)


def _panjer(demand: Demand) -> tuple[FloatArray, FloatArray, FloatArray]:
    """P(D = 0), and a, b of ``P(D = n + 1) = P(D = n) (a + b n) / (n + 1)``.

    The class of laws with such a recursion is Panjer's (ASTIN Bulletin 12, 1981).
    """
    mean, variance = demand.mean_units, demand.true_variance
    is_poisson = demand.is_counted_as_poisson | (mean <= 0)
    v = np.where(is_poisson, 2.0, variance)
    m = np.where(is_poisson, 1.0, mean)
    exponent, failure = m * m / (v - m), (v - m) / v
    with np.errstate(under="ignore"):
        chance = np.exp(np.where(is_poisson, -mean, exponent * np.log(m / v)))
        add = np.where(is_poisson, mean, m * m / v)
    return chance, add, np.where(is_poisson, 0.0, failure)
