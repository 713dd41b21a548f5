"""The echelon document, and the decisions of its solutions."""

from __future__ import annotations

from typing import ClassVar, Literal

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


class EchelonParametersPart(Part):
    """The law of demand."""

    demand_law: Literal["poisson", "normal"] = Field(
        default="poisson",
        description="Law of demand; `normal` only for lines with customers at their end.",
    )
    step_units: float = Field(
        default=1.0,
        description="Units of one step of levels under the normal law.",
        ge=1e-6,
        le=1e9,
    )


class EchelonHeader(Header):
    """Header of an echelon document: base stock of warehouses, their stores, and lines."""

    kind: Literal["echelon"] = Field(description="Always `echelon`.")
    parameters: EchelonParametersPart = Field(
        default=EchelonParametersPart(), description="The law of demand."
    )


class EchelonStageRow(Row):
    """A stage: one SKU in one place. Times are days, or whatever unit the rates use."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    lon: float | None = lon_column(None)
    lat: float | None = lat_column(None)
    supplier: str = refers("stages", "Who supplies it; nobody that ever lacks units if empty.", "")
    lead_time: float = column(description="Time from the supplier.", unit="periods", ge=0, le=1e9)
    holding_cost: float = column(
        0.0, description="Cost of one unit in stock for a period.", unit="money", ge=0, le=1e9
    )
    rate: float = column(
        0.0, description="Mean demand of customers there in a period.", unit="units", ge=0, le=1e9
    )
    shortage_cost: float = column(
        0.0,
        description="Cost of one unit that a customer waits for, for a period.",
        unit="money",
        ge=0,
        le=1e9,
    )
    variance: float | None = column(
        None,
        description="Variance of demand in a period, under the normal law; the rate if not given.",
        unit="units^2",
        ge=0,
        le=1e9,
    )


TABLES: dict[str, type[Row]] = {"stages": EchelonStageRow}


class BaseStockPart(Part):
    """What a stage keeps."""

    stage: str = Field(description="The stage.")
    level_units: float = Field(
        description="Its base stock: on hand and on order minus owed.", ge=0, le=1e15
    )


class EchelonDecisions(Part):
    """Base stock; all else follows from it."""

    stages: list[BaseStockPart] = Field(
        default=[], description="Base stock; 0 for stages not listed."
    )
