"""What a replay measures, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray

#: Sums that a replication collects.
SUMS = (
    "days",
    "pair_days",
    "pair_days_served",
    "orders",
    "orders_complete",
    "orders_split",
    "lines",
    "lines_filled",
    "demand_units",
    "served_units",
    "received_units",
    "wasted_units",
    "stock_units",
    "owed_units",
    "transfer_units",
    "cut_units",
    "holding_cost",
    "shortage_cost",
    "waste_cost",
    "order_cost",
)
#: Days of a year, for turns.
_YEAR = 365.0


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over replications.

    Parameters
    ----------
    mean
        The mean.
    half_width
        Half the 95 % confidence interval (Student's t); nan with one replication.
    standard_error
        Standard error of the mean; nan with one replication.
    num
        Number of replications in which the measure is defined.
    """

    mean: float
    half_width: float
    standard_error: float
    num: int

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.mean + self.half_width


@dataclass(frozen=True, kw_only=True, eq=False)
class Measures:
    """Measures of all replications of one policy.

    Parameters
    ----------
    by_replication
        Each measure in each replication, (R,), nan where it is not defined.
    """

    by_replication: Mapping[str, FloatArray]

    def __getitem__(self, name: str) -> Estimate:
        return estimate(self.by_replication[name])

    @property
    def num_replications(self) -> int:
        """Number of replications."""
        return int(self.by_replication["cost_per_day"].size)

    def table(self) -> dict[str, dict[str, Any]]:
        """Return all measures as plain values; None where one is not defined."""
        return {name: _row(self[name]) for name in self.by_replication}


def estimate(values: FloatArray) -> Estimate:
    """Return mean and interval of independent values; nan among them are left out."""
    from scipy import special

    kept = values[~np.isnan(values)]
    if not kept.size:
        return Estimate(mean=np.nan, half_width=np.nan, standard_error=np.nan, num=0)
    if kept.size == 1:
        mean = float(kept[0])
        return Estimate(mean=mean, half_width=np.nan, standard_error=np.nan, num=1)
    error = float(kept.std(ddof=1) / np.sqrt(kept.size))
    width = float(special.stdtrit(kept.size - 1, 0.975)) * error
    return Estimate(
        mean=float(kept.mean()), half_width=width, standard_error=error, num=int(kept.size)
    )


def difference(first: Measures, second: Measures, name: str = "cost_per_day") -> Estimate:
    """Return first minus second, replication by replication: both must have met the same days."""
    return estimate(first.by_replication[name] - second.by_replication[name])


def differences(first: Measures, second: Measures) -> dict[str, dict[str, Any]]:
    """Return first less second of all measures, as plain values like those of ``Measures.table``.

    Both must have met the same days; of a run that was cut short its first replications count.
    """
    count = min(first.num_replications, second.num_replications)
    return {
        name: _row(estimate(values[:count] - second.by_replication[name][:count]))
        for name, values in first.by_replication.items()
    }


def measures_of(sums: FloatArray) -> Measures:
    """Return the measures of sums, (R, len(SUMS))."""
    of = {name: sums[:, at] for at, name in enumerate(SUMS)}
    days = of["days"]
    lost = of["demand_units"] - of["served_units"]
    cost = of["holding_cost"] + of["shortage_cost"] + of["waste_cost"] + of["order_cost"]
    return Measures(
        by_replication={
            "complete_order_rate": _share(of["orders_complete"], of["orders"]),
            "line_fill_rate": _share(of["lines_filled"], of["lines"]),
            "unit_fill_rate": _share(of["served_units"], of["demand_units"]),
            "cycle_service": _share(of["pair_days_served"], of["pair_days"]),
            "waste_rate": _share(of["wasted_units"], of["received_units"]),
            "days_of_cover": _share(of["stock_units"], of["demand_units"]),
            "turns_per_year": _share(_YEAR * of["served_units"], of["stock_units"]),
            "split_rate": _share(of["orders_split"], of["orders"]),
            "demand_units_per_day": _share(of["demand_units"], days),
            "unmet_units_per_day": _share(lost, days),
            "stock_units": _share(of["stock_units"], days),
            "owed_units": _share(of["owed_units"], days),
            "received_units_per_day": _share(of["received_units"], days),
            "wasted_units_per_day": _share(of["wasted_units"], days),
            "transfer_units_per_day": _share(of["transfer_units"], days),
            "cut_units_per_day": _share(of["cut_units"], days),
            "holding_cost_per_day": _share(of["holding_cost"], days),
            "lost_margin_per_day": _share(of["shortage_cost"], days),
            "waste_cost_per_day": _share(of["waste_cost"], days),
            "order_cost_per_day": _share(of["order_cost"], days),
            "cost_per_day": _share(cost, days),
        }
    )


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    share: FloatArray = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return share


def _row(each: Estimate) -> dict[str, Any]:
    return {
        "mean": _plain(each.mean),
        "half_width": _plain(each.half_width),
        "replications": each.num,
    }


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
