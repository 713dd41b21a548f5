"""One self-contained page: text, charts and map in a single file that asks no host for anything."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.reporting.html import (
    Figure,
    Section,
    Tone,
    badges_html,
    figures_html,
    list_html,
    section_html,
    verdict_html,
)
from dispatchopt.reporting.leaflet import leaflet_script, leaflet_style

_SCRIPTS = ("base.js", "charts.js", "map.js", "play.js", "main.js")
_SPEEDS = ((60, "1 min/s"), (180, "3 min/s"), (600, "10 min/s"), (1800, "30 min/s"))


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a page shows.

    Parameters
    ----------
    title, kicker
        Heading, and the line above it.
    verdict, tone
        The sentence that sums it up, and whether it is good news.
    badges, figures, decisions
        Short facts, key figures, and what was decided in sentences.
    sections
        The parts after the map.
    map_data, play_data, charts
        What the page's script draws; None where there is nothing.
    footer
        Sentences at the end.
    """

    title: str
    verdict: str = ""
    tone: Tone = ""
    kicker: str = ""
    badges: Sequence[tuple[str, str, Tone]] = ()
    figures: Sequence[Figure] = ()
    decisions: Sequence[str] = ()
    sections: Sequence[Section] = ()
    map_data: Mapping[str, Any] | None = None
    play_data: Mapping[str, Any] | None = None
    charts: Mapping[str, Any] = field(default_factory=dict)
    footer: Sequence[str] = ()


def page_html(page: Page, *, tiles: str | None = None, generator: str = "dispatchopt") -> str:
    """Return the page as HTML.

    Parameters
    ----------
    page
        What it shows.
    tiles
        Address of map tiles with ``{z}``, ``{x}`` and ``{y}``; the only thing that ever makes the
        page ask a host, and only that host. None for no tiles.
    generator
        Name and version of the program, for the page's head.

    Raises
    ------
    InputError
        If ``tiles`` is no http(s) address with the three placeholders.
    """
    tile_host = "" if tiles is None else f" {_tile_host(tiles)}"
    scripts = [leaflet_script(), *(asset(name) for name in _SCRIPTS)]
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    # The policy makes the browser itself refuse every other script and every request.
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        f"img-src data:{tile_host}; base-uri 'none'; form-action 'none'"
    )
    map_data = None if page.map_data is None else {**page.map_data, "tiles": tiles}
    data = {"map": map_data, "play": page.play_data, "charts": page.charts}
    parts = {
        "policy": escape(policy),
        "generator": escape(generator),
        "title": escape(page.title),
        "style": leaflet_style() + asset("report.css"),
        "body": _body(page),
        "data": json_for_script(data),
        "scripts": "\n".join(f"<script>{script}</script>" for script in scripts),
    }
    # One pass, so that braces inside a part are never taken for a placeholder.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found.group(1)], asset("report.html"))


@cache
def asset(name: str) -> str:
    """Return the text of a file in ``assets``."""
    return (files("dispatchopt.reporting") / "assets" / name).read_text(encoding="utf-8")


def json_for_script(value: Any) -> str:
    """Return JSON that no text in it can end the script element with."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _tile_host(tiles: str) -> str:
    parts = urlsplit(tiles)
    is_whole = all(mark in tiles for mark in ("{z}", "{x}", "{y}"))
    host = parts.netloc.replace("{s}", "*")
    is_host = re.fullmatch(r"(\*\.)?[A-Za-z0-9.-]+(:\d+)?", host) is not None
    if parts.scheme not in ("http", "https") or not is_host or not is_whole:
        raise InputError(
            Issue(
                code="bad-tiles",
                where="tiles",
                found=repr(tiles),
                wanted="an http(s) address with {z}, {x} and {y}",
                hint="such as https://tiles.example.org/{z}/{x}/{y}.png",
            )
        )
    return f"{parts.scheme}://{host}"


def _body(page: Page) -> str:
    sections = list(page.sections)
    links = [("map", "Map")] if page.map_data else []
    links += [(section.key, section.title) for section in sections]
    if page.decisions:
        links.insert(0, ("decisions", "Decisions"))
    navigation = "".join(
        f'<a href="#{escape(_anchor(key))}">{escape(title)}</a>' for key, title in links
    )
    return "".join(
        [
            '<header class="wrap top">',
            f'<p class="kicker">{escape(page.kicker)}</p><h1>{escape(page.title)}</h1>',
            verdict_html(page.tone, page.verdict) if page.verdict else "",
            badges_html(page.badges) if page.badges else "",
            figures_html(page.figures) if page.figures else "",
            "</header>",
            '<nav class="sections" aria-label="Sections">',
            f'<div class="wrap">{navigation}</div></nav>',
            '<main class="wrap" id="main">',
            _decisions(page.decisions),
            _map(page) if page.map_data else "",
            *(section_html(section) for section in sections),
            "</main><footer class='wrap'>",
            *(f"<p>{escape(text)}</p>" for text in page.footer),
            "</footer>",
        ]
    )


def _anchor(key: str) -> str:
    return "map-section" if key == "map" else key


def _decisions(decisions: Sequence[str]) -> str:
    if not decisions:
        return ""
    return (
        '<section id="decisions"><h2>What was decided</h2><div class="cards">'
        f'<div class="card wide">{list_html(decisions)}</div></div></section>'
    )


def _map(page: Page) -> str:
    keys = ""
    if page.play_data is not None:
        looks = (
            ("wait", "order waits", ""),
            ("ride", "order on the way", ""),
            ("good", "just delivered", ""),
            ("bad", "late", "square"),
        )
        items = "".join(
            f'<li><i class="{shape}" style="background:var(--{colour})"></i>{text}</li>'
            for colour, text, shape in looks
        )
        keys = f'<hr><ul class="keys">{items}</ul>'
    player = _player() if page.play_data is not None else ""
    return (
        '<section id="map-section" aria-labelledby="h-map"><h2 id="h-map">Map</h2>'
        '<div class="cards"><div class="card wide map-card"><div class="map-frame">'
        '<div id="map" role="application" '
        'aria-label="Map. Arrow keys move it, plus and minus zoom."></div>'
        '<details class="map-side" open><summary>Layers and legend</summary><div class="body">'
        f'<div id="layers"></div>{keys}'
        '<button type="button" id="map-reset">Show the whole city</button></div></details></div>'
        f"{player}</div></div></section>"
    )


def _player() -> str:
    options = "".join(
        f'<option value="{factor}"{" selected" if factor == 180 else ""}>{text}</option>'
        for factor, text in _SPEEDS
    )
    return (
        '<div class="player" id="player" role="group" aria-label="Play the day back" hidden>'
        '<button type="button" class="play" id="play" '
        'aria-pressed="false" aria-label="Play the day">'
        '<svg width="18" height="18" viewBox="0 0 18 18" fill="currentColor" aria-hidden="true">'
        '<path class="triangle" d="M4 1.5v15l12-7.5z"/>'
        '<path class="bars" d="M3 2h4v14H3zM11 2h4v14h-4z"/></svg></button>'
        '<output class="clock" id="clock" for="time">00:00</output>'
        '<div class="timeline"><canvas id="skyline" aria-hidden="true"></canvas>'
        '<input type="range" id="time" step="10" aria-label="Time of day"></div>'
        f'<label class="speed"><select id="speed" aria-label="Speed">{options}</select></label>'
        '<div class="tally" id="tally"></div></div>'
    )
