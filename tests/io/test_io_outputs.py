"""Outputs: whole or not at all, and nothing of others is replaced."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dispatchopt import io
from dispatchopt.core.errors import InputError


def test_an_existing_output_is_left_alone(city_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    target.write_text("mine")
    with pytest.raises(InputError, match="file-exists"):
        io.convert(city_folder, target)
    (city_folder / "customers.csv").write_text("id\n")
    with pytest.raises(InputError, match="missing-column"):
        io.convert(city_folder, target, overwrite=True)
    assert target.read_text() == "mine"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["city", "out.json"]


def test_overwriting_a_folder_keeps_other_files(city_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    io.convert(city_folder, target)
    (target / "remarks.txt").write_text("mine")
    with pytest.raises(InputError, match="file-exists"):
        io.convert(city_folder, target)
    io.convert(city_folder, target, to="parquet", overwrite=True)
    assert (target / "remarks.txt").read_text() == "mine"
    assert io.read(target).problem.customers.ids == ("c1", "c2", "c3")
    assert not list(target.glob("*.csv"))


def test_a_folder_that_is_not_ours_is_never_replaced(city_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "photos"
    target.mkdir()
    (target / "a.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="a folder with other things in it"):
        io.convert(city_folder, target, overwrite=True)
    assert (target / "a.jpg").read_bytes() == b"x"


def test_target_in_a_missing_folder(city_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not-writable"):
        io.convert(city_folder, tmp_path / "no" / "x.json")


def test_a_failing_writer_leaves_nothing(tmp_path: Path) -> None:
    from dispatchopt.io.atomic import write_whole

    target = tmp_path / "x.json"
    target.write_text("mine")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError):
        write_whole(target, fail, overwrite=True)
    assert [each.name for each in tmp_path.iterdir()] == ["x.json"]
    assert target.read_text() == "mine"


def test_write_folder_writes_all_or_none(tmp_path: Path) -> None:
    target = tmp_path / "plan"
    io.write_folder(target, {"a.txt": "1", "sub/b.bin": b"2"})
    assert (target / "sub" / "b.bin").read_bytes() == b"2"
    with pytest.raises(InputError, match="file-exists"):
        io.write_folder(target, {"a.txt": "3"})
    (target / "mine.txt").write_text("mine")
    io.write_folder(target, {"a.txt": "3"}, overwrite=True)
    assert (target / "a.txt").read_text() == "3"
    assert (target / "mine.txt").read_text() == "mine"
    shutil.rmtree(target)


def test_unknown_encoding_is_named(city_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder, gpkg, xlsx, parquet, json"):
        io.convert(city_folder, tmp_path / "x", to="yaml")
    with pytest.raises(InputError, match="unknown-format"):
        io.convert(city_folder, tmp_path / "x.yaml")
    with pytest.raises(InputError, match="bad-choice"):
        io.convert(city_folder, tmp_path / "x.json", source_format="yaml")
