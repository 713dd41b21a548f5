"""What goes wrong on a day: breaks, couriers who leave or never come, closures, hold-ups.

The dispatcher learns of each when it happens and not before.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from dispatchopt.core.arrays import IntArray, set_frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.core.seeds import stream

#: Groups of columns that belong together, by their first word.
GROUPS = ("break", "quit", "closure", "delay")


def _none() -> IntArray:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Incidents:
    """Incidents by column; each group has rows of its own, none by default.

    Parameters
    ----------
    break_courier, break_from_s, break_s
        A courier pauses for so many seconds as soon as the work at hand is done at or after
        this second of the shift.
    quit_courier, quit_s
        A courier leaves for good at this second, or as soon as the work at hand is done; one who
        leaves before the shift never comes.
    closure_store, closure_from_s, closure_until_s
        A store takes on no orders in [from, until). What it has taken on is still picked and
        handed over.
    delay_order, delay_s
        The ride to the door of an order is held up by so many seconds.

    Raises
    ------
    InputError
        If columns do not fit or values are out of range; all are listed.
    """

    break_courier: IntArray = field(default_factory=_none)
    break_from_s: IntArray = field(default_factory=_none)
    break_s: IntArray = field(default_factory=_none)
    quit_courier: IntArray = field(default_factory=_none)
    quit_s: IntArray = field(default_factory=_none)
    closure_store: IntArray = field(default_factory=_none)
    closure_from_s: IntArray = field(default_factory=_none)
    closure_until_s: IntArray = field(default_factory=_none)
    delay_order: IntArray = field(default_factory=_none)
    delay_s: IntArray = field(default_factory=_none)

    def __post_init__(self) -> None:
        issues = []
        for each in fields(self):
            set_frozen(self, each.name, np.int64)
            column = getattr(self, each.name)
            first = next(
                other.name
                for other in fields(self)
                if other.name.split("_")[0] == each.name.split("_")[0]
            )
            if column.shape != getattr(self, first).shape or column.ndim != 1:
                wanted = f"one value per row of {first}"
                issues.append(_issue("bad-shape", each.name, column.shape, wanted))
            elif column.size and column.min() < 0:
                row = int(column.argmin())
                where = f"{each.name}[{row}]"
                issues.append(_issue("out-of-range", where, column[row], "a number from 0"))
        if issues:
            raise InputError(issues)

    def __len__(self) -> int:
        return sum(
            len(getattr(self, name))
            for name in ("break_courier", "quit_courier", "closure_store", "delay_order")
        )

    def issues(self, num_couriers: int, num_stores: int, num_orders: int) -> list[Issue]:
        """Return what does not fit a day of this size."""
        limits = {
            "break_courier": num_couriers,
            "quit_courier": num_couriers,
            "closure_store": num_stores,
            "delay_order": num_orders,
        }
        found = [
            _issue("unknown-reference", f"incidents.{name}[{row}]", column[row], f"below {limit}")
            for name, limit in limits.items()
            for column in [getattr(self, name)]
            for row in np.flatnonzero(column >= limit)
        ]
        for name in ("quit_courier", "delay_order"):
            column = getattr(self, name)
            if len(np.unique(column)) < len(column):
                found.append(_issue("duplicate-id", f"incidents.{name}", "twice", "each once"))
        return found

    def closed_until_s(self, store: IntArray, at_s: IntArray) -> IntArray:
        """Return until when a store is closed at a second; the second itself where it is not."""
        until_s: IntArray = np.array(at_s, dtype=np.int64)
        # Closures may follow on one another, so a later one may take over from an earlier one.
        for row in np.argsort(self.closure_from_s, kind="stable"):
            is_shut = (store == self.closure_store[row]) & (self.closure_from_s[row] <= until_s)
            is_shut &= until_s < self.closure_until_s[row]
            until_s = np.where(is_shut, self.closure_until_s[row], until_s)
        return until_s


def _issue(code: str, where: str, found: object, wanted: str) -> Issue:
    return Issue(code=code, where=where, found=str(found), wanted=wanted)


def draw_incidents(
    *,
    on_s: IntArray,
    off_s: IntArray,
    open_s: IntArray,
    close_s: IntArray,
    num_orders: int,
    seed: int,
    break_s: int = 0,
    break_after_s: int = 4 * 3600,
    no_show: float = 0.0,
    quits: float = 0.0,
    closures: float = 0.0,
    closure_s: int = 3600,
    delays: float = 0.0,
    delay_s: int = 600,
) -> Incidents:
    """Draw incidents; each kind has a stream of its own.

    Parameters
    ----------
    on_s, off_s
        Shifts of the couriers, shape (k,).
    open_s, close_s
        Hours of the stores, shape (m,).
    num_orders
        Number of orders.
    seed
        A whole number >= 0.
    break_s, break_after_s
        Length of the break that every courier takes on shifts at least twice ``break_after_s``
        long, about so long after the start; 0 for none.
    no_show, quits
        Probability that a courier never comes, or leaves at some second of the shift.
    closures, closure_s
        Probability that a store closes for so long, once.
    delays, delay_s
        Probability that a ride is held up, by this on average (exponential).
    """

    def drawn(name: str, size: int, share: float) -> tuple[np.random.Generator, IntArray]:
        rng = stream(seed, "incidents", name)
        return rng, np.flatnonzero(rng.random(size) < share)

    k, m = len(on_s), len(open_s)
    rng_break, rest = drawn("breaks", k, 1.0 if break_s > 0 else 0.0)
    rest = rest[(off_s - on_s)[rest] >= 2 * break_after_s]
    rng_quit, gone = drawn("quits", k, quits)
    _, never = drawn("no-shows", k, no_show)
    gone = np.setdiff1d(gone, never)
    share = rng_quit.random(k)[gone]
    rng_close, shut = drawn("closures", m, closures)
    span_s = np.maximum(np.minimum(close_s, 86_400) - open_s, 0)
    from_s = (open_s + rng_close.random(m) * span_s).astype(np.int64)[shut]
    rng_delay, held = drawn("delays", num_orders, delays)
    late_s = np.ceil(rng_delay.exponential(delay_s, num_orders))[held].astype(np.int64)
    jitter_s = rng_break.integers(-1800, 1801, k)[rest]
    return Incidents(
        break_courier=rest,
        break_from_s=np.maximum(on_s[rest] + break_after_s + jitter_s, on_s[rest]),
        break_s=np.full(len(rest), break_s),
        quit_courier=np.concatenate([never, gone]),
        quit_s=np.concatenate(
            [on_s[never], on_s[gone] + (share * (off_s - on_s)[gone]).astype(np.int64)]
        ),
        closure_store=shut,
        closure_from_s=from_s,
        closure_until_s=from_s + closure_s,
        delay_order=held,
        delay_s=late_s,
    )
