"""The report as text: nothing hostile gets in, nothing is loaded, figures are the plan's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from dispatchopt.core.errors import InputError
from dispatchopt.core.result import Status, StopReason
from dispatchopt.pipeline.result import CityPlan
from dispatchopt.reporting import report_html
from dispatchopt.reporting.packing import unpack
from dispatchopt.reporting.page import json_for_script
from dispatchopt.simulation.outcome import OrderStatus

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


class Outline(HTMLParser):
    """Tags with their attributes, and the text of the page's data."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data = ""
        self._in_data = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_data = dict(attrs).get("id") == "page-data"

    def handle_endtag(self, tag: str) -> None:
        self._in_data = False

    def handle_data(self, data: str) -> None:
        if self._in_data:
            self.data += data


def outline_of(html: str) -> Outline:
    outline = Outline()
    outline.feed(html)
    outline.close()
    return outline


def data_of(html: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(outline_of(html).data)
    return data


@pytest.fixture(scope="module")
def page(town_plan: CityPlan) -> str:
    return report_html(town_plan)


def hostile_city(plan: CityPlan) -> Any:
    city = plan.city

    def named(table: Any) -> Any:
        ids = tuple(f"{HOSTILE}{i}" for i in range(len(table.ids)))
        return replace(table, ids=ids)

    return city.replace(
        name=HOSTILE,
        source=HOSTILE,
        customers=named(city.customers),
        sites=named(city.sites),
        skus=replace(named(city.skus), names=tuple(f"{HOSTILE}{k}" for k in range(9))),
        orders=named(city.orders),
        couriers=named(city.couriers),
    )


def test_hostile_names_stay_text(
    town_plan: CityPlan, page: str, plan_of_city: Callable[..., CityPlan]
) -> None:
    hostile = report_html(plan_of_city(hostile_city(town_plan)))
    usual, found = outline_of(page), outline_of(hostile)
    tags = [tag for tag, _ in found.tags]
    assert tags == [tag for tag, _ in usual.tags]
    assert "img" not in tags
    assert not [a for _, a in found.tags if any(str(name).startswith("on") for name in a)]
    assert data_of(hostile)["map"]["sites"]["ids"][0] == f"{HOSTILE}0"


def test_json_cannot_end_the_script() -> None:
    text = json_for_script({"name": "</script><!--&\u2028"})
    assert not set(text) & set("<>&\u2028")
    assert json.loads(text) == {"name": "</script><!--&\u2028"}


def test_page_loads_nothing(page: str) -> None:
    for tag, attributes in outline_of(page).tags:
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, name, value)
        assert tag not in ("iframe", "object", "embed", "base")
    style = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    assert "url(" not in "".join(style)
    assert "@import" not in "".join(style)


def test_policy_forbids_requests(page: str) -> None:
    policies = [a["content"] for t, a in outline_of(page).tags if a.get("http-equiv")]
    assert len(policies) == 1
    policy = str(policies[0])
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    assert "unsafe-inline" not in policy.split("style-src", maxsplit=1)[0]


def test_tiles_open_the_policy_for_their_host_only(town_plan: CityPlan) -> None:
    html = report_html(town_plan, tiles="https://{s}.tiles.example.org/{z}/{x}/{y}.png")
    policy = next(str(a["content"]) for _, a in outline_of(html).tags if a.get("http-equiv"))
    assert "img-src data: https://*.tiles.example.org;" in policy
    assert data_of(html)["map"]["tiles"].startswith("https://{s}.tiles")


@pytest.mark.parametrize(
    "tiles",
    [
        "tiles.png",
        "ftp://a.example/{z}/{x}/{y}",
        "https://a.example/{z}/{x}",
        "https://a'; script-src *;/{z}/{x}/{y}",
        'https://a">/{z}/{x}/{y}',
    ],
)
def test_bad_tiles_are_refused(town_plan: CityPlan, tiles: str) -> None:
    with pytest.raises(InputError, match="bad-tiles"):
        report_html(town_plan, tiles=tiles)


def test_data_are_the_plan(town_plan: CityPlan, page: str) -> None:
    data = data_of(page)
    customers, sites, play = data["map"]["customers"], data["map"]["sites"], data["play"]
    city = town_plan.city
    lon = np.cumsum(unpack(customers["lon"])) / 1e5
    assert np.abs(lon - city.customers.points.lon).max() <= 0.5e-5 + 1e-12
    store = np.where(
        town_plan.store_of_customer >= 0, town_plan.store_sites[town_plan.store_of_customer], -1
    )
    assert unpack(customers["store"]).tolist() == store.tolist()
    assert (unpack(sites["shade"]) >= 0).sum() == len(town_plan.store_sites)
    assert town_plan.outcome is not None
    placed = np.cumsum(unpack(play["orders"]["placed"]))
    assert placed.tolist() == city.orders.placed_s.tolist()
    done = unpack(play["orders"]["delivered"])
    records = town_plan.outcome.orders
    assert np.where(done > 0, placed + done - 1, -1).tolist() == records.delivered_s.tolist()
    assert unpack(play["legs"]["counts"]).sum() == len(town_plan.outcome.legs.courier)
    assert unpack(play["legs"]["paths"]["counts"]).min() >= 2


def test_key_figures_are_those_of_json(town_plan: CityPlan, page: str) -> None:
    day, siting = town_plan.figures["day"], town_plan.figures["siting"]
    assert f"<dd>{day['on_time_share']:.1%}</dd>" in page
    assert f"<dd>{siting['covered_share']:.1%}</dd>" in page
    assert f"<dd>{day['click_to_door_s']['p50'] / 60:.1f} " in page
    assert f"<dd>{day['complete_share']:.1%}</dd>" in page


def test_charts_count_every_order_once(town_plan: CityPlan, page: str) -> None:
    bars = data_of(page)["charts"]["orders"]["series"]
    assert town_plan.outcome is not None
    total = sum(sum(series["values"]) for series in bars)
    assert total == len(town_plan.outcome.orders)
    assert bars[0]["name"] == "on time"
    on_time = sum(row["on_time"] for row in town_plan.figures["day"]["by_hour"])
    assert sum(bars[0]["values"]) == on_time


def test_page_stays_small(plan_of: Callable[..., CityPlan]) -> None:
    """Linear growth from this size keeps 31,200 orders and 50,000 streets below 15 MB."""
    small = len(report_html(plan_of(orders=50)))
    large = len(report_html(plan_of(orders=650)))
    assert (large - small) / 600 < 400  # bytes per order, its drives included


@pytest.mark.parametrize(
    ("sizes", "absent", "present"),
    [
        ({"skus": 0}, 'id="stock"', 'id="promise"'),
        ({"couriers": 0}, 'id="player"', 'id="stock"'),
        ({"orders": 0}, 'id="promise"', 'id="coverage"'),
        ({"stores": 0}, 'id="stock"', "No store is open"),
        ({"customers": 1, "orders": 1, "sites": 1, "stores": 1}, "Traceback", 'id="map"'),
    ],
)
def test_missing_parts_are_left_out(
    plan_of: Callable[..., CityPlan], sizes: dict[str, int], absent: str, present: str
) -> None:
    html = report_html(plan_of(**sizes))
    assert absent not in html
    assert present in html
    assert "nan" not in outline_of(html).data.lower().replace("names", "")


def test_infeasible_siting_is_told(plan_of: Callable[..., CityPlan]) -> None:
    plan = plan_of(stores=0)
    siting = replace(
        plan.siting, status=Status.INFEASIBLE, solution=None, objective=None, bound=None
    )
    html = report_html(replace(plan, siting=siting))
    assert "this is proven" in html
    assert "proven infeasible" in html


def test_time_limited_day_is_told(town_plan: CityPlan) -> None:
    assert town_plan.outcome is not None
    records = town_plan.outcome.orders
    status = records.status.copy()
    status[-40:] = OrderStatus.UNPLACED
    status[-50:-40] = OrderStatus.UNDELIVERED
    outcome = replace(
        town_plan.outcome,
        stopped_by=StopReason.TIME,
        simulated_until_s=int(town_plan.city.orders.placed_s[-50]),
        orders=replace(records, status=status),
    )
    html = report_html(replace(town_plan, outcome=outcome, stopped_by=StopReason.TIME))
    assert "cut short" in html
    assert "ended by" in html


def test_nobody_covered(town_plan: CityPlan) -> None:
    nobody = np.full(len(town_plan.store_of_customer), -1)
    figures = {**town_plan.figures}
    figures["siting"] = {**figures["siting"], "covered_share": 0.0, "covered_units": 0}
    html = report_html(replace(town_plan, store_of_customer=nobody, figures=figures))
    assert (unpack(data_of(html)["map"]["customers"]["store"]) == -1).all()


def test_no_network_draws_straight_ways(town_plan: CityPlan) -> None:
    city = town_plan.city.replace(
        network=None, parameters=replace(town_plan.city.parameters, travel="straight")
    )
    from dispatchopt.geography.profiles import PROFILES
    from dispatchopt.geography.straight import StraightRouter

    router = StraightRouter(profile=PROFILES["e-bike"], detour_factor=1.4)
    data = data_of(report_html(replace(town_plan, city=city, router=router)))
    assert data["map"]["roads"] == []
    assert set(unpack(data["play"]["legs"]["paths"]["counts"]).tolist()) == {2}
    assert data["play"]["num_by_road"] == 0
