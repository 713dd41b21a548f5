"""The report in Chromium with every host blocked: it draws, plays, and obeys its controls."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dispatchopt.pipeline.result import CityPlan
from dispatchopt.reporting import report_html

pytestmark = pytest.mark.browser

_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]
HOSTILE = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 2'>"


def _chromium() -> str:
    path = os.environ.get("CHROMIUM") or next(
        (
            found
            for name in ("chromium", "chromium-browser", "google-chrome")
            if (found := shutil.which(name))
        ),
        "",
    )
    if not path and os.environ.get("CI"):
        pytest.fail("CI is set and there is no Chromium: install it, or set $CHROMIUM")
    if not path:
        pytest.skip("no Chromium here: install it, or set $CHROMIUM")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = _chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=_ARGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def report(town_plan: CityPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_html(town_plan), encoding="utf-8")
    return path


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a file; at the end no request has left the machine and no error was logged."""
    contexts, asked, errors = [], [], []

    def guard(route: Any) -> None:
        if route.request.url.startswith("file://"):
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    def opened(path: Path, **options: Any) -> Any:
        context = browser.new_context(
            **{"viewport": {"width": 1000, "height": 800}, "offline": True, **options}
        )
        contexts.append(context)
        context.route("**/*", guard)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert asked == []
    assert errors == []


def picture(page: Any, selector: str) -> Any:
    """Return a part of the page as pixels, (height, width, 3)."""
    image = pytest.importorskip("PIL.Image")
    page.locator(selector).scroll_into_view_if_needed()
    # The panel over the map changes with its own boxes, which is not what is looked at.
    panel = [page.locator(".map-side")]
    raw = page.locator(selector).screenshot(animations="disabled", mask=panel)
    return np.asarray(image.open(io.BytesIO(raw)).convert("RGB")).astype(int)


def differ(first: Any, second: Any) -> int:
    """Return in how many pixels two pictures differ."""
    return int((np.abs(first - second).sum(axis=2) > 30).sum())


def settle(page: Any) -> None:
    """Wait until the browser has painted what was asked for."""
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def test_map_is_not_blank(open_page: Callable[..., Any], report: Path) -> None:
    pixels = picture(open_page(report), "#map")
    assert pixels.std() > 10
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 200
    ground = np.abs(pixels - pixels[5, pixels.shape[1] // 2]).sum(axis=2) < 12
    assert ground.mean() < 0.9


def test_every_chart_is_drawn(open_page: Callable[..., Any], report: Path) -> None:
    page = open_page(report)
    charts = page.locator("[data-chart]").count()
    assert charts >= 8
    assert page.locator("[data-chart] svg.chart-svg").count() == charts
    empty = page.evaluate(
        "() => [...document.querySelectorAll('.chart-svg')].filter((svg) =>"
        " !svg.querySelector('.bar, .line')).length"
    )
    assert empty == 0


def test_play_moves_clock_and_couriers(open_page: Callable[..., Any], report: Path) -> None:
    page = open_page(report)
    page.locator("#map").scroll_into_view_if_needed()
    page.select_option("#speed", "1800")
    # From the first drive on, so that there is something to move.
    page.evaluate("() => dispatchopt.player.seek(Math.min(...dispatchopt.player.legs.depart))")
    before, clock = picture(page, "#map"), page.inner_text("#clock")
    page.click("#play")
    assert page.get_attribute("#play", "aria-pressed") == "true"
    page.wait_for_function(
        "(was) => document.getElementById('clock').textContent !== was", arg=clock
    )
    page.wait_for_function("() => dispatchopt.player.now > dispatchopt.player.legs.depart[0] + 900")
    page.click("#play")
    assert page.get_attribute("#play", "aria-pressed") == "false"
    stopped = page.evaluate("() => dispatchopt.player.now")
    settle(page)
    assert page.evaluate("() => dispatchopt.player.now") == stopped
    assert differ(before, picture(page, "#map")) > 20


def test_courier_rides_along_its_way(open_page: Callable[..., Any], report: Path) -> None:
    """A courier alone on the map: the picture at the start and in the middle of a drive differ."""
    page = open_page(report)
    for name in ("roads", "areas", "covered", "uncovered", "stores", "candidates", "orders"):
        page.locator(f"#layer-{name}").uncheck()
    seek = (
        "(share) => { const { legs } = dispatchopt.player;"
        " const k = legs.duration.indexOf(Math.max(...legs.duration));"
        " dispatchopt.player.seek(legs.depart[k] + share * legs.duration[k]); }"
    )
    page.evaluate(seek, 0.05)
    first = picture(page, "#map")
    page.evaluate(seek, 0.6)
    assert differ(first, picture(page, "#map")) > 20


def test_slider_sets_the_time(open_page: Callable[..., Any], report: Path) -> None:
    page = open_page(report)
    page.locator("#time").focus()
    before = float(page.input_value("#time"))
    page.keyboard.press("ArrowRight")
    assert float(page.input_value("#time")) == before + 10
    page.keyboard.press("End")
    assert page.evaluate("() => dispatchopt.player.now >= dispatchopt.player.end - 10")
    page.keyboard.press("Home")  # at the end of the day playing would stop at once
    page.locator("#play").focus()
    page.keyboard.press("Space")
    assert page.get_attribute("#play", "aria-pressed") == "true"
    page.keyboard.press("Space")


def test_layers_come_and_go(open_page: Callable[..., Any], report: Path) -> None:
    page = open_page(report, viewport={"width": 900, "height": 760})
    shown = picture(page, "#map")
    for layer in ("roads", "areas", "covered", "uncovered", "stores", "candidates"):
        page.locator(f"#layer-{layer}").uncheck()
        settle(page)
        assert differ(shown, picture(page, "#map")) > 30, layer
        page.locator(f"#layer-{layer}").check()
    settle(page)
    assert differ(shown, picture(page, "#map")) < 30


def test_row_of_worst_orders_leads_to_the_map(open_page: Callable[..., Any], report: Path) -> None:
    page = open_page(report)
    zoom = page.evaluate("() => dispatchopt.map.getZoom()")
    row = page.locator("tr[data-order]").last
    row.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".leaflet-popup-content")
    assert row.locator("td").first.inner_text() in page.inner_text(".leaflet-popup-content")
    assert page.evaluate("() => dispatchopt.map.getZoom()") >= max(15, zoom)
    away = page.evaluate(
        "(i) => { const { player, map } = dispatchopt;"
        " return map.getCenter().distanceTo(dispatchopt.latLng(player.orders, i)); }",
        int(row.get_attribute("data-order")),
    )
    assert away < 50


def test_store_opens_its_card_and_row(open_page: Callable[..., Any], report: Path) -> None:
    page = open_page(report)
    page.locator("tr[data-site]").first.click()
    page.wait_for_selector(".leaflet-popup-content")
    assert "s0" in page.inner_text(".leaflet-popup-content")


def test_click_on_a_customer_tells_about_it(open_page: Callable[..., Any], report: Path) -> None:
    page = open_page(report)
    page.locator("#layer-orders").uncheck()
    page.locator("#map").scroll_into_view_if_needed()
    spot = page.evaluate(
        "() => { const { map, customers } = dispatchopt; const i = customers.store.indexOf(-1);"
        " map.setView(dispatchopt.latLng(customers, i), 17, { animate: false });"
        " const p = map.latLngToContainerPoint(dispatchopt.latLng(customers, i));"
        " return { x: p.x, y: p.y }; }"
    )
    page.locator("#map").click(position=spot)
    page.wait_for_selector(".leaflet-popup-content")
    assert "Not covered" in page.inner_text(".leaflet-popup-content")


def test_tables_sort_and_charts_speak(open_page: Callable[..., Any], report: Path) -> None:
    page = open_page(report)
    table = page.locator("#method table.sortable").nth(1)
    page.locator("#method table.sortable thead button", has_text="Seconds").last.click()
    seconds = table.locator("tbody tr td:nth-child(2)").all_inner_texts()
    assert seconds == sorted(seconds, key=float)
    chart = page.locator("[data-chart=orders] svg")
    chart.focus()
    page.keyboard.press("ArrowRight")
    assert "on time" in page.inner_text(".tip")
    page.keyboard.press("Escape")
    assert page.locator(".tip").is_hidden()


@pytest.mark.parametrize("width", [360, 768])
def test_narrow_screens_do_not_scroll_sideways(
    open_page: Callable[..., Any], report: Path, width: int
) -> None:
    page = open_page(report, viewport={"width": width, "height": 740})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert picture(page, "#map").std() > 10


def test_dark_and_light_follow_the_reader(open_page: Callable[..., Any], report: Path) -> None:
    page = open_page(report, color_scheme="dark")
    dark_page, dark_map = picture(page, "#decisions"), picture(page, "#map")
    assert dark_page.mean() < 90
    page.emulate_media(color_scheme="light")
    settle(page)
    assert picture(page, "#decisions").mean() > 160
    assert picture(page, "#map").mean() > dark_map.mean() + 60


def test_hostile_names_do_nothing(
    open_page: Callable[..., Any],
    plan_of_city: Callable[..., CityPlan],
    town_plan: CityPlan,
    tmp_path: Path,
) -> None:
    from dataclasses import replace

    city = town_plan.city
    names = tuple(f"{HOSTILE}{i}" for i in range(len(city.orders)))
    sites = tuple(f"{HOSTILE}{i}" for i in range(len(city.sites)))
    plan = plan_of_city(
        city.replace(
            name=HOSTILE,
            source=HOSTILE,
            orders=replace(city.orders, ids=names),
            sites=replace(city.sites, ids=sites),
        )
    )
    path = tmp_path / "hostile.html"
    path.write_text(report_html(plan), encoding="utf-8")
    page = open_page(path)
    page.locator("tr[data-order]").first.click()
    page.wait_for_selector(".leaflet-popup-content")
    assert HOSTILE in page.inner_text(".leaflet-popup-content")
    assert page.inner_text("h1") == HOSTILE
    assert page.evaluate("() => window.hit") is None
    assert HOSTILE in page.inner_text(".leaflet-control-attribution")


@pytest.mark.parametrize("sizes", [{"orders": 0}, {"couriers": 0, "skus": 0}, {"stores": 0}])
def test_page_of_a_partial_plan_opens(
    open_page: Callable[..., Any],
    plan_of: Callable[..., CityPlan],
    tmp_path: Path,
    sizes: dict[str, int],
) -> None:
    path = tmp_path / "part.html"
    path.write_text(report_html(plan_of(**sizes)), encoding="utf-8")
    page = open_page(path)
    assert picture(page, "#map").std() > 8
    assert page.locator("#player").count() == 0
