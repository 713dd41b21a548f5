"""Compiled search for sums of rows with odd limit and little on odd columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.compiled import compiled

#: Value of a sum from which no further row makes it odd and small.
_HOPELESS = 2.5


# A ``table`` is (first column of each row, columns by row, first row of each column, rows by
# column, weight of columns, what a row adds to an empty sum, parity of rows). ``marks`` are (which
# columns are odd, the weight of odd columns in each row, the rows where that has changed, whether a
# row is one of them, whether a row is in the sum, that weight with the first row only).


@compiled()
def _toggle(row: Any, table: Any, marks: Any, count: Any) -> Any:
    """Add a row: its columns turn from even to odd and back; return how many rows are touched."""
    odd, shared, touched, is_touched, _, _ = marks
    row_start, column_of, column_start, row_of, weight, _, _ = table
    for at in range(row_start[row], row_start[row + 1]):
        column = column_of[at]
        odd[column] = not odd[column]
        change = weight[column] if odd[column] else -weight[column]
        for place in range(column_start[column], column_start[column + 1]):
            other = row_of[place]
            shared[other] += change
            if not is_touched[other]:
                is_touched[other] = True
                touched[count] = other
                count += 1
    return count


@compiled()
def _flip(row: Any, table: Any, odd: Any) -> None:
    """Turn a row's columns from even to odd and back, and nothing else."""
    row_start, column_of = table[0], table[1]
    for at in range(row_start[row], row_start[row + 1]):
        odd[column_of[at]] = not odd[column_of[at]]


@compiled()
def _seconds(first: Any, count: Any, own: Any, marks: Any, out: Any) -> Any:
    """Collect the rows that add least to the first one; return how many."""
    shared, touched = marks[1], marks[2]
    seconds, price = out
    wide, found = len(seconds), 0
    for at in range(count):
        other = touched[at]
        if other == first:
            continue
        change = own[other] - 2 * shared[other]
        if found < wide:
            seconds[found], price[found] = other, change
            found += 1
            continue
        worst = 0
        for each in range(1, wide):
            if price[each] > price[worst]:
                worst = each
        if change < price[worst]:
            seconds[worst], price[worst] = other, change
    return found


@compiled()
def _best(count: Any, own: Any, marks: Any) -> Any:
    """Return the row that adds least to the sum; -1 for none."""
    _, shared, touched, _, is_in, _ = marks
    best, least = -1, 1e9
    for at in range(count):
        other = touched[at]
        change = own[other] - 2 * shared[other]
        if change < least and not is_in[other]:
            best, least = other, change
    return best


@compiled()
def _extended(chain: Any, count: Any, table: Any, marks: Any, least: Any) -> Any:
    """Add rows to the first two of a sum until its limit is odd and it is small, or none helps.

    Returns its size, its value (at least 1 if it is of no use), and how many rows are touched.
    """
    own, parity, (odd, shared, _, _, is_in, _) = table[5], table[6], marks
    value, is_odd, row, size = own[chain[0]], parity[chain[0]], chain[1], 1
    while row >= 0:
        value += own[row] - 2 * shared[row]
        is_odd ^= parity[row]
        chain[size] = row
        is_in[row] = True
        size += 1
        if is_odd == 1 and value < 1 - least:
            _flip(row, table, odd)
            return size, value, count
        if value > _HOPELESS or size == len(chain):
            _flip(row, table, odd)
            break
        count = _toggle(row, table, marks, count)
        row = _best(count, own, marks)
    return size, 1.0, count


@compiled()
def _restored(size: Any, chain: Any, counts: Any, table: Any, marks: Any) -> None:
    """Take all rows but the first out of a sum; from copies, so that no rounding adds up."""
    odd, shared, touched, is_touched, is_in, before = marks
    reach, count = counts
    for link in range(1, size):
        is_in[chain[link]] = False
        _flip(chain[link], table, odd)
    for at in range(count):
        row = touched[at]
        shared[row] = before[row] if at < reach else 0.0
        is_touched[row] = at < reach


@compiled()
def sums(by_row: Any, by_column: Any, given: Any, how: Any, out: Any) -> Any:
    """Add up rows greedily from each row and some second ones; return how many sums were found.

    ``given`` is (weight of columns, slack and parity of rows), ``how`` (second rows tried, least
    violation), ``out`` (rows of each sum, how many, violation). What a row adds to the value is
    its slack and weight, less twice what it shares with the odd columns.
    """
    weight, slack, parity = given
    wide, least = how
    members, length, violation = out
    num_rows = len(slack)
    row_start, column_of = by_row
    own = slack.copy()
    for row in range(num_rows):
        for at in range(row_start[row], row_start[row + 1]):
            own[row] += weight[column_of[at]]
    table = (row_start, column_of, by_column[0], by_column[1], weight, own, parity)
    shared, before = np.zeros(num_rows), np.zeros(num_rows)
    odd, is_touched = np.zeros(len(weight), np.bool_), np.zeros(num_rows, np.bool_)
    touched, is_in = np.zeros(num_rows, np.int64), np.zeros(num_rows, np.bool_)
    marks = (odd, shared, touched, is_touched, is_in, before)
    seconds, price = np.zeros(wide, np.int64), np.zeros(wide)
    chain = np.zeros(members.shape[1], np.int64)
    found = 0
    for first in range(num_rows):
        reach = _toggle(first, table, marks, 0)
        for at in range(reach):
            before[touched[at]] = shared[touched[at]]
        chain[0] = first
        is_in[first] = True
        for turn in range(_seconds(first, reach, own, marks, (seconds, price))):
            chain[1] = seconds[turn]
            size, value, count = _extended(chain, reach, table, marks, least)
            _restored(size, chain, (reach, count), table, marks)
            if value >= 1:
                continue
            members[found, :size] = chain[:size]
            length[found], violation[found] = size, 1 - value
            found += 1
            if found >= len(violation):
                return found
        is_in[first] = False
        _restored(1, chain, (0, reach), table, marks)
        _flip(first, table, odd)
    return found
