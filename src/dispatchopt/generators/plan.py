"""The plan of a made-up town: districts of different layout, avenues, a river and a railway."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.seeds import stream

#: Layouts of districts.
OLD_TOWN, GRID, RINGS, SUBURB = range(4)
#: Smallest radius (m) at which a town gets avenues, and at which it gets a river and a railway.
_AVENUES_FROM_M, _BARRIERS_FROM_M = 900.0, 1800.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Barrier:
    """A line that few streets cross: ``v = sum(a sin(u k + phase)) + offset`` in turned axes.

    Parameters
    ----------
    angle
        Direction of the u axis, radians.
    offset_m
        Distance of the line from the centre of the town.
    waves
        Amplitude (m), wave number (1/m) and phase of each wave, shape (w, 3).
    width_m
        Strip without streets.
    crossing_gap_m
        Mean distance between two crossings.
    name
        Name of its crossings.
    """

    angle: float
    offset_m: float
    waves: FloatArray
    width_m: float
    crossing_gap_m: float
    name: str

    def along(self, xy: FloatArray) -> FloatArray:
        """Return the position along the barrier, metres, shape (n,)."""
        u: FloatArray = xy @ np.array([np.cos(self.angle), np.sin(self.angle)])
        return u

    def side(self, xy: FloatArray) -> FloatArray:
        """Return the signed distance across the axis, metres, shape (n,); 0 on the line."""
        v = xy @ np.array([-np.sin(self.angle), np.cos(self.angle)])
        amplitude, number, phase = self.waves.T
        course = np.sin(np.outer(self.along(xy), number) + phase) @ amplitude
        across: FloatArray = v - self.offset_m - course
        return across


@dataclass(frozen=True, kw_only=True, eq=False)
class TownPlan:
    """What the streets are laid out from; metres east and north of the centre.

    Parameters
    ----------
    radius_m
        Mean radius of the town.
    outline
        Amplitude, wave number and phase of each wave of the outline over the angle, shape (w, 3).
    centres, layout, angle, spacing
        District centres (D, 2), layouts (D,), directions (D,), relative spacing of streets (D,).
    avenues
        Courses of main roads, each (k, 2).
    avenue_names
        Their names.
    barriers
        River and railway.
    bends
        Smooth displacement of everything: amplitude x, y, wave vector x, y, phase, shape (w, 5).
    """

    radius_m: float
    outline: FloatArray
    centres: FloatArray
    layout: IntArray
    angle: FloatArray
    spacing: FloatArray
    avenues: tuple[FloatArray, ...]
    avenue_names: tuple[str, ...]
    barriers: tuple[Barrier, ...]
    bends: FloatArray

    def edge_m(self, angle: FloatArray) -> FloatArray:
        """Return the distance of the town's edge from its centre in given directions."""
        amplitude, number, phase = self.outline.T
        waves = np.sin(np.outer(angle, number) + phase) @ amplitude
        edge: FloatArray = self.radius_m * (1 + waves)
        return edge

    def inside(self, xy: FloatArray) -> FloatArray:
        """Return distance from the centre as a share of the edge there, shape (n,)."""
        share: FloatArray = np.hypot(*xy.T) / self.edge_m(np.arctan2(xy[:, 1], xy[:, 0]))
        return share

    def spacing_m(self, xy: FloatArray, district: IntArray) -> FloatArray:
        """Return the distance between crossings wanted at places of given districts."""
        spread: FloatArray = (105 + 105 * self.inside(xy)) * self.spacing[district]
        return spread

    def bend(self, xy: FloatArray) -> FloatArray:
        """Return where places lie once the whole plan is bent a little."""
        phase = xy @ self.bends[:, 2:4].T + self.bends[:, 4]
        bent: FloatArray = xy + np.sin(phase) @ self.bends[:, :2]
        return bent


def draw_plan(radius_m: float, num_districts: int, seed: int) -> TownPlan:
    """Draw a town of a given radius and number of districts."""
    random = stream(seed, "streets", "plan")
    outline = np.column_stack(
        [random.uniform(0.02, 0.08, 3), np.arange(2, 5), random.uniform(0, 2 * np.pi, 3)]
    )
    centres, layout, spacing = _districts(
        radius_m, num_districts, stream(seed, "streets", "districts")
    )
    bends = np.column_stack(
        [
            random.uniform(-60, 60, (6, 2)),
            random.normal(0, 2 * np.pi / 4000, (6, 2)),
            random.uniform(0, 2 * np.pi, 6),
        ]
    )
    avenues, names = _avenues(radius_m, stream(seed, "streets", "avenues"))
    return TownPlan(
        radius_m=radius_m,
        outline=outline,
        centres=centres,
        layout=layout,
        angle=stream(seed, "streets", "angles").uniform(0, np.pi / 2, len(centres)),
        spacing=spacing,
        avenues=avenues,
        avenue_names=names,
        barriers=_barriers(radius_m, stream(seed, "streets", "barriers")),
        bends=bends,
    )


def _districts(
    radius_m: float, count: int, random: np.random.Generator
) -> tuple[FloatArray, IntArray, FloatArray]:
    """Spread districts over the town by a sunflower spiral, the old town in the middle."""
    k = np.arange(count)
    distance = radius_m * np.sqrt(k / count) * random.uniform(0.9, 1.05, count)
    turn = k * np.pi * (3 - np.sqrt(5)) + random.uniform(0, 2 * np.pi)
    centres = np.column_stack([distance * np.cos(turn), distance * np.sin(turn)])
    suburb_share = np.clip(distance / radius_m - 0.3, 0, 0.55)
    draw = random.random(count)
    layout: IntArray = np.where(draw < suburb_share, SUBURB, GRID).astype(np.int64)
    layout[draw > 0.85] = RINGS
    layout[0] = OLD_TOWN if count > 1 else GRID
    spacing = random.uniform(0.8, 1.25, count)
    return centres, layout, spacing


def _avenues(
    radius_m: float, random: np.random.Generator
) -> tuple[tuple[FloatArray, ...], tuple[str, ...]]:
    """Lay ring roads and radial avenues; the points of a course lie 10 m apart at most."""
    if radius_m < _AVENUES_FROM_M:
        return (), ()
    courses: list[FloatArray] = []
    names: list[str] = []
    num_rings = 1 if radius_m < 4000 else 2 if radius_m < 9000 else 3
    for ring in range(num_rings):
        share = (ring + 0.75) / (num_rings + 0.4)
        round_turn = np.linspace(0, 2 * np.pi, int(2 * np.pi * radius_m / 10))
        wobble = 1 + 0.05 * np.sin(3 * round_turn + random.uniform(0, 2 * np.pi))
        distance = radius_m * share * wobble * random.uniform(0.95, 1.05)
        courses.append(
            np.column_stack([distance * np.cos(round_turn), distance * np.sin(round_turn)])
        )
        names.append(f"Ring Road {ring + 1}")
    num_radials = 5 if radius_m < 2500 else 8
    words = ("East", "Northeast", "North", "Northwest", "West", "Southwest", "South", "Southeast")
    first = random.uniform(-0.15, 0.15)
    for radial in range(num_radials):
        turn = first + 2 * np.pi * radial / num_radials + random.uniform(-0.12, 0.12)
        distance = np.arange(0.04 * radius_m, 1.1 * radius_m, 10)
        swing = random.uniform(-0.25, 0.25) * (distance / radius_m) ** 2
        courses.append(
            np.column_stack([distance * np.cos(turn + swing), distance * np.sin(turn + swing)])
        )
        names.append(f"{words[round(turn / (np.pi / 4)) % 8]} Avenue")
    return tuple(courses), tuple(names)


def _barriers(radius_m: float, random: np.random.Generator) -> tuple[Barrier, ...]:
    if radius_m < _BARRIERS_FROM_M:
        return ()
    angle = random.uniform(0, np.pi)

    def waves(amplitude: float) -> FloatArray:
        return np.column_stack(
            [
                amplitude * radius_m * random.uniform(0.5, 1.0, 2),
                2 * np.pi / (radius_m * np.array([2.2, 0.9]) * random.uniform(0.8, 1.2, 2)),
                random.uniform(0, 2 * np.pi, 2),
            ]
        )

    river = Barrier(
        angle=angle,
        offset_m=radius_m * random.choice([-1, 1]) * random.uniform(0.12, 0.3),
        waves=waves(0.07),
        width_m=random.uniform(140, 220),
        crossing_gap_m=1300,
        name="Bridge",
    )
    railway = Barrier(
        angle=angle + random.uniform(0.9, 1.6),
        offset_m=radius_m * random.choice([-1, 1]) * random.uniform(0.35, 0.5),
        waves=waves(0.02),
        width_m=40,
        crossing_gap_m=800,
        name="Underpass",
    )
    return (river, railway)
