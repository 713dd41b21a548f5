"""The figures that inventory is to reach, each beside its bar.

Times are CPU seconds; for sourcing, whose runs end by the clock, they are seconds of the clock.

    python -m benchmarks.inventory_bars                # all
    python -m benchmarks.inventory_bars levels days    # some

Stores, SKUs and orders are those of the suites ``inventory`` and ``sourcing``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from benchmarks.registry import peak_mb
from benchmarks.suites import inventory as stock
from benchmarks.suites import inventory_perishables as fresh
from benchmarks.suites import inventory_sourcing as orders

from dispatchopt import inventory
from dispatchopt.core import Stop
from dispatchopt.inventory import perishables, sourcing
from dispatchopt.inventory.levels import free_levels
from dispatchopt.inventory.perishables import PerishablesProblem
from dispatchopt.inventory.replay import OrderUpTo, ReplayProblem
from dispatchopt.inventory.replay.draw import Draws
from dispatchopt.inventory.replay.world import World


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One figure: what, how much, and how much is allowed (or wanted, where more is better)."""

    what: str
    measured: float
    bar: float
    unit: str
    more_is_better: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the figure keeps the bar."""
        return self.measured >= self.bar if self.more_is_better else self.measured <= self.bar


def _cpu(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    value = work()
    return value, time.process_time() - start


def levels() -> Iterator[Bar]:
    """Levels of 2.5 million pairs."""
    problem = stock.free(500, 5_000)
    free_levels(problem)
    _, seconds = _cpu(lambda: inventory.solve(problem))
    yield Bar(what="levels of 2.5 M pairs, checked", measured=seconds, bar=3.0, unit="CPU s")


def allocation() -> Iterator[Bar]:
    """Allocation of two sizes under both limits, and what rationing costs on the tight case."""
    for stores, skus, time_s, gap in ((100, 500, 1.0, 0.02), (500, 5_000, 20.0, 0.005)):
        for is_tight in (False, True):
            problem, wish = stock.coupled(stores, skus, is_tight=is_tight)
            result, seconds = _cpu(lambda problem=problem: inventory.solve(problem))  # type: ignore[misc]
            name = f"allocation {stores} x {skus}, {'tight' if is_tight else 'mixed'}"
            yield Bar(what=name, measured=seconds, bar=time_s, unit="CPU s")
            yield Bar(what=f"{name}: gap", measured=100 * (result.gap or 0), bar=gap, unit="%")
            if is_tight:
                plain = inventory.check(problem, stock.ration(problem, wish)).objective
                saved = 100 * (1 - (result.objective or 0.0) / plain)
                yield Bar(what=f"{name}: below rationing", measured=saved, bar=15.0, unit="%",
                          more_is_better=True)  # fmt: skip
    yield Bar(what="peak memory so far", measured=peak_mb() / 1024, bar=1.5, unit="GB")


def small() -> Iterator[Bar]:
    """The dual engine against the exact one on 20 cases of 10 x 30, of either volume."""
    for name, is_unit, bar in (("unit volumes", True, 0.05), ("unequal volumes", False, 0.25)):
        worst = 0.0
        for seed in range(10):
            problem = stock.coupled(10, 30, is_tight=seed % 2 == 1, seed=seed + 1)[0]
            if is_unit:
                room = np.asarray(problem.store_volume_ml) // int(np.mean(problem.volume_ml))
                ones = np.ones_like(problem.volume_ml)
                problem = problem.replace(volume_ml=ones, store_volume_ml=room)
            exact = inventory.solve(problem, engine="exact", stop=Stop(time_s=60))
            dual = inventory.solve(problem, engine="dual")
            least = exact.bound or 0.0
            worst = max(worst, 100 * ((dual.objective or 0.0) - least) / least)
        yield Bar(what=f"10 x 30 against the MIP, {name}", measured=worst, bar=bar, unit="%")


def sources() -> Iterator[Bar]:
    """Sourcing of 200, 1,000 and 4,000 orders, and of one at a time."""
    for count, stores, skus, held, engine, time_s, gap in (
        (200, 100, 1_000, 0.8, "exact", 1.0, 1e-4),
        (1_000, 100, 1_000, 0.8, "neighbourhood", 40.0, 1.5),
        (4_000, 200, 2_000, 0.6, "neighbourhood", 60.0, 4.0),
    ):
        problem = orders.city(count, stores, skus, held)
        stop = Stop(time_s=max(time_s, 20.0))
        start = time.perf_counter()
        result = sourcing.solve(problem, engine=engine, stop=stop)
        seconds = time.perf_counter() - start
        name = f"sourcing {count:,} orders"
        yield Bar(what=f"{name}, {engine}", measured=seconds, bar=time_s, unit="s")
        yield Bar(what=f"{name}: gap", measured=100 * (result.gap or 0), bar=gap, unit="%")
    price = sourcing.shadow_prices(orders.city(4_000, 200, 2_000, 0.6, day=2), max_prices=30)
    _, seconds = _cpu(lambda: sourcing.source_in_turn(problem, price))
    each = 1000 * seconds / problem.num_orders
    yield Bar(what="sourcing online, an order", measured=each, bar=1.0, unit="CPU ms")


def goods() -> Iterator[Bar]:
    """Published policies of goods that expire."""
    made = perishables.solve(PerishablesProblem(items=(fresh.de_moor(2, 1, "lifo", 7.0),)))
    table = made.require().table_units[0].reshape(11, 11)[:9, :9]
    wanted = np.repeat([[3], [3], [3], [2], [1], [0], [0], [0], [0]], 9, axis=1)
    wrong = float((table != wanted).sum())
    yield Bar(what="De Moor, life 2: wrong of 81 entries", measured=wrong, bar=0.0, unit="entries")
    for life, most, profit in ((2, 10, 2.2151), (3, 15, 2.3985)):
        made = perishables.solve(PerishablesProblem(items=(fresh.hendrix(life, most),)))
        off = abs(-(made.objective or 0.0) - profit)
        yield Bar(what=f"Hendrix, life {life}: off the profit", measured=off, bar=1e-4, unit="")


def days() -> Iterator[Bar]:
    """A replayed day of 2.5 million pairs."""
    rng = np.random.default_rng(22)
    mean = rng.gamma(1.5, 3.0, (500, 5_000))
    problem = ReplayProblem(
        mean_units=mean,
        variance_units=mean * rng.uniform(1.1, 3.0, mean.shape),
        holding_cost=rng.uniform(0.2, 1.0, 5_000),
        shortage_cost=rng.uniform(2.0, 8.0, 5_000),
        start_units=np.ceil(2 * mean),
    )
    policy = OrderUpTo(level_units=np.ceil(2 * mean), case_pack_units=1)
    world = World(problem, Draws(problem), 1, 0)
    world.step(policy)
    _, seconds = _cpu(lambda: [world.step(policy) for _ in range(5)])
    world.close()
    yield Bar(what="a day of 2.5 M pairs", measured=seconds / 5, bar=0.5, unit="CPU s")


BARS: dict[str, Callable[[], Iterator[Bar]]] = {
    "levels": levels,
    "days": days,
    "goods": goods,
    "small": small,
    "allocation": allocation,
    "sources": sources,
}


def main(names: list[str]) -> int:
    """Measure and print; return how many bars are missed."""
    missed = 0
    for name in names or list(BARS):
        for bar in BARS[name]():
            missed += not bar.is_met
            word, sign = ("met" if bar.is_met else "MISSED", ">=" if bar.more_is_better else "<=")
            figures = f"{bar.measured:10.5g} {sign} {bar.bar:g} {bar.unit}"
            print(f"{bar.what:48s} {figures:32s} {word}", flush=True)
    return missed


if __name__ == "__main__":
    raise SystemExit(min(main(sys.argv[1:]), 1))
