"""Population of grid cells and areas, read from CSV, GeoJSON and GeoPackage."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h3
import numpy as np
import pyogrio.raw
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from dispatchopt import io, siting
from dispatchopt.core.arrays import digest
from dispatchopt.core.errors import InputError

CELL = h3.latlng_to_cell(41.15, -8.61, 9)
NEXT = sorted(h3.grid_ring(CELL, 1))[0]
BOX = "POLYGON((-8.62 41.14,-8.60 41.14,-8.60 41.16,-8.62 41.16,-8.62 41.14))"
BOW = "POLYGON((-8.62 41.14,-8.60 41.16,-8.60 41.14,-8.62 41.16,-8.62 41.14))"
SWAPPED = "POLYGON((31.14 121.62,31.14 121.60,31.16 121.60,31.16 121.62,31.14 121.62))"


def feature(wkt: str | None, **properties: Any) -> dict[str, Any]:
    geometry = None if wkt is None else json.loads(shapely.to_geojson(shapely.from_wkt(wkt)))
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def collection(path: Path, *features: dict[str, Any], **more: Any) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", **more, "features": list(features)}))
    return path


def text(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def package(
    path: Path, layer: str, shapes: list[Any], crs: str = "EPSG:4326", **columns: Any
) -> Path:
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array(shapes, dtype=object)),
        [np.array(values) for values in columns.values()],
        list(columns),
        layer=layer,
        driver="GPKG",
        geometry_type="Unknown",
        crs=crs,
        append=path.exists(),
    )
    return path


def test_h3_cells(tmp_path: Path) -> None:
    rows = [f"{CELL},5,x", f"{NEXT.upper()},7,y"]
    path = text(tmp_path / "cells.csv", "h3_index,population,colour", *rows)
    instance = io.read(path)
    customers = instance.problem.customers
    assert customers.ids == (CELL, NEXT)
    assert customers.demand_units.tolist() == [5, 7]
    lat, lon = h3.cell_to_latlng(CELL)
    assert (customers.points.lon[0], customers.points.lat[0]) == (lon, lat)
    assert instance.notes["columns left out"] == ["colour"]
    many = io.read(path, {"point_every_m": 100}).problem.customers
    assert many.demand_units.sum() == 12
    outline = shapely.Polygon([(lng, lat) for lat, lng in h3.cell_to_boundary(CELL)])
    own = [at for at, name in enumerate(many.ids) if name.startswith(CELL)]
    assert len(own) > 1
    assert shapely.contains_xy(outline, many.points.lon[own], many.points.lat[own]).all()


def test_h3_cells_as_whole_numbers(tmp_path: Path) -> None:
    path = text(tmp_path / "cells.csv", "h3,pop", f"{h3.str_to_int(CELL)},3")
    assert io.read(path).problem.customers.ids == (CELL,)


def test_a_column_called_cell_beside_places_is_left_out(tmp_path: Path) -> None:
    path = text(tmp_path / "x.csv", "lon,lat,cell,row,col,pop", "-8.6,41.1,555-1234,1,1,3")
    assert io.read(path).problem.customers.points.lon.tolist() == [-8.6]
    path = text(tmp_path / "y.csv", "lon,lat,h3,pop", f"-8.6,41.1,{CELL},3")
    assert io.read(path).problem.customers.ids == (CELL,)


def test_cells_of_the_european_grid(tmp_path: Path) -> None:
    codes = [
        "1kmN2200E2800",
        "CRS3035RES1000mN2201000E2800000",
        "100mN22020E28000",
        "250mN220300E280250",
    ]
    path = text(tmp_path / "grid.csv", "GRD_ID,TOT_P_2021", *(f"{code},4" for code in codes))
    customers = io.read(path, {"demand": "TOT_P_2021"}).problem.customers
    from pyproj import Transformer

    to_metres = Transformer.from_crs("EPSG:4326", "EPSG:3035", always_xy=True)
    east, north = to_metres.transform(customers.points.lon, customers.points.lat)
    assert east == pytest.approx([2_800_500, 2_800_500, 2_800_050, 2_802_625], abs=0.01)
    assert north == pytest.approx([2_200_500, 2_201_500, 2_202_050, 2_203_125], abs=0.01)


def test_numbered_squares(tmp_path: Path) -> None:
    path = text(tmp_path / "grid.csv", "col,row,weight", "0,0,1", "3,-2,2")
    where = {"cell_m": 100, "origin_lon": -8.61, "origin_lat": 41.15, "kind": "siting"}
    instance = io.read(path, where)
    places = instance.places["customers"]
    from dispatchopt.geography.distance import LocalPlane

    xy = LocalPlane(-8.61, 41.15).to_xy(places)
    assert xy == pytest.approx(np.array([[50.0, 50.0], [350.0, -150.0]]), abs=1e-3)
    with pytest.raises(InputError, match="cell_m, origin_lon and origin_lat"):
        io.read(path, {"cell_m": 100})


@pytest.mark.parametrize("how", ["csv", "geojson", "gpkg"])
def test_areas_in_every_file(tmp_path: Path, how: str) -> None:
    if how == "csv":
        path = text(tmp_path / "x.csv", "id,population,wkt", f'a,101,"{BOX}"')
    elif how == "geojson":
        path = collection(tmp_path / "x.geojson", feature(BOX, id="a", population=101))
    else:
        shapes = [shapely.from_wkt(BOX)]
        path = package(tmp_path / "x.gpkg", "people", shapes, id=["a"], population=[101])
    instance = io.read(path, {"kind": "siting", "max_sites": 2, "reach_m": 900})
    problem = instance.problem
    places = instance.places["customers"]
    assert problem.total_units == 101
    assert problem.num_customers > 50
    box = shapely.from_wkt(BOX)
    assert shapely.contains_xy(box, places.lon, places.lat).all()
    assert siting.solve(problem).status == "optimal"
    io.convert(
        path, tmp_path / "again.json", options={"kind": "siting", "reach_m": 900, "max_sites": 2}
    )
    assert digest(io.read(tmp_path / "again.json").problem) == digest(problem)


def test_areas_in_metres(tmp_path: Path) -> None:
    from pyproj import Transformer

    turn = Transformer.from_crs("EPSG:4326", "EPSG:3763", always_xy=True)
    box = shapely.from_wkt(BOX)
    flat = shapely.transform(box, lambda xy: np.column_stack(turn.transform(xy[:, 0], xy[:, 1])))
    expected = io.read(text(tmp_path / "deg.csv", "pop,wkt", f'9,"{BOX}"')).problem.customers
    paths = [
        package(tmp_path / "x.gpkg", "people", [flat], "EPSG:3763", pop=[9]),
        text(tmp_path / "x.csv", "pop,wkt", f'9,"{flat.wkt}"'),
        collection(
            tmp_path / "y.geojson",
            feature(flat.wkt, pop=9),
            crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3763"}},
        ),
    ]
    for path in paths:
        options = {"crs": "EPSG:3763"} if path.suffix == ".csv" else {}
        found = io.read(path, options).problem.customers
        assert found.demand_units.sum() == 9
        assert found.points.lon == pytest.approx(expected.points.lon, abs=1e-4)
    with pytest.raises(InputError, match="name the reference system"):
        io.read(paths[1])


def test_sites_and_weights_beside_areas(tmp_path: Path) -> None:
    point = "POINT(-8.61 41.15)"
    path = collection(
        tmp_path / "x.geojson",
        feature(BOX, name="a", population=10),
        feature(point, layer="weights", weight=3),
        feature("POINT(-8.605 41.155)", layer="weights", weight=1),
        feature("POINT(-8.5 41.15)", layer="sites", id="store", status="existing"),
    )
    city = io.read(path).problem
    assert city.customers.demand_units.tolist() == [8, 2]
    assert city.customers.points.lon[0] == -8.61
    assert city.sites.ids == ("store",)
    gpkg = package(tmp_path / "x.gpkg", "people", [shapely.from_wkt(BOX)], population=[10])
    package(gpkg, "weights", [shapely.from_wkt(point)], weight=[1])
    package(gpkg, "sites", [shapely.from_wkt(point)], id=["s"])
    problem = io.read(gpkg, {"kind": "siting"}).problem
    assert problem.num_customers == 1
    assert problem.site_ids == ("s",)


def test_layer_is_chosen(tmp_path: Path) -> None:
    box = shapely.from_wkt(BOX)
    path = package(tmp_path / "x.gpkg", "one", [box], population=[10])
    package(path, "two", [shapely.Point(-8.6, 41.1)], population=[3])
    with pytest.raises(InputError, match="the option layer"):
        io.read(path)
    assert io.read(path, {"layer": "two"}).problem.customers.demand_units.tolist() == [3]
    with pytest.raises(InputError, match="one of one, two"):
        io.read(path, {"layer": "three"})


def test_merging_states_its_error(tmp_path: Path) -> None:
    rows = [f"{-8.61 + 0.0004 * at},41.15,{at}" for at in range(50)]
    path = text(tmp_path / "x.csv", "lon,lat,population", *rows)
    full = io.read(path).problem.customers
    for option in ({"bin_m": 500}, {"bin_h3": 8}):
        instance = io.read(path, option)
        customers = instance.problem.customers
        assert len(customers) < len(full)
        assert customers.demand_units.sum() == full.demand_units.sum()
        assert re.search(r"none moved by more than \d+ m", instance.notes["places merged"])
    with pytest.raises(InputError, match="one of bin_m and bin_h3"):
        io.read(path, {"bin_m": 500, "bin_h3": 8})


@pytest.mark.parametrize(
    ("lines", "code", "where", "hint"),
    [
        (["h3,pop", "89390cb1b47fffe,1"], "bad-cell", "row 2 column h3", ""),
        (["h3,pop", f"{CELL},-1"], "out-of-range", "row 2 column pop", ""),
        (["h3,pop", f"{CELL},nan"], "not-a-number", "row 2 column pop", ""),
        (["h3,pop", f"{CELL},"], "missing-value", "row 2 column pop", ""),
        (["h3,pop", f"{CELL},1.5"], "not-whole", "row 2 column pop", "round it"),
        (["h3,pop", f"{CELL},1", f"{CELL},2"], "duplicate-id", "row 3 column h3", "row 2"),
        (["h3,pop", f"{CELL},1", f"{h3.cell_to_parent(CELL, 7)},2"], "conflict", "row 2", ""),
        (["h3,pop", "6.17700169958E+17,1"], "bad-cell", "row 2", "rounded"),
        (["h3,people", f"{CELL},1"], "missing-column", "x.csv", "--set demand=COLUMN"),
        (["h3,pop"], "empty-table", "x.csv", ""),
        (["grd_id,pop", "1kmN2200E2800,1", "1kmN22E2800,1"], "bad-cell", "row 3", ""),
        (["pop,wkt", f'1,"{BOW}"'], "bad-polygon", "row 2 column wkt", "mend"),
        (["pop,wkt", f'1,"{SWAPPED}"'], "out-of-range", "row 2 column wkt", "swapped"),
        (["pop,wkt", "1,POLYGON EMPTY"], "bad-polygon", "row 2 column wkt", ""),
        (["pop,wkt", "1,"], "bad-polygon", "row 2 column wkt", ""),
        (["pop,wkt", "1,POINT(0 0)"], "bad-polygon", "row 2 column wkt", ""),
        (["pop,wkt", '1,"POLYGON((0 0,1 nan,1 1,0 0))"'], "not-finite", "row 2 column wkt", ""),
        (["pop,wkt", f'-4,"{BOX}"'], "out-of-range", "row 2 column pop", ""),
        (["pop,wkt", f'0,"{BOX}"'], "empty-table", "x.csv", ""),
        (
            [
                "pop,wkt",
                f'1,"{BOX}"',
                '1,"POLYGON((41.14 -8.62,41.16 -8.62,41.16 -8.6,41.14 -8.62))"',
                f'2,"{BOX}"',
            ],
            "far-apart",
            "row 3 column wkt",
            "swapped",
        ),
    ],
)
def test_bad_population(tmp_path: Path, lines: list[str], code: str, where: str, hint: str) -> None:
    path = text(tmp_path / "x.csv", *lines)
    with pytest.raises(InputError) as caught:
        io.read(path)
    issues = [issue for issue in caught.value.issues if issue.code == code]
    assert issues, caught.value
    assert where in issues[0].where, caught.value
    assert hint in issues[0].hint
    assert issues[0].found
    assert issues[0].wanted


@pytest.mark.parametrize(
    ("made", "code", "where"),
    [
        (feature(BOW, pop=1), "bad-polygon", "/features/0/geometry"),
        (feature(BOX, pop=-1), "out-of-range", "/features/0/pop"),
        (feature(BOX, pop="many"), "not-a-number", "/features/0/pop"),
        (feature(BOX, pop=float("nan")), "missing-value", "/features/0/pop"),
        (feature(BOX), "missing-column", "/features"),
        (feature(None, pop=1), "wrong-type", "/features/0/geometry"),
        (
            {
                "type": "Feature",
                "properties": {"pop": 1},
                "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, float("nan")]]]},
            },
            "not-finite",
            "/features/0/geometry",
        ),
        (
            {
                "type": "Feature",
                "properties": {"pop": 1},
                "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]},
            },
            "bad-polygon",
            "/features/0/geometry",
        ),
    ],
)
def test_bad_features(tmp_path: Path, made: dict[str, Any], code: str, where: str) -> None:
    with pytest.raises(InputError) as caught:
        io.read(collection(tmp_path / "x.geojson", made))
    assert [(issue.code, issue.where) for issue in caught.value.issues] == [(code, where)]


def test_points_among_areas_are_refused(tmp_path: Path) -> None:
    path = collection(tmp_path / "x.geojson", feature(BOX, pop=1), feature("POINT(-8.6 41)", pop=1))
    with pytest.raises(InputError, match="layer is sites or weights"):
        io.read(path)


def test_options_are_checked(tmp_path: Path) -> None:
    path = text(tmp_path / "x.csv", "h3,pop", f"{CELL},1")
    for options, word in (
        ({"kind": "routing"}, "city, siting"),
        ({"crs": "EPSG:0"}, "EPSG"),
        ({"crs": "moon"}, "WGS84"),
        ({"crs": "EPSG:3763"}, "cells say where"),
        ({"demand": "inhabitants"}, "one of h3, pop"),
        ({"bin_h3": 16}, "15"),
    ):
        with pytest.raises(InputError, match=word):
            io.read(path, options)


SOUND = {
    "h3.csv": f"h3,population\n{CELL},5\n{NEXT},7\n",
    "grid.csv": "grd_id,population\n1kmN2200E2800,5\n1kmN2201E2800,7\n",
    "squares.csv": "col,row,population\n0,0,5\n1,4,7\n",
    "areas.csv": f'id,population,wkt\na,5,"{BOX}"\n',
    "areas.geojson": json.dumps(
        {
            "type": "FeatureCollection",
            "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
            "features": [
                feature(BOX, id="a", population=5),
                feature("POINT(-8.61 41.15)", layer="weights", weight=3),
                feature("POINT(-8.61 41.15)", layer="sites", id="s", rent_cents=3),
            ],
        }
    ),
}


@given(st.sampled_from(sorted(SOUND)), st.integers(0, 10**9), st.integers(1, 4))
def test_damaged_files_are_an_instance_or_one_error(name: str, seed: int, times: int) -> None:
    rng = np.random.default_rng(seed)
    damaged = SOUND[name]
    bits = [
        "",
        "-",
        "9",
        "nan",
        '"',
        ",",
        "\n",
        "1e999",
        "NaN",
        "null",
        "[]",
        "\x00",
        "é",
        "(",
        "}",
    ]
    for _ in range(times):
        at, width = int(rng.integers(0, len(damaged))), int(rng.integers(0, 5))
        damaged = damaged[:at] + bits[int(rng.integers(len(bits)))] + damaged[at + width :]
    options = {"origin_lon": -8.6, "origin_lat": 41.1, "cell_m": 100} if "sq" in name else {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(damaged)
        with suppress(InputError):
            # Damage may make it a file of another format, whose options are others.
            city = io.read(path, options).problem
            assert city.customers.demand_units.sum() >= 0


@given(st.integers(0, 10**9))
def test_damaged_geopackages_are_an_instance_or_one_error(seed: int) -> None:
    rng = np.random.default_rng(seed)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.gpkg"
        package(path, "people", [shapely.from_wkt(BOX)], id=["a"], population=[5])
        data = bytearray(path.read_bytes())
        for _ in range(int(rng.integers(1, 40))):
            data[int(rng.integers(100, len(data)))] = int(rng.integers(256))
        path.write_bytes(bytes(data[: len(data) - int(rng.integers(0, 2)) * 5000]))
        with suppress(InputError):
            io.read(path)
