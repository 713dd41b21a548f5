"""What the page's script needs to draw a chart, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def numbers(values: npt.ArrayLike, digits: int = 4) -> list[float | int | None]:
    """Return plain numbers; None for nan."""
    out: list[float | int | None] = []
    for value in np.asarray(values).tolist():
        if isinstance(value, float):
            out.append(round(value, digits) if np.isfinite(value) else None)
        else:
            out.append(value)
    return out


def series(
    name: str,
    values: npt.ArrayLike,
    colour: str,
    kind: str = "line",
    *,
    low: npt.ArrayLike | None = None,
    high: npt.ArrayLike | None = None,
    band_name: str = "",
    dash: bool = False,
) -> dict[str, Any]:
    """Return a series: ``line``, ``area`` or ``bar``; a band lies between ``low`` and ``high``."""
    made: dict[str, Any] = {"name": name, "values": numbers(values), "colour": colour, "type": kind}
    if low is not None and high is not None:
        made |= {"low": numbers(low), "high": numbers(high), "bandName": band_name}
    if dash:
        made["dash"] = True
    return made


def chart(
    title: str,
    *,
    x: Mapping[str, Any],
    y: Mapping[str, Any],
    series: Sequence[Mapping[str, Any]],
    **more: Any,
) -> dict[str, Any]:
    """Return a chart.

    Parameters
    ----------
    title
        What it shows, for readers who do not see it.
    x
        ``label``, ``values``, and ``kind``: ``number``, ``hour`` or nothing for names.
    y
        ``label``, and ``kind`` ``percent`` for shares, ``unit``, ``min``, ``max``.
    series
        What ``series`` returns.
    more
        ``stacked``, ``height``, ``marks`` (vertical, at an x), ``lines`` (horizontal, at a y),
        ``zones`` (from x to x), ``notes`` (a sentence per x).
    """
    return {"title": title, "x": dict(x), "y": dict(y), "series": list(series), **more}
