"""Everything that is written: files of a plan, maps of instances, GeoJSON, pictures, tables."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dispatchopt import reporting
from dispatchopt.core.errors import InputError, MissingPackageError, UnsupportedError
from dispatchopt.geography.points import Points
from dispatchopt.io.instance import Instance
from dispatchopt.pipeline.result import CityPlan


def city_instance(plan: CityPlan) -> Instance:
    return Instance(name=plan.city.name, kind="city", problem=plan.city, source=plan.city.source)


def siting_instance(plan: CityPlan) -> Instance:
    places = {"sites": plan.city.sites.points, "customers": plan.city.customers.points}
    return Instance(name="s", kind="siting", problem=plan.siting_problem, places=places)


def test_plan_files(town_plan: CityPlan) -> None:
    files = reporting.plan_files(town_plan)
    assert sorted(files) == [
        "figures.json",
        "orders.csv",
        "report.html",
        "siting.json",
        "stock.csv",
        "stores.geojson",
    ]
    assert json.loads(files["figures.json"]) == json.loads(json.dumps(town_plan.figures))
    siting = json.loads(files["siting.json"])
    assert siting["open_sites"] == ["s0", "s1", "s2"]
    assert len(siting["nearest_store"]) == (town_plan.store_of_customer >= 0).sum()
    orders = list(csv.DictReader(io.StringIO(str(files["orders.csv"]))))
    assert [row["order"] for row in orders] == list(town_plan.city.orders.ids)
    assert {row["status"] for row in orders} == {"delivered", "refused"}
    stock = list(csv.DictReader(io.StringIO(str(files["stock.csv"]))))
    assert town_plan.inventory is not None
    sent = sum(int(row["order_units"]) for row in stock)
    assert sent == town_plan.inventory.require().order_units.sum()


def test_plan_without_day_has_no_orders_file(plan_of: Any) -> None:
    assert "orders.csv" not in reporting.plan_files(plan_of(couriers=0))
    assert "stock.csv" not in reporting.plan_files(plan_of(skus=0))


def test_geojson_by_hand(town_plan: CityPlan) -> None:
    made = reporting.feature_collection(reporting.drawing_of_plan(town_plan))
    features = made["features"]
    assert len(features) == 7 + 90
    first = features[0]
    point = town_plan.city.sites.points
    assert first["geometry"]["coordinates"] == pytest.approx([point.lon[0], point.lat[0]])
    assert first["properties"] == {
        "layer": "sites",
        "id": "s0",
        "status": "candidate",
        "is_open": True,
    }
    stores = [f["properties"].get("store") for f in features[7:]]
    known = [f"s{s}" if s >= 0 else None for s in town_plan.store_of_customer.tolist()]
    assert stores == known
    json.dumps(made, allow_nan=False)


def test_geopackage_holds_the_same(town_plan: CityPlan, tmp_path: Path) -> None:
    geopandas = pytest.importorskip("geopandas")
    path = tmp_path / "city.gpkg"
    reporting.render(city_instance(town_plan), None, path)
    sites = geopandas.read_file(path, layer="sites")
    assert sites["id"].tolist() == list(town_plan.city.sites.ids)
    assert sites.crs.to_epsg() == 4326
    assert len(geopandas.read_file(path, layer="customers")) == 90


def test_render_siting_solution(town_plan: CityPlan, tmp_path: Path) -> None:
    held = SimpleNamespace(solution=town_plan.siting.solution)
    path = tmp_path / "map.html"
    reporting.render(siting_instance(town_plan), held, path)
    html = path.read_text(encoding="utf-8")
    covered = town_plan.figures["siting"]["covered_share"]
    assert f"<dd>{covered:.1%}</dd>" in html
    path = tmp_path / "map.geojson"
    reporting.render(siting_instance(town_plan), held, path)
    opened = [
        feature["properties"]["id"]
        for feature in json.loads(path.read_text())["features"]
        if feature["properties"].get("is_open")
    ]
    assert opened == ["0", "1", "2"]


def test_existing_file_is_left_alone(town_plan: CityPlan, tmp_path: Path) -> None:
    path = tmp_path / "map.geojson"
    path.write_text("mine")
    with pytest.raises(InputError, match="file-exists"):
        reporting.render(city_instance(town_plan), None, path)
    assert path.read_text() == "mine"
    reporting.render(city_instance(town_plan), None, path, overwrite=True)
    assert path.read_text() != "mine"


def test_unknown_ending_is_refused(town_plan: CityPlan, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown-format"):
        reporting.render(city_instance(town_plan), None, tmp_path / "map.docx")


def test_document_without_places_is_refused(town_plan: CityPlan) -> None:
    bare = Instance(name="bare", kind="siting", problem=town_plan.siting_problem)
    with pytest.raises(UnsupportedError, match="gives no places"):
        reporting.render_html(bare)
    assert town_plan.day is not None
    day = Instance(name="d", kind="day", problem=replace(town_plan.day, places=None))
    with pytest.raises(UnsupportedError, match="only a matrix"):
        reporting.render_html(day)


def test_routing_solution_is_drawn() -> None:
    places = {"places": Points(lon=np.array([8.0, 8.1, 8.2]), lat=np.array([41.0, 41.1, 41.2]))}

    class Table(SimpleNamespace):
        def __len__(self) -> int:
            return len(self.place)

    problem = SimpleNamespace(
        orders=Table(place=np.array([1, 2])),
        stores=Table(place=np.array([0])),
        couriers=Table(place=[0], start_place=np.array([-1]), end_place=np.array([0])),
    )
    trip = SimpleNamespace(store=0, stops=(1, 0))
    route = SimpleNamespace(courier=0, trips=(trip,))
    instance = Instance(name="r", kind="routing", problem=problem, places=places)
    drawing = reporting.drawing_of(instance, SimpleNamespace(routes=(route,)))
    assert drawing.lines[0].lonlat.tolist() == [
        [8.0, 41.0],
        [8.2, 41.2],
        [8.1, 41.1],
        [8.0, 41.0],
    ]
    assert drawing.store_of_customer.tolist() == [0, 0]
    features = reporting.feature_collection(drawing, layers=("routes",))["features"]
    assert features[0]["geometry"]["type"] == "LineString"


@pytest.mark.parametrize("kind", ["json", "csv", "geojson", "html"])
def test_day_as_text(town_plan: CityPlan, kind: str) -> None:
    assert town_plan.day is not None
    assert town_plan.outcome is not None
    figures = town_plan.figures["day"]
    text = reporting.day_text(town_plan.day, town_plan.outcome, figures, kind)
    counts: dict[str, Callable[[], int]] = {
        "json": lambda: len(json.loads(text)["orders"]),
        "csv": lambda: len(list(csv.reader(io.StringIO(text)))) - 1,
        "geojson": lambda: len(json.loads(text)["features"]),
        "html": lambda: 120 if 'id="player"' in text else 0,
    }
    assert counts[kind]() == 120


def test_day_as_something_else_is_refused(town_plan: CityPlan) -> None:
    assert town_plan.day is not None
    assert town_plan.outcome is not None
    with pytest.raises(InputError, match="unknown-format"):
        reporting.day_text(town_plan.day, town_plan.outcome, {}, "docx")


def test_day_map_without_places_still_has_charts(town_plan: CityPlan) -> None:
    assert town_plan.day is not None
    assert town_plan.outcome is not None
    html = reporting.day_html(replace(town_plan.day, places=None), town_plan.outcome)
    assert 'id="map"' not in html
    assert 'data-chart="orders"' in html


def test_pictures(town_plan: CityPlan, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / "map.png"
    held = SimpleNamespace(solution=town_plan.siting.solution)
    reporting.render(city_instance(town_plan), held, path)
    pixels = np.asarray(image.open(path).convert("RGB"))
    assert pixels.shape == (960, 1200, 3)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100
    curve = reporting.curve_png(town_plan.figures["curve"], 3)
    assert np.asarray(image.open(io.BytesIO(curve))).std() > 5


def test_picture_without_matplotlib(town_plan: CityPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingPackageError, match=r"dispatchopt\[plot\]"):
        reporting.map_png(reporting.drawing_of_plan(town_plan))


def printed(call: Any, *given: Any) -> str:
    from rich.console import Console

    out = io.StringIO()
    call(*given, console=Console(file=out, width=120))
    return out.getvalue()


def test_terminal_tables(town_plan: CityPlan) -> None:
    text = printed(reporting.print_plan, town_plan)
    assert f"{town_plan.figures['day']['on_time_share']:.1%}" in text
    assert "proven optimal" in text
    text = printed(reporting.print_result, town_plan.siting, city_instance(town_plan))
    assert "optimal (completed)" in text
    text = printed(reporting.print_day, town_plan.figures["day"])
    assert "on time share" in text
    assert "excess s: min" in text
    text = printed(partial(reporting.print_day, is_short=True), town_plan.figures["day"])
    for figure in (
        "on time share",
        "orders: refused",
        "cost: parts cents: wages",
        "excess s: mean",
    ):
        assert figure in text
    assert "excess s: min" not in text
    assert len(text.splitlines()) < 45


def test_verdict_of_a_check_is_printed() -> None:
    found = {
        "is_feasible": False,
        "objective": 12.5,
        "claimed": 11.0,
        "is_claim_true": False,
        "parts": {"travel": 12.5},
        "violations": [{"rule": "capacity", "where": "courier [3]", "by": 2.0}],
    }
    text = printed(reporting.print_verdict, found)
    assert "capacity" in text
    assert "courier [3]" in text  # square brackets are text, not markup
    assert "differs" in text


def test_comparison_by_hand(town_plan: CityPlan) -> None:
    first = replace(town_plan.siting, objective=10.0, bound=8.0, parts={"a": 10.0})
    second = replace(town_plan.siting, objective=9.0, bound=8.5, parts={"a": 7.0, "b": 2.0})
    rows = {row["figure"]: row for row in reporting.compare(first, second)}
    assert rows["objective"]["change"] == -1.0
    assert rows["parts.a"]["change"] == -3.0
    assert rows["parts.b"] == {"figure": "parts.b", "first": None, "second": 2.0, "change": None}
    with pytest.raises(ValueError, match="different problems"):
        reporting.compare(first, replace(second, digest="other"))
