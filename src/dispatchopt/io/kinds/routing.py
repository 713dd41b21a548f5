"""The routing document and the ``RoutingProblem``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core.errors import InputError
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.geography.profiles import profile_named
from dispatchopt.io.cells import NO_INT
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import nearest, single
from dispatchopt.io.kinds._pairs import names_or_numbers
from dispatchopt.io.kinds._travel import matrices, matrix_table, routers
from dispatchopt.io.kinds.base import Kind, Parts, points_of
from dispatchopt.io.schema.routing import MAX_DIMS, TABLES, RoutingHeader
from dispatchopt.io.tables import Checked, flag, references
from dispatchopt.routing.breaks import Breaks
from dispatchopt.routing.problem import RoutingProblem
from dispatchopt.routing.tables import ANYWHERE, FAR, Couriers, Options, Orders, Stores
from dispatchopt.routing.tables import Table as RoutingTable

Array = npt.NDArray[Any]
_LOADS = ("load", "load_2", "load_3", "load_4")
#: Columns of orders that name rows of other tables.
_NAMED = ("locked_courier", "planned_courier", "planned_store")
_CAPACITIES = ("capacity", "capacity_2", "capacity_3", "capacity_4")


def build(parts: Parts) -> RoutingProblem:
    """Return the routing problem of a checked document."""
    issues, given = parts.issues, parts.header.parameters
    orders, stores, couriers = parts["orders"], parts["stores"], parts["couriers"]
    travel = _travel(parts)
    place = {name: _places(parts, name, "place") for name in ("orders", "stores")}
    pickup = _places(parts, "orders", "pickup_place")
    named = {
        "locked_courier": references(orders, "locked_courier", couriers, issues),
        "planned_courier": references(orders, "planned_courier", couriers, issues),
        "planned_store": references(orders, "planned_store", stores, issues),
    }
    ends = [_places(parts, "couriers", f"{end}_place") for end in ("start", "end")]
    order_options, courier_options = _options(parts, orders), _options(parts, couriers)
    wanted = f"below {len(given.profiles)}, the number of profiles"
    too_high = couriers["profile"] >= len(given.profiles)
    flag(couriers, "profile", too_high, "unknown-reference", wanted, issues)
    resting = references(parts["breaks"], "courier", couriers, issues)
    issues.raise_if_any()
    try:
        return RoutingProblem(
            travel=travel,
            orders=Orders(
                place=place["orders"],
                load=_amounts(orders, _LOADS, given.num_loads),
                pickup_place=pickup,
                store_options=order_options,
                **named,
                **_columns(orders, Orders, "pickup_place", *named),
            ),
            stores=Stores(place=place["stores"], **_columns(stores, Stores)),
            couriers=Couriers(
                start_place=ends[0],
                end_place=ends[1],
                capacity=_amounts(couriers, _CAPACITIES, given.num_loads),
                store_options=courier_options,
                **_columns(couriers, Couriers),
            ),
            units_per_cent=given.units_per_cent,
            breaks=Breaks(courier=resting, **_columns(parts["breaks"], Breaks)),
        )
    except InputError as error:
        issues.extend(error.issues)
        issues.raise_if_any()
        raise


def _travel(parts: Parts) -> tuple[TravelMatrix, ...]:
    given = parts.header.parameters
    if given.travel == "given":
        return matrices(parts, [(each.name, each.source) for each in given.profiles])
    # Where a parameter is faulty its default stands here, of which nothing is to be said.
    for number, each in enumerate(() if len(parts.issues) else given.profiles):
        try:
            profile_named(each.name, f"/parameters/profiles/{number}/name")
        except InputError as error:
            parts.issues.extend(error.issues)
    found = routers(parts, [each.name for each in given.profiles])
    places = points_of(parts["places"]) if found else None
    return tuple(router.matrix(places, places) for router in found if places is not None)


def _places(parts: Parts, table: str, column: str) -> Array:
    # A name that is empty stands for -1: anywhere.
    return references(parts[table], column, parts["places"], parts.issues)


def _ranged(kind: type[RoutingTable]) -> dict[str, int]:
    """Return the columns of whole numbers of a table, with their defaults."""
    return {
        each.name: int(_default(each))
        for each in dataclasses.fields(kind)
        if "range" in each.metadata
    }


def _default(field: dataclasses.Field[Any]) -> Any:
    factory: Any = field.default_factory
    return factory()


def _columns(table: Checked, kind: type[RoutingTable], *but: str) -> dict[str, Array]:
    return {
        name: np.where(table[name] == NO_INT, default, table[name])
        for name, default in _ranged(kind).items()
        if name not in but
    }


def _amounts(table: Checked, names: Sequence[str], num: int) -> Array:
    columns = [table[name] for name in names[:num]]
    return np.column_stack(columns) if columns else np.zeros((len(table), 0), dtype=np.int64)


def _options(parts: Parts, table: Checked) -> Options | None:
    texts = table["stores"]
    if "stores" not in table.table.columns or not (texts != "").any():
        return None
    index = {name: row for row, name in enumerate(parts["stores"]["id"])}
    rows = []
    for row, text in enumerate(texts):
        names = list(index) if text == "" else [] if text == "|" else text.split("|")
        for name in names:
            if name not in index:
                place = table.place(row, "stores")
                hint = nearest(name, index)
                parts.issues.add(
                    "unknown-reference", place, name, "a name of stores", hint, "stores"
                )
        if len(set(names)) < len(names):
            place = table.place(row, "stores")
            parts.issues.add("duplicate-pair", place, text, "each store once", "", "stores")
        rows.append([index[name] for name in names if name in index])
    return Options.of(rows)


def lay_out(
    instance: Instance,
) -> tuple[dict[str, Any], dict[str, dict[str, Sequence[Any]]]]:
    """Return header fields and tables of a routing problem: travel is given as a matrix."""
    problem: RoutingProblem = instance.problem
    if problem.num_dims > MAX_DIMS:
        wanted = f"at most {MAX_DIMS} load dimensions in a document"
        raise single("out-of-range", "orders.load", problem.num_dims, wanted)
    sizes = {
        "places": problem.num_places,
        "orders": len(problem.orders),
        "stores": len(problem.stores),
        "couriers": len(problem.couriers),
        "breaks": len(problem.breaks),
    }
    names = {name: names_or_numbers(instance.names.get(name), size) for name, size in sizes.items()}
    places, stores = names["places"], names["stores"]
    loads, capacities = problem.orders.load, problem.couriers.capacity
    tables: dict[str, dict[str, Any]] = {
        "places": {"id": places},
        "matrix": matrix_table(problem.travel, places),
        "stores": {
            "id": stores,
            "place": places[problem.stores.place],
            **_laid(problem.stores),
        },
        "orders": {
            "id": names["orders"],
            "place": places[problem.orders.place],
            **{name: loads[:, dim] for dim, name in enumerate(_LOADS[: problem.num_dims])},
            **_laid(problem.orders, "pickup_place", *_NAMED),
            **_optional("locked_courier", problem.orders.locked_courier, names["couriers"]),
            **_optional("planned_courier", problem.orders.planned_courier, names["couriers"]),
            **_optional("planned_store", problem.orders.planned_store, stores),
            **_optional("pickup_place", problem.orders.pickup_place, places),
            **_listed(problem.orders.store_options, stores),
        },
        "couriers": {
            "id": names["couriers"],
            **_optional("start_place", problem.couriers.start_place, places),
            **_optional("end_place", problem.couriers.end_place, places),
            **{
                name: capacities[:, dim] for dim, name in enumerate(_CAPACITIES[: problem.num_dims])
            },
            **_laid(problem.couriers),
            **_listed(problem.couriers.store_options, stores),
        },
        "breaks": {
            "courier": names["couriers"][problem.breaks.courier],
            **_laid(problem.breaks),
        },
    }
    parameters = {
        "travel": "given",
        "profiles": [{"name": each.profile, "source": each.source} for each in problem.travel],
        "num_loads": problem.num_dims,
        "units_per_cent": problem.units_per_cent,
    }
    kept = {name: columns for name, columns in tables.items() if sizes.get(name, 1)}
    return {"parameters": parameters}, kept


def _laid(table: RoutingTable, *but: str) -> dict[str, list[int | None]]:
    """Return columns that differ from their defaults; limits that bind nothing are left empty."""
    result = {}
    for name, default in _ranged(type(table)).items():
        values = getattr(table, name)
        if name in but or (values == default).all():
            continue
        is_limit = abs(default) == FAR and name.endswith("_s") and not name.startswith("max_")
        result[name] = [
            None if is_limit and value == default else value for value in values.tolist()
        ]
    return result


def _optional(name: str, rows: Array, places: Array) -> dict[str, list[str]]:
    if (rows == ANYWHERE).all():
        return {}
    return {name: ["" if row == ANYWHERE else places[row] for row in rows]}


def _listed(options: Options | None, stores: Array) -> dict[str, list[str]]:
    if options is None:
        return {}
    return {
        "stores": ["|".join(stores[options.row(row)]) or "|" for row in range(options.num_rows)]
    }


KIND = Kind(
    name="routing",
    header=RoutingHeader,
    rows=TABLES,
    build=build,
    lay_out=lay_out,
    problem_type=lambda: RoutingProblem,
    required=("places", "orders", "couriers"),
)
