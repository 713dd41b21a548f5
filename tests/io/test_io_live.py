"""States of the dispatcher as JSON: what a service sends decides as the simulator did."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.cli.main import run
from dispatchopt.core.errors import InputError
from dispatchopt.dispatch import Answer, Couriers, DayRules, Orders, Stores, dispatch
from dispatchopt.geography.plane import PlaneTravel
from dispatchopt.geography.points import Points
from dispatchopt.geography.profiles import CAR
from dispatchopt.geography.straight import StraightRouter
from dispatchopt.io.live import (
    Names,
    answer_value,
    check_answer,
    names_of,
    parse_state,
    state_of,
    state_text,
    state_value,
)
from dispatchopt.io.schema import state as schema
from dispatchopt.simulation import Day, runner, simulate, state_at
from dispatchopt.simulation.questions import with_store_means


def city_day(seed: int, *, kind: str = "straight", couriers: int = 7) -> Day:
    """A hundred minutes with declines, closing stores and scarce couriers."""
    rng = np.random.default_rng(seed)
    n, m = 24, 4
    lon, lat = rng.uniform(0, 0.04, (2, n + m))
    places = Points(lon=lon, lat=lat)
    travel: Any = StraightRouter(profile=CAR).travel(places)
    if kind == "plane":
        travel = PlaneTravel(x_m=lon * 111_195, y_m=lat * 111_195, metres_per_step=330.0, step_s=60)
    placed = np.sort(rng.integers(0, 6000, n))
    on = rng.integers(0, 3000, couriers)
    return Day(
        name=f"city {seed}",
        travel=travel,
        places=None if kind == "bare" else places,
        orders=Orders.build(
            ids=[f"o{i}" for i in range(n)],
            place_idx=m + np.arange(n),
            placed_s=placed,
            due_s=placed + 1800,
            options=[sorted(rng.permutation(m)[: rng.integers(0, 4)].tolist()) for _ in range(n)],
            ready_s=np.where(rng.random(n) < 0.3, placed + rng.integers(0, 900, n), -1),
            load_ml=rng.integers(0, 5000, n),
        ),
        stores=Stores(
            ids=tuple("wxyz"),
            place_idx=np.arange(m),
            pickers=rng.integers(0, 3, m),
            pick_base_s=np.full(m, 150),
            pick_line_s=np.full(m, 20),
            open_s=rng.choice([0, 900], m),
            close_s=rng.choice([3600, 86_400], m),
        ),
        couriers=Couriers.build(
            ids=[f"c{i}" for i in range(couriers)],
            place_idx=rng.integers(0, m + n, couriers),
            on_s=on,
            off_s=on + 4000,
            store_idx=rng.integers(-1, m, couriers),
            capacity_orders=rng.integers(1, 4, couriers),
            capacity_ml=rng.integers(4000, 9000, couriers),
            pace=rng.choice([0.8, 1.0], couriers),
        ),
        rules=DayRules(
            decline_probability=0.2,
            travel_noise_sd=0.2,
            picking_noise_sd=0.1,
            park_s=30,
            tick_s=120,
        ),
    )


@pytest.mark.parametrize("policy", ["nearest", "reyes", "rolling"])
@pytest.mark.parametrize("kind", ["straight", "plane", "bare", "estimated"])
def test_a_state_sent_as_json_is_decided_as_in_the_simulation(
    monkeypatch: pytest.MonkeyPatch, policy: str, kind: str
) -> None:
    day = with_store_means(city_day(3)) if kind == "estimated" else city_day(3, kind=kind)
    names, compared = names_of(day), []

    def spied(state: Any, **options: Any) -> Answer:
        answer = dispatch(state, **options)
        live = parse_state(state_text(state, names))
        again = dispatch(live.state, policy=policy, seed=2)
        said = [answer_value(answer, names), answer_value(again, live.names)]
        for each in said:
            check_answer(json.loads(json.dumps(each)))
            del each["elapsed_s"]
        assert said[0] == said[1]
        compared.append(bool(said[0]["trips"]))
        return answer

    monkeypatch.setattr(runner, "dispatch", spied)
    simulate(day, policy, seed=2)
    assert len(compared) > 20
    assert sum(compared) > 2


@settings(max_examples=12)
@given(seed=st.integers(0, 10**6), at_s=st.integers(0, 3000))
def test_a_state_is_read_as_it_was_written(seed: int, at_s: int) -> None:
    day = city_day(seed)
    value = state_value(state_at(day, at_s), names_of(day), name="now")
    live = state_of(json.loads(json.dumps(value)))
    assert live.name == "now"
    again = state_value(live.state, live.names, asked=live.asked, name="now")
    # Places that only the day knows are gone; all else is the same.
    assert again == value


def good_state() -> dict[str, Any]:
    """A store, a courier beside it, one order ready, one basket asked for."""
    return {
        "format": "dispatchopt-state",
        "version": 1,
        "now_s": 600,
        "rules": {"pickup_s": 60, "dropoff_s": 90, "travel_noise_sd": 0.5},
        "travel": {
            "kind": "matrix",
            "distance_m": [[0, 1000, 2000], [1000, 0, None], [2000, None, 0]],
            "duration_s": [[0, 200, 400], [200, 0, None], [400, None, 0]],
        },
        "places": [{"id": "shop"}, {"id": "near"}, {"id": "far"}],
        "stores": [{"id": "s", "place": "shop"}],
        "couriers": [{"id": "k", "place": "shop", "off_s": 7200}],
        "orders": [
            {
                "id": "a",
                "place": "near",
                "placed_s": 0,
                "due_s": 1800,
                "store": "s",
                "ready_s": 500,
                "options": [{"store": "s"}],
            }
        ],
        "asked": [
            {
                "id": "q",
                "place": "far",
                "placed_s": 600,
                "due_s": 2400,
                "options": [{"store": "s"}],
            }
        ],
    }


def test_decision_and_quotes_by_hand() -> None:
    live = state_of(good_state())
    answer = dispatch(live.state, 5.0, asked=live.asked)
    said = answer_value(answer, live.names)
    assert said["trips"] == [{"courier": "k", "store": "s", "orders": ["a"]}]
    first, second = said["quotes"][0], said["asked"][0]
    # Taken over at once, 60 to leave, 200 on the way, 90 at the door.
    assert (first["pickup_s"], first["door_s"], first["is_in_time"]) == (600, 950, True)
    # Half of 200 seconds of driving is the spread; nine of ten are below 1.2816 of it.
    assert first["safe_s"] == 950 + 129
    # 1 km, one order, 350 seconds of a courier.
    assert first["cost_cents"] == pytest.approx(10 + 100 + 350 / 3600 * 1500, abs=0.01)
    # The courier is back at the shop at 950 + 200; picking ends at 720; then 60 + 400 + 90.
    assert (second["ready_s"], second["pickup_s"], second["door_s"]) == (720, 1150, 1700)
    assert second["order"] == "q"
    assert second["is_in_time"] is False or second["safe_s"] <= 2400


def test_quotes_say_why_not() -> None:
    value = good_state()
    value["couriers"] = []
    value["asked"].append({**value["asked"][0], "id": "r", "options": []})
    answer = dispatch((live := state_of(value)).state, asked=live.asked)
    said = answer_value(answer, live.names)
    assert [each["reason"] for each in said["asked"]] == ["no-courier", "no-store"]
    assert said["quotes"][0]["door_s"] is None
    assert said["waiting"] == [
        {
            "order": "a",
            "why": "courier",
            "courier": None,
            "remedy": "one more courier on shift near its store",
        }
    ]


def test_plans_are_kept_where_nothing_is_gained() -> None:
    """Two couriers equally near, one order ready later: the one planned before stays."""
    value = good_state()
    value["travel"] = {"kind": "plane", "metres_per_step": 300, "step_s": 60}
    value["places"] = [
        {"id": "shop", "x_m": 0, "y_m": 0},
        {"id": "near", "x_m": 0, "y_m": 900},
        {"id": "west", "x_m": -600, "y_m": 0},
        {"id": "east", "x_m": 600, "y_m": 0},
    ]
    value["couriers"] = [
        {"id": "k", "place": "west", "off_s": 7200},
        {"id": "l", "place": "east", "off_s": 7200},
    ]
    value["orders"][0]["ready_s"] = 1500
    value["asked"] = []
    for name in ("k", "l"):
        value["last"] = [{"courier": name, "store": "s", "orders": ["a"]}]
        live = state_of(value)
        assert answer_value(dispatch(live.state), live.names)["planned"] == value["last"]
    # What the last plan names and is gone is passed over.
    value["last"] = [{"courier": "gone", "store": "s", "orders": ["a"]}]
    assert state_of(value).state.last == ()


@pytest.mark.parametrize(
    ("path", "found", "code"),
    [
        (("format",), "dispatchopt", "wrong-format"),
        (("version",), 2, "wrong-version"),
        (("now_s",), 1.5, "not-whole"),
        (("now",), 1, "unknown-key"),
        (("orders", 0, "due_s"), -1, "out-of-range"),
        (("orders", 0, "place"), "nowhere", "unknown-reference"),
        (("orders", 0, "store"), "t", "unknown-reference"),
        (("orders", 0, "ready_s"), -1, "bad-order"),
        (("orders", 0, "placed_s"), 601, "bad-order"),
        (("orders", 0, "ready_samples_s"), [700, -5], "out-of-range"),
        (("orders", 0, "options"), [{"store": "s"}, {"store": "s"}], "duplicate-id"),
        (("couriers", 0, "off_s"), 0, None),
        (("couriers", 0, "on_s"), 7201, "bad-order"),
        (("couriers", 0, "pace"), 0, "out-of-range"),
        (("places", 1, "id"), "shop", "duplicate-id"),
        (("places", 1, "lon"), 5.0, "missing-value"),
        (("travel", "duration_s"), [[0, 1], [1, 0]], "matrix-shape"),
        (("travel", "duration_s"), [[0, 1, 1], [1, -4, 1], [1, 1, 0]], "out-of-range"),
        (("travel", "kind"), "plane", "missing-value"),
        (("travel", "kind"), "straight", "missing-value"),
        (("travel", "vehicle"), "horse", "bad-choice"),
    ],
)
def test_what_is_wrong_is_named(path: tuple[Any, ...], found: Any, code: str | None) -> None:
    value = good_state()
    at: Any = value
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = found
    if code is None:
        state_of(value)
        return
    with pytest.raises(InputError) as caught:
        state_of(value)
    assert code in {issue.code for issue in caught.value.issues}


def test_as_many_ready_moments_for_each_order() -> None:
    value = good_state()
    value["orders"] = [{**value["orders"][0], "id": name} for name in "abc"]
    value["orders"][0]["ready_samples_s"] = [700, 800, 900]
    samples_s = state_of(value).state.orders.samples_s
    assert samples_s[0].tolist() == [700, 800, 900]
    assert (samples_s[1:] == value["orders"][1]["ready_s"]).all()
    value["orders"][1]["ready_samples_s"] = [700, 800]
    with pytest.raises(InputError, match="ready_samples_s"):
        state_of(value)


def test_all_faults_are_listed_at_once() -> None:
    value = good_state()
    value["orders"][0]["place"] = "nowhere"
    value["couriers"][0]["store"] = "t"
    value["stores"][0]["place"] = "shopp"
    with pytest.raises(InputError) as caught:
        state_of(value)
    assert len(caught.value.issues) == 3
    assert "did you mean 'shop'" in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: (
            st.lists(each, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["places", "orders", "couriers", "stores", "now_s", "travel", "id"]
                ),
                each,
                max_size=4,
            )
        ),
        max_leaves=8,
    )
)
def test_any_json_is_a_state_or_an_input_error(value: Any) -> None:
    whole = {**good_state(), **value} if isinstance(value, dict) else value
    with contextlib.suppress(InputError):
        assert state_of(whole).state.now_s >= 0


def test_the_schema_describes_every_key() -> None:
    for model in schema.LIVE.values():
        for part in [model.model_json_schema(), *model.model_json_schema()["$defs"].values()]:
            assert all(field.get("description") for field in part["properties"].values())


def test_names_beyond_the_list_are_numbers() -> None:
    assert Names(orders=("a",)).of("orders", 0) == "a"
    assert Names(orders=("a",)).of("orders", 3) == "3"


def test_the_table_answers_what_was_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value = good_state()
    value["asked"].append({**value["asked"][0], "id": "r", "options": []})
    path = tmp_path / "state.json"
    path.write_text(json.dumps(value))
    assert run(["dispatch", str(path)]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if "promise" in line]
    assert len(rows) == 2
    assert "door at 1700" in rows[0]
    assert "no promise" in rows[1]
    assert "no-store" in rows[1]


def test_a_key_of_a_row_is_told_by_the_keys_that_there_are() -> None:
    value = good_state()
    value["orders"][0]["plase"] = value["orders"][0].pop("place")
    with pytest.raises(InputError) as caught:
        state_of(value)
    hints = [each.hint for each in caught.value.issues if each.code == "unknown-key"]
    assert hints == ["did you mean 'place'?"]
