"""Pieces of a page: tables, figures, charts. Every text that comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

Tone = Literal["", "good", "warn", "bad"]
_MARKS = {
    "good": "M4 12.5l5 5L20 6.5",
    "warn": "M12 5v9M12 18.5v.5",
    "bad": "M6 6l12 12M18 6L6 18",
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    name
        Heading, with the unit where there is one.
    kind
        ``text``, ``long`` (sentences), or what numbers are: ``number``, ``percent``, ``meter``
        (percent with a small bar), ``clock`` (second of the day), ``minutes`` (of seconds),
        ``cents``.
    digits
        Decimals of a ``number``.
    """

    name: str
    kind: str = "text"
    digits: int = 0


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table.

    Parameters
    ----------
    caption
        What the table shows, for readers who do not see it.
    columns, rows
        Headings and values; None is an empty cell.
    leads_to
        Attribute that makes rows lead to the map (``order`` or ``site``), or empty.
    targets
        Index that each row leads to.
    shades
        Number of a store's colour for the dot in the first cell of each row; empty for none.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    leads_to: str = ""
    targets: Sequence[int] = ()
    shades: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A key figure: label, value, unit and a short note."""

    label: str
    value: str
    unit: str = ""
    note: str = ""
    tone: Tone = ""


@dataclass(frozen=True, kw_only=True)
class Card:
    """A box of a section: heading, note, and pieces of ready HTML."""

    title: str
    pieces: Sequence[str]
    note: str = ""
    width: Literal["", "wide", "broad", "narrow"] = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page that the navigation names."""

    key: str
    title: str
    cards: Sequence[Card] = field(default_factory=list)
    intro: str = ""


def clock(second: float) -> str:
    """Return a second of the day as hh:mm."""
    whole = max(0, int(second))
    return f"{whole // 3600 % 24:02d}:{whole // 60 % 60:02d}"


def format_value(value: Any, kind: str, digits: int = 0) -> str:
    """Return a value as readers want to see it; empty for None."""
    if value is None:
        return ""
    formats: dict[str, Callable[[Any], str]] = {
        "number": lambda v: f"{v:,.{digits}f}",
        "percent": lambda v: f"{v:.1%}",
        "meter": lambda v: f"{v:.1%}",
        "clock": clock,
        "minutes": lambda v: f"{v / 60:.1f}",
        "cents": lambda v: f"{v / 100:,.2f}",
    }
    return formats[kind](value) if kind in formats else str(value)


def table_html(table: Table) -> str:
    """Return a table that can be sorted."""
    head = "".join(
        f'<th scope="col"{_numeric(column)}>'
        f'<button type="button">{escape(column.name)}</button></th>'
        for column in table.columns
    )
    body = "".join(_row_html(table, index, row) for index, row in enumerate(table.rows))
    return (
        '<div class="scroll" tabindex="0" role="region" '
        f'aria-label="{escape(table.caption)}"><table class="sortable">'
        f"<caption>{escape(table.caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _numeric(column: Column) -> str:
    return "" if column.kind in ("text", "long") else ' class="num"'


def _row_html(table: Table, index: int, row: Sequence[Any]) -> str:
    attributes = ""
    if table.leads_to:
        attributes = f' data-{table.leads_to}="{int(table.targets[index])}" tabindex="0"'
    cells = [_cell_html(column, value) for column, value in zip(table.columns, row, strict=True)]
    if table.shades and table.shades[index] >= 0:
        dot = f'<span class="dot" style="background:var(--s{int(table.shades[index])})"></span>'
        cells[0] = cells[0].replace(">", f">{dot}", 1)
    return f"<tr{attributes}>{''.join(cells)}</tr>"


def _cell_html(column: Column, value: Any) -> str:
    text = escape(format_value(value, column.kind, column.digits))
    if column.kind in ("text", "long"):
        return f'<td class="{column.kind}">{text}</td>'
    raw = "" if value is None else f"{float(value):.10g}"
    if column.kind == "meter" and value is not None:
        width = max(0.0, min(100.0, float(value) * 100))
        text += f'<span class="meter" aria-hidden="true"><i style="width:{width:.1f}%"></i></span>'
    return f'<td class="num" data-value="{raw}">{text}</td>'


def facts_html(facts: Iterable[tuple[str, str]]) -> str:
    """Return a list of names and values."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts)
    return f'<dl class="facts">{rows}</dl>'


def list_html(sentences: Iterable[str]) -> str:
    """Return sentences as a list."""
    return (
        '<ul class="decisions">'
        + "".join(f"<li>{escape(text)}</li>" for text in sentences)
        + "</ul>"
    )


def parts_html(parts: Mapping[str, float]) -> str:
    """Return parts of a whole as one bar; the legend is the table that stands below it."""
    total = sum(value for value in parts.values() if value > 0)
    if total <= 0:
        return ""
    spans = "".join(
        f'<span style="width:{value / total:.4%};background:var(--c{index % 8})" '
        f'title="{escape(name)}: {value / total:.1%}"></span>'
        for index, (name, value) in enumerate(parts.items())
        if value > 0
    )
    return f'<div class="parts" aria-hidden="true">{spans}</div>'


def dotted(table: str, names: Sequence[str]) -> str:
    """Return a table's HTML with the colours of ``parts_html`` before the names in first cells."""
    for index, name in enumerate(names):
        cell = f'<td class="text">{escape(name)}<'
        dot = f'<span class="dot" style="background:var(--c{index % 8})"></span>'
        table = table.replace(cell, cell.replace(">", f">{dot}", 1), 1)
    return table


def chart_html(key: str, spec: Mapping[str, Any]) -> str:
    """Return the place of a chart that the page's script draws, and its values as a table."""
    axis = {"percent": "percent"}.get(spec["y"].get("kind", ""), "number")
    x_values = spec["x"]["values"]
    columns = [Column(name=str(spec["x"]["label"]))]
    columns += [Column(name=series["name"], kind=axis, digits=2) for series in spec["series"]]
    is_hour = spec["x"].get("kind") == "hour"
    rows = [
        [f"{x % 24:02d}:00" if is_hour else str(x), *(s["values"][i] for s in spec["series"])]
        for i, x in enumerate(x_values)
    ]
    table = table_html(Table(caption=str(spec["title"]), columns=columns, rows=rows))
    return (
        f'<div data-chart="{escape(key)}"><div class="chart-canvas"></div></div>'
        f'<details class="data"><summary>Show the values</summary>{table}</details>'
    )


def figures_html(figures: Iterable[Figure]) -> str:
    """Return the row of key figures."""
    out = []
    for figure in figures:
        unit = f" <small>{escape(figure.unit)}</small>" if figure.unit else ""
        note = f'<div class="note">{escape(figure.note)}</div>' if figure.note else ""
        out.append(
            f'<div class="figure {figure.tone}"><dl><dt>{escape(figure.label)}</dt>'
            f"<dd>{escape(figure.value)}{unit}</dd></dl>{note}</div>"
        )
    return f'<div class="figures">{"".join(out)}</div>'


def verdict_html(tone: Tone, text: str) -> str:
    """Return the sentence that sums the page up."""
    mark = (
        '<svg width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        f'stroke-width="2.6" stroke-linecap="round" aria-hidden="true">'
        f'<path d="{_MARKS[tone]}"/></svg>'
        if tone
        else ""
    )
    return f'<div class="verdict {tone}">{mark}<p>{escape(text)}</p></div>'


def badges_html(badges: Iterable[tuple[str, str, Tone]]) -> str:
    """Return short facts: name, value, tone."""
    items = "".join(
        f'<li class="badge {tone}"><span>{escape(name)}</span> <b>{escape(value)}</b></li>'
        for name, value, tone in badges
    )
    return f'<ul class="badges">{items}</ul>'


def section_html(section: Section) -> str:
    """Return a section with its cards."""
    intro = f'<p class="intro">{escape(section.intro)}</p>' if section.intro else ""
    cards = "".join(
        f'<div class="card {card.width}"><h3>{escape(card.title)}</h3>'
        + (f'<p class="note">{escape(card.note)}</p>' if card.note else "")
        + f"{''.join(card.pieces)}</div>"
        for card in section.cards
    )
    return (
        f'<section id="{escape(section.key)}" aria-labelledby="h-{escape(section.key)}">'
        f'<h2 id="h-{escape(section.key)}">{escape(section.title)}</h2>{intro}'
        f'<div class="cards">{cards}</div></section>'
    )
