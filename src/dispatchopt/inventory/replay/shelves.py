"""Stock by remaining life."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.inventory.replay.policy import Transfers
from dispatchopt.inventory.replay.problem import IssueRule, ReplayProblem


class Shelves:
    """Stock of all pairs, and the ages of the SKUs that expire.

    ``layers[r]`` holds units of the SKUs ``fresh`` that can be sold today and on r more days.
    """

    def __init__(self, problem: ReplayProblem) -> None:
        life = problem.life_days
        self.stock = np.zeros(problem.shape)
        self.fresh = np.flatnonzero(life > 0)
        self.life = life[self.fresh]
        self.is_fifo = problem.issue is IssueRule.FIFO
        depth = int(self.life.max(initial=0))
        self.layers = np.zeros((depth, problem.num_stores, self.fresh.size))
        self.column = np.full(problem.num_skus, -1)
        self.column[self.fresh] = np.arange(self.fresh.size)

    def receive(self, units: FloatArray) -> None:
        """Put fresh units on the shelves, (S, K)."""
        self.stock += units
        for life in np.unique(self.life):
            columns = np.flatnonzero(self.life == life)
            self.layers[life - 1][:, columns] += units[:, self.fresh[columns]]

    def take(self, units: FloatArray, stores: slice = slice(None)) -> None:
        """Take units that are there off the shelves of some stores."""
        self.stock[stores] -= units
        if not self.fresh.size:
            return
        left = units[:, self.fresh]
        depth = len(self.layers)
        for at in range(depth) if self.is_fifo else range(depth - 1, -1, -1):
            layer = self.layers[at, stores]
            used = np.minimum(layer, left)
            layer -= used
            left -= used

    def age(self) -> FloatArray | None:
        """End the day; return what expires, (S, number of ``fresh``), None without shelf lives."""
        if not self.fresh.size:
            return None
        wasted: FloatArray = self.layers[0].copy()
        self.layers[:-1] = self.layers[1:]
        self.layers[-1] = 0.0
        self.stock[:, self.fresh] = self.layers.sum(axis=0)
        return wasted

    def oldest(self) -> FloatArray | None:
        """Units on their last day tomorrow, (S, K); None without shelf lives."""
        if not self.fresh.size:
            return None
        table = np.zeros(self.stock.shape)
        table[:, self.fresh] = self.layers[0]
        return table

    def move(self, moves: Transfers) -> None:
        """Carry units between stores; of what expires, those that live longest go."""
        np.subtract.at(self.stock, (moves.origin, moves.sku), moves.units)
        np.add.at(self.stock, (moves.target, moves.sku), moves.units)
        for at in np.flatnonzero(self.column[moves.sku] >= 0).tolist():
            column, left = self.column[moves.sku[at]], float(moves.units[at])
            for layer in self.layers[::-1]:
                used = min(float(layer[moves.origin[at], column]), left)
                layer[moves.origin[at], column] -= used
                layer[moves.target[at], column] += used
                left -= used
