"""Instances that are drawn: the generator of Cordeau, Furini and Ljubic (2019), and cities."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from benchmarks.siting_bars.measure import HOME, Case, Points, listed_values
from benchmarks.suites.siting_scale import SETTINGS
from benchmarks.suites.siting_scale import make as drawn

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.siting import PointGround

SIDE = 30.0
SITES = 100
REACH_M = 3_000.0
#: Sites, side of the city (m), sites to open.
CITIES = {
    "city-200": [(200, 20_000.0, 10), (200, 20_000.0, 15), (200, 20_000.0, 20)],
    "city-wide": [(500, 40_000.0, 40), (1_000, 60_000.0, 60)],
    "city-dense": [(500, 20_000.0, 15)],
}


def c_rand(seed: int, count: int) -> IntArray:
    """Return what ``rand`` of the GNU C library gives after ``srand(seed)``.

    The additive feedback of degree 31 (r_i = r_(i-3) + r_(i-31) mod 2**32, of which the first 310
    are thrown away), whose first values a linear congruence fills.
    """
    word = [seed]
    for _ in range(30):
        word.append(16807 * word[-1] % (2**31 - 1))
    state = np.empty(344 + count + 3, dtype=np.uint32)
    state[:31] = word
    state[31:34] = state[:3]
    for at in range(34, len(state) - 2, 3):
        # Three at a time: a value depends on none of the two before it.
        state[at : at + 3] = state[at - 3 : at] + state[at - 31 : at - 28]
    return (state[344 : 344 + count] >> 1).astype(np.int64)


def generated(customers: int, seed: int, reach: float) -> PointGround:
    """Return an instance of the published generator, demand 1 to 100, six decimals."""
    draws = c_rand(seed, 2 * (SITES + customers) + SITES + customers)
    places = np.round(draws[: 2 * (SITES + customers)] / (2**31 - 1) * SIDE, 6).reshape(-1, 2)
    return PointGround(
        site_xy=places[:SITES],
        customer_xy=places[SITES:],
        demand_units=draws[-customers:] % 100 + 1,
        reach=reach,
        is_strict=True,
    )


def _beside_file(path: Path, customers: int, reach: float) -> PointGround:
    """Return the sites of a file with customers drawn by numpy, as the listed values were."""
    sites = np.loadtxt(path, skiprows=1)[:, 1:3]
    rng = np.random.default_rng(1001)
    return PointGround(
        site_xy=sites,
        customer_xy=rng.uniform(0, SIDE, (customers, 2)),
        demand_units=rng.integers(1, 101, customers),
        reach=reach,
        is_strict=True,
    )


def listed_points(most: int = 10_000_000, least: int = 0) -> list[Case]:
    """Return the drawn instances with published values, of at most so many customers."""
    cases = []
    for row in listed_values("cordeau_chen_cover"):
        name = row["instance"]
        if "_m" not in name and " m=" not in name:
            continue
        count = int(name.split(" m=" if " m=" in name else "_m")[1].split(" ")[0].split("_")[0])
        if not least <= count <= most:
            continue
        budget, reach = (part.split("=")[1] for part in row["p_or_radius"].split(" "))
        if name.startswith("GRID"):
            seed = int(name.split("_s")[1].split(" ")[0])
            make = _points(partial(generated, count, seed, float(reach)), int(budget))
        else:
            path = HOME / "cordeau_chen_cover" / name.split(" ")[0]
            if not path.is_file():
                continue
            make = _points(partial(_beside_file, path, count, float(reach)), int(budget))
        label = f"{name.split(' ')[0]} m={count} p={budget} R={reach}"
        cases.append(
            Case(
                name=label,
                make=make,
                seconds=60.0,
                listed=float(row["value"]),
                is_proven=row["proven"] == "yes",
            )
        )
    return cases


def _points(ground: Callable[[], PointGround], max_sites: int) -> Callable[[], Points]:
    def make() -> Points:
        return Points(
            ground=ground(),
            problem=lambda one: one.problem(goal="max-coverage", max_sites=max_sites),
        )

    return make


def coverage_scale(customers: int) -> list[Case]:
    """Return the 14 settings of p and reach with so many customers."""
    return [
        Case(
            name=f"MCLP {customers} x {SITES}, p = {count}, R = {reach:g}",
            make=_points(partial(drawn, customers, reach), count),
            seconds=60.0,
        )
        for count, reach in SETTINGS
    ]


def set_covering(customers: int = 1_000_000) -> list[Case]:
    """Return covering half to all of the demand that is within reach, at least cost and count."""

    def make(reach: float, share: float, is_costly: bool) -> Points:
        ground = drawn(customers, reach)
        rng = np.random.default_rng(2)
        cost = rng.integers(10, 101, SITES) if is_costly else None
        reachable = ground.demand_units.sum() - ground.unserved_units(np.arange(SITES))
        wanted = share * float(reachable) / float(ground.demand_units.sum())
        if share == 1.0:
            # In full: those within reach of anyone are those to cover.
            near = ground.assignment(np.arange(SITES)) >= 0
            ground = PointGround(
                site_xy=ground.site_xy,
                customer_xy=ground.customer_xy[near],
                demand_units=ground.demand_units[near],
                reach=reach,
                is_strict=True,
            )
            wanted = 1.0
        return Points(
            ground=ground,
            problem=lambda one: one.problem(
                goal="cover-all",
                required_share=wanted,
                site_cost_cents=cost,
                minimise_cost=is_costly,
            ),
        )

    cases = []
    for _, reach in SETTINGS:
        for share in (0.5, 0.6, 0.7, 1.0):
            for is_costly in (False, True):
                kind = "at least cost" if is_costly else "fewest sites"
                cases.append(
                    Case(
                        name=f"cover {share:.0%} of {customers}, R = {reach:g}, {kind}",
                        make=partial(make, reach, share, is_costly),
                        seconds=60.0,
                    )
                )
    return cases


def city_points(
    sites: int, side_m: float, customers: int, seed: int, *, is_clustered: bool
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return sites, customers and demand: uniform, or most of both around random centres."""
    rng = np.random.default_rng(seed)
    demand = rng.integers(1, 11, customers)
    if not is_clustered:
        return rng.random((sites, 2)) * side_m, rng.random((customers, 2)) * side_m, demand
    centres = rng.random((max(4, round((side_m / 6_000) ** 2)), 2)) * side_m
    weight = rng.pareto(1.5, len(centres)) + 0.2

    def scattered(count: int, share: float) -> FloatArray:
        near = round(share * count)
        middle = centres[rng.choice(len(centres), near, p=weight / weight.sum())]
        points = middle + rng.normal(scale=side_m / 20, size=(near, 2))
        points = np.concatenate([points, rng.random((count - near, 2)) * side_m])
        # Whatever lies outside is mirrored at the border.
        return np.abs((points + side_m) % (2 * side_m) - side_m)

    return scattered(sites, 0.5), scattered(customers, 0.8), demand


def cities(name: str, customers: int = 1_000_000) -> list[Case]:
    """Return the cities of a bar, uniform and clustered, with one set of settings for all."""
    cases = []
    for sites, side_m, count in CITIES[name]:
        for is_clustered in (False, True):

            def ground(m: int = sites, s: float = side_m, c: bool = is_clustered) -> PointGround:
                place, home, demand = city_points(m, s, customers, 1, is_clustered=c)
                return PointGround(
                    site_xy=place, customer_xy=home, demand_units=demand, reach=REACH_M
                )

            kind = "clustered" if is_clustered else "uniform"
            cases.append(
                Case(
                    name=f"{customers} x {sites}, {side_m / 1000:g} km, {kind}, p = {count}",
                    make=_points(ground, count),
                    seconds=40.0 if name == "city-200" else 120.0,
                )
            )
    return cases
