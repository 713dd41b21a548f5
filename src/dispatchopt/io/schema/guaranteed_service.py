"""The guaranteed-service document, and the decisions of its solutions."""

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


class GuaranteedServiceHeader(Header):
    """Header of a guaranteed-service document: where a supply network keeps safety stock."""

    kind: Literal["guaranteed-service"] = Field(description="Always `guaranteed-service`.")


class StageRow(Row):
    """A stage: a place where a product is made, packed or kept."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    lon: float | None = lon_column(None)
    lat: float | None = lat_column(None)
    time_periods: int = column(
        description="Time from all inputs to the output.", unit="periods", ge=0, le=10_000
    )
    holding_cost: float = column(
        0.0, description="Cost of one unit in stock.", unit="money", ge=0, le=1e9
    )
    safety_units: float = column(
        0.0,
        description="Safety factor times the standard deviation of one period's demand on the "
        "stage.",
        unit="units",
        ge=0,
        le=1e12,
    )
    max_service_periods: int | None = column(
        None,
        description="Longest service time that it may quote; free if not given.",
        unit="periods",
        ge=0,
        le=10_000,
    )
    inbound_periods: int = column(
        0, description="Service time of outside suppliers.", unit="periods", ge=0, le=10_000
    )


class SupplyRow(Row):
    """A stage that supplies another one."""

    supplier: str = refers("stages", "The supplier.")
    customer: str = refers("stages", "The stage that needs its output.")


TABLES: dict[str, type[Row]] = {"stages": StageRow, "supplies": SupplyRow}


class StagePromisePart(Part):
    """What a stage quotes."""

    stage: str = Field(description="The stage.")
    service_periods: int = Field(description="Its service time.", ge=0, le=10**6)


class GuaranteedServiceDecisions(Part):
    """Service times; all else follows from them."""

    stages: list[StagePromisePart] = Field(
        default=[], description="Service times; 0 for stages not listed."
    )
