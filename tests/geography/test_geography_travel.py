"""Travel row by row: the same figures as the matrix, within bounded memory."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.geography import PROFILES, Network, Points, RoadRouter


def _router(network: Network, name: str = "car", **options: object) -> RoadRouter:
    return RoadRouter(
        network=network,
        profile=PROFILES[name],
        snap_to="all",
        snap_limit_m=400,
        far="unreachable",
        **options,  # type: ignore[arg-type]
    )


def _places(seed: int, count: int = 60) -> Points:
    rng = np.random.default_rng(seed)
    return Points(lon=rng.uniform(0, 0.02, count), lat=rng.uniform(0, 0.02, count))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    name=st.sampled_from(["car", "e-bike"]),
    cache_mb=st.sampled_from([1e-9, 3e-4, 512.0]),
)
def test_any_order_of_questions_gives_the_matrix(
    random_roads: Callable[[int], Network], seed: int, name: str, cache_mb: float
) -> None:
    places = _places(seed)
    router = _router(random_roads(seed), name, cache_mb=cache_mb)
    whole = router.matrix(places, places)
    travel = router.travel(places)
    rng = np.random.default_rng(seed)
    for _ in range(6):
        origins, targets = rng.integers(0, 60, (2, int(rng.integers(0, 40))))
        distance, duration = travel.pairs(origins, targets)
        assert (distance == whole.distance_m[origins, targets]).all()
        assert (duration == whole.duration_s[origins, targets]).all()
        block = travel.block(origins[:5], targets[:7])
        cells = np.ix_(origins[:5], targets[:7])
        assert (block.distance_m == whole.distance_m[cells]).all()
        assert (block.duration_s == whole.duration_s[cells]).all()


def test_memory_is_bounded_by_the_cache(random_roads: Callable[[int], Network]) -> None:
    travel = _router(random_roads(3), cache_mb=4e-4).travel(_places(3))
    assert travel._metres._store.nbytes + travel._seconds._store.nbytes <= 400
    everyone = np.arange(60)
    assert travel.block(everyone, everyone).shape == (60, 60)


def test_rows_are_searched_once(
    random_roads: Callable[[int], Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dispatchopt.geography import graph, road_travel

    calls = []
    real = graph.shortest

    def counted(*arguments: object, **named: object) -> object:
        calls.append(arguments)
        return real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(road_travel, "shortest", counted)
    travel = _router(random_roads(4), "e-bike").travel(_places(4))
    origins, targets = np.arange(20), np.arange(20, 40)
    travel.pairs(origins, targets)
    assert calls
    before = len(calls)
    travel.pairs(origins, targets)
    assert len(calls) == before


def test_unlike_numbers_are_refused(random_roads: Callable[[int], Network]) -> None:
    travel = _router(random_roads(5)).travel(_places(5))
    with pytest.raises(ValueError, match="2 origins and 3 targets"):
        travel.pairs(np.arange(2), np.arange(3))


def test_the_hour_slows_down(random_roads: Callable[[int], Network]) -> None:
    travel = _router(random_roads(6)).travel(_places(6))
    assert travel.slowdown(18 * 3600) == PROFILES["car"].slowdown(18 * 3600)
    assert travel.num_places == 60
