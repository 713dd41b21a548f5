"""Compiled passes over rows that are told by how each differs from the one before it.

Compiled code is kept on disk, so that only the first use on a machine waits for the compiler.
"""

from __future__ import annotations

from typing import Any

from dispatchopt.core.compiled import compiled

# ``table`` is (first entry of each row, shape (rows + 1,), sites of rows, which rise); ``chain`` is
# (first change of each row, shape (rows + 1,), changes): a site that comes in, or ~site for one
# that goes. The last changes, after those of all rows, take out what is still in.


@compiled()
def fold(table: Any, state: Any, bits: Any, key: Any) -> None:
    """Give rows that the same free sites reach the same key: 0 where covered, 1 out of reach.

    ``state`` is of each site 0 (closed), 1 (free) or 2 (open), ``bits`` a random number of each.
    """
    start, column = table
    for row in range(len(start) - 1):
        mixed = 0
        is_reached = False
        for at in range(start[row], start[row + 1]):
            kind = state[column[at]]
            if kind == 2:
                mixed = 0
                is_reached = True
                break
            if kind == 1:
                is_reached = True
                mixed ^= bits[column[at]]
        key[row] = mixed if is_reached else 1


@compiled()
def taken(table: Any, rows: Any, number: Any, begin: Any, out: Any) -> Any:
    """Write the numbers >= 0 of the sites of some rows; return how many."""
    start, column = table
    count = 0
    for at in range(len(rows)):
        begin[at] = count
        for place in range(start[rows[at]], start[rows[at] + 1]):
            site = number[column[place]]
            if site >= 0:
                out[count] = site
                count += 1
    begin[len(rows)] = count
    return count


@compiled()
def changes(table: Any, first: Any, out: Any) -> Any:
    """Write the chain of rows; return how many changes there are."""
    start, column = table
    count = 0
    rows = len(start) - 1
    for row in range(rows + 1):
        first[row] = count
        old = start[row - 1] if row > 0 else 0
        old_end = start[row] if row > 0 else 0
        new = start[row] if row < rows else start[rows]
        new_end = start[row + 1] if row < rows else start[rows]
        while old < old_end or new < new_end:
            if new >= new_end or (old < old_end and column[old] < column[new]):
                out[count] = ~column[old]
                count += 1
                old += 1
            elif old >= old_end or column[new] < column[old]:
                out[count] = column[new]
                count += 1
                new += 1
            else:
                old += 1
                new += 1
    return count


@compiled()
def cover(chain: Any, share: Any, out: Any) -> None:
    """Write the sum of shares over the sites of each row."""
    first, change = chain
    total = 0.0
    for row in range(len(out)):
        for at in range(first[row], first[row + 1]):
            site = change[at]
            if site >= 0:
                total += share[site]
            else:
                total -= share[~site]
        out[row] = total


@compiled()
def worth(chain: Any, price: Any, out: Any) -> None:
    """Add the sum of prices over the rows of each site; of whole numbers too."""
    first, change = chain
    total = price[0] - price[0]
    rows = len(price)
    for row in range(rows + 1):
        end = first[row + 1] if row < rows else len(change)
        for at in range(first[row], end):
            site = change[at]
            if site >= 0:
                out[site] -= total
            else:
                out[~site] += total
        if row < rows:
            total += price[row]


@compiled(fastmath=True)
def normal(chain: Any, width: Any, done: Any, inside: Any, out: Any) -> None:
    """Add ``A^T diag(width) A`` to the lower triangle of ``out``.

    What two sites share is read off a running sum whenever one of them comes in or goes: ``done``
    is that sum for each site, less the part since it came in if it is ``inside``; both begin as 0.
    """
    first, change = chain
    total = 0.0
    rows = len(width)
    for row in range(rows + 1):
        end = first[row + 1] if row < rows else len(change)
        for at in range(first[row], end):
            site = change[at]
            if site >= 0:
                line = out[site]
                for other in range(site + 1):
                    line[other] -= done[other] + total * inside[other]
                done[site] -= total
                inside[site] = 1.0
            else:
                site = ~site
                line = out[site]
                for other in range(site + 1):
                    line[other] += done[other] + total * inside[other]
                done[site] += total
                inside[site] = 0.0
        if row < rows:
            total += width[row]
