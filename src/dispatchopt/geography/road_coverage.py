"""Which customers lie within a length of road from which site.

The searches run from the sites, and what they reach is kept sparse: node by node, then customer
by customer. Turning a sparse matrix round sorts it in linear time, so no pair is ever sorted by
comparison, and no matrix of sites by customers is held.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.geography.coverage import Coverage
from dispatchopt.geography.graph import Graph
from dispatchopt.geography.reach import Int32, reach
from dispatchopt.geography.snapping import Snapped


def road_coverage(
    graph: Graph,
    flat_m: FloatArray,
    sites: Snapped,
    snap_customers: Callable[[], Snapped],
    cutoff_m: int,
) -> Coverage:
    """Return the pairs whose way, access at both ends included, is at most a cut-off.

    Parameters
    ----------
    graph
        Weights in metres.
    flat_m
        Nodes roughly in metres, shape (num_nodes, 2).
    sites
        Where sites meet the network; far ones reach nothing.
    snap_customers
        Returns where customers meet the network; runs beside the searches, since looking up
        neighbours leaves the interpreter free.
    cutoff_m
        Metres, compared with the length rounded half up to whole metres.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        snapping = pool.submit(snap_customers)
        by_node = _reached_by_node(graph, flat_m, sites, cutoff_m)
        customers = snapping.result()
    # From here on the pairs are ordered by customer: each has the pairs of its node.
    node = np.maximum(customers.node, 0)
    size = np.where(customers.node >= 0, np.diff(by_node.indptr)[node], 0)
    ends = np.cumsum(size)
    num = int(ends[-1]) if len(ends) else 0
    # 32 bits, unless there are billions of pairs: half the memory to move.
    kind = np.int32 if num < 2**31 else np.int64
    taken = np.repeat((by_node.indptr[:-1][node] - (ends - size)).astype(kind), size)
    taken += np.arange(num, dtype=kind)
    site, total = by_node.indices[taken], by_node.data[taken]
    own = np.flatnonzero(total < 0)
    total[own] = ~total[own]
    total += np.repeat(customers.access_cm.astype(np.int32), size)
    if len(own):
        customer = np.searchsorted(ends, own, side="right")
        straight = sites.straight_cm(site[own], customers, customer)
        total[own] = np.minimum(total[own], straight)
    is_inside = total < 100 * cutoff_m + 50
    inside = np.flatnonzero(is_inside)
    upto = np.concatenate([[0], np.cumsum(is_inside)])[np.concatenate([[0], ends])]
    return _by_site(
        (total[inside] + 50) // 100, site[inside], upto, (len(sites.node), len(size)), cutoff_m
    )


def _reached_by_node(graph: Graph, flat_m: FloatArray, sites: Snapped, cutoff_m: int) -> Any:
    """Return a scipy ``csc_array`` (sites, nodes) of cm from each site to each node it reaches.

    The node where a site meets the network itself holds ``~cm``, a negative number, because
    customers at that node are also joined by the straight line.
    """
    from scipy.sparse import csr_array

    nodes, site_row = np.unique(sites.node, return_inverse=True)
    found = reach(graph, flat_m, nodes, cutoff_m + 0.5)
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
    shape = (len(sites.node), graph.csr.shape[0])
    return csr_array((total[near], reached[near], upto.astype(np.int32)), shape=shape).tocsc()


def _by_site(
    distance_m: Int32, site: Int32, indptr: IntArray, shape: tuple[int, int], cutoff_m: int
) -> Coverage:
    """Return coverage from pairs ordered by customer (CSR over customers)."""
    from scipy.sparse import csr_array

    by_customer = csr_array((distance_m, site, indptr.astype(np.int32)), shape=shape[::-1])
    turned = by_customer.tocsc()
    arrays = [np.asarray(a, dtype=np.int64) for a in (turned.indptr, turned.indices, turned.data)]
    for values in arrays:
        values.setflags(write=False)
    return Coverage(
        indptr=arrays[0],
        customer_idx=arrays[1],
        distance_m=arrays[2],
        num_customers=shape[1],
        cutoff_m=cutoff_m,
    )
