"""Vehicles: how fast, where allowed, and how much slower at which hour."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from dispatchopt.core.errors import InputError, Issue

#: No hour is slower than another.
FLAT_DAY = (1.0,) * 24
#: Factors on durations for hours 0 to 23: two peaks, for vehicles in traffic.
CAR_DAY = (
    *(0.85, 0.85, 0.85, 0.85, 0.85, 0.90, 1.05, 1.35, 1.50, 1.30, 1.15, 1.15),
    *(1.20, 1.15, 1.15, 1.20, 1.30, 1.50, 1.55, 1.35, 1.15, 1.05, 0.95, 0.90),
)
#: Two-wheelers filter through queues and feel about a third of it.
TWO_WHEEL_DAY = tuple(round(1 + (factor - 1) / 3, 3) for factor in CAR_DAY)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How one kind of vehicle moves.

    Parameters
    ----------
    name
        Short name, such as ``e-bike``.
    speed_m_s
        Speed in free flow, m/s, > 0, on roads that ``class_speeds`` does not name.
    class_speeds
        Pairs of OSM highway class and speed in m/s; a ``_link`` class follows its main class.
    forbidden
        Highway classes that must not be used; also followed by their links.
    ignores_oneway
        True if every road may be used in both directions.
    obeys_maxspeed
        True if a road's ``maxspeed`` caps the speed.
    is_straight
        True if the vehicle does not use roads at all.
    access_speed_m_s
        Speed between a place and the point where it meets the road, m/s.
    hourly_factors
        24 factors > 0 on durations; factor h holds at half past hour h of the day, and between
        two such moments the factor runs in a straight line (midnight included).

    Raises
    ------
    InputError
        Lists every field out of range.
    """

    name: str
    speed_m_s: float
    class_speeds: tuple[tuple[str, float], ...] = ()
    forbidden: frozenset[str] = frozenset()
    ignores_oneway: bool = False
    obeys_maxspeed: bool = False
    is_straight: bool = False
    access_speed_m_s: float = 1.4
    hourly_factors: tuple[float, ...] = FLAT_DAY

    def __post_init__(self) -> None:
        object.__setattr__(self, "hourly_factors", tuple(self.hourly_factors))
        speeds = [("speed_m_s", self.speed_m_s), ("access_speed_m_s", self.access_speed_m_s)]
        speeds += [(f"class_speeds/{name}", speed) for name, speed in self.class_speeds]
        issues = [
            self._issue(where, speed, "a speed in (0, 100] m/s", "speeds are in metres per second")
            for where, speed in speeds
            if not 0 < speed <= 100
        ]
        if len(self.hourly_factors) != 24:
            issues.append(self._issue("hourly_factors", len(self.hourly_factors), "24 factors", ""))
        issues += [
            self._issue(f"hourly_factors/{hour}", factor, "a finite factor > 0", "")
            for hour, factor in enumerate(self.hourly_factors)
            if not (factor > 0 and math.isfinite(factor))
        ]
        if issues:
            raise InputError(issues)

    def _issue(self, where: str, found: object, wanted: str, hint: str) -> Issue:
        return Issue(
            code="profile-value",
            where=f"profile {self.name} /{where}",
            found=str(found),
            wanted=wanted,
            hint=hint,
        )

    def class_speed_m_s(self, highway: str) -> float:
        """Return the free-flow speed on a highway class, m/s; 0 where it must not go."""
        main = highway.removesuffix("_link")
        if main in self.forbidden or highway in self.forbidden:
            return 0.0
        speeds = dict(self.class_speeds)
        return speeds.get(highway, speeds.get(main, self.speed_m_s))

    def slowdown(self, second: int) -> float:
        """Return the factor on durations at a second of the day (days repeat)."""
        hour = (second / 3600 - 0.5) % 24
        before = int(hour) % 24
        share = hour - int(hour)
        first, then = self.hourly_factors[before], self.hourly_factors[(before + 1) % 24]
        return first + share * (then - first)

    def with_day(self, hourly_factors: tuple[float, ...]) -> Profile:
        """Return the same vehicle with other hourly factors."""
        return replace(self, hourly_factors=hourly_factors)


_NO_CARS = frozenset(
    {"footway", "pedestrian", "steps", "path", "cycleway", "bridleway", "corridor", "elevator"}
)
_NOT_BUILT = frozenset({"construction", "proposed", "abandoned", "razed", "raceway"})
_MOTORWAYS = frozenset({"motorway", "motorroad"})
_KMH = 1 / 3.6

_CAR_SPEEDS = (
    ("motorway", 80 * _KMH),
    ("trunk", 60 * _KMH),
    ("primary", 42 * _KMH),
    ("secondary", 36 * _KMH),
    ("tertiary", 30 * _KMH),
    ("unclassified", 25 * _KMH),
    ("residential", 22 * _KMH),
    ("living_street", 10 * _KMH),
    ("service", 12 * _KMH),
    ("track", 12 * _KMH),
)
_PUSHING = (("footway", 1.2), ("pedestrian", 1.4), ("corridor", 1.0))

WALK = Profile(
    name="walk",
    speed_m_s=1.35,
    class_speeds=(("steps", 0.6),),
    forbidden=_MOTORWAYS | _NOT_BUILT,
    ignores_oneway=True,
    access_speed_m_s=1.35,
)
BICYCLE = Profile(
    name="bicycle",
    speed_m_s=15 * _KMH,
    class_speeds=_PUSHING,
    forbidden=_MOTORWAYS | _NOT_BUILT | {"trunk", "steps", "elevator"},
)
E_BIKE = Profile(
    name="e-bike",
    speed_m_s=20 * _KMH,
    class_speeds=_PUSHING,
    forbidden=BICYCLE.forbidden,
    hourly_factors=TWO_WHEEL_DAY,
)
MOTORCYCLE = Profile(
    name="motorcycle",
    speed_m_s=25 * _KMH,
    class_speeds=_CAR_SPEEDS,
    forbidden=_NO_CARS | _NOT_BUILT,
    obeys_maxspeed=True,
    hourly_factors=TWO_WHEEL_DAY,
)
CAR = Profile(
    name="car",
    speed_m_s=25 * _KMH,
    class_speeds=_CAR_SPEEDS,
    forbidden=_NO_CARS | _NOT_BUILT,
    obeys_maxspeed=True,
    hourly_factors=CAR_DAY,
)
DRONE = Profile(name="drone", speed_m_s=12.0, is_straight=True, access_speed_m_s=12.0)
ROBOT = Profile(
    name="robot",
    speed_m_s=6 * _KMH,
    forbidden=_MOTORWAYS | _NOT_BUILT | {"trunk", "steps", "elevator"},
    ignores_oneway=True,
)

#: The profiles that come with the package, by name.
PROFILES: dict[str, Profile] = {
    profile.name: profile for profile in (WALK, BICYCLE, E_BIKE, MOTORCYCLE, CAR, DRONE, ROBOT)
}


def profile_named(name: str, where: str = "profile") -> Profile:
    """Return a shipped profile.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in PROFILES:
        raise InputError(
            Issue(
                code="unknown-profile",
                where=where,
                found=repr(name),
                wanted="one of " + ", ".join(PROFILES),
            )
        )
    return PROFILES[name]
