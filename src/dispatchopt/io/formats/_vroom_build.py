"""A VROOM document as a routing problem.

A vehicle loads all jobs of its route where it starts, so every start is a store, and a vehicle
without a start loads at a place that is nowhere, at no distance from any other. The cost of a leg
stands in the place of its length. Jobs may be left out; what that costs grows with their priority.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import InputError
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix
from dispatchopt.geography.points import Points
from dispatchopt.geography.profiles import profile_named
from dispatchopt.geography.straight import StraightRouter
from dispatchopt.io.formats._vroom_values import Value, limits_of, matrix_of
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said
from dispatchopt.routing.breaks import Breaks
from dispatchopt.routing.problem import RoutingProblem
from dispatchopt.routing.tables import ANYWHERE, FAR, MAX_COST, Couriers, Options, Orders, Stores

_TOP = ("vehicles", "jobs", "shipments", "matrices", "distribute_options", "description")
_PLACE = ("location", "location_index")
_JOB = (
    *("id", "description", "setup", "service", "delivery", "pickup", "skills", "priority"),
    *(*_PLACE, "time_windows"),
)
_SHIPMENT = ("pickup", "delivery", "amount", "skills", "priority")
_STEP = ("id", "description", "setup", "service", "time_windows", *_PLACE)
_VEHICLE = (
    *("id", "profile", "description", "start", "start_index", "end", "end_index", "capacity"),
    *("costs", "skills", "time_window", "breaks", "speed_factor", "max_tasks", "steps"),
    *("max_travel_time", "max_distance"),
)
_BREAK = ("id", "description", "service", "time_windows", "max_load")
_NO_WINDOW = (0, FAR)
_PROFILES = {"bike": "bicycle", "cycling": "bicycle", "foot": "walk", "driving": "car"}
_PRIORITIES = 101


class Builder:
    """Takes a document apart, and puts the instance together."""

    def __init__(self, value: Any, name: str, detour_factor: float) -> None:
        self.issues = Issues()
        self.name, self.detour_factor = name, detour_factor
        self.top = Value(value, "", self.issues, _TOP)
        self.top.refuse("distribute_options")
        self.given: dict[str, dict[str, FloatArray]] = {}
        for profile, each in (self.top.raw("matrices") or {}).items() if self._has_given() else ():
            where = f"/matrices/{str(profile)[:50]}"
            member = Value(each, where, self.issues, ("durations", "distances", "costs"))
            names = ("durations", "distances", "costs")
            self.given[str(profile)] = {
                key: matrix_of(member.raw(key), f"{where}/{key}", self.issues)
                for key in names
                if member.has(key) or key == "durations"
            }
        self.sizes = {len(m) for each in self.given.values() for m in each.values()}
        if len(self.sizes) > 1:
            found = Said(f"sizes {sorted(self.sizes)}")
            self.issues.add("bad-shape", "/matrices", found, "matrices of one size")
        self.coordinates: dict[tuple[float, float], int] = {}
        self.skills: dict[int, int] = {}
        self.dims = 0
        self.base = 1

    def _has_given(self) -> bool:
        matrices = self.top.raw("matrices")
        if matrices is not None and not isinstance(matrices, dict):
            self.issues.add("wrong-type", "/matrices", matrices, "an object of profiles")
        return isinstance(matrices, dict)

    def instance(self) -> Instance:
        """Return the instance.

        Raises
        ------
        InputError
            Listing everything that is wrong.
        """
        vehicles = [
            self._vehicle(each, f"/vehicles/{at}")
            for at, each in enumerate(self.top.list("vehicles"))
        ]
        orders = [self._job(each, f"/jobs/{at}") for at, each in enumerate(self.top.list("jobs"))]
        orders += [
            self._shipment(each, f"/shipments/{at}")
            for at, each in enumerate(self.top.list("shipments"))
        ]
        for what, rows in (("vehicles", vehicles), ("jobs or shipments", orders)):
            if not rows:
                self.issues.add("empty-table", "/", Said(f"no {what}"), "at least one")
            names = [row["name"] for row in rows]
            for name in sorted({name for name in names if names.count(name) > 1})[:20]:
                self.issues.add("duplicate-id", f"/{what}", name, "each id once")
        self._amounts(vehicles, orders)
        self.issues.raise_if_any()
        problem = self._problem(vehicles, orders)
        places = {}
        if not self.given:
            lonlat = np.array(list(self.coordinates), dtype=np.float64).reshape(-1, 2)
            padding = problem.num_places - len(lonlat)
            if not padding:
                places = {"places": Points(lon=lonlat[:, 0], lat=lonlat[:, 1])}
        return Instance(
            name=self.name,
            kind="routing",
            problem=problem,
            names={
                "orders": tuple(row["name"] for row in orders),
                "couriers": tuple(row["name"] for row in vehicles),
            },
            places=places,
            notes={
                "format": "vroom",
                "scale": self._scale(vehicles),
                "refusal at priority 0": self.base,
                "breaks": " ".join(str(each[0]) for row in vehicles for each in row["breaks"]),
            },
        )

    def _place(self, value: Value, prefix: str = "location") -> int:
        """Return the place of an object, or ANYWHERE where it has none."""
        index_key = f"{prefix}_index"
        if self.given:
            if not value.has(index_key):
                return ANYWHERE
            return value.whole(index_key, 0, 0, max(self.sizes) - 1)
        if not value.has(prefix):
            return ANYWHERE
        at = value.raw(prefix)
        is_pair = isinstance(at, list) and len(at) == 2
        if not is_pair or not all(
            isinstance(x, int | float) and not isinstance(x, bool) and -limit <= x <= limit
            for x, limit in zip(at, (180, 90), strict=True)
        ):
            where = f"{value.where}/{prefix}"
            self.issues.add("out-of-range", where, at, "[lon, lat] in degrees")
            return 0
        return self.coordinates.setdefault((float(at[0]), float(at[1])), len(self.coordinates))

    def _must(self, value: Value) -> int:
        place = self._place(value)
        if place == ANYWHERE:
            wanted = "location_index, as matrices are given" if self.given else "location"
            self.issues.add("missing-key", value.where, Said("no place"), wanted)
        return max(place, 0)

    def _mask(self, value: Value) -> int:
        mask = 0
        for skill in value.wholes("skills"):
            bit = self.skills.setdefault(skill, len(self.skills))
            if bit > 60:
                where = f"{value.where}/skills"
                self.issues.add("out-of-range", where, skill, "at most 61 different skills")
                return 0
            mask |= 1 << bit
        return mask

    def _window(self, value: Value) -> tuple[int, int]:
        windows = value.list("time_windows")
        if len(windows) > 1:
            where, wanted = f"{value.where}/time_windows", "one window"
            self.issues.add("conflict", where, Said(f"{len(windows)} windows"), wanted)
        return value.window("time_windows/0", windows[0] if windows else None, _NO_WINDOW)

    def _job(self, given: Any, where: str) -> dict[str, Any]:
        value = Value(given, where, self.issues, _JOB)
        value.refuse("setup")
        begin, end = self._window(value)
        return {
            "name": str(value.whole("id", None)),
            "place": self._must(value),
            "pickup_place": ANYWHERE,
            "service_s": value.whole("service", 0),
            "earliest_s": begin,
            "latest_s": end,
            "skills": self._mask(value),
            "priority": value.whole("priority", 0, 0, 100),
            "delivery": value.wholes("delivery"),
            "pickup": value.wholes("pickup"),
        }

    def _shipment(self, given: Any, where: str) -> dict[str, Any]:
        value = Value(given, where, self.issues, _SHIPMENT)
        ends = [
            Value(value.raw(key), f"{where}/{key}", self.issues, _STEP)
            for key in ("pickup", "delivery")
        ]
        ids = []
        for end in ends:
            end.refuse("setup")
            ids.append(end.whole("id", None))
        first, last = (self._window(end) for end in ends)
        return {
            "name": f"{ids[0]}-{ids[1]}",
            "place": self._must(ends[1]),
            "pickup_place": self._must(ends[0]),
            "service_s": ends[1].whole("service", 0),
            "pickup_service_s": ends[0].whole("service", 0),
            "earliest_s": last[0],
            "latest_s": last[1],
            "pickup_earliest_s": first[0],
            "pickup_latest_s": first[1],
            "skills": self._mask(value),
            "priority": value.whole("priority", 0, 0, 100),
            "delivery": value.wholes("amount"),
            "pickup": [],
        }

    def _vehicle(self, given: Any, where: str) -> dict[str, Any]:
        value = Value(given, where, self.issues, _VEHICLE)
        costs = Value(
            value.raw("costs") or {}, f"{where}/costs", self.issues, ("fixed", "per_hour", "per_km")
        )
        start, end = self._place(value, "start"), self._place(value, "end")
        if start == end == ANYWHERE:
            self.issues.add("missing-key", where, Said("neither start nor end"), "one of them")
        profile = value.raw("profile") if value.has("profile") else "car"
        if not isinstance(profile, str) or (self.given and profile not in self.given):
            wanted = "a profile with matrices" if self.given else "the name of a profile"
            self.issues.add("unknown-reference", f"{where}/profile", profile, wanted)
            profile = next(iter(self.given), "car")
        begin, finish = value.window("time_window", value.raw("time_window"), _NO_WINDOW)
        travel = (
            profile,
            costs.whole("per_hour", 3600, 0, 10**6),
            costs.whole("per_km", 0, 0, 10**6),
            value.number("speed_factor", 1.0, 0.01, 5.0),
        )
        return {
            "name": str(value.whole("id", None)),
            "limits": limits_of(
                value, travel[1:3], self.issues, has_costs="costs" in self.given.get(profile, {})
            ),
            "travel": travel,
            "start_place": start,
            "end_place": end,
            "capacity": value.wholes("capacity"),
            "skills": self._mask(value),
            "earliest_s": begin,
            "latest_s": finish,
            "max_stops": value.whole("max_tasks", FAR, 1),
            "breaks": [
                self._break(each, f"{where}/breaks/{at}")
                for at, each in enumerate(value.list("breaks"))
            ],
            "fixed": costs.whole("fixed", 0, 0, 10**6),
        }

    def _break(self, given: Any, where: str) -> tuple[int, int, int, int]:
        """Return number, begin of the window, its end, and length of a break."""
        value = Value(given, where, self.issues, _BREAK)
        value.refuse("max_load")
        begin, end = self._window(value)
        return value.whole("id", None), begin, end, value.whole("service", 0)

    def _amounts(self, vehicles: list[dict[str, Any]], orders: list[dict[str, Any]]) -> None:
        """Bring loads to one number of dimensions: all delivered, or all collected."""
        lists = [row["capacity"] for row in vehicles if row["capacity"]]
        lists += [row[key] for row in orders for key in ("delivery", "pickup") if row[key]]
        if len({len(each) for each in lists}) > 1:
            found = Said("amounts of different lengths")
            self.issues.add("bad-shape", "/", found, "as many numbers in each amount and capacity")
        self.dims = max((len(each) for each in lists), default=0)
        collected = [row for row in orders if any(row["pickup"])]
        delivered = [row for row in orders if any(row["delivery"])]
        if collected and delivered:
            # Only one way holds: what is delivered is aboard at the start, the other at the end.
            found = Said("jobs with a delivery beside jobs with a pickup")
            self.issues.add("conflict", "/jobs", found, "one of them (or shipments)")
        for row in orders:
            row["load"] = (row["pickup"] if collected else row["delivery"]) or [0] * self.dims

    def _scale(self, vehicles: list[dict[str, Any]]) -> int:
        """Return our cost units per unit of VROOM's: costs of legs have to be whole."""
        return 1 if all(row["travel"][1:3] == (3600, 0) for row in vehicles) else 1_000

    def _problem(
        self, vehicles: list[dict[str, Any]], orders: list[dict[str, Any]]
    ) -> RoutingProblem:
        kinds = list(dict.fromkeys(row["travel"] for row in vehicles))
        has_nowhere = any(row["start_place"] == ANYWHERE for row in vehicles)
        travel = tuple(self._travel(kind, self._scale(vehicles), has_nowhere) for kind in kinds)
        starts = [row["start_place"] for row in vehicles]
        is_paired = [row["pickup_place"] != ANYWHERE for row in orders]
        if any(is_paired) and not all(is_paired) and len(set(starts)) == 1 and starts[0] >= 0:
            # With one start, a job is a shipment from there, which all engines understand.
            for row in orders:
                if row["pickup_place"] == ANYWHERE:
                    row["pickup_place"] = starts[0]
        nowhere = travel[0].shape[0] - 1
        store_places = sorted({nowhere if place == ANYWHERE else place for place in starts})
        dearest = max(int(each.distance_m[each.is_reachable].max(initial=0)) for each in travel)
        fixed = self._scale(vehicles) * np.array([row["fixed"] for row in vehicles], dtype=np.int64)
        self.base = min(1 + 2 * dearest + int(fixed.max()), MAX_COST // _PRIORITIES)
        options = [
            [store_places.index(nowhere if place == ANYWHERE else place)] for place in starts
        ]
        try:
            return RoutingProblem(
                travel=travel,
                orders=self._orders(orders),
                stores=Stores.of(place=store_places),
                couriers=Couriers.of(
                    **_columns(vehicles, "start_place", "end_place", "earliest_s", "latest_s"),
                    **_columns(vehicles, "max_stops", "skills"),
                    max_distance_m=[
                        min(
                            (self._scale(vehicles) * most // 1_000 for most in row["limits"]),
                            default=FAR,
                        )
                        for row in vehicles
                    ],
                    capacity=np.array(
                        [row["capacity"] or [0] * self.dims for row in vehicles], dtype=np.int64
                    ).reshape(len(vehicles), self.dims),
                    profile=[kinds.index(row["travel"]) for row in vehicles],
                    fixed_cost=fixed,
                    store_options=Options.of(options),
                ),
                breaks=_breaks(vehicles),
            )
        except InputError as error:
            self.issues.extend(error.issues)
            self.issues.raise_if_any()
            raise

    def _orders(self, orders: list[dict[str, Any]]) -> Orders:
        priority = np.array([row["priority"] for row in orders], dtype=np.int64)
        pairs = [
            {"pickup_service_s": 0, "pickup_earliest_s": 0, "pickup_latest_s": FAR} | row
            for row in orders
        ]
        return Orders.of(
            **_columns(pairs, "place", "pickup_place", "service_s", "earliest_s", "latest_s"),
            **_columns(pairs, "pickup_service_s", "pickup_earliest_s", "pickup_latest_s", "skills"),
            load=np.array([row["load"] for row in orders], dtype=np.int64).reshape(
                len(orders), self.dims
            ),
            refusal_cost=self.base * (1 + priority),
        )

    def _travel(
        self, kind: tuple[str, int, int, float], scale: int, has_nowhere: bool
    ) -> TravelMatrix:
        """Return costs in the place of lengths, and durations."""
        profile, per_hour, per_km, speed_factor = kind
        if self.given:
            matrices = self.given[profile]
            seconds = matrices["durations"]
            metres = matrices.get("distances", np.zeros_like(seconds))
        else:
            lonlat = np.array(list(self.coordinates), dtype=np.float64).reshape(-1, 2)
            points = Points(lon=lonlat[:, 0], lat=lonlat[:, 1])
            vehicle = profile_named(_PROFILES.get(profile, profile), "profile of a vehicle")
            straight = StraightRouter(profile=vehicle, detour_factor=self.detour_factor)
            found = straight.matrix(points, points)
            matrices, seconds = {}, found.duration_s.astype(np.float64)
            metres = found.distance_m.astype(np.float64)
        duration = np.rint(seconds / speed_factor)
        cost = scale * (per_hour / 3600 * duration + per_km / 1000 * metres)
        if "costs" in matrices:
            cost = scale * matrices["costs"]
        largest = float(max(cost.max(initial=0), duration.max(initial=0)))
        if largest >= UNREACHABLE:
            wanted = f"costs (times {scale}) and durations below {UNREACHABLE}"
            self.issues.add("out-of-range", "/matrices", largest, wanted)
            self.issues.raise_if_any()
        return TravelMatrix(
            distance_m=_padded(cost, has_nowhere),
            duration_s=_padded(duration, has_nowhere),
            source="given" if self.given else f"straight x {self.detour_factor:g}",
            profile=profile[:200],
        )


def _columns(rows: list[dict[str, Any]], *names: str) -> Mapping[str, IntArray]:
    return {name: np.array([row[name] for row in rows], dtype=np.int64) for name in names}


def _breaks(vehicles: list[dict[str, Any]]) -> Breaks:
    rows = [(at, *each[1:]) for at, vehicle in enumerate(vehicles) for each in vehicle["breaks"]]
    courier, early, late, length = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    return Breaks(courier=courier, earliest_s=early, latest_s=late, duration_s=length)


def _padded(values: FloatArray, has_nowhere: bool) -> IntArray:
    whole: IntArray = np.rint(values).astype(np.int64)
    return np.pad(whole, (0, 1)) if has_nowhere else whole
