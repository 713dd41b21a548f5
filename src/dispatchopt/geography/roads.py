"""Travel on a road network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.geography.coverage import Coverage
from dispatchopt.geography.graph import (
    NO_WAY,
    Graph,
    VehicleGraph,
    shortest_table,
    vehicle_graph,
)
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points
from dispatchopt.geography.profiles import E_BIKE, Profile
from dispatchopt.geography.reach import Layout
from dispatchopt.geography.road_coverage import road_coverage
from dispatchopt.geography.snapping import Far, Snapped, Snapper


@dataclass(frozen=True, kw_only=True, eq=False)
class RoadRouter:
    """Travel of one vehicle on a road network.

    The distance of a pair is the length of the shortest way, its duration the time of the
    fastest way; where the vehicle has one speed on all roads the two are one way. Each place
    joins the network at its nearest usable node, and the straight line to it counts at both
    ends, at the profile's access speed. Two places at one node are joined by the straight line.
    Every figure is rounded half up to a whole metre or second once, at the end.

    Parameters
    ----------
    network
        The roads.
    profile
        The vehicle; decides which arcs may be used, in which direction and how fast.
    snap_limit_m
        Places farther than this from the nearest usable node are far, > 0.
    far
        ``error``: far places raise an ``InputError`` that lists them all. ``unreachable``: they
        have no way to anywhere, not even to themselves.
    snap_to
        ``largest``: nodes of the largest strongly connected component, so that every snapped
        pair has a way there and back. ``all``: any node with a usable arc.
    cache_mb
        Memory that one ``travel`` may use for rows, in megabytes, > 0.
    """

    network: Network
    profile: Profile = E_BIKE
    snap_limit_m: float = 500.0
    far: Far = "error"
    snap_to: Literal["largest", "all"] = "largest"
    cache_mb: float = 512.0

    def __post_init__(self) -> None:
        if not self.snap_limit_m > 0 or not self.cache_mb > 0:
            raise ValueError("snap_limit_m and cache_mb must be > 0")
        if self.profile.is_straight:
            raise ValueError(
                f"the profile {self.profile.name!r} does not use roads; take a StraightRouter"
            )

    @property
    def source(self) -> str:
        """``road``."""
        return "road"

    @cached_property
    def graph(self) -> VehicleGraph:
        """What the vehicle can use of the network."""
        return vehicle_graph(self.network, self.profile)

    @cached_property
    def snapper(self) -> Snapper:
        """Finds where places meet the network."""
        component = self.graph.component
        allowed = component == 0 if self.snap_to == "largest" else component >= 0
        return Snapper(
            network=self.network, is_allowed=allowed, limit_m=self.snap_limit_m, far=self.far
        )

    @cached_property
    def _layout(self) -> Layout:
        return Layout(graph=self.graph.metres, flat_m=self.network.flat_m)

    def access_cs(self, access_cm: IntArray) -> IntArray:
        """Return the time of access ways in 1/100 s."""
        time: IntArray = np.rint(access_cm / self.profile.access_speed_m_s).astype(np.int64)
        return time

    def road_cs(self, road_cm: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the time on the road in 1/100 s where one speed holds on all arcs."""
        time = np.minimum(np.rint(road_cm / self.graph.speed_m_s), NO_WAY).astype(np.int32)
        time[road_cm == NO_WAY] = NO_WAY
        return time

    def matrix(self, origins: Points, targets: Points) -> TravelMatrix:
        """Return travel from every origin to every target.

        Raises
        ------
        InputError
            If places are far from the network and ``far`` is ``error``.
        """
        here = self.snapper(origins, "origins")
        there = self.snapper(targets, "targets")
        metres = shortest_table(self.graph.metres, here.node, there.node)
        if self.graph.seconds is None:
            seconds = self.road_cs(metres)
        else:
            seconds = shortest_table(self.graph.seconds, here.node, there.node)
        shape = metres.shape
        rows, cols = np.indices(shape, sparse=True)
        joined = join(
            self,
            here,
            there,
            (np.broadcast_to(rows, shape), np.broadcast_to(cols, shape)),
            (metres, seconds),
        )
        return TravelMatrix(
            distance_m=joined[0],
            duration_s=joined[1],
            source=self.source,
            profile=self.profile.name,
        )

    def within(self, sites: Points, customers: Points, cutoff_m: int) -> Coverage:
        """Return the customers whose distance, in whole metres, is at most ``cutoff_m``.

        A pair is in reach exactly where ``matrix`` gives a distance of at most the cut-off.

        Raises
        ------
        InputError
            If places are far from the network and ``far`` is ``error``.
        """
        here = self.snapper(sites, "sites")
        return road_coverage(
            self._layout,
            here,
            self.snapper.search(customers, "customers"),
            cutoff_m,
        )

    def path(self, origin: Points, target: Points) -> FloatArray | None:
        """Return the fastest way as (k, 2) lon, lat with both places; None if there is none."""
        from dispatchopt.geography.road_path import road_path

        return road_path(self, origin, target)

    def travel(self, places: Points) -> Any:
        """Return travel among places; rows are computed when first asked for and kept."""
        from dispatchopt.geography.road_travel import RoadTravel

        return RoadTravel(self, places)

    def service_area(self, site: Points, cutoff_m: int) -> object:
        """Return the shapely (multi)polygon in WGS84 around all roads within the cut-off."""
        from dispatchopt.geography.service_area import road_service_area

        return road_service_area(self, site, cutoff_m)

    def fastest_graph(self) -> Graph:
        """Return the graph by which ways are chosen: seconds, or metres at one speed."""
        return self.graph.seconds or self.graph.metres


def join(
    router: RoadRouter,
    here: Snapped,
    there: Snapped,
    idx: tuple[IntArray, IntArray],
    road: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]],
) -> tuple[IntArray, IntArray]:
    """Add the access ways to ways between nodes, in whole metres and seconds.

    Parameters
    ----------
    router
        Gives the access speed.
    here, there
        Origins and targets.
    idx
        Index of origin and of target of each pair, any shape.
    road
        Hundredths of metres and of seconds between their nodes, same shape, ``NO_WAY`` if none.
    """
    origin, target = idx
    no_way: BoolArray = (road[0] == NO_WAY) | (here.node[origin] < 0) | (there.node[target] < 0)
    metres = road[0].astype(np.int64) + here.access_cm[origin] + there.access_cm[target]
    seconds = road[1].astype(np.int64)
    seconds += router.access_cs(here.access_cm)[origin]
    seconds += router.access_cs(there.access_cm)[target]
    same = np.nonzero((here.node[origin] == there.node[target]) & ~no_way)
    straight = here.straight_cm(origin[same], there, target[same])
    metres[same] = np.minimum(metres[same], straight)
    seconds[same] = np.minimum(seconds[same], router.access_cs(straight))
    return _finished(metres, no_way), _finished(seconds, no_way)


def _finished(hundredths: IntArray, no_way: BoolArray) -> IntArray:
    """Turn hundredths into whole units, rounding half up; changes the array in place."""
    hundredths += 50
    hundredths //= 100
    hundredths[no_way] = UNREACHABLE
    hundredths.setflags(write=False)
    return hundredths
