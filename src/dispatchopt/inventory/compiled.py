"""The walk of ``walk`` compiled, for a hundred thousand pairs and more. Import it only then."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.compiled import compiled

#: Rules by number: what ends the climb of a pair.
CRITICAL_RATIO, FILL_RATE, CYCLE_SERVICE = 0, 1, 2


#: What to do at a level: climb on, take the level before, take this one, leave the pair.
_GO_ON, _BEFORE, _HERE, _LEAVE = 0, 1, 2, 3


@compiled()
def _verdict(task: tuple[int, int, int], steps: int, gain: float, short: float) -> int:
    """What to do at a level; ``short`` is what lacks to the target of the rule."""
    if task[0] != CRITICAL_RATIO:
        return _HERE if short <= 0 else _GO_ON
    if steps == 0:
        return _GO_ON
    if gain <= 0:
        return _BEFORE
    return _LEAVE if 0 < task[2] < steps else _GO_ON


@compiled()
def climb(
    task: tuple[int, int, int],
    law: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    grid: tuple[IntArray, IntArray],
    pays: tuple[FloatArray, FloatArray],
    out: tuple[IntArray, FloatArray, FloatArray],
) -> Any:
    """Climb from level 0 with each pair until its level is good; the sums are those of ``walk``.

    Parameters
    ----------
    task
        Rule, levels looked at, and steps per pair that are recorded (0: none, and no limit).
    law
        Mean, chance of no demand, and the two factors of the recursion, each (n,).
    grid
        Lowest level and units per step, each (n,).
    pays
        Limit of the rule, and holding cost, each (n,).
    out
        Receives: steps above the lowest level, or -1 for pairs left unfinished, (n,); the loss at
        the lowest level and at the level found, (2, n); the savings of the steps of finished pairs.

    Returns
    -------
    int
        Number of savings written.
    """
    rule, most, width = task
    mean, chance, add, multiply = law
    packs, losses, gains = out
    filled = 0
    for n in range(mean.size):
        probability, cdf, loss, last = chance[n], chance[n], mean[n], 0.0
        pack, limit = grid[1][n], pays[0][n]
        wanted, steps, begun = grid[0][n], -1, filled
        packs[n] = -1
        for level in range(most):
            if level == wanted:
                steps += 1
                wanted += pack
                if steps == 0:
                    losses[0, n] = loss
                gain = limit * (last - loss) / pack - pays[1][n]
                short = loss - limit if rule == FILL_RATE else limit - cdf
                verdict = _verdict(task, steps, gain, short)
                if verdict != _GO_ON:
                    if verdict != _LEAVE:
                        packs[n] = steps if verdict == _HERE else steps - 1
                        losses[1, n] = loss if verdict == _HERE else last
                    break
                if width > 0 and steps > 0:
                    gains[filled] = gain
                    filled += 1
                last = loss
            loss -= 1.0 - cdf
            probability *= (add[n] + multiply[n] * level) / (level + 1.0)
            cdf += probability
        if packs[n] < 0:
            filled = begun
    return filled


def room_for_gains(count: int, width: int) -> FloatArray:
    """Return a buffer for the savings of ``count`` pairs; memory is used only where written."""
    return np.empty(max(1, count * width))
