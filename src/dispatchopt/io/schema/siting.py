"""The siting document."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dispatchopt.io.schema.base import (
    Header,
    Part,
    Row,
    column,
    ident,
    lat_column,
    lon_column,
    refers,
)
from dispatchopt.io.schema.city import Vehicle
from dispatchopt.io.schema.rows import EdgeRow, NodeRow


class SitingParametersPart(Part):
    """What is decided, what is minimised, and how travel is measured."""

    goal: Literal["cover-all", "max-coverage", "p-median", "p-center", "fixed-charge"] = column(
        "max-coverage", description="What is minimised."
    )
    travel: Literal["given", "straight", "road"] = column(
        "given",
        description="`given`: the table `coverage` says who reaches whom; `straight`: a line times "
        "`detour_factor`; `road`: on the tables `network/nodes` and `network/edges`.",
    )
    vehicle: Vehicle = column("e-bike", description="Profile that travel is computed for.")
    detour_factor: float = column(
        1.4, description="Road metres per metre of straight line.", ge=1, le=10
    )
    snap_limit_m: int = column(
        500, description="How far a place may lie from the network.", unit="m", ge=1, le=10**6
    )
    reach_m: int = column(
        3000, description="A site serves customers up to this distance.", unit="m", ge=0, le=10**9
    )
    max_sites: int | None = column(None, description="Most open sites; null for no limit.", ge=0)
    budget_cents: int | None = column(
        None, description="Most to be spent on opening; null for no limit.", unit="cents", ge=0
    )
    required_share: float = column(
        1.0, description="Share of demand that `cover-all` must serve.", ge=0, le=1
    )
    minimise_cost: bool = column(
        False, description="Whether `cover-all` minimises cost, not the number of sites."
    )
    single_source: bool = column(
        False, description="Whether a customer must be served from one site only."
    )
    unserved_m: int | None = column(
        None,
        description="`p-median`: charged for each unserved unit; null if all must be served.",
        unit="m",
        ge=0,
    )
    unserved_cents: float | None = column(
        None,
        description="`fixed-charge`: charged for each unserved unit; null if all must be served.",
        unit="cents",
        ge=0,
    )
    cents_per_unit_km: float = column(
        0.0, description="`fixed-charge`: transport cost.", unit="cents per unit and km", ge=0
    )
    min_spacing_m: int = column(
        0, description="Least distance between two open sites.", unit="m", ge=0
    )
    cover_by: int = column(1, description="Open sites that must reach a customer.", ge=1)
    full_cover_m: int | None = column(
        None,
        description="`max-coverage`: all of a customer's demand counts up to this distance, less "
        "beyond; null for coverage that does not fade.",
        unit="m",
        ge=0,
    )
    zero_cover_m: int | None = column(
        None,
        description="`max-coverage`: none of a customer's demand counts from this distance on; "
        "`reach_m` if null.",
        unit="m",
        ge=1,
    )
    scenario_rule: Literal["expected", "worst", "share"] | None = column(
        None,
        description="What counts over the table `scenarios`: the weighted sum, the worst case, or "
        "the weight of scenarios below `scenario_target`.",
    )
    scenario_target: float = column(
        1.0, description="Share of a scenario's demand to be covered.", ge=0, le=1
    )
    load_weight: list[Annotated[int, Field(ge=1, le=2**53)]] | None = Field(
        default=None,
        description="Times that a capacity holds in each `phase` of the table `customers`, where "
        "they stand once for each scenario; once if null.",
    )
    unnamed: list[Literal["sites", "customers"]] = Field(
        default=[], description="Tables whose ids are nothing but numbers of rows, from 0."
    )


class SitingHeader(Header):
    """Header of a siting document: which sites to open."""

    kind: Literal["siting"] = Field(description="Always `siting`.")
    parameters: SitingParametersPart = Field(
        default=SitingParametersPart(), description="Goal, limits and travel."
    )


class SitingCustomerRow(Row):
    """A customer, or a place where several are."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    lon: float | None = lon_column(None)
    lat: float | None = lat_column(None)
    demand_units: int = column(1, description="Demand.", unit="units", ge=0)
    phase: int = column(
        0,
        description="Phase in which it is served, from 0, where each phase has customers of its "
        "own (without a table `phase_demand`): capacities count anew in each.",
        ge=0,
    )
    scenario: int = column(
        0,
        description="Scenario in which it is served, from 0, where each scenario of each phase has "
        "customers of its own: capacities count anew in each.",
        ge=0,
    )


class SitingSiteRow(Row):
    """A site."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    lon: float | None = lon_column(None)
    lat: float | None = lat_column(None)
    status: Literal["candidate", "existing", "required", "forbidden", "closable"] = column(
        "candidate",
        description="`candidate` may be opened, `existing` stands already and costs nothing more, "
        "`required` must be opened, `forbidden` must stay closed, `closable` stands and may be "
        "closed.",
    )
    cost_cents: int = column(0, description="Cost of opening.", unit="cents", ge=0)
    capacity_units: int | None = column(
        None, description="Demand that it can serve; no limit if not given.", unit="units", ge=0
    )
    place: str | None = column(
        None,
        description="Sites of equal place are sizes of one site, of which at most one opens.",
        max_length=200,
    )
    phase: int = column(
        0,
        description="Phase in which it would open, from 0, where each phase has sites of its own "
        "(without a table `phase_demand`).",
        ge=0,
    )
    opens_from: str = refers(
        "phases", "First phase in which it may open; with a table `phase_demand`.", ""
    )


class ScenarioRow(Row):
    """A scenario of demand, or a time of day."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    weight: int = column(1, description="How much it counts, days for example.", ge=1)


class ScenarioDemandRow(Row):
    """Demand of a customer in a scenario; 0 where there is no row."""

    scenario: str = refers("scenarios", "The scenario.")
    customer: str = refers("customers", "The customer.")
    demand_units: int = column(description="Demand.", unit="units", ge=0)


class PhaseRow(Row):
    """Limits up to the end of a phase; rows stand in the order of phases."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    max_sites: int | None = column(
        None, description="Most sites open; for all phases or for none.", ge=0
    )
    budget_cents: int | None = column(
        None, description="Most spent; for all phases or for none.", unit="cents", ge=0
    )


class PhaseDemandRow(Row):
    """Demand of a customer in a phase; 0 where there is no row."""

    phase: str = refers("phases", "The phase.")
    customer: str = refers("customers", "The customer.")
    demand_units: int = column(description="Demand.", unit="units", ge=0)


class CoverageRow(Row):
    """A pair of site and customer within reach."""

    site: str = refers("sites", "The site.")
    customer: str = refers("customers", "The customer.")
    distance_m: int = column(0, description="From site to customer.", unit="m", ge=0, le=10**9)
    cost_cents: float | None = column(
        None,
        description="`fixed-charge`: cost of serving all of the customer's demand, in place of "
        "`cents_per_unit_km`; for all pairs or for none.",
        unit="cents",
        ge=0,
    )


class SiteDistanceRow(Row):
    """Distance between two sites, for `min_spacing_m`."""

    site: str = refers("sites", "From this site.")
    other: str = refers("sites", "To this one.")
    distance_m: int = column(description="Distance.", unit="m", ge=0, le=10**9)


TABLES: dict[str, type[Row]] = {
    "customers": SitingCustomerRow,
    "sites": SitingSiteRow,
    "coverage": CoverageRow,
    "site_distances": SiteDistanceRow,
    "scenarios": ScenarioRow,
    "scenario_demand": ScenarioDemandRow,
    "phases": PhaseRow,
    "phase_demand": PhaseDemandRow,
    "network/nodes": NodeRow,
    "network/edges": EdgeRow,
}
