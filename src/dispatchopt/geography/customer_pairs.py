"""Pairs of site and customer from what sites reach by road, compiled. Import it for many only.

It does what ``road_coverage`` does in short array operations, in two passes over the customers:
the first counts the pairs of each site, the second writes them where they belong. Customers are
taken in order, so the pairs of a site come out sorted without being sorted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.compiled import compiled
from dispatchopt.geography.distance import MEAN_RADIUS_M
from dispatchopt.geography.snapping import Snapped


def pairs_by_site(
    by_site: tuple[Any, Any, Any],
    num_nodes: int,
    sites: Snapped,
    customers: Snapped,
    cutoff_m: int,
) -> tuple[IntArray, IntArray, IntArray]:
    """Return the pairs within a cut-off as CSR over sites.

    Parameters
    ----------
    by_site
        ``indptr`` (num_sites + 1,), node and cm of all that a site reaches, its access included;
        ``~cm`` at the node where the site itself meets the network.
    num_nodes
        Number of nodes.
    sites, customers
        Where they meet the network.
    cutoff_m
        Metres, compared with the length rounded half up to whole metres.

    Returns
    -------
    tuple
        ``indptr``, customers and metres, int64.
    """
    by_node = _turned(*by_site, num_nodes)
    limit_cm = 100 * cutoff_m + 50
    return _joined(  # type: ignore[no-any-return]
        by_node, sites.xyz, (customers.node, customers.access_cm, customers.xyz), limit_cm
    )


@compiled()
def _turned(indptr: Any, node: Any, cm: Any, num_nodes: int) -> Any:
    """Return ``indptr``, site and cm by node, sites rising inside a node."""
    starts = np.zeros(num_nodes + 1, dtype=np.int64)
    for at in range(len(node)):
        starts[node[at] + 1] += 1
    for each in range(num_nodes):
        starts[each + 1] += starts[each]
    free = starts[:-1].copy()
    site, length = np.empty(len(node), dtype=np.int32), np.empty(len(node), dtype=np.int32)
    for row in range(len(indptr) - 1):
        for at in range(indptr[row], indptr[row + 1]):
            to = free[node[at]]
            site[to], length[to] = row, cm[at]
            free[node[at]] = to + 1
    return starts, site, length


@compiled()
def _joined(by_node: Any, site_xyz: Any, customers: Any, limit_cm: int) -> Any:
    starts, site, length = by_node
    customer_node, access_cm, customer_xyz = customers
    num = np.zeros(len(site_xyz) + 1, dtype=np.int64)
    for customer in range(len(customer_node)):
        node = customer_node[customer]
        if node < 0:
            continue
        for at in range(starts[node], starts[node + 1]):
            total = length[at] + access_cm[customer]
            if length[at] < 0:
                # Both meet the network here: the straight line, if that is shorter.
                straight = _straight_cm(site_xyz, site[at], customer_xyz, customer)
                total = min(access_cm[customer] + ~length[at], straight)
            num[site[at] + 1] += total < limit_cm
    indptr = np.cumsum(num)
    free = indptr[:-1].copy()
    customer_idx = np.empty(indptr[-1], dtype=np.int64)
    distance_m = np.empty(indptr[-1], dtype=np.int64)
    for customer in range(len(customer_node)):
        node = customer_node[customer]
        if node < 0:
            continue
        for at in range(starts[node], starts[node + 1]):
            row = site[at]
            total = length[at] + access_cm[customer]
            if length[at] < 0:
                # Both meet the network here: the straight line, if that is shorter.
                straight = _straight_cm(site_xyz, site[at], customer_xyz, customer)
                total = min(access_cm[customer] + ~length[at], straight)
            if total < limit_cm:
                to = free[row]
                customer_idx[to], distance_m[to] = customer, (total + 50) // 100
                free[row] = to + 1
    return indptr, customer_idx, distance_m


@compiled()
def _straight_cm(here: Any, row: int, there: Any, customer: int) -> Any:
    """Return the straight line of a pair, as ``Snapped.straight_cm``."""
    east, north = here[row, 0] - there[customer, 0], here[row, 1] - there[customer, 1]
    up = here[row, 2] - there[customer, 2]
    half = min(np.sqrt(east * east + north * north + up * up) / (2 * MEAN_RADIUS_M), 1.0)
    return np.int64(np.rint(2 * MEAN_RADIUS_M * np.arcsin(half) * 100))
