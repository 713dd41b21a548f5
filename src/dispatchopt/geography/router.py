"""The one question that all domains ask of the ground: how far, how long, which way."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.geography.coverage import Coverage
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.geography.points import Points


@runtime_checkable
class Travel(Protocol):
    """Travel among a fixed set of places, asked by their indices.

    It stands for a matrix that may be too large to hold: rows are computed when first needed.
    """

    @property
    def num_places(self) -> int:
        """Number of places n; indices lie in [0, n)."""

    def block(self, origins: IntArray, targets: IntArray) -> TravelMatrix:
        """Return travel from every origin to every target, shape (len(origins), len(targets))."""

    def pairs(self, origins: IntArray, targets: IntArray) -> tuple[IntArray, IntArray]:
        """Return distance (m) and free-flow duration (s) of each pair, shape (len(origins),)."""

    def slowdown(self, second: int) -> float:
        """Return the factor on durations for a departure at a second of the day; > 0."""


@runtime_checkable
class Router(Protocol):
    """A way of measuring travel for one vehicle profile."""

    @property
    def source(self) -> str:
        """What the figures rest on, such as ``road``."""

    def matrix(self, origins: Points, targets: Points) -> TravelMatrix:
        """Return travel from every origin to every target."""

    def within(self, sites: Points, customers: Points, cutoff_m: int) -> Coverage:
        """Return which customers are at most ``cutoff_m`` metres of travel from which site."""

    def path(self, origin: Points, target: Points) -> FloatArray | None:
        """Return the way from one place to one other as (k, 2) lon, lat; None if there is none."""

    def travel(self, places: Points) -> Travel:
        """Return travel among places, for callers that ask for few of the n x n pairs."""

    def service_area(self, site: Points, cutoff_m: int) -> object:
        """Return the shapely (multi)polygon in WGS84 of what a site reaches within a cut-off."""
