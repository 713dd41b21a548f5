"""Compiled search for sums of rows with odd limit and little on odd columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.siting.engines._cover_kernels import njit


@njit(cache=True)
def _toggle(row: Any, by_row: Any, by_column: Any, weight: Any, marks: Any) -> None:
    """Add a row: its columns turn from even to odd and back.

    ``marks`` are (which columns are odd, the weight of odd columns in each row).
    """
    odd, shared = marks
    row_start, column_of = by_row
    column_start, row_of = by_column
    for at in range(row_start[row], row_start[row + 1]):
        column = column_of[at]
        odd[column] = not odd[column]
        change = weight[column] if odd[column] else -weight[column]
        for place in range(column_start[column], column_start[column + 1]):
            shared[row_of[place]] += change


@njit(cache=True)
def sums(  # noqa: C901, PLR0912, PLR0915 - one search; its parts share too much
    by_row: Any, by_column: Any, given: Any, how: Any, out: Any
) -> Any:
    """Add up rows greedily from each row and some second ones; return how many sums were found.

    ``given`` is (weight of columns, slack and parity of rows), ``how`` (second rows tried, least
    violation), ``out`` (rows of each sum, how many, violation). What a row adds to the value is
    its slack and weight, less twice what it shares with the odd columns.
    """
    row_start, column_of = by_row
    column_start, row_of = by_column
    weight, slack, parity = given
    wide, least = how
    members, length, violation = out
    num_rows, depth = len(slack), members.shape[1]
    own = np.zeros(num_rows)
    for row in range(num_rows):
        own[row] = slack[row]
        for at in range(row_start[row], row_start[row + 1]):
            own[row] += weight[column_of[at]]
    odd = np.zeros(len(weight), np.bool_)
    shared = np.zeros(num_rows)
    is_in = np.zeros(num_rows, np.bool_)
    stamp = np.zeros(num_rows, np.int64)
    seconds = np.zeros(wide, np.int64)
    price = np.zeros(wide)
    chain = np.zeros(depth, np.int64)
    clock, count = 0, 0
    for first in range(num_rows):
        num_seconds = -1
        turn = 0
        while turn < wide:
            if num_seconds >= 0 and turn >= num_seconds:
                break
            _toggle(first, by_row, by_column, weight, (odd, shared))
            chain[0] = first
            is_in[first] = True
            size, value, is_odd = 1, own[first], parity[first]
            while size < depth:
                best, best_price = -1, 1e9
                if size == 1 and num_seconds >= 0:
                    best = seconds[turn]
                else:
                    clock += 1
                    num_found = 0
                    for link in range(size):
                        row = chain[link]
                        for at in range(row_start[row], row_start[row + 1]):
                            column = column_of[at]
                            if not odd[column]:
                                continue
                            for place in range(column_start[column], column_start[column + 1]):
                                other = row_of[place]
                                if is_in[other] or stamp[other] == clock:
                                    continue
                                stamp[other] = clock
                                change = own[other] - 2 * shared[other]
                                if change < best_price:
                                    best, best_price = other, change
                                if size > 1:
                                    continue
                                if num_found < wide:
                                    seconds[num_found], price[num_found] = other, change
                                    num_found += 1
                                else:
                                    worst = 0
                                    for each in range(1, wide):
                                        if price[each] > price[worst]:
                                            worst = each
                                    if change < price[worst]:
                                        seconds[worst], price[worst] = other, change
                    if size == 1:
                        num_seconds = num_found
                        best = seconds[turn] if num_found else -1
                if best < 0:
                    break
                value += own[best] - 2 * shared[best]
                is_odd ^= parity[best]
                chain[size] = best
                is_in[best] = True
                size += 1
                _toggle(best, by_row, by_column, weight, (odd, shared))
                if value > 2.5:
                    break
                if is_odd == 1 and value < 1 - least:
                    if count < len(violation):
                        for link in range(size):
                            members[count, link] = chain[link]
                        length[count], violation[count] = size, 1 - value
                        count += 1
                    break
            for link in range(size):
                is_in[chain[link]] = False
            for link in range(size):
                _toggle(chain[link], by_row, by_column, weight, (odd, shared))
            turn += 1
        # Rounding errors of many small changes must not grow.
        if first % 64 == 63:
            shared[:] = 0.0
        if count >= len(violation):
            break
    return count
