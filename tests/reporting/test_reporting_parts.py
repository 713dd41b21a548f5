"""Series, colours, streets, ways, reasons: small inputs whose answers a reader can redo."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dispatchopt.core.arrays import FloatArray
from dispatchopt.core.result import Status
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points
from dispatchopt.geography.roads import RoadRouter
from dispatchopt.pipeline.result import CityPlan
from dispatchopt.reporting import places
from dispatchopt.reporting.costs import cost_parts, cost_section
from dispatchopt.reporting.day_series import (
    courier_load,
    hourly_orders,
    surge_hours,
    utilisation,
    worst_orders,
)
from dispatchopt.reporting.html import Column, Table, format_value, table_html
from dispatchopt.reporting.leaflet import leaflet_script, leaflet_style, leaflet_version
from dispatchopt.reporting.packing import unpack
from dispatchopt.reporting.places import bounds_of
from dispatchopt.reporting.reasons import uncovered_codes, words
from dispatchopt.reporting.roads import display_roads, simplify_lines, street_lines
from dispatchopt.reporting.shades import NUM_SHADES, store_shades
from dispatchopt.reporting.stock_section import coded_causes, missed_units, shortage_causes
from dispatchopt.reporting.verdict import badges, share_text, verdict
from dispatchopt.reporting.ways import drive_ways
from dispatchopt.simulation.outcome import OrderStatus


def test_import_is_light() -> None:
    heavy = ("geopandas", "pandas", "shapely", "matplotlib", "rich", "pydantic", "ortools", "scipy")
    code = (
        "import sys, dispatchopt.reporting; "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there() -> None:
    from dispatchopt import reporting

    for name in reporting.__all__:
        assert callable(getattr(reporting, name)), name
    with pytest.raises(AttributeError, match="no attribute"):
        _ = reporting.nothing_of_the_kind


def test_leaflet_asks_for_nothing() -> None:
    assert leaflet_version() == "1.9.4"
    assert "sourceMappingURL" not in leaflet_script()
    assert "Leaflet 1.9.4" in leaflet_script()[:200]
    assert "url(" not in leaflet_style()


def two_orders(plan: CityPlan) -> CityPlan:
    """Return the plan with three orders at 8:00 h: 20 min on time, 40 min late, one refused."""
    assert plan.day is not None
    assert plan.outcome is not None
    rows = slice(0, 3)
    orders, records = plan.day.orders, plan.outcome.orders
    placed = np.array([28_800, 28_860, 28_920])
    short: dict[str, Any] = {
        name: getattr(orders, name)[rows] for name in ("ids", "place_idx", "load_ml")
    }
    kept = replace(
        orders,
        **short,
        placed_s=placed,
        due_s=placed + 1800,
        ready_s=np.full(3, -1),
        option_ptr=np.zeros(4, dtype=int),
        option_store=np.zeros(0, dtype=int),
        line_ptr=np.zeros(4, dtype=int),
        line_sku=np.zeros(0, dtype=int),
        line_units=np.zeros(0, dtype=int),
    )
    ended: dict[str, Any] = {
        "status": np.array([0, 0, 1]),
        "delivered_s": np.array([30_000, 31_260, -1]),
        "late_s": np.array([0, 600, -1]),
        "reason": ("", "", "no-store"),
    }
    rest: dict[str, Any] = {
        name: getattr(records, name)[rows]
        for name in records.__dataclass_fields__
        if name not in ended
    }
    outcome = replace(plan.outcome, orders=replace(records, **ended, **rest))
    return replace(plan, day=replace(plan.day, orders=kept), outcome=outcome)


def test_hourly_orders_by_hand(town_plan: CityPlan) -> None:
    plan = two_orders(town_plan)
    assert plan.day is not None
    assert plan.outcome is not None
    by_hour = hourly_orders(plan.day, plan.outcome)
    assert by_hour.hour.tolist() == [8]
    assert (by_hour.on_time[0], by_hour.late[0], by_hour.failed[0]) == (1, 1, 1)
    assert by_hour.on_time_share[0] == pytest.approx(1 / 3)
    # 1200 s and 2400 s from click to door.
    assert by_hour.median_s[0] == 1800
    assert (by_hour.low_s[0], by_hour.high_s[0]) == pytest.approx((1320, 2280))


def test_worst_orders_by_hand(town_plan: CityPlan) -> None:
    plan = two_orders(town_plan)
    assert plan.day is not None
    assert plan.outcome is not None
    assert worst_orders(plan.day, plan.outcome, 10).tolist() == [2, 1]
    assert worst_orders(plan.day, plan.outcome, 1).tolist() == [1]


def test_hours_add_up_to_the_metrics(town_plan: CityPlan) -> None:
    assert town_plan.day is not None
    assert town_plan.outcome is not None
    by_hour = hourly_orders(town_plan.day, town_plan.outcome)
    rows = {row["hour"]: row for row in town_plan.figures["day"]["by_hour"]}
    for hour, on_time, share in zip(
        by_hour.hour.tolist(), by_hour.on_time, by_hour.on_time_share, strict=True
    ):
        if hour in rows:
            assert on_time == rows[hour]["on_time"]
            assert share == pytest.approx(rows[hour]["on_time_share"])


def test_courier_load_counts_shifts_and_trips(town_plan: CityPlan) -> None:
    assert town_plan.day is not None
    assert town_plan.outcome is not None
    load = courier_load(town_plan.day, town_plan.outcome)
    at = 3 * 4  # three hours after the shift began at 8
    assert load.on_shift[at] == 6
    trips, second = town_plan.outcome.trips, load.second[at]
    assert load.at_work[at] == ((trips.assigned_s <= second) & (trips.end_s > second)).sum()
    share = utilisation(town_plan.day, town_plan.outcome)
    busy = town_plan.outcome.couriers.busy_s / (16 * 3600)
    assert share.tolist() == pytest.approx(np.minimum(1, busy).tolist())


def test_surge_hours() -> None:
    placed = np.arange(0, 72_000, 720)
    assert surge_hours(placed, np.zeros(100, dtype=bool)) is None
    found = surge_hours(placed, placed >= 36_000)
    assert found is not None
    assert 10 <= found[0] < found[1] <= 20


def test_neighbours_get_unlike_colours() -> None:
    column, row = np.meshgrid(np.arange(8), np.arange(8))
    lon: FloatArray = 8 + 0.02 * column.ravel().astype(np.float64)
    lat: FloatArray = 0.02 * row.ravel().astype(np.float64)
    shade = store_shades(lon, lat)
    assert set(shade.tolist()) <= set(range(NUM_SHADES))
    grid = shade.reshape(8, 8)
    assert (grid[:, 1:] != grid[:, :-1]).all()
    assert (grid[1:] != grid[:-1]).all()
    assert store_shades(np.zeros(0), np.zeros(0)).tolist() == []


def bent_network() -> Network:
    """Three nodes; 0-1 both ways with a bend, 0-1 once more in parallel, 1-2 one way."""
    return Network(
        lon=np.array([8.0, 8.01, 8.02]),
        lat=np.array([41.0, 41.0, 41.0]),
        tail=np.array([0, 1, 0, 1]),
        head=np.array([1, 0, 1, 2]),
        length_m=np.array([1200, 1200, 1100, 900]),
        classes=("residential", "primary_link"),
        class_idx=np.array([0, 0, 0, 1]),
        shape_indptr=np.array([0, 1, 2, 2, 2]),
        shape_lon=np.array([8.005, 8.005]),
        shape_lat=np.array([41.002, 41.002]),
    )


def test_streets_are_drawn_once() -> None:
    groups = display_roads(bent_network())
    assert [group["level"] for group in groups] == [0, 2]
    counts = [unpack(group["counts"]).tolist() for group in groups]
    assert counts == [[2], [3]]
    assert display_roads(None) == []


def test_street_driven_backwards_is_turned() -> None:
    lon, lat, counts = street_lines(bent_network(), np.array([0, ~0]))
    assert counts.tolist() == [3, 3]
    assert lon.tolist() == pytest.approx([8.0, 8.005, 8.01, 8.01, 8.005, 8.0])
    assert lat.tolist() == pytest.approx([41.0, 41.002, 41.0] * 2)


def test_many_streets_are_thinned_to_the_important(town_plan: CityPlan) -> None:
    network = town_plan.city.network
    assert network is not None
    every, few = display_roads(network), display_roads(network, 60)
    assert sum(len(unpack(group["counts"])) for group in few) == 60
    assert few[0]["level"] == 0
    assert few[0]["counts"] == every[0]["counts"]  # all major streets stay


def test_simplified_lines_keep_both_ends() -> None:
    lon, lat = np.array([0, 1e-6, 2e-6, 5, 5]), np.array([0, 0, 0, 5, 5.0])
    x, y, counts = simplify_lines(lon, lat, np.array([3, 2]), 1e-4)
    assert counts.tolist() == [2, 2]
    assert (x[0], y[0]) == (0, 0)


def test_ways_are_the_routers_ways(town_plan: CityPlan) -> None:
    """Two ways: batched trees give a path as long as the router's own path."""
    router, doors = town_plan.router, town_plan.city.customers.points[:12]
    assert isinstance(router, RoadRouter)
    origin, target = np.array([0, 3, 3, 7, 5]), np.array([4, 9, 1, 7, 3])
    ways = drive_ways(router, doors, origin, target)
    assert ways.num_by_road == 4  # from 7 to 7 there is no road to take
    start = np.cumsum(ways.counts) - ways.counts
    for drive in range(5):
        part = slice(start[drive], start[drive] + ways.counts[drive])
        own = np.column_stack([ways.lon[part], ways.lat[part]])
        known = router.path(doors[origin[drive : drive + 1]], doors[target[drive : drive + 1]])
        assert known is not None
        assert own[0].tolist() == pytest.approx(known[0].tolist())
        assert own[-1].tolist() == pytest.approx(known[-1].tolist())
        assert length(own) == pytest.approx(length(known), rel=0.03, abs=1e-4)


def length(lonlat: FloatArray) -> float:
    return float(np.hypot(*np.diff(lonlat, axis=0).T).sum())


def test_ways_without_work_are_straight(town_plan: CityPlan) -> None:
    doors = town_plan.city.customers.points[:3]
    ways = drive_ways(None, doors, np.array([0, 1]), np.array([1, 2]))
    assert ways.counts.tolist() == [2, 2]
    assert ways.num_by_road == 0


def test_hulls_hold_what_is_reached(town_plan: CityPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    shapely = pytest.importorskip("shapely")
    router = town_plan.router
    assert isinstance(router, RoadRouter)
    monkeypatch.setattr(places, "MAX_EXACT", 0)
    stores = town_plan.city.sites.points[town_plan.store_sites]
    areas = places.service_areas(router, stores, 800, np.arange(3))
    assert [area["shade"] for area in areas] == [0, 1, 2]
    reached = router.within(stores, router.network.points, 800)
    for store, area in enumerate(areas):
        ring = np.cumsum(unpack(area["rings"][0][0]).reshape(-1, 2), axis=0) / 1e5
        hull = shapely.Polygon(ring).buffer(2e-4)
        node = reached.customer_idx[reached.site_idx == store]
        inside = shapely.contains_xy(hull, router.network.lon[node], router.network.lat[node])
        assert len(node) > 5
        assert inside.all()


def test_bounds_hold_all_and_are_never_a_point() -> None:
    one = Points(lon=np.array([8.0]), lat=np.array([41.0]))
    (south, west), (north, east) = bounds_of(one)
    assert south < 41 < north
    assert west < 8 < east
    assert bounds_of(Points(lon=np.zeros(0), lat=np.zeros(0)))[0][0] < 0


def test_cost_parts_are_the_days_and_the_stocks(town_plan: CityPlan) -> None:
    parts = cost_parts(town_plan)
    day = town_plan.figures["day"]["cost"]
    # The first three sites cost 200, 205 and 210 a day.
    assert parts["rent of stores"] == 61_500
    assert parts["wages of couriers"] == 6 * 16 * 1500
    assert town_plan.inventory is not None
    rest = sum(town_plan.inventory.parts.values()) + 61_500
    assert sum(parts.values()) == pytest.approx(day["total_cents"] + rest)
    section = cost_section(town_plan)
    assert section is not None
    assert section.cards[0].title.endswith("per delivered order")


def test_short_skus_say_why(town_plan: CityPlan) -> None:
    problem, result = town_plan.inventory_problem, town_plan.inventory
    assert problem is not None
    assert result is not None
    causes = shortage_causes(problem, result.require())
    # Every third SKU is limited in the city warehouse; see the town.
    assert causes[0] == "The city warehouse has no more of it."
    assert coded_causes(problem, result.require())[0] == ("central-stock", causes[0])
    assert "warehouse" not in causes[1]
    missed = missed_units(problem, result.require())
    assert missed.sum() == pytest.approx(result.figures["missed_units"], rel=1e-6)


def test_uncovered_customers_say_why(town_plan: CityPlan) -> None:
    problem = town_plan.siting_problem
    codes = uncovered_codes(problem)
    reached = np.unique(problem.coverage.customer_idx)
    assert (codes[reached] == 0).all()
    assert (np.delete(codes, reached) == 2).all()
    closed = problem.replace(status=np.full(problem.num_sites, 3))
    assert (uncovered_codes(closed)[reached] == 1).all()


@pytest.mark.parametrize("status", list(OrderStatus))
def test_unknown_reasons_still_read_well(status: OrderStatus) -> None:
    assert words("no-such-code", int(status)) == "No such code."
    assert (words("", int(status)) == "") == (status is OrderStatus.DELIVERED)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "100.0%"), (0.99999, ">99.9%"), (0.0, "0.0%"), (0.0001, "<0.1%"), (0.5, "50.0%")],
)
def test_shares_do_not_round_to_all_or_nothing(value: float, text: str) -> None:
    assert share_text(value) == text


def test_verdict_counts_refused_orders(town_plan: CityPlan) -> None:
    tone, text = verdict(town_plan)
    share = town_plan.figures["day"]["on_time_share"]
    assert f"{share:.1%} of 120 orders" in text
    assert tone == ("good" if share >= 0.95 else "warn" if share >= 0.8 else "bad")


def test_gap_of_coverage_is_told_in_points(town_plan: CityPlan) -> None:
    total = town_plan.siting_problem.total_units
    siting = replace(
        town_plan.siting, status=Status.FEASIBLE, objective=0.3 * total, bound=0.25 * total
    )
    name, text, tone = badges(replace(town_plan, siting=siting))[0]
    assert (name, tone) == ("Siting", "warn")
    assert text == "at most 5.00 points of coverage from the best"
    assert badges(town_plan)[0] == ("Siting", "proven optimal", "good")


def test_table_formats_and_escapes() -> None:
    table = Table(
        caption="a <b>",
        columns=[
            Column(name="n&m"),
            Column(name="x", kind="meter"),
            Column(name="t", kind="clock"),
        ],
        rows=[["<i>", 0.25, 3660], [None, None, None]],
    )
    html = table_html(table)
    assert "n&amp;m" in html
    assert "&lt;i&gt;" in html
    assert 'data-value="0.25">25.0%' in html
    assert ">01:01<" in html
    assert format_value(12_345.678, "number", 1) == "12,345.7"
    assert format_value(150, "cents") == "1.50"
