"""Which customers lie within a length of road from which site.

The searches run from the sites, and what they reach is kept sparse: node by node, then customer
by customer. Turning a sparse matrix round sorts it in linear time, so no pair is ever sorted by
comparison, and no matrix of sites by customers is held. Very many customers are joined by a
compiled kernel instead.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.geography.coverage import Coverage
from dispatchopt.geography.reach import Int32, Layout, reach
from dispatchopt.geography.snapping import VERY_MANY, Search, Snapped

#: ``indptr`` over sites, node and cm.
BySite = tuple[Int32, Int32, Int32]

#: Pairs of so many customers are worked out at a time: what is needed on the way stays small
#: enough for the cache.
_CUSTOMERS_AT_ONCE = 8_192


def road_coverage(
    layout: Layout,
    sites: Snapped,
    customer_search: Search,
    cutoff_m: int,
) -> Coverage:
    """Return the pairs whose way, access at both ends included, is at most a cut-off.

    Parameters
    ----------
    layout
        The graph, weights in metres.
    sites
        Where sites meet the network; far ones reach nothing.
    customer_search
        Finds where customers meet the network; runs beside the searches along the roads.
    cutoff_m
        Metres, compared with the length rounded half up to whole metres.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        snapping = pool.submit(customer_search.run)
        by_site = _reached_by_site(layout, sites, cutoff_m)
        snapping.result()
    customers = customer_search.result()
    if len(customers.node) >= VERY_MANY:
        return _compiled(by_site, layout.num_nodes, sites, customers, cutoff_m)
    return _vectorised(by_site, layout.num_nodes, sites, customers, cutoff_m)


def _compiled(
    by_site: BySite, num_nodes: int, sites: Snapped, customers: Snapped, cutoff_m: int
) -> Coverage:
    from dispatchopt.geography.customer_pairs import pairs_by_site

    indptr, customer_idx, distance_m = pairs_by_site(by_site, num_nodes, sites, customers, cutoff_m)
    return _coverage(indptr, customer_idx, distance_m, len(customers.node), cutoff_m)


def _vectorised(
    by_site: BySite, num_nodes: int, sites: Snapped, customers: Snapped, cutoff_m: int
) -> Coverage:
    """Do what ``_compiled`` does without a compiler, for which smaller numbers do not wait."""
    from scipy.sparse import csr_array

    upto, reached, cm = by_site
    by_node = csr_array((cm, reached, upto), shape=(len(sites.node), num_nodes)).tocsc()
    num_customers = len(customers.node)
    size = np.zeros(num_customers, dtype=np.int64)
    distances, site_rows = [np.empty(0, dtype=np.int32)], [np.empty(0, dtype=np.int32)]
    for first in range(0, num_customers, _CUSTOMERS_AT_ONCE):
        part = slice(first, first + _CUSTOMERS_AT_ONCE)
        distance_m, site, size[part] = _inside(by_node, sites, customers, part, cutoff_m)
        distances.append(distance_m)
        site_rows.append(site)
    indptr = np.concatenate([[0], np.cumsum(size)]).astype(np.int32)
    shape = (num_customers, len(sites.node))
    by_customer = csr_array((np.concatenate(distances), np.concatenate(site_rows), indptr), shape)
    turned = by_customer.tocsc()
    return _coverage(turned.indptr, turned.indices, turned.data, num_customers, cutoff_m)


def _coverage(
    indptr: Any, customer_idx: Any, distance_m: Any, num_customers: int, cutoff_m: int
) -> Coverage:
    arrays = [np.asarray(a, dtype=np.int64) for a in (indptr, customer_idx, distance_m)]
    for values in arrays:
        values.setflags(write=False)
    return Coverage(
        indptr=arrays[0],
        customer_idx=arrays[1],
        distance_m=arrays[2],
        num_customers=num_customers,
        cutoff_m=cutoff_m,
    )


def _inside(
    by_node: Any, sites: Snapped, customers: Snapped, part: slice, cutoff_m: int
) -> tuple[Int32, Int32, IntArray]:
    """Return the pairs of some customers, ordered by customer: metres, site, and how many each."""
    customer_node = customers.node[part]
    node = np.maximum(customer_node, 0)
    # Each customer has the pairs of its node.
    first = by_node.indptr[node]
    size = np.where(customer_node >= 0, by_node.indptr[node + 1] - first, 0)
    ends = np.cumsum(size, dtype=np.int64)
    num = int(ends[-1])
    taken = np.repeat(first - (ends - size), size)
    taken += np.arange(num)
    site, total = by_node.indices[taken], by_node.data[taken]
    own = np.flatnonzero(total < 0)
    total[own] = ~total[own]
    total += np.repeat(customers.access_cm[part].astype(np.int32), size)
    if len(own):
        customer = np.searchsorted(ends, own, side="right") + part.start
        straight = sites.straight_cm(site[own], customers, customer)
        total[own] = np.minimum(total[own], straight)
    is_inside = total < 100 * cutoff_m + 50
    upto = np.concatenate([[0], np.cumsum(is_inside)])[np.concatenate([[0], ends])]
    inside = np.flatnonzero(is_inside)
    total = total[inside]
    total += 50
    total //= 100
    return total, site[inside], np.diff(upto)


def _reached_by_site(layout: Layout, sites: Snapped, cutoff_m: int) -> BySite:
    """Return ``indptr`` over sites, node and cm from each site to each node it reaches.

    The node where a site meets the network itself holds ``~cm``, a negative number, because
    customers at that node are also joined by the straight line.
    """
    nodes, site_row = np.unique(sites.node, return_inverse=True)
    found = reach(layout, nodes, cutoff_m + 0.5)
    # Several sites may share a node, and so a row.
    start, count = found.start[site_row], found.size[site_row]
    ends = np.cumsum(count)
    num = int(ends[-1]) if len(ends) else 0
    taken = np.arange(num) + np.repeat(start - (ends - count), count)
    reached, total = found.node[taken], found.cm[taken]
    total += np.repeat(sites.access_cm.astype(np.int32), count)
    is_own = reached == np.repeat(sites.node, count)
    total[is_own] = ~total[is_own]
    near = np.flatnonzero((total < 100 * cutoff_m + 50) | is_own)
    upto = np.searchsorted(near, np.concatenate([[0], ends]))
    return upto.astype(np.int32), reached[near], total[near]
