"""Documents as people write them: travel measured, defaults taken, problems that result."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dispatchopt import io
from dispatchopt.core.errors import InputError, MissingPackageError
from dispatchopt.geography import UNREACHABLE, RoadRouter, TravelMatrix
from dispatchopt.geography.given import MatrixTravel
from dispatchopt.geography.profiles import BICYCLE, E_BIKE
from dispatchopt.io import documents
from dispatchopt.io.atomic import write_whole
from dispatchopt.testing.documents import make

Maker = Callable[[str], dict[str, Any]]
NETWORK = {
    "nodes": [
        {"id": "a", "lon": -8.61, "lat": 41.15},
        {"id": "b", "lon": -8.60, "lat": 41.15},
    ],
    "edges": [{"from": "a", "to": "b", "length_m": 1200.0, "is_oneway": False}],
}


def places(kind: str, document: Maker) -> dict[str, Any]:
    """Return a siting document with two sites and two customers, each at a node."""
    value = document(kind)
    del value["coverage"]
    for table in ("sites", "customers"):
        for row, lon in zip(value[table], (-8.61, -8.60), strict=True):
            row |= {"lon": lon, "lat": 41.15}
    return value


def test_siting_in_straight_lines(document: Maker) -> None:
    value = places("siting", document)
    value["parameters"] |= {"travel": "straight", "detour_factor": 1.5, "reach_m": 1000}
    coverage = io.parse_value(value).problem.coverage
    # The two places are 838 m apart, which makes 1257 m of way: beyond reach.
    assert coverage.distance_m.tolist() == [0, 0]
    value["parameters"]["reach_m"] = 1300
    coverage = io.parse_value(value).problem.coverage
    assert coverage.num_pairs == 4
    assert coverage.distance_m[1] == pytest.approx(1257, abs=3)


def test_siting_by_road(document: Maker) -> None:
    value = places("siting", document)
    value["parameters"] |= {"travel": "road", "reach_m": 1300, "min_spacing_m": 900}
    value["network"] = NETWORK
    instance = io.parse_value(value)
    problem = instance.problem
    assert problem.coverage.distance_m.tolist() == [0, 1200, 1200, 0]
    assert problem.site_distance_m.tolist() == [[0, 1200], [1200, 0]]
    assert instance.places["sites"].lon.tolist() == [-8.61, -8.60]
    again = io.parse(io.dumps(instance)).problem
    assert again.coverage.distance_m.tolist() == [0, 1200, 1200, 0]


def test_siting_by_road_without_roads(document: Maker) -> None:
    value = places("siting", document)
    value["parameters"]["travel"] = "road"
    with pytest.raises(InputError, match="missing-network"):
        io.parse_value(value)


def test_siting_in_straight_lines_wants_places(document: Maker) -> None:
    value = document("siting")
    del value["coverage"]
    value["parameters"]["travel"] = "straight"
    with pytest.raises(InputError) as caught:
        io.parse_value(value)
    places_named = [issue.where for issue in caught.value.issues]
    assert "/sites/0/lon" in places_named
    assert "/customers/1/lat" in places_named


def test_capacity_of_some_sites_only(document: Maker) -> None:
    value = document("siting")
    value["sites"][0]["capacity_units"] = 2
    # No limit stated means room for all demand: 3 + 1 units.
    assert io.parse_value(value).problem.capacity_units.tolist() == [2, 4]


def test_inventory_defaults(document: Maker) -> None:
    value = document("inventory")
    value["stores"].append({"id": "s2"})
    value["skus"][0]["available_units"] = 50
    value["skus"].append({"id": "tea", "holding_cost": 1.0, "shortage_cost": 3.0})
    value["demand"].append({"store": "s2", "sku": "tea", "mean_units": 2.0, "shortage_cost": 9.0})
    problem = io.parse_value(value).problem
    assert problem.mean_units.tolist() == [[7.5, 0.0], [0.0, 2.0]]
    assert problem.variance_units.tolist() == [[11.0, 0.0], [0.0, 2.0]]
    assert problem.shortage_cost.tolist() == [[2.0, 3.0], [2.0, 9.0]]
    assert problem.on_hand_units.tolist() == [[2, 0], [0, 0]]
    assert problem.store_volume_ml.tolist() == [100_000, 10**15]
    assert problem.available_units.tolist() == [50, 10**15]
    assert problem.delivery_volume_ml is None
    assert problem.min_units is None


def test_inventory_targets_go_from_pair_to_sku_to_header(document: Maker) -> None:
    value = document("inventory")
    value["skus"].append({"id": "tea", "target": 0.8})
    value["skus"].append({"id": "rice"})
    value["demand"].append({"store": "s1", "sku": "tea", "mean_units": 1.0})
    value["demand"].append({"store": "s1", "sku": "rice", "mean_units": 1.0, "target": 0.7})
    value["parameters"] = {"rule": "fill-rate", "target": 0.9}
    assert io.parse_value(value).problem.target.tolist() == [[0.9, 0.8, 0.7]]


def test_routing_by_profile(document: Maker) -> None:
    value = document("routing")
    value["parameters"]["profiles"] = [{"name": "e-bike"}, {"name": "walk"}]
    value["couriers"].append({"id": "r2", "profile": 1})
    problem = io.parse_value(value).problem
    assert [each.profile for each in problem.travel] == ["e-bike", "walk"]
    assert problem.travel[0].duration_s[0, 1] < problem.travel[1].duration_s[0, 1]
    assert problem.couriers.start_place.tolist() == [0, -1]
    assert problem.orders.latest_s.tolist() == [1 << 40]
    assert problem.orders.store_options is not None


def test_routing_matrix_defaults(document: Maker) -> None:
    value = document("routing")
    value["parameters"] = {}
    value["matrix"] = [{"from": "p1", "to": "p2", "distance_m": 900, "duration_s": 200}]
    travel = io.parse_value(value).problem.travel[0]
    assert travel.distance_m.tolist() == [[0, 900], [UNREACHABLE, 0]]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"from": "p1", "to": "p1", "distance_m": 9, "duration_s": 0}, "conflict"),
        ({"from": "p1", "to": "p9", "distance_m": 9, "duration_s": 0}, "unknown-reference"),
        ({"from": "p1", "to": "p2", "distance_m": -9, "duration_s": 0}, "out-of-range"),
        (
            {"from": "p1", "to": "p2", "distance_m": 1, "duration_s": 0, "profile": 3},
            "unknown-reference",
        ),
    ],
)
def test_damaged_matrix(document: Maker, row: dict[str, Any], code: str) -> None:
    value = document("routing")
    value["parameters"] = {}
    value["matrix"] = [row]
    with pytest.raises(InputError) as caught:
        io.parse_value(value)
    assert {issue.code for issue in caught.value.issues} == {code}


def test_matrix_beside_straight_lines(document: Maker) -> None:
    value = document("routing")
    value["matrix"] = [{"from": "p1", "to": "p2", "distance_m": 1, "duration_s": 1}]
    with pytest.raises(InputError, match="conflict"):
        io.parse_value(value)


def test_too_many_load_dimensions_are_refused(tmp_path: Path) -> None:
    instance = make("routing", 0)
    problem = instance.problem
    wide = problem.replace(
        orders=problem.orders.replace(load=np.zeros((len(problem.orders), 5), dtype=np.int64)),
        couriers=problem.couriers.replace(
            capacity=np.zeros((len(problem.couriers), 5), dtype=np.int64)
        ),
    )
    with pytest.raises(InputError, match="at most 4 load dimensions"):
        io.write(wide, tmp_path / "x.json")
    assert list(tmp_path.iterdir()) == []


def test_day_defaults(document: Maker) -> None:
    value = document("day")
    value["stores"].append({"id": "s2", "place": "p2"})
    day = io.parse_value(value).problem
    assert day.orders.due_s.tolist() == [1900]
    assert day.orders.option_store.tolist() == [0, 1]
    assert day.stores.stock_units is None
    assert day.rules.tick_s == 60
    assert day.travel.slowdown(8 * 3600 + 1800) == E_BIKE.slowdown(8 * 3600 + 1800)


def test_day_on_roads_is_written_as_a_matrix(document: Maker) -> None:
    value = document("day")
    value["parameters"] |= {"travel": "road", "vehicle": "bicycle"}
    value["places"][1]["lon"] = -8.60
    value["network"] = NETWORK
    instance = io.parse_value(value)
    every = np.arange(2)
    expected = instance.problem.travel.block(every, every)
    assert expected.distance_m.tolist() == [[0, 1200], [1200, 0]]
    again = io.parse(io.dumps(instance)).problem.travel
    assert again.block(every, every).duration_s.tolist() == expected.duration_s.tolist()
    assert again.slowdown(30_600) == instance.problem.travel.slowdown(30_600)


def test_day_with_a_profile_of_its_own_is_refused(document: Maker) -> None:
    day = io.parse_value(document("day")).problem
    matrix = TravelMatrix(
        distance_m=np.zeros((2, 2), dtype=np.int64), duration_s=np.zeros((2, 2), dtype=np.int64)
    )
    own = dataclasses.replace(BICYCLE, name="cargo")
    spoiled = dataclasses.replace(day, travel=MatrixTravel(matrix=matrix, profile=own))
    with pytest.raises(InputError, match="a shipped profile"):
        io.dumps(spoiled)


def test_two_way_streets_are_two_arcs(document: Maker) -> None:
    value = document("city")
    value["network"] = {
        "nodes": NETWORK["nodes"],
        "edges": [{**NETWORK["edges"][0], "shape": "-8.608 41.151, -8.605 41.152", "name": "Rua"}],
    }
    network = io.parse_value(value).problem.network
    assert network.tail.tolist() == [0, 1]
    assert network.head.tolist() == [1, 0]
    assert network.shape_of(1).tolist() == network.shape_of(0)[::-1].tolist()
    assert network.names == ("Rua",)
    assert RoadRouter(network=network).profile.name == "e-bike"


def test_what_documents_do_not_allow_is_not_written(tmp_path: Path) -> None:
    instance = make("inventory", 1)
    with pytest.raises(InputError, match="control characters"):
        io.write(
            instance.problem.replace(store_ids=("a\tb",) * 1 + instance.problem.store_ids[1:]),
            tmp_path / "x.json",
        )
    with pytest.raises(InputError, match="values that JSON can hold"):
        io.write(dataclasses.replace(instance, notes={"x": {1, 2}}), tmp_path / "x.json")
    with pytest.raises(InputError, match="a problem of"):
        io.write(object(), tmp_path / "x.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "name", "extra"),
    [("openpyxl", "x.xlsx", "excel"), ("pyarrow.parquet", "x", "parquet")],
)
def test_missing_packages_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, name: str, extra: str
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, module, None)
    encoding = "parquet" if extra == "parquet" else None
    with pytest.raises(MissingPackageError, match=rf"dispatchopt\[{extra}\]"):
        io.write(make("siting", 1), tmp_path / name, encoding)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root may write anywhere")
def test_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="not-writable"):
            io.write(make("siting", 1), tmp_path / "x.json")
    finally:
        tmp_path.chmod(0o700)


def test_a_full_disk_is_an_input_error(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left"):
        write_whole(tmp_path / "x", fail)
    assert list(tmp_path.iterdir()) == []


def test_require_absent(tmp_path: Path) -> None:
    io.require_absent(tmp_path / "new")
    io.require_absent(tmp_path)
    (tmp_path / "x").write_text("x")
    io.require_absent(tmp_path / "x", overwrite=True)
    for path in (tmp_path, tmp_path / "x"):
        with pytest.raises(InputError, match="file-exists"):
            io.require_absent(path)
    with pytest.raises(InputError, match="no such folder"):
        io.require_absent(tmp_path / "a" / "b")


def test_source_format_can_be_forced(city_folder: Path, tmp_path: Path) -> None:
    assert io.read(city_folder, source_format="folder").kind == "city"
    with pytest.raises(InputError, match="unknown-format"):
        io.read(tmp_path, source_format="folder")
    with pytest.raises(InputError, match="no options for our own documents"):
        io.read(city_folder, {"merge_m": 5})
    points = tmp_path / "p.txt"
    points.write_text("lon,lat\n-8.6,41.1\n")
    assert io.read(points, source_format="csv-points").kind == "city"


def test_standard_output_is_json(capsys: pytest.CaptureFixture[str], city_folder: Path) -> None:
    io.convert(city_folder, "-")
    assert io.parse(capsys.readouterr().out).kind == "city"
    with pytest.raises(InputError, match="standard output is text"):
        io.convert(city_folder, "-", to="xlsx")
    with pytest.raises(InputError, match="a file, for geojson"):
        io.convert(city_folder, "-", to="geojson")
    with pytest.raises(InputError, match="can be written"):
        io.convert(city_folder, "x", to="rappi")


def test_geopackage_in_another_reference_system(city_folder: Path, tmp_path: Path) -> None:
    """QGIS writes layers in whatever system the project has; the layer says which."""
    import geopandas
    import pyogrio

    path = tmp_path / "x.gpkg"
    io.convert(city_folder, path)
    expected = io.read(path).problem.customers.points
    frame = geopandas.read_file(path, layer="customers").to_crs("EPSG:3857")
    pyogrio.write_dataframe(frame, path, layer="customers", driver="GPKG", append=False)
    found = io.read(path).problem.customers.points
    assert abs(found.lon - expected.lon).max() < 1e-9
    assert abs(found.lat - expected.lat).max() < 1e-9


def test_geopackage_with_other_shapes(city_folder: Path, tmp_path: Path) -> None:
    import geopandas
    import pyogrio

    path = tmp_path / "x.gpkg"
    io.convert(city_folder, path)
    frame = geopandas.read_file(path, layer="customers")
    frame = frame.set_geometry(frame.to_crs("EPSG:32629").buffer(50).to_crs("EPSG:4326"))
    pyogrio.write_dataframe(frame, path, layer="customers", driver="GPKG", append=False)
    with pytest.raises(InputError) as caught:
        io.read(path)
    assert "x.gpkg layer customers feature 1" in {issue.where for issue in caught.value.issues}


def test_a_document_imports_its_own_kind_only() -> None:
    """What is first called waits for imports; a limit of time counts them."""
    code = (
        "import sys, dispatchopt as do\n"
        "from dispatchopt.registry import domain_of\n"
        "problem = do.read('instances/guaranteed-service-small').problem\n"
        "print(domain_of(problem).name, *sorted(sys.modules))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    name, *modules = done.stdout.split()
    assert name == "guaranteed-service"
    assert "dispatchopt.io.kinds.guaranteed_service" in modules
    assert not {"dispatchopt.io.kinds.city", "dispatchopt.routing.problem"} & set(modules)


@pytest.mark.parametrize("name", ["base", "_places", "guaranteed_service", "os.path", "", "City"])
def test_files_that_are_no_kinds_are_none(name: str) -> None:
    assert documents._kind_named(name) is None
    assert documents._kind_named("guaranteed-service") is documents.kinds()["guaranteed-service"]
