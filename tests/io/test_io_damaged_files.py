"""Damaged folders and files: one readable error, and nothing is written."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from dispatchopt import io
from dispatchopt.core.errors import InputError


def put(name: str, text: str, encoding: str = "utf-8") -> Callable[[Path], None]:
    return raw(name, text.encode(encoding))


def raw(name: str, data: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return change


def header(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "dispatchopt.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def make_folder(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return change


CUSTOMERS = "id,lon,lat\nc1,-8.61,41.15\nc3,-8.63,41.14\n"
# change, code, part of the place, part of what is found
CASES: list[tuple[Callable[[Path], None], str, str, str]] = [
    (put("customers.csv", ""), "empty-file", "customers.csv", "an empty file"),
    (put("customers.csv", "\n\n"), "empty-file", "customers.csv", "an empty file"),
    (put("customers.csv", "id,lon,lat\n"), "empty-table", "customers.csv", "no rows"),
    (put("customers.csv", "id,lon\nc1,1\nc3,1\n"), "missing-column", "customers.csv", "id, lon"),
    (put("customers.csv", "id,lon,latt\nc1,-8,41\n"), "missing-column", "customers.csv", "latt"),
    (
        put("customers.csv", "id;lon;lat\nc1;-8;41\n"),
        "bad-csv",
        "customers.csv",
        "id;lon;lat",
    ),
    (
        put("customers.csv", "id,lon,lat,lat\nc1,1,2,3\n"),
        "duplicate-column",
        "customers.csv",
        "lat",
    ),
    (put("customers.csv", CUSTOMERS + "c4,1\n"), "bad-csv", "customers.csv row 4", "2 cells"),
    (put("customers.csv", CUSTOMERS + 'c4,"1,2\n'), "bad-csv", "customers.csv", "end of data"),
    (put("customers.csv", CUSTOMERS + "c4,,41.1\n"), "missing-value", "row 4 column lon", "''"),
    (put("customers.csv", CUSTOMERS + "c4,x,41.1\n"), "not-a-number", "row 4 column lon", "'x'"),
    (put("customers.csv", CUSTOMERS + "c4,nan,41.1\n"), "not-finite", "row 4 column lon", "'nan'"),
    (
        put("customers.csv", CUSTOMERS + "c4,-inf,41.1\n"),
        "not-finite",
        "row 4 column lon",
        "'-inf'",
    ),
    (put("customers.csv", CUSTOMERS + "c4,1e999,41.1\n"), "not-finite", "column lon", "'1e999'"),
    (
        put("customers.csv", CUSTOMERS + '"c4","-8,6",41.1\n'),
        "not-a-number",
        "column lon",
        "'-8,6'",
    ),
    (put("customers.csv", CUSTOMERS + "c4,-8_6,41.1\n"), "not-a-number", "column lon", "'-8_6'"),
    (put("customers.csv", CUSTOMERS + "c4,٤,41.1\n"), "not-a-number", "column lon", "'٤'"),
    (put("customers.csv", CUSTOMERS + "c4,41.1,-8.6\n"), "far-apart", "row 4 column lon", "41.1"),
    (put("customers.csv", CUSTOMERS + "c1,-8.6,41.1\n"), "duplicate-id", "row 4 column id", "'c1'"),
    (
        put("customers.csv", CUSTOMERS + "\n\nc1,-8.6,41.1\n"),
        "duplicate-id",
        "row 6 column",
        "'c1'",
    ),
    (put("customers.csv", CUSTOMERS, "utf-16"), "wrong-encoding", "customers.csv", "UTF-16"),
    (
        put("customers.csv", CUSTOMERS + "Müller,1,2\n", "latin-1"),
        "wrong-encoding",
        "customers.csv line 4",
        "0xfc",
    ),
    (raw("customers.csv", b"id,lon,lat\nc1,1,\x00\n"), "bad-csv", "customers.csv", "zero byte"),
    (raw("customers.csv", b"\x89PNG\r\n\x1a\n\x00\x00"), "wrong-encoding", "line 1", "0x89"),
    (put("orders.csv", "id,customer,placed_s\no1,c1,10:00\n"), "not-a-number", "row 2", "'10:00'"),
    (put("orders.csv", "id,customer,placed_s\no1,c1,1.5\n"), "not-whole", "row 2", "'1.5'"),
    (put("orders.csv", "id,customer,placed_s\no1,c1,9e18\n"), "out-of-range", "row 2", "'9e18'"),
    (put("orders.csv", f"id,customer,placed_s\no1,c1,{2**63}\n"), "out-of-range", "row 2", "92233"),
    (put("orders.csv", "id,customer,placed_s\no1,zz,1\n"), "unknown-reference", "row 2", "'zz'"),
    (
        put("skus.csv", "id,is_fresh\nmilk,maybe\n"),
        "wrong-type",
        "row 2 column is_fresh",
        "'maybe'",
    ),
    (put("couriers.csv", "id,on_s,off_s\nr1,5,4\n"), "bad-order", "row 2 column off_s", "4"),
    (put("couriers.csv", "id,lon,lat\nr1,-8.6,41.1\nr2,,\n"), "missing-value", "row 3", "nan"),
    (put("shops.csv", "id\ns1\n"), "unknown-table", "shops.csv", "shops"),
    (raw("stock.parquet", b"PAR1 nothing"), "unreadable-file", "stock.parquet", ""),
    (raw("sites.parquet", b""), "duplicate-table", "sites.parquet", "sites.csv"),
    (
        lambda folder: (folder / "sites.csv").unlink(),
        "missing-table",
        "dispatchopt.json",
        "no such",
    ),
    (make_folder("sites.csv"), "missing-table", "dispatchopt.json", "no such table"),
    (header(tables=["customers.csv", "shops.csv"]), "missing-table", "/tables/1", "'shops.csv'"),
    (header(tables=[1]), "wrong-type", "/tables/0", "1"),
    (header(crs="EPSG:99999"), "wrong-crs", "crs", "EPSG:99999"),
    (header(crs="utm"), "wrong-crs", "/crs", "'utm'"),
    (header(version=2), "wrong-version", "/version", "2"),
    (header(kind="cities"), "wrong-kind", "/kind", "'cities'"),
    (put("dispatchopt.json", ""), "bad-json", "dispatchopt.json", ""),
    (put("dispatchopt.json", "[]"), "wrong-type", "dispatchopt.json", "a list"),
    (put("dispatchopt.json", '{"format": "disp'), "bad-json", "line 1", "Unterminated"),
    (put("dispatchopt.json", "{}", "utf-16"), "wrong-encoding", "dispatchopt.json", "UTF-16"),
]


@pytest.mark.parametrize(
    ("change", "code", "where", "found"),
    CASES,
    ids=[f"{at}-{case[1]}" for at, case in enumerate(CASES)],
)
def test_damaged_folder(  # noqa: PLR0917 - one for each column of the table
    city_folder: Path,
    tmp_path: Path,
    change: Callable[[Path], None],
    code: str,
    where: str,
    found: str,
) -> None:
    change(city_folder)
    target = tmp_path / "out.json"
    with pytest.raises(InputError) as caught:
        io.convert(city_folder, target)
    matching = [issue for issue in caught.value.issues if issue.code == code]
    assert any(where in issue.where and found in issue.found for issue in matching), caught.value
    assert sorted(each.name for each in tmp_path.iterdir()) == ["city"]


def test_sound_folder(city_folder: Path) -> None:
    city = io.read(city_folder).problem
    assert city.customers.demand_units.tolist() == [3, 4, 1]
    assert city.skus.is_fresh.tolist() == [True, False]
    assert city.skus.demand_variance_units.tolist() == [5.5, 0.5]
    assert city.orders.line_units.tolist() == [2, 1]
    assert city.couriers.points is None


def test_byte_order_mark_and_windows_lines_are_fine(city_folder: Path) -> None:
    before = io.read(city_folder).problem
    for path in city_folder.iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    after = io.read(city_folder).problem
    assert after.customers.ids == before.customers.ids
    assert after.orders.placed_s.tolist() == before.orders.placed_s.tolist()


def test_orders_need_not_be_sorted(city_folder: Path) -> None:
    (city_folder / "orders.csv").write_text("id,customer,placed_s\no1,c1,500\no2,c3,400\n")
    orders = io.read(city_folder).problem.orders
    assert orders.ids == ("o2", "o1")
    assert orders.line_units.tolist() == [1, 2]


FILES: list[tuple[str, bytes, str]] = [
    ("x.xlsx", b"PK\x03\x04 not a workbook", "unreadable-file"),
    ("x.xlsx", b"garbage", "unreadable-file"),
    ("x.xlsx", b"", "empty-file"),
    ("x.gpkg", b"SQLite format 3\x00 and then nothing", "unreadable-file"),
    ("x.gpkg", b"garbage", "unreadable-file"),
    ("x.json", b"garbage", "unreadable-file"),
    ("x.json", b"\xff\xfe{\x00}\x00", "unreadable-file"),
    ("x.json", b"", "empty-file"),
    ("x.json", b'{"format": "dispatchopt"', "bad-json"),
    ("x.json", b'{"name": "M\xfcller"}', "wrong-encoding"),
    ("x", b"what is this?", "unknown-format"),
    ("x.parquet", b"PAR1", "unknown-format"),
    ("x.csv", b"a,b\n1,2\n", "unknown-format"),
    ("x.geojson", b'{"type": "FeatureCollection"}', "wrong-type"),
    ("x.geojson", b'{"type": "FeatureCollection", "features": [1]}', "wrong-type"),
    ("x.geojson", b'{"type": "FeatureCollection", "features": []}', "empty-table"),
]


@pytest.mark.parametrize(("name", "data", "code"), FILES, ids=range(len(FILES)))
def test_damaged_file(tmp_path: Path, name: str, data: bytes, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        io.read(path)
    assert code in {issue.code for issue in caught.value.issues}, caught.value


def test_no_such_file_names_one_like_it(city_folder: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'city'"):
        io.read(city_folder.with_name("citty"))


def test_folder_without_header(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a folder without dispatchopt\.json"):
        io.read(tmp_path)


def workbook(city_folder: Path) -> Path:
    path = city_folder.with_name("x.xlsx")
    io.convert(city_folder, path)
    return path


def test_workbook_names_sheet_and_row(city_folder: Path) -> None:
    path = workbook(city_folder)
    book = openpyxl.load_workbook(path)
    book["customers"]["C3"] = "far"
    book["couriers"]["C2"] = 2.5
    book["dispatchopt"]["B3"] = 7
    book["orders"]["A1"] = None
    book.save(path)
    with pytest.raises(InputError) as caught:
        io.read(path)
    places = {issue.where for issue in caught.value.issues}
    assert "x.xlsx sheet orders row 1" in places


def test_workbook_cells_are_checked(city_folder: Path) -> None:
    path = workbook(city_folder)
    book = openpyxl.load_workbook(path)
    book["customers"]["C3"] = "far"
    book["customers"]["A4"] = 17
    book["orders"]["B3"] = 17
    book.save(path)
    with pytest.raises(InputError) as caught:
        io.read(path)
    (issue,) = caught.value.issues
    assert (issue.code, issue.where) == ("not-a-number", "x.xlsx sheet customers row 3 column lat")


def test_workbook_of_people(city_folder: Path) -> None:
    """Numbers as names, whole numbers typed with a point, blank rows and columns at the end."""
    path = workbook(city_folder)
    book = openpyxl.load_workbook(path)
    book["customers"]["A4"] = 17
    book["orders"]["B3"] = 17
    book["orders"]["C3"] = 36500.0
    book["customers"].append([None, None])
    book.save(path)
    city = io.read(path).problem
    assert city.customers.ids == ("c1", "c2", "17")
    assert city.orders.placed_s.tolist() == [36000, 36500]


@pytest.mark.parametrize("sheet", ["dispatchopt", "customers"])
def test_workbook_without_a_sheet(city_folder: Path, sheet: str) -> None:
    path = workbook(city_folder)
    book = openpyxl.load_workbook(path)
    del book[sheet]
    book.save(path)
    with pytest.raises(InputError) as caught:
        io.read(path)
    assert {issue.code for issue in caught.value.issues} >= {"missing-table"}


def test_geopackage_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    with sqlite3.connect(path) as base:
        base.execute("create table t (a integer)")
    base.close()
    with pytest.raises(InputError) as caught:
        io.read(path)
    assert {issue.code for issue in caught.value.issues} <= {"missing-table", "unreadable-file"}


def test_truncated_binaries(city_folder: Path, tmp_path: Path) -> None:
    for name in ("x.xlsx", "x.gpkg"):
        path = tmp_path / name
        io.convert(city_folder, path)
        data = path.read_bytes()
        for part in (20, 100, len(data) // 2, len(data) - 30):
            path.write_bytes(data[:part])
            with contextlib.suppress(InputError):
                io.read(path)
        path.unlink()


def test_projected_coordinates(city_folder: Path) -> None:
    from pyproj import Transformer

    to_utm = Transformer.from_crs("EPSG:4326", "EPSG:32629", always_xy=True)
    expected = io.read(city_folder).problem
    for name, table in (("customers", expected.customers), ("sites", expected.sites)):
        east, north = to_utm.transform(table.points.lon, table.points.lat)
        rows = [
            f"{i},{x!r},{y!r}"
            for i, x, y in zip(table.ids, east.tolist(), north.tolist(), strict=True)
        ]
        (city_folder / f"{name}.csv").write_text("\n".join(["id,lon,lat", *rows]) + "\n")
    header(crs="EPSG:32629")(city_folder)
    found = io.read(city_folder).problem
    assert abs(found.customers.points.lon - expected.customers.points.lon).max() < 1e-9
    assert abs(found.sites.points.lat - expected.sites.points.lat).max() < 1e-9


def test_chinese_coordinates_are_shifted(city_folder: Path) -> None:
    (city_folder / "customers.csv").write_text("id,lon,lat\nc1,121.47,31.23\nc3,121.48,31.22\n")
    (city_folder / "sites.csv").write_text("id,lon,lat\ns1,121.47,31.23\n")
    plain = io.read(city_folder).problem.customers.points
    from dispatchopt.geography import straight_m

    for crs, low, high in (("GCJ-02", 300, 700), ("BD-09", 600, 1800)):
        header(crs=crs)(city_folder)
        shifted = io.read(city_folder).problem.customers.points
        moved_m = straight_m(plain, shifted)
        assert low < moved_m.min() < moved_m.max() < high


@pytest.mark.parametrize(("separator", "word"), [(";", "semicolons"), ("\t", "tabs")])
def test_another_separator_is_named_once(city_folder: Path, separator: str, word: str) -> None:
    """Decimal commas, as such files often have, would make every row look odd."""
    rows = [["id", "lon", "lat"], ["c1", "-8,61", "41,15"], ["c2", "-8,62", "41,16"]]
    text = "".join(separator.join(row) + "\n" for row in rows)
    (city_folder / "customers.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        io.read(city_folder)
    (issue,) = caught.value.issues
    assert issue.code == "bad-csv"
    assert word in issue.hint
    assert "decimals by points" in issue.hint


def test_routes_are_no_instance(tmp_path: Path) -> None:
    path = tmp_path / "x.sol"
    path.write_text("Route #1: 3 1 2\nCost 27.5\n")
    with pytest.raises(InputError) as caught:
        io.read(path)
    (issue,) = caught.value.issues
    assert issue.code == "unknown-format"
    assert "a solution" in issue.hint
