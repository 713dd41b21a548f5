"""Proven optima of maximum coverage: sites of Chen et al., customers as their table tells."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import numpy as np
import pytest

from dispatchopt import siting
from dispatchopt.core.result import Status
from dispatchopt.core.stop import Stop
from dispatchopt.siting import PointGround

HOME = Path(__file__).parents[3] / "shared" / "data"
DATA = Path(os.environ.get("DISPATCHOPT_DATA", HOME)) / "siting"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.is_dir(), reason="set DISPATCHOPT_DATA to the folder of data"),
]


def _known(name: str) -> list[tuple[int, float, int, bool]]:
    """Return sites to open, reach, value, and whether it is proven, of the rows of an instance."""
    found = []
    with (DATA / "bks.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["set"] == "cordeau_chen_cover" and row["instance"].startswith(name):
                limits = re.fullmatch(r"B=(\d+) R=([\d.]+)", row["p_or_radius"])
                assert limits is not None
                reach, is_proven = float(limits[2]), row["proven"].startswith("yes")
                found.append((int(limits[1]), reach, int(row["value"]), is_proven))
    assert found
    return found


def _sites(name: str) -> np.ndarray:
    rows = (DATA / "cordeau_chen_cover" / f"{name}.dat").read_text().splitlines()[1:]
    return np.array([row.split() for row in rows], dtype=np.float64)


def _covered(ground: PointGround, open_sites: int, seconds: float) -> tuple[Status, int, int]:
    """Return status, demand covered, and the most that can be."""
    result = siting.solve(
        ground.problem(goal="max-coverage", max_sites=open_sites), stop=Stop(time_s=seconds)
    )
    assert result.objective is not None
    assert result.bound is not None
    assert ground.unserved_units(result.require().open_sites) == result.objective
    total = int(ground.demand_units.sum())
    return result.status, total - round(result.objective), total - round(result.bound)


@pytest.mark.parametrize(
    ("customers", "every"),
    [(10_000, 3), (100_000, 6), pytest.param(1_000_000, 9, marks=pytest.mark.slow)],
)
def test_a_hundred_sites(customers: int, every: int) -> None:
    rng = np.random.default_rng(1001)
    customer_xy = rng.uniform(0, 30, (customers, 2))
    units = rng.integers(1, 101, customers)
    rows = _known(f"n100s1.dat + numpy customers m={customers} ")
    for open_sites, reach, value, is_proven in rows[::every]:
        assert is_proven
        ground = PointGround(
            site_xy=_sites("n100s1")[:, 1:3],
            customer_xy=customer_xy,
            demand_units=units,
            reach=reach,
            is_strict=True,
        )
        assert _covered(ground, open_sites, 60.0) == (Status.OPTIMAL, value, value)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["n1000s1", "n1000s2"])
def test_a_thousand_sites(name: str) -> None:
    table = _sites(name)
    for open_sites, reach, value, is_proven in _known(f"{name}.dat"):
        if open_sites > 15 or reach > 3.5:
            continue
        ground = PointGround(
            site_xy=table[:, 1:3],
            customer_xy=table[:, 1:3],
            demand_units=table[:, 4].astype(np.int64),
            reach=reach,
            is_strict=True,
        )
        _, found, most = _covered(ground, open_sites, 60.0)
        assert found <= value <= most if is_proven else value <= most
        assert found >= 0.998 * value
