"""How travel among places is stated, in routing and day documents."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict

from dispatchopt.io.schema.base import Row, column, ident, lat_column, lon_column, refers


class PlaceRow(Row):
    """A place that orders, stores and couriers refer to."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    lon: float | None = lon_column(None)
    lat: float | None = lat_column(None)


class MatrixRow(Row):
    """Travel from one place to another; pairs not listed have no way, a place is at itself."""

    model_config = ConfigDict(populate_by_name=True)

    profile: int = column(0, description="Number of the profile, from 0.", ge=0, le=1000)
    from_: str = column(
        description="From this place.", ref="places", alias="from", min_length=1, max_length=200
    )
    to: str = refers("places", "To this one.")
    distance_m: int = column(description="Distance.", unit="m", ge=0, le=10**9)
    duration_s: int = column(description="Duration in free flow.", unit="s", ge=0, le=10**9)
