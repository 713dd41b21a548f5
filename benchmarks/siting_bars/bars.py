"""The sets, and what each instance (or the set as a whole) is to show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.registry import Row
from benchmarks.siting_bars import files, points
from benchmarks.siting_bars.measure import Case

#: Slack of listed values, which have few decimals, in percent.
_DIGITS = 1e-5


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A set of instances with what is asked of them.

    Parameters
    ----------
    name, about
        How it is called, and what is asked.
    cases
        Its instances, as far as their data is there.
    is_met
        Whether an instance meets the bar.
    most_total_s, most_mean_s
        CPU seconds that all may take in sum or in the mean; None for no such bar.
    least_share
        Share of instances that must be proven; the others must still meet ``is_met``.
    """

    name: str
    about: str
    cases: Callable[[], list[Case]]
    is_met: Callable[[Row], bool]
    most_total_s: float | None = None
    most_mean_s: float | None = None
    least_share: float = 0.0

    def summary(self, rows: list[Row]) -> str:
        """Return a line on all instances."""
        met = [self.is_met(row) for row in rows]
        proven = sum(_is_proven(row) for row in rows)
        total = sum(row["cpu_s"] for row in rows)
        mean, count = total / len(rows), len(rows)
        gaps = [row["gap_percent"] for row in rows if row["gap_percent"] is not None]
        is_good = all(met) and proven >= self.least_share * count
        is_good &= self.most_total_s is None or total <= self.most_total_s
        is_good &= self.most_mean_s is None or mean <= self.most_mean_s
        short = [row["case"] for row, good in zip(rows, met, strict=True) if not good]
        text = (
            f"{self.name}: {'met' if is_good else 'MISSED'} ({self.about}): {sum(met)} of {count},"
            f" {proven} proven, CPU s {total:.1f} in all, {mean:.2f} in the mean,"
            f" worst gap {max(gaps, default=0.0):.3f} %"
        )
        return text + (f"; short: {', '.join(short[:8])}" if short else "")


def _is_proven(row: Row) -> bool:
    return bool(row["status"] == "optimal")


def _near(gap: float, listed: float | None = None) -> Callable[[Row], bool]:
    """Whether the gap, and the distance to the listed value, are small enough (percent)."""

    def is_met(row: Row) -> bool:
        if row["gap_percent"] is None or row["gap_percent"] > gap:
            return False
        away = row["above_listed_percent"]
        return listed is None or away is None or away <= listed + _DIGITS

    return is_met


def _proven(seconds: float) -> Callable[[Row], bool]:
    def is_met(row: Row) -> bool:
        return _is_proven(row) and row["cpu_s"] <= seconds

    return is_met


def _own_sites(row: Row) -> bool:
    """Proven where less than 90 % is covered, else a gap of 0.2 %; no worse than listed."""
    return _is_proven(row) or (row["covered_share"] >= 0.9 and _near(0.2, 0.0)(row))


def _bar(
    name: str, about: str, cases: Callable[[], list[Case]], is_met: Callable[[Row], bool]
) -> Bar:
    return Bar(name=name, about=about, cases=cases, is_met=is_met)


_LIST = [
    Bar(
        name="pmed-median",
        about="p-median of the OR-Library: all proven within 40 s in all",
        cases=lambda: files.graphs("p-median"),
        is_met=_is_proven,
        most_total_s=40.0,
    ),
    Bar(
        name="pmed-center",
        about="p-center on the same graphs: all proven within 90 s in all",
        cases=lambda: files.graphs("p-center"),
        is_met=_is_proven,
        most_total_s=90.0,
    ),
    _bar(
        "tsplib-proven",
        "rl1304 and u1432: proven within 40 s each",
        lambda: files.tsplib(to_prove=True),
        _proven(40.0),
    ),
    _bar(
        "tsplib",
        "other TSPLIB points: published value within 0.1 %, gap <= 0.5 % in 120 s",
        lambda: files.tsplib(to_prove=False),
        _near(0.5, 0.1),
    ),
    _bar(
        "cover-listed",
        "drawn instances with listed values: all reached and proven",
        lambda: points.listed_points(most=1_000_000),
        _proven(60.0),
    ),
    Bar(
        name="cover-1M",
        about="1 million customers, 14 settings: proven in 1 s in the mean",
        cases=lambda: points.coverage_scale(1_000_000),
        is_met=_is_proven,
        most_mean_s=1.0,
    ),
    Bar(
        name="cover-10M",
        about="10 million customers, 14 settings: proven in 2 s in the mean",
        cases=lambda: points.coverage_scale(10_000_000),
        is_met=_is_proven,
        most_mean_s=2.0,
    ),
    Bar(
        name="cover-40M",
        about="40 million customers, 14 settings: proven in 4 s in the mean",
        cases=lambda: points.coverage_scale(40_000_000),
        is_met=_is_proven,
        most_mean_s=4.0,
    ),
    Bar(
        name="set-covering",
        about="partial and full set covering of 1 million: proven in 5 s in the mean",
        cases=points.set_covering,
        is_met=_is_proven,
        most_mean_s=5.0,
    ),
    _bar(
        "city-200",
        "1 million x 200 sites in 20 km: proven within 40 s",
        lambda: points.cities("city-200"),
        _proven(40.0),
    ),
    _bar(
        "city-wide",
        "1 million x 500 sites in 40 km and 1,000 in 60 km: gap <= 0.1 % in 120 s",
        lambda: points.cities("city-wide"),
        _near(0.1),
    ),
    _bar(
        "city-dense",
        "1 million x 500 sites in 20 km: gap <= 0.5 % in 120 s",
        lambda: points.cities("city-dense"),
        _near(0.5),
    ),
    _bar(
        "n1000s",
        "1,000 sites that are the customers: proven below 90 % coverage, else gap <= 0.2 %, 60 s",
        files.own_sites,
        _own_sites,
    ),
    _bar(
        "real-cities",
        "census blocks of real cities: no worse than listed, gap <= 0.5 % in 60 s",
        files.real_cities,
        _near(0.5, 0.0),
    ),
    _bar(
        "cap",
        "warehouses of the OR-Library: proven within 0.5 s each",
        lambda: files.capacitated(is_large=False, with_capacities=True),
        _proven(0.5),
    ),
    _bar(
        "cap-large",
        "capa to capc with capacities: gap <= 0.5 % in 60 s",
        lambda: files.capacitated(is_large=True, with_capacities=True),
        _near(0.5),
    ),
    _bar(
        "cap-large-free",
        "capa to capc without capacities: proven within 2 s",
        lambda: files.capacitated(is_large=True, with_capacities=False),
        _proven(2.0),
    ),
    _bar(
        "cap-free",
        "the other warehouses without capacities: proven within 0.5 s each",
        lambda: files.capacitated(is_large=False, with_capacities=False),
        _proven(0.5),
    ),
    Bar(
        name="single-source",
        about="capacitated p-median and single-source files: 95 % proven in 60 s, gap <= 0.5 %",
        cases=files.single_source,
        is_met=_near(0.5),
        least_share=0.95,
    ),
    _bar(
        "uncapacitated",
        "Koerkel and Ghosh: within 0.5 % of the best known in 60 s",
        files.uncapacitated,
        _near(100.0, 0.5),
    ),
]
BARS = {bar.name: bar for bar in _LIST}
