"""A day to be replayed: orders, stores, couriers, the ground between them, and the rules."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.dispatch.rules import DayRules
from dispatchopt.dispatch.tables import Couriers, Orders, Stores
from dispatchopt.geography.points import Points
from dispatchopt.geography.router import Travel
from dispatchopt.simulation.incidents import Incidents


@dataclass(frozen=True, kw_only=True, eq=False)
class Day:
    """All that a simulated day needs.

    Parameters
    ----------
    name
        Name for display.
    travel
        Travel among the places that orders, stores and couriers point at.
    orders, stores, couriers
        The tables.
    rules
        The rules.
    places
        Coordinates of the travel's places, for maps and for finding near couriers quickly;
        None where only a matrix is known.
    sku_ids
        Names of the SKUs that ``line_sku`` and the columns of ``stock_units`` count.
    incidents
        What goes wrong; nothing by default.

    Raises
    ------
    InputError
        If the tables do not fit together; all problems are listed.
    """

    name: str
    travel: Travel
    orders: Orders
    stores: Stores
    couriers: Couriers
    rules: DayRules = field(default_factory=DayRules)
    places: Points | None = None
    sku_ids: tuple[str, ...] = ()
    incidents: Incidents = field(default_factory=Incidents)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sku_ids", tuple(self.sku_ids))
        issues: list[Issue] = []
        num_places, num_stores = self.travel.num_places, len(self.stores)
        for name in ("orders", "stores", "couriers"):
            table = getattr(self, name)
            issues += _below(f"{name}.place_idx", table.place_idx, num_places, "places")
        issues += _below("orders.option_store", self.orders.option_store, num_stores, "stores")
        issues += _below("couriers.store_idx", self.couriers.store_idx, num_stores, "stores")
        issues += self._sku_issues()
        issues += self.incidents.issues(len(self.couriers), num_stores, len(self.orders))
        if self.places is not None and len(self.places) != num_places:
            issues.append(_misfit("places", len(self.places), f"{num_places}, as in travel"))
        if issues:
            raise InputError(issues)

    def _sku_issues(self) -> list[Issue]:
        issues = _below("orders.line_sku", self.orders.line_sku, len(self.sku_ids), "SKUs")
        stock = self.stores.stock_units
        if stock is not None and stock.shape[1] != len(self.sku_ids):
            wanted = f"{len(self.sku_ids)} columns, as in sku_ids"
            issues.append(_misfit("stores.stock_units", stock.shape[1], wanted))
        return issues


def _below(where: str, values: np.ndarray, limit: int, what: str) -> list[Issue]:
    return [
        Issue(
            code="unknown-reference",
            where=f"{where}[{row}]",
            found=str(values[row]),
            wanted=f"an index below {limit}, the number of {what}",
        )
        for row in np.flatnonzero(values >= limit)
    ]


def _misfit(where: str, found: int, wanted: str) -> Issue:
    return Issue(code="bad-shape", where=where, found=str(found), wanted=wanted)
