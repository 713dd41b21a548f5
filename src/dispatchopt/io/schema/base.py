"""What the models of all documents are built from."""

from __future__ import annotations

import functools
import types
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticUndefined

#: Whole numbers in documents keep within this, so that sums of a million stay within 64 bits.
MAX_INT = 10**12
#: Numbers with fractions keep within this.
MAX_FLOAT = 1e15
MAX_ID = 200
MAX_TEXT = 2000


class Row(BaseModel):
    """One row of a table."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    #: The column that names rows, if one does.
    key: ClassVar[str | None] = None


class Part(BaseModel):
    """A part of a header."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Units(Part):
    """Units of all values; stated so that a reader need not guess. Others are not accepted."""

    length: Literal["m"] = Field(default="m", description="Lengths are metres.")
    time: Literal["s"] = Field(
        default="s", description="Times are seconds, of the day where they are moments."
    )
    money: Literal["cents"] = Field(default="cents", description="Money is cents.")
    volume: Literal["ml"] = Field(default="ml", description="Volumes are millilitres.")


class Known(Part):
    """What is known about the best solution."""

    objective: float | None = Field(default=None, description="Best objective known.")
    bound: float | None = Field(default=None, description="Best lower bound known.")


class Header(Part):
    """What the header of every document holds."""

    format: Literal["dispatchopt"] = Field(description="Always `dispatchopt`.")
    version: Literal[1] = Field(description="Version of the format: 1.")
    name: str = Field(default="", max_length=MAX_TEXT, description="Name for headings.")
    source: str = Field(
        default="", max_length=MAX_TEXT, description="Where the data comes from, and its licence."
    )
    crs: str = Field(
        default="WGS84",
        pattern=r"^(WGS84|GCJ-02|BD-09|EPSG:\d{4,6})$",
        description="Reference of all coordinates: `WGS84`, `GCJ-02`, `BD-09`, or `EPSG:` with a "
        "number, where `lon` is east and `lat` is north. Converted to WGS84 when read.",
    )
    units: Units = Field(default=Units(), description="Units of all values.")
    known: Known = Field(default=Known(), description="What is known about the best solution.")
    notes: dict[str, Any] = Field(default={}, description="Anything else, kept as it is.")
    tables: list[str] = Field(
        default=[],
        description="Files of the tables, in a folder; for readers, and checked if given.",
    )


def column(
    default: Any = PydanticUndefined,
    *,
    description: str,
    unit: str = "",
    ref: str = "",
    **limits: Any,
) -> Any:
    """Return a column's field: its meaning, its unit, its range, and the table it refers to."""
    extra: dict[str, Any] = {name: value for name, value in (("unit", unit), ("ref", ref)) if value}
    return Field(default, description=description, json_schema_extra=extra or None, **limits)


def ident(description: str = "Name, once in the table.") -> Any:
    """Return the field of a column of names."""
    return column(description=description, min_length=1, max_length=MAX_ID)


def refers(table: str, description: str, default: Any = PydanticUndefined) -> Any:
    """Return the field of a column that holds names of another table."""
    least = 1 if default is PydanticUndefined else 0
    return column(default, description=description, ref=table, min_length=least, max_length=MAX_ID)


def lon_column(default: Any = PydanticUndefined) -> Any:
    """Return the field of a longitude."""
    return column(
        default, description="Longitude (east in an EPSG crs).", unit="degrees", ge=-180, le=180
    )


def lat_column(default: Any = PydanticUndefined) -> Any:
    """Return the field of a latitude."""
    return column(
        default, description="Latitude (north in an EPSG crs).", unit="degrees", ge=-90, le=90
    )


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column's description, taken from the field of a row model."""

    name: str
    kind: Literal["int", "float", "bool", "text", "choice"]
    is_required: bool
    default: Any
    is_optional: bool
    low: float
    high: float
    is_low_open: bool
    is_high_open: bool
    min_length: int
    max_length: int
    choices: tuple[str, ...]
    unit: str
    ref: str
    description: str

    @property
    def wanted(self) -> str:
        """What a cell may hold, in words."""
        unit = f" ({self.unit})" if self.unit else ""
        if self.kind == "bool":
            return "true or false"
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.kind == "text":
            return f"text of {self.min_length} to {self.max_length} characters"
        word = "a whole number" if self.kind == "int" else "a number"
        low = f"above {self.low:g}" if self.is_low_open else f"from {self.low:.15g}"
        high = f"below {self.high:g}" if self.is_high_open else f"to {self.high:.15g}"
        return f"{word}{unit} {low} {high}"


@functools.cache
def columns_of(model: type[Row]) -> dict[str, Column]:
    """Return the columns that a row model describes, in order."""
    return {
        (field.alias or name): _column(field.alias or name, field)
        for name, field in model.model_fields.items()
    }


def _column(name: str, field: Any) -> Column:
    kind, choices, is_optional = _kind(name, field.annotation)
    limits = (
        {"low": -MAX_INT, "high": MAX_INT}
        if kind == "int"
        else {"low": -MAX_FLOAT, "high": MAX_FLOAT}
    )
    found: dict[str, Any] = {
        **limits,
        "is_low_open": False,
        "is_high_open": False,
        "min_length": 0,
        "max_length": MAX_TEXT,
    }
    for each in field.metadata:
        if isinstance(each, annotated_types.Ge):
            found["low"] = each.ge
        elif isinstance(each, annotated_types.Gt):
            found["low"], found["is_low_open"] = each.gt, True
        elif isinstance(each, annotated_types.Le):
            found["high"] = each.le
        elif isinstance(each, annotated_types.Lt):
            found["high"], found["is_high_open"] = each.lt, True
        elif isinstance(each, annotated_types.MinLen):
            found["min_length"] = each.min_length
        elif isinstance(each, annotated_types.MaxLen):
            found["max_length"] = each.max_length
    extra = field.json_schema_extra or {}
    return Column(
        name=name,
        kind=kind,
        is_required=field.is_required(),
        default=None if field.is_required() else field.default,
        is_optional=is_optional,
        choices=choices,
        unit=extra.get("unit", ""),
        ref=extra.get("ref", ""),
        description=field.description or "",
        **found,
    )


def _kind(name: str, annotation: Any) -> tuple[Any, tuple[str, ...], bool]:
    is_optional = False
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        is_optional = len(parts) < len(get_args(annotation))
        annotation = parts[0]
    if get_origin(annotation) is Literal:
        return "choice", tuple(get_args(annotation)), is_optional
    kinds = {int: "int", float: "float", bool: "bool", str: "text"}
    if annotation not in kinds:
        raise TypeError(f"column {name}: no cell can hold {annotation}")
    return kinds[annotation], (), is_optional
