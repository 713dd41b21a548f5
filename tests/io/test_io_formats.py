"""Formats that are not ours: Rappi city-days, places as CSV and GeoJSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatchopt import io
from dispatchopt.core.arrays import digest
from dispatchopt.core.errors import InputError
from dispatchopt.testing.documents import make

COURIERS = "courier_id,vehicle,on_lat,on_lng,on_time,off_time\n"
ORDERS = (
    "order_id,pick_up_lat,pick_up_lng,drop_off_lat,drop_off_lng,placement_time,"
    "preparation_time,ready_time,expected_drop_off_time\n"
)


@pytest.fixture
def rappi(tmp_path: Path) -> Path:
    folder = tmp_path / "7"
    folder.mkdir()
    (folder / "couriers.csv").write_text(
        COURIERS
        + "1,motorcycle,3.42,-76.53,08:00:00,20:00:00\n"
        + "2,walking,3.42,-76.53,09:00:00,09:00:00\n"
        + "3,car,3.42,-76.53,22:00:00,01:00:00\n"
        + "4,bicycle,5.42,-76.53,08:00:00,20:00:00\n"
    )
    (folder / "orders.csv").write_text(
        ORDERS
        + "1,3.42,-76.53,3.43,-76.53,12:00:00,12:01:00,12:10:00,12:30:00\n"
        + "2,3.4201,-76.53,3.43,-76.53,11:00:00,11:01:00,11:10:00,11:30:00\n"
        + "3,3.45,-76.52,3.44,-76.52,13:00:00,13:01:00,13:10:00,13:30:00\n"
        + "4,3.45,-76.52,5.44,-76.52,13:00:00,13:01:00,13:10:00,13:30:00\n"
    )
    return folder


def test_rappi_by_hand(rappi: Path) -> None:
    instance = io.read(rappi)
    city = instance.problem
    assert city.name == "Rappi Cali, day 2 (instance 7)"
    # Two orders go to one door; the one that is 200 km away is left out.
    assert sorted(city.customers.demand_units.tolist()) == [1, 2]
    assert city.orders.ids == ("2", "1", "3")
    assert city.orders.placed_s.tolist() == [39600, 43200, 46800]
    assert len(city.orders.line_sku) == 0
    # The pick-ups of orders 1 and 2 are 11 m apart: one site at their mean.
    assert len(city.sites) == 2
    assert sorted(city.sites.points.lat.tolist()) == pytest.approx([3.42005, 3.45])
    assert city.couriers.ids == ("c1", "c3")
    assert city.couriers.vehicles == ("motorcycle", "car")
    assert city.couriers.off_s.tolist() == [72000, 90000]
    assert city.parameters.travel == "straight"
    assert city.parameters.detour_factor == 1.4
    notes = dict(city.notes)
    assert notes["orders left out, as they are too far from the middle"] == 1
    assert notes["couriers left out, as they start too far from the middle"] == 1
    assert notes["couriers left out, as their shift has no length"] == 1
    assert notes["shifts taken to end after midnight"] == 1


def test_rappi_options(rappi: Path) -> None:
    city = io.read(rappi, {"merge_m": "0", "pickers": 2, "max_sites": 1}).problem
    assert len(city.sites) == 3
    assert city.sites.pickers.tolist() == [2, 2, 2]
    assert city.parameters.max_sites == 1
    with pytest.raises(InputError, match="did you mean 'merge_m'"):
        io.read(rappi, {"merg_m": 5})
    with pytest.raises(InputError, match="option pickers"):
        io.read(rappi, {"pickers": "many"})


def test_rappi_with_stores(rappi: Path) -> None:
    expected = io.read(rappi).problem
    (rappi / "couriers.csv").rename(rappi / "couriers_brkga.csv")
    (rappi / "orders.csv").unlink()
    (rappi / "stores_brkga.csv").write_text(
        "store_id,pick_up_lat,pick_up_lng\ns1,3.42,-76.53\ns2,3.4201,-76.53\ns3,3.45,-76.52\n"
    )
    head = "order_id,store_id,drop_off_lat,drop_off_lng,placement_time,preparation_time,"
    (rappi / "orders_brkga.csv").write_text(
        head
        + "ready_time,expected_drop_off_time\n"
        + "1,s1,3.43,-76.53,12:00:00,0:01:00,0:10:00,12:30:00\n"
        + "2,s2,3.43,-76.53,11:00:00,0:01:00,0:10:00,11:30:00\n"
        + "3,s3,3.44,-76.52,13:00:00,0:01:00,0:10:00,13:30:00\n"
        + "4,s3,5.44,-76.52,13:00:00,0:01:00,0:10:00,13:30:00\n"
    )
    assert digest(io.read(rappi).problem) == digest(expected)


@pytest.mark.parametrize(
    ("file", "old", "new", "code", "where"),
    [
        ("orders.csv", "12:00:00", "25:00:00", "bad-time", "orders.csv row 2"),
        ("orders.csv", "12:00:00", "noon", "bad-time", "orders.csv row 2"),
        ("orders.csv", "3.43,-76.53,12", "nan,-76.53,12", "not-finite", "orders.csv row 2"),
        ("orders.csv", "3.43,-76.53,12", ",-76.53,12", "missing-value", "orders.csv row 2"),
        ("orders.csv", "\n2,", "\n1,", "duplicate-id", "orders.csv row 3"),
        ("couriers.csv", "walking", "jetpack", "bad-choice", "couriers.csv row 3"),
        ("couriers.csv", "09:00:00\n", "9\n", "bad-time", "couriers.csv row 3"),
    ],
)
def test_damaged_rappi(  # noqa: PLR0917 - one for each column of the table
    rappi: Path, file: str, old: str, new: str, code: str, where: str
) -> None:
    path = rappi / file
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        io.read(rappi)
    assert any(i.code == code and where in i.where for i in caught.value.issues), caught.value


def test_rappi_without_orders(rappi: Path) -> None:
    (rappi / "orders.csv").unlink()
    with pytest.raises(InputError, match=r"orders\.csv"):
        io.read(rappi)


@pytest.fixture(scope="module")
def real_rappi() -> Path:
    root = Path(os.environ.get("DISPATCHOPT_DATA", Path(__file__).parents[3] / "shared" / "data"))
    folder = root / "instant" / "rappi" / "instances"
    if not folder.is_dir():
        pytest.skip(f"no Rappi city-days in {folder}")
    return folder


@pytest.mark.data
@pytest.mark.parametrize(
    ("number", "orders", "couriers", "sites"), [(10, 735, 451, 49), (4, 844, 414, 43)]
)
def test_real_rappi(  # noqa: PLR0917 - one for each column of the table
    real_rappi: Path, tmp_path: Path, number: int, orders: int, couriers: int, sites: int
) -> None:
    instance = io.convert(real_rappi / str(number), tmp_path / "city")
    city = instance.problem
    assert (len(city.orders), len(city.couriers)) == (orders, couriers)
    assert len(city.sites) == sites
    assert int(city.customers.demand_units.sum()) == orders
    assert digest(io.read(tmp_path / "city").problem) == digest(city)


@pytest.mark.data
def test_real_rappi_without_orders_is_refused(real_rappi: Path) -> None:
    with pytest.raises(InputError, match="no-file"):
        io.read(real_rappi / "6")


def test_csv_of_places(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(
        "Name,Longitude,Latitude,Population,colour\na,-8.61,41.15,5,red\nb,-8.60,41.15,7,blue\n"
    )
    instance = io.read(path)
    city = instance.problem
    assert city.customers.ids == ("a", "b")
    assert city.customers.demand_units.tolist() == [5, 7]
    assert len(city.sites) == 2
    assert instance.notes["columns left out"] == ["colour"]


def test_csv_of_places_names_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("lon,lat\n-8.61,41.15\n-8.61,x\n")
    with pytest.raises(InputError, match=r"people\.csv row 3 column lat"):
        io.read(path)


def test_geojson_round_trip(tmp_path: Path) -> None:
    instance = make("city", 4)
    path = tmp_path / "x.json"
    io.write(instance, path)
    io.convert(path, tmp_path / "x.geojson")
    again = io.read(tmp_path / "x.geojson").problem
    assert digest(again.customers) == digest(instance.problem.customers)
    assert digest(again.sites) == digest(instance.problem.sites)


def test_geojson_names_features(tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    line = {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}
    features = [
        {"type": "Feature", "geometry": line, "properties": {}},
        {"type": "Feature", "geometry": None, "properties": None},
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [-8.6, 41]},
            "properties": {"demand": "x"},
        },
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    with pytest.raises(InputError) as caught:
        io.read(path)
    assert [issue.where for issue in caught.value.issues] == [
        "/features/0/geometry",
        "/features/1/geometry",
    ]


def test_only_cities_become_geojson(
    document: Callable[[str], dict[str, object]], tmp_path: Path
) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document("siting")))
    with pytest.raises(InputError, match="a city, for GeoJSON"):
        io.convert(path, tmp_path / "x.geojson")
    assert [each.name for each in tmp_path.iterdir()] == ["x.json"]
