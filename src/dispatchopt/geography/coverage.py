"""Which customer is within reach of which site."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import IntArray, set_frozen


@dataclass(frozen=True, kw_only=True, eq=False)
class Coverage:
    """Pairs of site and customer within reach, sorted by site and then by customer (CSR).

    Parameters
    ----------
    indptr
        int64, shape (num_sites + 1,): pairs of site i are ``indptr[i]:indptr[i + 1]``.
    customer_idx
        int64, shape (num_pairs,).
    distance_m
        int64, shape (num_pairs,): from site to customer, at most the cut-off.
    num_customers
        Number of customers, covered or not.
    cutoff_m
        The reach that was asked for.

    Raises
    ------
    ValueError
        If the arrays do not fit together.
    """

    indptr: IntArray
    customer_idx: IntArray
    distance_m: IntArray
    num_customers: int
    cutoff_m: int

    def __post_init__(self) -> None:
        for name in ("indptr", "customer_idx", "distance_m"):
            set_frozen(self, name, np.int64)
        pairs = len(self.customer_idx)
        if len(self.indptr) == 0 or self.indptr[0] != 0 or self.indptr[-1] != pairs:
            raise ValueError(f"indptr must run from 0 to the number of pairs ({pairs})")
        if (np.diff(self.indptr) < 0).any() or len(self.distance_m) != pairs:
            raise ValueError("indptr must not fall, and every pair needs a distance")
        if pairs:
            rises = self.customer_idx[1:] > self.customer_idx[:-1]
            first = self.indptr[:-1][np.diff(self.indptr) > 0]
            # Inside a row the customers must rise strictly; at the start of a row they may fall.
            rises[first[1:] - 1] = True
            if not rises.all():
                raise ValueError("customers of a site must be sorted and listed once")
            # So the ends of the rows hold the least and the largest.
            last = np.append(first[1:], pairs) - 1
            least, largest = self.customer_idx[first].min(), self.customer_idx[last].max()
            if least < 0 or largest >= self.num_customers:
                raise ValueError(f"customer_idx must lie in [0, {self.num_customers})")

    @property
    def num_sites(self) -> int:
        """Number of sites, with or without a customer in reach."""
        return len(self.indptr) - 1

    @property
    def num_pairs(self) -> int:
        """Number of pairs within reach."""
        return len(self.customer_idx)

    @property
    def site_idx(self) -> IntArray:
        """Site of each pair, shape (num_pairs,)."""
        rows: IntArray = np.repeat(np.arange(self.num_sites), np.diff(self.indptr))
        return rows

    @staticmethod
    def from_pairs(
        *,
        site_idx: IntArray,
        customer_idx: IntArray,
        distance_m: IntArray,
        num_sites: int,
        num_customers: int,
        cutoff_m: int,
    ) -> Coverage:
        """Build from pairs in any order; of a repeated pair the least distance counts."""
        site, customer, distance = _sorted(
            np.asarray(site_idx, dtype=np.int64),
            np.asarray(customer_idx, dtype=np.int64),
            np.asarray(distance_m, dtype=np.int64),
            num_sites,
            num_customers,
        )
        first = np.ones(len(site), dtype=bool)
        first[1:] = (np.diff(site) != 0) | (np.diff(customer) != 0)
        counts = np.bincount(site[first], minlength=num_sites)
        return Coverage(
            indptr=np.concatenate([[0], np.cumsum(counts)]),
            customer_idx=customer[first],
            distance_m=distance[first],
            num_customers=num_customers,
            cutoff_m=cutoff_m,
        )


def _sorted(
    site: IntArray, customer: IntArray, distance: IntArray, num_sites: int, num_customers: int
) -> tuple[IntArray, IntArray, IntArray]:
    """Return pairs sorted by site, customer and distance."""
    if len(site) == 0:
        return site, customer, distance
    span = int(distance.max()) + 1
    is_plain = min(site.min(), customer.min(), distance.min()) >= 0
    if not is_plain or num_sites * num_customers * span >= 2**63:
        order = np.lexsort((distance, customer, site))
        return site[order], customer[order], distance[order]
    # One number per pair sorts several times faster than three columns.
    key = np.sort((site * num_customers + customer) * span + distance)
    key, distance = np.divmod(key, span)
    site, customer = np.divmod(key, num_customers)
    return site, customer, distance
