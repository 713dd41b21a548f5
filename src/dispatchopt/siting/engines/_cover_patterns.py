"""Local cuts: the strongest inequalities on a few customers that cut off a fractional solution.

Of a few customers, sites that cover the same ones are alike: a *pattern*. Whatever covers the few,
or lets them go unserved, is a choice of patterns and customers, and an inequality is valid if its
coefficients add up to the limit at least over each choice. All choices are known through a table
of what covering each subset of the customers costs at least, so that the inequality that the
fractional solution violates most, of all that hold for these customers, is a small linear
programme (local cuts: Applegate, Bixby, Chvatal and Cook 2001; the valid inequalities of a
covering problem are the blocker of its solutions: Fulkerson 1971).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.siting.engines._cover_cuts import USED, Cuts, Sums, listed

#: Customers at most and at least; a table has an entry for each subset of them.
MOST, FEWEST = 12, 3
#: Patterns at most, pivots of a linear programme, and choices that it keeps.
_MOST_PATTERNS, _PIVOTS, _CHOICES = 250, 2000, 1500
#: Groups of customers tried a round, and cuts found in it, at most.
_TRIED, _MOST_CUTS = 200, 100
#: Cuts found with which groups that have given one before are not tried again.
_ENOUGH_CUTS = 50
#: Least violation, as a share of the limit; weight of what the solution does not use.
_LEAST, _UNUSED = 0.01, 1e-5
#: Greatest coefficient of a cut; none that occurs comes near.
_GREATEST = 1_000


def local_cut(table: Any, site_share: FloatArray, missed: FloatArray) -> Any:
    """Return the most violated inequality on a few customers.

    Parameters
    ----------
    table
        Sites that reach each of the customers (scipy CSR, shape (customers, sites)).
    site_share, missed
        The point to cut off: y of all sites, and u of the customers.

    Returns
    -------
    None or (sites, their coefficients, coefficients of the customers, limit)
    """
    from dispatchopt.siting.engines import _cover_pattern_kernels as kernels

    count = table.shape[0]
    of_site = np.zeros(table.shape[1], dtype=np.int64)
    customer = np.repeat(np.arange(count), np.diff(table.indptr))
    np.bitwise_or.at(of_site, table.indices, np.int64(1) << customer)
    sites = np.flatnonzero(of_site)
    pattern = of_site[sites]
    weight = np.bincount(pattern, weights=site_share[sites], minlength=1 << count)
    exists = np.bincount(pattern, minlength=1 << count) > 0
    used = np.flatnonzero(weight > 1e-7)
    if len(used) > _MOST_PATTERNS:
        return None
    mask = np.concatenate([used, np.int64(1) << np.arange(count)])
    # Distinct small weights, so that what is not used gets no more than it needs.
    unused = _UNUSED * (1 + 0.5 * np.modf(np.arange(len(mask)) * 0.618)[0])
    share = np.concatenate([weight[used], np.maximum(missed, 0.0)]) + unused
    price, weighs = kernels.prices(mask, count, share, (1 - _LEAST, _PIVOTS, _CHOICES))
    if weighs > 1 - _LEAST:
        return None
    exists[used] = False
    others = np.flatnonzero(exists)
    others = others[np.argsort(-np.bitwise_count(others).astype(np.int64), kind="stable")]
    cost, lifted, limit = kernels.whole_cut(mask, count, price, others)
    value = np.zeros(1 << count, dtype=np.int64)
    value[used], value[others] = cost[: len(used)], lifted
    of_sites, of_missed = value[pattern], cost[len(used) :]
    activity = float(of_sites @ site_share[sites] + of_missed @ missed)
    if limit < 1 or max(int(value.max()), int(of_missed.max())) > _GREATEST:
        return None
    if activity > (1 - 0.5 * _LEAST) * limit:
        return None
    return sites, of_sites, of_missed, int(limit)


def local_cuts(sums: Sums, table: Any, row_of_set: IntArray, known: dict[bytes, IntArray]) -> Cuts:
    """Return the most violated inequality on the customers of each sum, as far as there is one.

    Customers whose rows, halved, give a cut are few that no whole solution serves as well as the
    fractional one does; the most violated inequality on them is mostly a stronger cut.

    Parameters
    ----------
    sums
        Sums of rows over sites, then sets.
    table
        Sites that reach each customer (scipy CSR, shape (rows, sites)).
    row_of_set
        Row of each set in the table; -1 for those that no customer has to himself.
    known
        Groups of customers that have given a cut, the latest last: tried where sums are few, and
        kept up to date.
    """
    count = table.shape[1]
    share, missed = sums.x[:count], sums.x[count:]
    tried: set[bytes] = set()
    found: list[tuple[IntArray, IntArray, int]] = []

    def has_cut(few: IntArray) -> bool:
        key = few.tobytes()
        if key in tried or not FEWEST <= len(few) <= MOST:
            return False
        tried.add(key)
        known.pop(key, None)
        cut = local_cut(table[row_of_set[few]], share, missed[few])
        if cut is None:
            return False
        known[key] = few
        sites, of_sites, of_missed, limit = cut
        columns = np.concatenate([sites[of_sites > 0], count + few[of_missed > 0]])
        values = np.concatenate([of_sites[of_sites > 0], of_missed[of_missed > 0]])
        found.append((columns, values, limit))
        return True

    used = np.zeros(sums.rows.shape[0], dtype=np.int64)
    for member in sums.members:
        if len(tried) >= _TRIED or len(found) >= _MOST_CUTS:
            break
        if (used[member] < USED).all():
            columns = sums.columns(member)
            used[member] += has_cut(columns[columns >= count] - count)
    for few in list(known.values())[::-1]:
        if len(tried) >= _TRIED or len(found) >= _ENOUGH_CUTS:
            break
        has_cut(few)
    return listed([one[0] for one in found], [one[1] for one in found], [one[2] for one in found])
