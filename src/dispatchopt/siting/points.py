"""Tens of millions of customers in a plane, merged by who reaches them before pairs are listed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray, set_frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting.discs import Grid, distances, ends, grid_of
from dispatchopt.siting.hashing import first_of_each, mix
from dispatchopt.siting.problem import SitingGoal, SitingProblem

#: Customers that are worked on at once: their temporary arrays stay in the processor's cache.
_CHUNK = 131_072


@dataclass(frozen=True, kw_only=True, eq=False)
class PointGround:
    """Sites and customers as points of a plane; a site serves whom it has within reach.

    Customers within reach of the same sites are one customer of ``problem``. They are told apart
    by a grid: a cell that no circle around a site cuts holds customers of one kind, and only those
    in cut cells are measured, against the few circles that cut theirs. Time and memory therefore
    do not grow with the number of pairs.

    Parameters
    ----------
    site_xy
        Coordinates of sites, float64, shape (m, 2), in any one unit of length, such as projected
        metres.
    customer_xy
        Coordinates of customers, float64, shape (n, 2), in the same unit.
    demand_units
        int64, shape (n,), >= 0.
    reach
        Radius in the same unit, > 0.
    is_strict
        Whether a customer exactly as far away as the reach is out of it. Whole metres, rounded, of
        at most 3000 are a strict reach of 3000.5.

    Raises
    ------
    InputError
        Listing every field that does not fit.
    """

    site_xy: FloatArray
    customer_xy: FloatArray
    demand_units: IntArray
    reach: float
    is_strict: bool = False
    _issues: list[Issue] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        issues = self._issues
        for name, dtype in (
            ("site_xy", np.float64),
            ("customer_xy", np.float64),
            ("demand_units", np.int64),
        ):
            try:
                set_frozen(self, name, dtype)
            except (ValueError, TypeError, OverflowError) as error:
                issues.append(_issue("not-a-number", name, str(error), "an array of numbers"))
        if not issues:
            issues += self._wrong_shapes() or self._wrong_values()
        if not (isinstance(self.reach, int | float) and 0 < self.reach < float("inf")):
            issues.append(_issue("bad-value", "reach", self.reach, "a length > 0"))
        if issues:
            raise InputError(issues)

    def _wrong_shapes(self) -> list[Issue]:
        issues = []
        for name in ("site_xy", "customer_xy"):
            shape = getattr(self, name).shape
            if len(shape) != 2 or shape[1] != 2:
                issues.append(_issue("wrong-shape", name, shape, "an array of shape (number, 2)"))
        wanted = (len(self.customer_xy),)
        if self.demand_units.shape != wanted:
            found = self.demand_units.shape
            issues.append(_issue("wrong-shape", "demand_units", found, f"shape {wanted}"))
        return issues

    def _wrong_values(self) -> list[Issue]:
        issues = []
        for name in ("site_xy", "customer_xy"):
            found = np.concatenate(ends(getattr(self, name)))
            # A NaN anywhere is the least and the greatest.
            if not (np.abs(found) < 1e12).all():
                issues.append(_issue("bad-value", name, found.tolist(), "finite, below 1e12"))
        if len(self.demand_units) and int(self.demand_units.min()) < 0:
            issues.append(_issue("bad-value", "demand_units", self.demand_units.min(), ">= 0"))
        return issues

    @property
    def num_sites(self) -> int:
        """Number of sites m."""
        return len(self.site_xy)

    @property
    def num_customers(self) -> int:
        """Number of customers n."""
        return len(self.customer_xy)

    def problem(self, *, goal: SitingGoal | str, **fields: Any) -> SitingProblem:
        """Return the siting problem on merged customers.

        Distances in it are those of a place near customers of the kind, in whole units of length,
        so that only goals that do not count distance are taken.

        Parameters
        ----------
        goal
            ``cover-all`` or ``max-coverage``.
        fields
            Further fields of ``SitingProblem``; those per customer are not taken.
        """
        allowed = (SitingGoal.COVER_ALL, SitingGoal.MAX_COVERAGE)
        if goal not in allowed:
            wanted = " or ".join(allowed)
            raise InputError(_issue("unknown-goal", "goal", goal, wanted, "others count distance"))
        coverage, units, _ = self._merged
        return SitingProblem(goal=SitingGoal(goal), coverage=coverage, demand_units=units, **fields)

    def kinds(self) -> IntArray:
        """Return which customer of ``problem`` each customer is, int64, shape (n,).

        -1 for customers without demand where no other customer is of their kind.
        """
        _, _, kind_of = self._merged
        grid = self._grid
        if grid is None:
            return kind_of
        kinds = np.empty(self.num_customers, dtype=np.int64)
        for part in self._parts():
            kinds[part] = kind_of[grid.codes(self.customer_xy[part])]
        return kinds

    def assignment(self, open_sites: IntArray) -> IntArray:
        """Return the nearest open site within reach of each customer, -1 without one, shape (n,).

        Of equally near ones that of the lowest index.
        """
        chosen = np.sort(np.asarray(open_sites, dtype=np.int64))
        served = np.full(self.num_customers, -1, dtype=np.int64)
        for part in self._parts():
            xy = self.customer_xy[part]
            best = np.full(len(xy), np.inf)
            found = served[part]
            for site in chosen:
                apart, inside = distances(xy, self.site_xy[site], self.reach, self.is_strict)
                nearer = inside & (apart < best)
                best[nearer] = apart[nearer]
                found[nearer] = site
        return served

    def unserved_units(self, open_sites: IntArray) -> int:
        """Return the demand that no open site has within reach, measured customer by customer."""
        missed = 0
        for part in self._parts():
            xy = self.customer_xy[part]
            is_served = np.zeros(len(xy), dtype=bool)
            for site in np.asarray(open_sites, dtype=np.int64):
                is_served |= distances(xy, self.site_xy[site], self.reach, self.is_strict)[1]
            missed += int(self.demand_units[part][~is_served].sum())
        return missed

    def _parts(self) -> Iterator[slice]:
        return (slice(first, first + _CHUNK) for first in range(0, self.num_customers, _CHUNK))

    @cached_property
    def _grid(self) -> Grid | None:
        return grid_of(self.site_xy, self.customer_xy, self.reach, self.is_strict)

    @cached_property
    def _merged(self) -> tuple[Coverage, IntArray, IntArray]:
        """Coverage of the kinds of customers, their demand, and the kind of each code.

        Where there is no grid, of each customer.
        """
        grid = self._grid
        if grid is None:
            return self._measured()
        units = np.zeros(grid.num_codes, dtype=np.int64)
        for part in self._parts():
            np.add.at(units, grid.codes(self.customer_xy[part]), self.demand_units[part])
        used = np.flatnonzero(units)
        first, kind = grid.kinds(used)
        kind_of_code = np.full(grid.num_codes, -1, dtype=np.int64)
        kind_of_code[used] = kind
        total = np.zeros(len(first), dtype=np.int64)
        np.add.at(total, kind, units[used])
        return self._coverage(grid.reached(used[first]), len(first)), total, kind_of_code

    def _measured(self) -> tuple[Coverage, IntArray, IntArray]:
        """Merge customers after measuring each from every site."""
        hashes = [np.zeros(self.num_customers, dtype=np.uint64) for _ in range(2)]
        keys = [mix(np.arange(self.num_sites), salt) for salt in (1, 3)]
        for part in self._parts():
            xy = self.customer_xy[part]
            for site, centre in enumerate(self.site_xy):
                inside = distances(xy, centre, self.reach, self.is_strict)[1]
                for hashed, key in zip(hashes, keys, strict=True):
                    hashed[part][inside] ^= key[site]
        used = np.flatnonzero(self.demand_units)
        first, kind = first_of_each(hashes[0][used], hashes[1][used])
        kinds = np.full(self.num_customers, -1, dtype=np.int64)
        kinds[used] = kind
        total = np.zeros(len(first), dtype=np.int64)
        np.add.at(total, kind, self.demand_units[used])
        members = self.customer_xy[used[first]]
        measured = [distances(members, at, self.reach, self.is_strict) for at in self.site_xy]
        rows = [np.flatnonzero(inside) for _, inside in measured]
        apart = [np.sqrt(away[row]) for (away, _), row in zip(measured, rows, strict=True)]
        indptr = np.cumsum([0, *(len(row) for row in rows)])
        none = np.zeros(0)
        reached = (
            indptr,
            np.concatenate([none.astype(np.int64), *rows]),
            np.concatenate([none, *apart]),
        )
        return self._coverage(reached, len(first)), total, kinds

    def _coverage(self, reached: tuple[IntArray, IntArray, FloatArray], num_kinds: int) -> Coverage:
        indptr, customer, apart = reached
        return Coverage(
            indptr=indptr,
            customer_idx=customer,
            distance_m=np.floor(np.minimum(apart, self.reach)).astype(np.int64),
            num_customers=num_kinds,
            cutoff_m=math.ceil(self.reach),
        )


def _issue(code: str, where: str, found: object, wanted: str, hint: str = "") -> Issue:
    shown = found if isinstance(found, str) else repr(found)
    return Issue(code=code, where=where, found=shown[:80], wanted=wanted, hint=hint)
