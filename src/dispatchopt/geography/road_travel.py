"""Travel among many places on the road, row by row, computed when first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.geography.graph import NO_WAY, Graph, rows_at_once, shortest, to_hundredths
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.geography.points import Points
from dispatchopt.geography.snapping import Snapped

if TYPE_CHECKING:
    from dispatchopt.geography.roads import RoadRouter

#: The first search around an origin goes this many times as far as the straight line to the
#: farthest target asked for; pairs it does not find are searched for without a limit.
_FIRST_REACH = 1.6
_SLACK = 300.0


class RoadTravel:
    """Travel among places on the road.

    Rows are kept per node, not per place, up to the router's ``cache_mb``; the oldest go first.
    A row is first searched only as far as the targets asked for make likely, and again without
    a limit if a target was not found, so figures are those of ``RoadRouter.matrix``, always.
    """

    def __init__(self, router: RoadRouter, places: Points) -> None:
        self.places = places
        self._router = router
        self._snapped: Snapped = router.snapper(places, "places")
        self._nodes, node_of = np.unique(self._snapped.node, return_inverse=True)
        self._column: IntArray = node_of.astype(np.int64)
        graph = router.graph
        budget = int(router.cache_mb * 1e6) // (1 if graph.seconds is None else 2)
        self._metres = _Rows(graph.metres, self._nodes, budget)
        self._seconds = None
        if graph.seconds is not None:
            self._seconds = _Rows(graph.seconds, self._nodes, budget)

    @property
    def num_places(self) -> int:
        """Number of places."""
        return len(self.places)

    def slowdown(self, second: int) -> float:
        """Return the factor on durations for a departure at a second of the day."""
        return self._router.profile.slowdown(second)

    def pairs(self, origins: IntArray, targets: IntArray) -> tuple[IntArray, IntArray]:
        """Return distance (m) and free-flow duration (s) of each pair, shape (n,).

        Raises
        ------
        ValueError
            If the two differ in shape.
        """
        from dispatchopt.geography.roads import join

        origins = np.asarray(origins, dtype=np.int64).ravel()
        targets = np.asarray(targets, dtype=np.int64).ravel()
        if origins.shape != targets.shape:
            raise ValueError(f"{len(origins)} origins and {len(targets)} targets are not pairs")
        here = self._snapped
        rows, cols = self._column[origins], self._column[targets]
        reach_m = here.straight_cm(origins, here, targets) / 100 * _FIRST_REACH + _SLACK
        metres = self._metres.pairs(rows, cols, reach_m)
        if self._seconds is None:
            seconds = self._router.road_cs(metres)
        else:
            seconds = self._seconds.pairs(rows, cols, reach_m / self._router.graph.speed_m_s)
        return join(self._router, here, here, (origins, targets), (metres, seconds))

    def block(self, origins: IntArray, targets: IntArray) -> TravelMatrix:
        """Return travel from every origin to every target, by index."""
        origins = np.asarray(origins, dtype=np.int64).ravel()
        targets = np.asarray(targets, dtype=np.int64).ravel()
        shape = (len(origins), len(targets))
        distance, duration = self.pairs(
            np.repeat(origins, len(targets)), np.tile(targets, len(origins))
        )
        return TravelMatrix(
            distance_m=distance.reshape(shape),
            duration_s=duration.reshape(shape),
            source=self._router.source,
            profile=self._router.profile.name,
        )


class _Rows:
    """Least weights between the nodes of interest, in hundredths, a bounded number of rows."""

    def __init__(self, graph: Graph, nodes: IntArray, budget_bytes: int) -> None:
        self._graph = graph
        self._nodes = nodes
        size = len(nodes)
        self._capacity = max(1, min(size, budget_bytes // max(1, 4 * size)))
        # Pages of an empty array are taken from the system only when a row is written.
        self._store = np.empty((self._capacity, size), dtype=np.int32)
        self._slot = np.full(size, -1, dtype=np.int64)
        self._owner = np.full(self._capacity, -1, dtype=np.int64)
        self._known: FloatArray = np.full(size, -1.0)
        self._next = 0

    def pairs(
        self, rows: IntArray, cols: IntArray, reach: FloatArray
    ) -> np.ndarray[Any, np.dtype[np.int32]]:
        """Return the weights of pairs; ``reach`` is how far each pair is likely to be apart."""
        if len(rows) and self._nodes[0] >= 0 and (self._known[rows] >= reach).all():
            # What dispatchers ask every few seconds: some pairs of rows that are held already.
            found = self._store[self._slot[rows], cols]
            self._look_again(found, np.flatnonzero(found == NO_WAY), rows, cols)
            return found
        found = np.full(len(rows), NO_WAY, dtype=np.int32)
        if len(rows) == 0:
            return found
        need = np.zeros(len(self._nodes))
        np.maximum.at(need, rows, reach)
        distinct = np.unique(rows[(self._nodes[rows] >= 0) & (self._nodes[cols] >= 0)])
        if len(distinct) <= self._capacity:
            self._fill(distinct, need)
            mask = self._nodes[rows] >= 0
            self._read(found, np.flatnonzero(mask & np.isin(rows, distinct)), rows, cols)
            return found
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        for first in range(0, len(distinct), self._capacity):
            part = distinct[first : first + self._capacity]
            self._fill(part, need)
            low, high = np.searchsorted(ordered, [part[0], part[-1] + 1])
            own = order[low:high]
            self._read(found, own[np.isin(rows[own], part)], rows, cols)
        return found

    def _read(
        self,
        found: np.ndarray[Any, np.dtype[np.int32]],
        own: IntArray,
        rows: IntArray,
        cols: IntArray,
    ) -> None:
        """Read pairs of rows that are all held; search again, without limit, what is missing."""
        found[own] = self._store[self._slot[rows[own]], cols[own]]
        missing = own[(found[own] == NO_WAY) & (self._nodes[cols[own]] >= 0)]
        self._look_again(found, missing, rows, cols)

    def _look_again(
        self,
        found: np.ndarray[Any, np.dtype[np.int32]],
        missing: IntArray,
        rows: IntArray,
        cols: IntArray,
    ) -> None:
        """Search without a limit for pairs not found, where that was not done before."""
        missing = missing[np.isfinite(self._known[rows[missing]])]
        if len(missing):
            again = np.unique(rows[missing])
            self._search(again, np.inf, self._slot[again])
            found[missing] = self._store[self._slot[rows[missing]], cols[missing]]

    def _fill(self, distinct: IntArray, need: FloatArray) -> None:
        """Make sure that rows are held, at least as far as needed."""
        lacking = distinct[self._known[distinct] < need[distinct]]
        if len(lacking) == 0:
            return
        new = lacking[self._slot[lacking] < 0]
        if len(new):
            self._slot[new] = self._take_slots(len(new), distinct)
            self._owner[self._slot[new]] = new
        # Rows that need a like reach are searched together.
        lacking = lacking[np.argsort(need[lacking], kind="stable")]
        step = min(64, rows_at_once(self._graph.csr.shape[0]))
        for first in range(0, len(lacking), step):
            part = lacking[first : first + step]
            self._search(part, float(need[part].max()), self._slot[part])

    def _take_slots(self, count: int, in_use: IntArray) -> IntArray:
        """Return slots to write to, the oldest first, none of them of a row in use."""
        is_free = np.ones(self._capacity, dtype=bool)
        held = self._slot[in_use]
        is_free[held[held >= 0]] = False
        around = (np.arange(self._capacity) + self._next) % self._capacity
        slots: IntArray = around[is_free[around]][:count]
        self._next = int((slots[-1] + 1) % self._capacity)
        losers = self._owner[slots]
        losers = losers[losers >= 0]
        self._slot[losers] = -1
        self._known[losers] = -1.0
        return slots

    def _search(self, rows: IntArray, limit: float, slots: IntArray) -> None:
        step = rows_at_once(self._graph.csr.shape[0])
        for first in range(0, len(rows), step):
            part = slice(first, first + step)
            dense = shortest(self._graph.csr, self._nodes[rows[part]], limit=limit)
            self._store[slots[part]] = to_hundredths(dense[:, self._clip()])
            self._known[rows[part]] = limit
        if len(self._nodes) and self._nodes[0] < 0:
            self._store[slots, 0] = NO_WAY

    def _clip(self) -> IntArray:
        return np.maximum(self._nodes, 0)
