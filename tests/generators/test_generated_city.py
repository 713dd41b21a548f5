from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from dispatchopt.core.arrays import digest
from dispatchopt.core.errors import InputError
from dispatchopt.generators import generate_city, generate_streets
from dispatchopt.generators.goods import CATEGORIES, STREAM_CHANCE, generate_goods
from dispatchopt.generators.hours import (
    CLOSE_S,
    ERRAND_EXTRA_ITEMS,
    ERRAND_SHARES,
    OPEN_S,
    rate_per_hour,
)
from dispatchopt.generators.people import draw_quarters
from dispatchopt.generators.sites import stores_needed
from dispatchopt.geography.distance import earth_xyz
from dispatchopt.geography.network import Network
from dispatchopt.pipeline.city import City, SiteStatus

_DIGEST = "from dispatchopt.generators import generate_city as g; from dispatchopt.core.arrays "
_DIGEST += "import digest; print(digest(g(nodes=200, customers=50, sites=8, skus=30, orders=90)))"


def test_same_seed_same_city_whatever_the_hash_seed() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "4711")
    }
    city = generate_city(nodes=200, customers=50, sites=8, skus=30, orders=90)
    assert found == {digest(city) + "\n"}


def test_other_seed_other_city() -> None:
    one, other = (
        generate_city(nodes=100, customers=20, sites=4, skus=10, orders=30, seed=seed)
        for seed in (1, 2)
    )
    for part in ("network", "customers", "sites", "skus", "orders"):
        assert digest(getattr(one, part)) != digest(getattr(other, part))


@pytest.mark.parametrize(
    ("change", "untouched"),
    [
        ({"couriers": 7}, ("network", "customers", "sites", "skus", "orders")),
        ({"sites": 3}, ("network", "customers", "skus", "orders", "couriers")),
        ({"skus": 60}, ("network", "customers", "sites", "couriers")),
        ({"customers": 30}, ("network", "skus", "couriers")),
    ],
)
def test_streams_are_independent(change: dict[str, int], untouched: tuple[str, ...]) -> None:
    base: dict[str, Any] = {"nodes": 100, "customers": 20, "sites": 8, "skus": 20, "orders": 50}
    one, other = generate_city(**base), generate_city(**{**base, **change})
    assert digest(one) != digest(other)
    for part in untouched:
        assert digest(getattr(one, part)) == digest(getattr(other, part)), part


def test_sizes(small_city: City, medium_city: City) -> None:
    for city, nodes, customers, sites, skus, orders in (
        (small_city, 2_000, 500, 40, 150, 1_000),
        (medium_city, 15_000, 5_000, 200, 1_000, 10_000),
    ):
        assert city.network is not None
        assert abs(city.network.num_nodes - nodes) < 0.05 * nodes
        found = tuple(len(t) for t in (city.customers, city.sites, city.skus, city.orders))
        assert found == (customers, sites, skus, orders)


def test_abc_profile_and_fresh_share(small_city: City, medium_city: City) -> None:
    for city, tolerance in ((small_city, 0.04), (medium_city, 0.02)):
        skus = city.skus
        assert skus.is_fresh.sum() == 0.4 * len(skus)
        mean = np.sort(skus.demand_mean_units)[::-1]
        assert mean[: len(mean) // 5].sum() / mean.sum() == pytest.approx(0.8, abs=tolerance)
        turnover = skus.demand_mean_units * skus.price_cents
        classes = np.array(skus.abc_class)
        share = {each: turnover[classes == each].sum() / turnover.sum() for each in "ABC"}
        assert share["A"] == pytest.approx(0.8, abs=0.03)
        assert share["B"] == pytest.approx(0.15, abs=0.03)
        assert turnover[classes == "A"].min() >= turnover[classes == "B"].max()
        assert turnover[classes == "B"].min() >= turnover[classes == "C"].max()


def test_fresh_goods_expire_and_cost_more_to_keep(medium_city: City) -> None:
    skus = medium_city.skus
    assert (skus.shelf_life_days[skus.is_fresh] >= 1).all()
    assert (skus.shelf_life_days[~skus.is_fresh] == 0).all()
    relative = skus.holding_cents / skus.price_cents
    assert np.median(relative[skus.is_fresh]) > 5 * np.median(relative[~skus.is_fresh])
    assert (skus.holding_cents > 0).all()
    assert (skus.margin_cents < skus.price_cents).all()
    assert (skus.demand_variance_units > skus.demand_mean_units).all()
    scarce = skus.available_units >= 0
    assert 0.05 < scarce.mean() < 0.15
    assert (skus.available_units[scarce] <= np.ceil(1.1 * skus.demand_mean_units[scarce])).all()


def test_orders_fit_customers_and_means() -> None:
    # Ten days of one town: units ordered agree with the stated means, orders with demand.
    days = [
        generate_city(nodes=100, customers=20, sites=2, skus=25, orders=2_000, seed=seed)
        for seed in range(10)
    ]
    for city in days[:3]:
        assert city.customers.demand_units.sum() == 2_000
        placed = np.bincount(city.orders.customer_idx, minlength=20)
        chance = city.customers.demand_units / 2_000
        spread = np.sqrt(2_000 * chance * (1 - chance))
        assert (np.abs(placed - 2_000 * chance) < 5 * spread + 1).all()
    units, expected, variance = np.zeros(25), np.zeros(25), np.zeros(25)
    for city in days:
        orders = city.orders
        of_order = np.repeat(np.arange(len(orders)), np.diff(orders.line_ptr))
        plain = ~orders.is_surge[of_order]
        sold = np.bincount(orders.line_sku[plain], weights=orders.line_units[plain], minlength=25)
        goods = generate_goods(
            num_skus=25,
            fresh_share=0.4,
            num_orders=2_000 - int(orders.is_surge.sum()),
            num_stream_orders=0,
            seed=days.index(city),
        )
        rank = np.argsort(-goods.skus.demand_mean_units)
        units += sold[rank]
        expected += goods.skus.demand_mean_units[rank]
        variance += goods.skus.demand_variance_units[rank]
    assert (np.abs(units - expected) < 4 * np.sqrt(variance)).all()
    assert units.sum() == pytest.approx(expected.sum(), rel=0.03)


def test_live_stream_raises_mean_and_variance_of_what_it_shows() -> None:
    plain, shown = (
        generate_goods(num_skus=40, fresh_share=0.4, num_orders=500, num_stream_orders=n, seed=3)
        for n in (0, 100)
    )
    more = shown.skus.demand_mean_units - plain.skus.demand_mean_units
    # 100 orders of 2 units over 4 SKUs on a quarter of all days.
    expected = np.zeros(40)
    expected[shown.stream_skus] = STREAM_CHANCE * 2 * 100 / 4
    np.testing.assert_allclose(more, expected, atol=2e-3)
    variance = shown.skus.demand_variance_units - plain.skus.demand_variance_units
    np.testing.assert_allclose(variance[shown.stream_skus], 0.25 * 0.75 * 50**2, atol=2e-3)
    assert not shown.skus.is_fresh[shown.stream_skus].any()


def test_baskets_have_several_lines_and_errands_differ(medium_city: City) -> None:
    orders = medium_city.orders
    lines = np.diff(orders.line_ptr)
    assert lines.min() >= 1
    assert 3 < lines[~orders.is_surge].mean() < 6
    of_order = np.repeat(np.arange(len(orders)), lines)
    assert len(set(zip(of_order.tolist(), orders.line_sku.tolist(), strict=True))) == lines.sum()
    # Two lines of one basket are both fresh or both dry more often than two of any baskets.
    fresh = medium_city.skus.is_fresh[orders.line_sku]
    share = fresh.mean()
    pairs = of_order[1:] == of_order[:-1]
    alike = (fresh[1:] == fresh[:-1])[pairs].mean()
    assert alike > share**2 + (1 - share) ** 2 + 0.03


def test_items_of_all_errands_add_up_to_the_shares_of_skus() -> None:
    goods = generate_goods(
        num_skus=60, fresh_share=0.4, num_orders=1_000, num_stream_orders=0, seed=5
    )
    items = ERRAND_SHARES * (1 + ERRAND_EXTRA_ITEMS)
    per_item = 1 + np.array([each.extra_units for each in CATEGORIES])[goods.category]
    units = 1_000 * (items @ goods.item_share) * per_item
    np.testing.assert_allclose(units, goods.skus.demand_mean_units, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(goods.item_share.sum(axis=1), 1.0)


def test_lunch_and_dinner_peaks(medium_city: City) -> None:
    orders = medium_city.orders
    hours = np.bincount(orders.placed_s[~orders.is_surge] // 3600, minlength=24)
    assert orders.placed_s.min() >= OPEN_S
    assert orders.placed_s.max() < CLOSE_S
    assert hours[11] > 1.3 * hours[9]
    assert hours[11] > 1.5 * hours[14]
    assert hours[18] > 2 * hours[14]
    assert hours[18] > hours[11]


def test_rates_integrate_to_the_orders() -> None:
    seconds = np.arange(0, 86_400, 60) + 30.0
    assert rate_per_hour(700, seconds.astype(np.float64)).sum() / 60 == pytest.approx(700, rel=1e-4)
    assert rate_per_hour(700, np.array([3 * 3600.0]))[0] == 0


def test_live_stream_is_a_burst_on_few_skus(small_city: City) -> None:
    orders = small_city.orders
    assert orders.is_surge.sum() == 80
    placed = orders.placed_s[orders.is_surge]
    assert 600 < np.ptp(placed) <= 1_500
    in_window = (orders.placed_s >= placed.min()) & (orders.placed_s <= placed.max())
    assert in_window.sum() > 2 * (in_window & ~orders.is_surge).sum()
    of_order = np.repeat(np.arange(len(orders)), np.diff(orders.line_ptr))
    counts = np.bincount(orders.line_sku[orders.is_surge[of_order]], minlength=150)
    assert np.sort(counts)[-4:].sum() >= 80


def test_couriers_cover_peaks_and_work_hard(small_city: City, medium_city: City) -> None:
    for city in (small_city, medium_city):
        couriers = city.couriers
        hours = (couriers.off_s - couriers.on_s).sum() / 3600
        assert 2.2 < len(city.orders) / hours < 3.0
        at = {
            hour: int(((couriers.on_s <= hour * 3600) & (couriers.off_s > hour * 3600)).sum())
            for hour in (9, 15, 19)
        }
        assert at[19] > 1.5 * at[15]
        assert (couriers.on_s < couriers.off_s).all()
        share = couriers.vehicles.count("e-bike") / len(couriers)
        assert 0.55 < share < 0.9
    assert 50 <= len(small_city.couriers) <= 70


def test_people_live_in_clusters_near_streets(small_city: City) -> None:
    network = small_city.network
    assert network is not None
    customers = earth_xyz(small_city.customers.points)
    uniform = earth_xyz(network.points)
    to_street = cKDTree(uniform).query(customers)[0]
    assert np.quantile(to_street, 0.99) < 250
    # Neighbours within 500 m: more than if every crossing had as many people.
    crowd = cKDTree(customers).count_neighbors(cKDTree(customers), 500) / len(customers) ** 2
    even = cKDTree(uniform).count_neighbors(cKDTree(uniform), 500) / len(uniform) ** 2
    assert crowd > 1.2 * even


def test_sites_are_dearer_where_people_are(medium_city: City) -> None:
    network = medium_city.network
    assert network is not None
    sites = medium_city.sites
    density = draw_quarters(network, 2).density(network.plane.to_xy(sites.points))
    relative = sites.rent_cents / (9_000 + 45 * sites.capacity_orders)
    is_dense = density > np.median(density)
    assert relative[is_dense].mean() > 1.5 * relative[~is_dense].mean()
    assert (sites.rent_cents % 100 == 0).all()
    assert (sites.pickers >= 2).all()
    assert sites.volume_ml.min() > 0
    counts = {each: int((sites.status == each).sum()) for each in SiteStatus}
    assert counts[SiteStatus.EXISTING] == 10
    assert counts[SiteStatus.REQUIRED] == 5
    assert counts[SiteStatus.FORBIDDEN] == 10
    # The stores allowed suffice for all orders.
    limit = medium_city.parameters.max_sites
    assert limit == stores_needed(network)
    assert np.sort(sites.capacity_orders)[-limit:].sum() > 10_000


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    nodes=st.integers(25, 200),
    customers=st.integers(1, 60),
    sites=st.integers(1, 30),
    skus=st.integers(0, 40),
    orders=st.integers(0, 120),
    couriers=st.none() | st.integers(0, 20),
    fresh_share=st.floats(0, 1),
)
def test_any_options_make_a_valid_city(
    seed: int, skus: int, fresh_share: float, **numbers: Any
) -> None:
    city = generate_city(seed=seed, skus=skus, fresh_share=fresh_share, **numbers)
    # A City checks that its tables fit together and holds no nan.
    assert len(city.customers) == numbers["customers"]
    assert len(city.sites) == numbers["sites"]
    assert len(city.skus) == skus
    assert len(city.orders) == numbers["orders"]
    assert city.skus.is_fresh.sum() == round(fresh_share * skus)
    assert (np.diff(city.orders.line_ptr) >= (1 if skus else 0)).all()
    assert city.customers.demand_units.sum() == numbers["orders"]
    if numbers["couriers"] is not None:
        assert len(city.couriers) == numbers["couriers"]
    assert city.network is not None
    assert city.network.component_labels().max() == 0


def test_demand_on_given_streets() -> None:
    streets = generate_streets(num_nodes=300, seed=9)
    shifted = Network(
        lon=streets.lon - 130,
        lat=streets.lat + 10,
        tail=streets.tail,
        head=streets.head,
        length_m=streets.length_m,
        source="elsewhere",
    )
    city = generate_city(network=shifted, customers=40, sites=5, skus=10, orders=60)
    assert city.network is shifted
    assert "elsewhere" in city.source
    places = earth_xyz(city.customers.points)
    assert cKDTree(earth_xyz(shifted.points)).query(places)[0].max() < 500


def test_network_without_streets_is_refused() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    bare = Network(
        lon=np.zeros(2), lat=np.arange(2.0), tail=nothing, head=nothing, length_m=np.zeros(0)
    )
    with pytest.raises(InputError, match="empty-network"):
        generate_city(network=bare)


def test_every_bad_option_is_listed() -> None:
    with pytest.raises(InputError) as caught:
        generate_city(
            size="huge", nodes=3, customers=2.5, orders=float("nan"), fresh_share="x", colour=1
        )
    found = {(issue.code, issue.where) for issue in caught.value.issues}
    assert found == {
        ("bad-option", "size"),
        ("bad-option", "nodes"),
        ("bad-option", "customers"),
        ("bad-option", "orders"),
        ("bad-option", "fresh_share"),
        ("unknown-option", "colour"),
    }


@pytest.mark.parametrize("seed", [-1, 1.0, "1", True, None])
def test_bad_seed_is_refused(seed: object) -> None:
    with pytest.raises(InputError, match="seed"):
        generate_city(seed=seed)  # type: ignore[arg-type]


def test_options_may_come_as_text() -> None:
    given_as_text = generate_city(nodes="100", customers="9", sites="2", orders="5", noise="0.5")
    assert len(given_as_text.customers) == 9
    assert given_as_text.parameters.travel_noise == 0.5
