from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CITY: dict[str, Any] = {
    "format": "dispatchopt",
    "version": 1,
    "kind": "city",
    "name": "small",
    "parameters": {"travel": "straight", "max_sites": 1},
    "customers": [
        {"id": "c1", "lon": -8.61, "lat": 41.15, "demand_units": 3},
        {"id": "c2", "lon": -8.62, "lat": 41.16, "demand_units": 4},
        {"id": "c3", "lon": -8.63, "lat": 41.14},
    ],
    "sites": [
        {"id": "s1", "lon": -8.61, "lat": 41.15, "rent_cents": 900, "pickers": 2},
        {"id": "s2", "lon": -8.62, "lat": 41.14, "status": "existing"},
    ],
    "skus": [
        {"id": "milk", "is_fresh": True, "demand_mean_units": 5.5, "case_pack_units": 6},
        {"id": "soap", "demand_mean_units": 0.5},
    ],
    "orders": [
        {"id": "o1", "customer": "c1", "placed_s": 36000},
        {"id": "o2", "customer": "c3", "placed_s": 36500, "is_surge": True},
    ],
    "order_lines": [
        {"order": "o1", "sku": "milk", "units": 2},
        {"order": "o1", "sku": "soap"},
        {"order": "o2", "sku": "milk"},
    ],
    "couriers": [{"id": "r1", "vehicle": "e-bike", "on_s": 30000, "off_s": 60000}],
    "network": {
        "nodes": [{"id": "1", "lon": -8.61, "lat": 41.15}, {"id": "2", "lon": -8.62, "lat": 41.15}],
        "edges": [{"from": "1", "to": "2", "length_m": 840.5}],
    },
}
SITING: dict[str, Any] = {
    "format": "dispatchopt",
    "version": 1,
    "kind": "siting",
    "parameters": {"goal": "max-coverage", "max_sites": 1},
    "customers": [{"id": "c1", "demand_units": 3}, {"id": "c2"}],
    "sites": [{"id": "s1"}, {"id": "s2"}],
    "coverage": [
        {"site": "s1", "customer": "c1", "distance_m": 100},
        {"site": "s2", "customer": "c2", "distance_m": 200},
    ],
}
INVENTORY: dict[str, Any] = {
    "format": "dispatchopt",
    "version": 1,
    "kind": "inventory",
    "stores": [{"id": "s1", "volume_ml": 100_000}],
    "skus": [{"id": "milk", "holding_cost": 0.2, "shortage_cost": 2.0, "volume_ml": 1000}],
    "demand": [{"store": "s1", "sku": "milk", "mean_units": 7.5, "variance_units": 11.0}],
    "stock": [{"store": "s1", "sku": "milk", "on_hand_units": 2}],
}
ROUTING: dict[str, Any] = {
    "format": "dispatchopt",
    "version": 1,
    "kind": "routing",
    "parameters": {"travel": "straight", "profiles": [{"name": "e-bike"}]},
    "places": [{"id": "p1", "lon": -8.61, "lat": 41.15}, {"id": "p2", "lon": -8.62, "lat": 41.15}],
    "stores": [{"id": "s1", "place": "p1"}],
    "orders": [{"id": "o1", "place": "p2", "load": 3, "stores": "s1"}],
    "couriers": [{"id": "r1", "start_place": "p1", "capacity": 10}],
}
DAY: dict[str, Any] = {
    "format": "dispatchopt",
    "version": 1,
    "kind": "day",
    "name": "d",
    "parameters": {"travel": "straight", "vehicle": "e-bike", "rules": {"tick_s": 60}},
    "places": [{"id": "p1", "lon": -8.61, "lat": 41.15}, {"id": "p2", "lon": -8.62, "lat": 41.15}],
    "skus": [{"id": "milk"}],
    "stores": [{"id": "s1", "place": "p1"}],
    "orders": [{"id": "o1", "place": "p2", "placed_s": 100}],
    "order_lines": [{"order": "o1", "sku": "milk"}],
    "couriers": [{"id": "r1", "place": "p1"}],
}
#: Kinds with a file of their own: a sound document, and what single damages must be called.
SOUND: dict[str, Any] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "sound").glob("*.json"))
}
DOCUMENTS = {
    "city": CITY,
    "siting": SITING,
    "inventory": INVENTORY,
    "routing": ROUTING,
    "day": DAY,
    **{kind: value["document"] for kind, value in SOUND.items()},
}


@pytest.fixture
def document() -> Callable[[str], dict[str, Any]]:
    """Return a maker of sound documents, as values of which a test may spoil its own copy."""

    def make(kind: str) -> dict[str, Any]:
        return copy.deepcopy(DOCUMENTS[kind])

    return make


@pytest.fixture
def city_folder(tmp_path: Path) -> Path:
    """Return a folder with a sound city, as people make it: only columns that are needed."""
    folder = tmp_path / "city"
    folder.mkdir()
    header = {key: CITY[key] for key in ("format", "version", "kind", "name", "parameters")}
    (folder / "dispatchopt.json").write_text(json.dumps(header))
    (folder / "customers.csv").write_text(
        "id,lon,lat,demand_units\nc1,-8.61,41.15,3\nc2,-8.62,41.16,4\nc3,-8.63,41.14,\n"
    )
    (folder / "sites.csv").write_text("id,lon,lat\ns1,-8.61,41.15\ns2,-8.62,41.14\n")
    (folder / "skus.csv").write_text("id,is_fresh,demand_mean_units\nmilk,true,5.5\nsoap,no,0.5\n")
    (folder / "orders.csv").write_text("id,customer,placed_s\no1,c1,36000\no2,c3,36500\n")
    (folder / "order_lines.csv").write_text("order,sku,units\no1,milk,2\no2,milk,1\n")
    (folder / "couriers.csv").write_text("id,vehicle,on_s,off_s\nr1,e-bike,30000,60000\n")
    return folder
