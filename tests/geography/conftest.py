"""Small networks for the tests of the geographic model."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from dispatchopt.geography import Network, Points, Profile

#: About one metre in degrees at the equator.
METRE = 1 / 111_319.49
#: One metre a second and no traffic, so that figures can be redone by hand.
SLOW = Profile(name="slow", speed_m_s=1.0, access_speed_m_s=0.5)

MakeNetwork = Callable[..., Network]


@pytest.fixture(scope="session")
def slow() -> Profile:
    return SLOW


@pytest.fixture(scope="session")
def at() -> Callable[..., Points]:
    """Points by metres east and north of 0, 0."""

    def make(*east_north: tuple[float, float]) -> Points:
        xy = np.array(east_north, dtype=float).reshape(-1, 2)
        return Points(lon=xy[:, 0] * METRE, lat=xy[:, 1] / 110_574.0)

    return make


@pytest.fixture(scope="session")
def roads(at: Callable[..., Points]) -> MakeNetwork:
    """A network from places in metres and arcs (tail, head, length)."""

    def make(
        places: Sequence[tuple[float, float]],
        arcs: Sequence[tuple[int, int, float]],
        **fields: object,
    ) -> Network:
        points = at(*places)
        tail, head, length = zip(*arcs, strict=True) if arcs else ((), (), ())
        network = Network(
            lon=points.lon,
            lat=points.lat,
            tail=np.array(tail, dtype=np.int64),
            head=np.array(head, dtype=np.int64),
            length_m=np.array(length, dtype=np.float64),
        )
        return replace(network, **fields)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def random_roads() -> Callable[[int], Network]:
    """A seeded directed network with parallel arcs, loops, zero lengths and islands."""

    def make(seed: int) -> Network:
        rng = np.random.default_rng(seed)
        nodes = int(rng.integers(4, 30))
        arcs = int(rng.integers(nodes, 4 * nodes))
        length = rng.integers(0, 2000, arcs) / 10
        length[rng.random(arcs) < 0.1] = 0
        classes = ("residential", "primary", "footway", "motorway_link")
        return Network(
            lon=rng.uniform(0, 0.02, nodes),
            lat=rng.uniform(0, 0.02, nodes),
            tail=rng.integers(0, nodes, arcs),
            head=rng.integers(0, nodes, arcs),
            length_m=length,
            classes=classes,
            class_idx=rng.integers(0, len(classes), arcs),
        )

    return make
