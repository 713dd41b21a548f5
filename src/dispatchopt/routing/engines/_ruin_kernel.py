"""Compiled ruin and recreate over sets of orders whose trips are all known.

A plan is a set of trips; what a trip costs is looked up by the set of its orders. Trips near one
order lose some of theirs (Christiaens and Vanden Berghe 2020, Slack induction by string removals
for vehicle routing problems, Transportation Science 54(2), 417-433), and every order without a trip
goes where it adds least, or stays refused. Worse plans are taken over as in simulated annealing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.compiled import compiled

_NONE = -1
#: Most trips that lose orders at a time, and share of insertions that are passed over.
_MOST_RUINED, _BLINK = 6, 0.02
#: How often trips are emptied.
_WHOLE = 0.3
_MIX = np.uint64(0x9E3779B97F4A7C15)


@compiled()
def add_keys(keys: Any, first: int, slots: Any, at: Any) -> None:
    """Put keys into a hash table of ``len(slots)`` entries, a power of two, numbered from first."""
    mask = np.uint64(len(slots) - 1)
    for number in range(len(keys)):
        key = keys[number]
        place = (key * _MIX >> np.uint64(20)) & mask
        while at[place] != _NONE:
            place = (place + np.uint64(1)) & mask
        slots[place] = key
        at[place] = first + number


@compiled(inline="always")
def _find(key: Any, slots: Any, at: Any) -> Any:
    """Return the number of a key, or -1."""
    mask = np.uint64(len(slots) - 1)
    place = (key * _MIX >> np.uint64(20)) & mask
    while at[place] != _NONE:
        if slots[place] == key:
            return at[place]
        place = (place + np.uint64(1)) & mask
    return _NONE


@compiled()
def _take_out(order: int, state: Any, mark: Any, known: Any) -> float:
    """Take an order out of its trip; returns what the plan costs less, without its refusal."""
    trip_of, members, size, key, column, _ = state
    slots, at, cost = known
    trip = trip_of[order]
    trip_of[order] = _NONE
    last = size[trip] - 1
    for position in range(last + 1):
        if members[trip, position] == order:
            members[trip, position] = members[trip, last]
            break
    size[trip] = last
    key[trip] ^= mark[order]
    before = cost[column[trip]]
    column[trip] = _find(key[trip], slots, at) if last else _NONE
    if column[trip] == _NONE:
        return float(before)
    return float(before - cost[column[trip]])


@compiled()
def _thin_out(  # noqa: PLR0917 - compiled code takes no keywords
    trip: int, first: int, lost: int, state: Any, mark: Any, known: Any
) -> float:
    """Take an order and others out of a trip; what is left without a trip of its own goes too."""
    trip_of, members, size, _, column, _ = state
    saved = _take_out(first, state, mark, known)
    for _ in range(lost - 1):
        if column[trip] == _NONE:
            break
        other = members[trip, (first + lost) % size[trip]]
        saved += _take_out(other, state, mark, known)
    if column[trip] == _NONE:
        for position in range(size[trip]):
            trip_of[members[trip, position]] = _NONE
        size[trip] = 0
    return saved


@compiled()
def _ruin(  # noqa: PLR0917 - compiled code takes no keywords
    random: Any, near: Any, state: Any, mark: Any, known: Any, groups: Any
) -> Any:
    """Take orders out of trips near a random order; returns what is saved, without refusals."""
    trip_of, members, size, _, _, used = state
    wanted = random.integers(1, _MOST_RUINED + 1)
    whole = random.random() < _WHOLE
    touched = np.full(_MOST_RUINED, _NONE)
    saved, count = 0.0, 0
    for order in near[random.integers(0, len(near))]:
        trip = trip_of[order]
        if trip == _NONE or (touched[:count] == trip).any():
            continue
        touched[count] = trip
        count += 1
        lost = size[trip] if whole else random.integers(1, size[trip] + 1)
        saved += _thin_out(trip, order, lost, state, mark, known)
        if size[trip] == 0:
            used[groups[1][members[trip, -1]]] -= 1
        if count >= wanted:
            break
    return saved


@compiled()
def _best_trip(  # noqa: PLR0917 - compiled code takes no keywords
    order: int, random: Any, limit: float, state: Any, mark: Any, known: Any, may: Any
) -> Any:
    """Return the trip that an order joins for least, if below a limit, its column and the cost."""
    _, members, size, key, column, _ = state
    slots, at, cost = known
    best, where, found = limit, _NONE, _NONE
    for trip in range(len(size)):
        if size[trip] == 0 or size[trip] >= members.shape[1] - 1:
            continue
        # Most trips are ruled out by their store, without a look into the large table.
        if not may[order, members[trip, -1]]:
            continue
        number = _find(key[trip] ^ mark[order], slots, at)
        if number == _NONE:
            continue
        added = cost[number] - cost[column[trip]]
        if added < best and random.random() >= _BLINK:
            best, where, found = added, trip, number
    return best, where, found


@compiled()
def _best_new(  # noqa: PLR0917 - compiled code takes no keywords
    order: int, random: Any, limit: float, used: Any, cost: Any, groups: Any
) -> Any:
    """Return the class and store that serve an order alone for least, if below a limit.

    What a courier is worth elsewhere counts, so that the last ones are not taken for little.
    """
    alone, group_class, most, _, price = groups
    best, group = limit, _NONE
    for each in range(alone.shape[1]):
        number = alone[order, each]
        if number == _NONE or used[group_class[each]] >= most[group_class[each]]:
            continue
        paid = cost[number] + price[each]
        if paid < best and random.random() >= _BLINK:
            best, group = paid, each
    return group


@compiled()
def _insert(  # noqa: PLR0917 - compiled code takes no keywords
    order: int, random: Any, refusal: float, state: Any, mark: Any, known: Any, groups: Any
) -> float:
    """Put an order where it adds least, or leave it; returns what it adds, refusal included."""
    trip_of, members, size, key, column, used = state
    alone, group_class, _, may, _ = groups
    best, trip, number = _best_trip(order, random, refusal, state, mark, known, may)
    group = _best_new(order, random, best, used, known[2], groups)
    if group != _NONE:
        trip, number = np.argmin(size), alone[order, group]
        best = known[2][number]
        members[trip, -1] = group
        key[trip] = mark[len(mark) - alone.shape[1] + group]
        used[group_class[group]] += 1
    elif trip == _NONE:
        return refusal
    members[trip, size[trip]] = order
    size[trip] += 1
    key[trip] ^= mark[order]
    column[trip] = number
    trip_of[order] = trip
    return float(best)


@compiled()
def _queue(random: Any, trip_of: Any, refusal: Any, few: Any) -> Any:
    """Return the orders without a trip: any order, the dearest first, or the least free first."""
    rule = random.random()
    left = np.flatnonzero(trip_of == _NONE)
    weight = np.empty(len(left))
    for position in range(len(left)):
        weight[position] = random.random()
        if rule < 0.25:
            weight[position] -= refusal[left[position]]
        elif rule < 0.5:
            weight[position] += few[left[position]]
    return left[np.argsort(weight)]


@compiled()
def _copy(source: Any, target: Any) -> None:
    target[0][:] = source[0]
    target[1][:] = source[1]
    target[2][:] = source[2]
    target[3][:] = source[3]
    target[4][:] = source[4]
    target[5][:] = source[5]


@compiled()
def anneal(  # noqa: PLR0917 - compiled code takes no keywords
    random: Any,
    states: Any,
    totals: Any,
    near: Any,
    mark: Any,
    known: Any,
    groups: Any,
    prices: Any,
    heat: Any,
    steps: int,
) -> None:
    """Ruin and recreate ``steps`` times.

    Parameters
    ----------
    random
        A generator.
    states
        Present, best and spare plan: per order its trip; per trip its orders (with class and store
        in the last place), size, key and column; per class its trips.
    totals
        Cost of the present and of the best plan.
    near
        Orders near each order, itself first, (n, k).
    mark
        A random number per order, then per pair of class and store.
    known
        Columns by key, as ``add_keys`` fills it, and what each costs.
    groups
        Column of each order alone with each pair of class and store, -1 for none; class of each
        pair; couriers of each class; whether any trip of each pair holds each order; what one
        courier more would save, per pair.
    prices
        What refusing an order costs; how many trips it can be in.
    heat
        Temperatures at the first and at the last step.
    """
    present, best, spare = states
    refusal, few = prices
    cooling = (heat[1] / heat[0]) ** (1.0 / max(1, steps))
    warmth = heat[0]
    for _ in range(steps):
        _copy(present, spare)
        total = totals[0] - refusal[present[0] == _NONE].sum()
        total -= _ruin(random, near, present, mark, known, groups)
        for order in _queue(random, present[0], refusal, few):
            total += _insert(order, random, refusal[order], present, mark, known, groups)
        if total > totals[0] - warmth * np.log(random.random()):
            _copy(spare, present)
        else:
            totals[0] = total
            if total < totals[1] - 0.5:
                totals[1] = total
                _copy(present, best)
        warmth *= cooling
