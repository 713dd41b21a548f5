"""Serving from given open sites with capacities, as a model for the solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines._load_table import LoadTable
from dispatchopt.siting.engines._model import LinearModel
from dispatchopt.siting.problem import SitingSolution


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadModel:
    """The model with the way back: a column per pair that is kept.

    A column of single sourcing is whether the pair is used; else the units that flow over it, which
    are whole at every vertex.
    """

    table: LoadTable
    model: LinearModel
    opened: IntArray
    site: IntArray
    customer: IntArray

    def solution(self, values: FloatArray, num_customers: int) -> SitingSolution:
        """Return the solution that values of the columns stand for."""
        table = self.table
        demand = table.units[self.customer]
        units = np.round(values * (demand if table.is_single else 1.0)).astype(np.int64)
        whole = units >= demand
        part = (units > 0) & ~whole
        assignment = np.full(num_customers, -1, dtype=np.int64)
        assignment[table.customer[self.customer[whole]]] = table.site[self.site[whole]]
        used = np.zeros(table.num_sites, dtype=bool)
        used[self.site[units > 0]] = True
        used |= table.is_fixed
        opened = self.opened[used[self.opened] | (table.opening[self.opened] <= 0)]
        return SitingSolution(
            open_sites=table.site[opened],
            assignment=assignment,
            split_customer_idx=table.customer[self.customer[part]],
            split_site_idx=table.site[self.site[part]],
            split_units=units[part],
        )


def load_model(table: LoadTable, opened: IntArray, pairs: BoolArray) -> LoadModel:
    """Return the model of serving over some pairs, shape (number opened, n), from open sites."""
    model = LinearModel()
    row, customer = np.nonzero(pairs & np.isfinite(table.cost[opened]))
    site, n = opened[row], table.num_customers
    has_price = np.isfinite(table.price)
    price = np.where(has_price, table.price, 0.0)
    model.offset = float(price.sum() + table.opening[opened].sum())
    cost = table.cost[site, customer] - price[customer]
    units = table.units[customer].astype(np.float64)
    is_single = table.is_single
    most = np.ones(len(site)) if is_single else units
    flows = model.columns(cost / most, upper=most, is_whole=is_single)
    demand = np.ones(n) if is_single else table.units.astype(np.float64)
    model.rows(n, (customer, flows, 1.0), lower=np.where(has_price, 0.0, demand), upper=demand)
    weight = units if is_single else np.ones(len(site))
    model.rows(len(opened), (row, flows, weight), upper=table.room[opened])
    return LoadModel(table=table, model=model, opened=opened, site=site, customer=customer)
