"""Readers and writers of routing formats: numbers by hand, damage, and there and back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import io
from dispatchopt.core import Stop
from dispatchopt.core.arrays import digest
from dispatchopt.core.errors import InputError
from dispatchopt.routing import FAR, MANDATORY, check, solve

Files = Callable[..., Path]


def test_solomon_by_hand(file_of: Files) -> None:
    instance = io.read(file_of("solomon"))
    problem = instance.problem
    assert instance.name == "small"
    assert instance.notes["scale"] == 10
    # 1.55 becomes 15, as the second decimal is cut off.
    assert problem.travel[0].distance_m[0].tolist() == [0, 50, 100, 15]
    assert problem.orders.load.ravel().tolist() == [10, 20, 5]
    assert problem.orders.earliest_s.tolist() == [200, 0, 0]
    assert problem.orders.latest_s.tolist() == [400, 600, 900]
    assert problem.orders.service_s.tolist() == [20, 20, 20]
    couriers = problem.couriers
    assert (couriers.count[0], couriers.capacity[0, 0], couriers.latest_s[0]) == (2, 30, 1000)


@pytest.mark.parametrize(
    ("rounding", "scale", "length"),
    [("dimacs", 10, 15), ("exact", 1000, 1550), ("round", 1, 2), ("trunc", 1, 1)],
)
def test_conventions_of_cost(file_of: Files, rounding: str, scale: int, length: int) -> None:
    instance = io.read(file_of("solomon"), {"rounding": rounding})
    assert instance.notes["scale"] == scale
    assert instance.problem.travel[0].distance_m[0, 3] == length


def test_vehicles_first_outweighs_distance(file_of: Files) -> None:
    plain = io.read(file_of("solomon"))
    first = io.read(file_of("solomon"), {"vehicles_first": "1"})
    price = int(first.problem.couriers.fixed_cost[0])
    # All customers on their own drive 2 * (50 + 100 + 15); a vehicle costs more than that.
    assert price == 331
    assert first.notes["cost per vehicle"] == price
    assert plain.problem.couriers.fixed_cost[0] == 0


@pytest.mark.parametrize("options", [{"rounding": "up"}, {"vehicles_first": 2}, {"round": "up"}])
@pytest.mark.parametrize("text", ["solomon", "li-lim", "cordeau", "cvrp"])
def test_wrong_options(file_of: Files, text: str, options: dict[str, object]) -> None:
    with pytest.raises(InputError):
        io.read(file_of(text), options)


def test_li_lim_by_hand(file_of: Files) -> None:
    instance = io.read(file_of("li-lim"))
    orders = instance.problem.orders
    assert instance.names["orders"] == ("1-2",)
    assert (orders.place[0], orders.pickup_place[0], orders.load[0, 0]) == (2, 1, 10)
    assert (orders.pickup_earliest_s[0], orders.pickup_latest_s[0]) == (20_000, 40_000)
    assert (orders.earliest_s[0], orders.latest_s[0]) == (0, 60_000)
    result = solve(instance.problem, stop=Stop(iterations=50))
    assert result.objective == 20_000


def test_cordeau_by_hand(file_of: Files) -> None:
    instance = io.read(file_of("cordeau"))
    problem = instance.problem
    assert instance.names["stores"] == ("3", "4")
    assert problem.stores.place.tolist() == [2, 3]
    assert problem.couriers.count.tolist() == [1, 1]
    assert problem.couriers.capacity.ravel().tolist() == [30, 40]
    assert problem.couriers.max_duration_s.tolist() == [50_000, FAR]
    assert [problem.stores_of_courier(row).tolist() for row in (0, 1)] == [[0], [1]]
    # A route from (6, 0) over (3, 4), where it waits or not, to (6, 8) and back: 5 + 5 + 8.
    result = solve(problem, stop=Stop(iterations=200))
    assert result.objective == 18_000


def test_cvrp_by_hand(file_of: Files) -> None:
    instance = io.read(file_of("cvrp"))
    problem = instance.problem
    assert problem.travel[0].distance_m[0].tolist() == [0, 5, 10, 2]
    assert problem.couriers.count.tolist() == [3]
    assert (problem.orders.latest_s == FAR).all()
    assert instance.names == {"orders": ("1", "2", "3"), "stores": ("0",)}


def test_matrix_by_hand(file_of: Files) -> None:
    travel = io.read(file_of("matrix")).problem.travel[0]
    assert travel.distance_m.tolist() == [[0, 7, 8], [7, 0, 9], [8, 9, 0]]


@pytest.mark.parametrize(
    ("shape", "numbers"),
    [
        ("FULL_MATRIX", "99 1 2\n3 0 4\n5 6 0"),
        ("LOWER_DIAG_ROW", "0 7 0 8 9 0"),
        ("UPPER_ROW", "7 8\n9"),
        ("UPPER_DIAG_ROW", "0 7 8\n0 9\n0"),
    ],
)
def test_shapes_of_matrices(
    file_of: Files, texts: dict[str, str], shape: str, numbers: str
) -> None:
    text = texts["matrix"].replace("LOWER_ROW", shape).replace("7\n8 9", numbers)
    found = io.read(file_of(text)).problem.travel[0].distance_m.tolist()
    is_full = shape == "FULL_MATRIX"
    assert found == (
        [[0, 1, 2], [3, 0, 4], [5, 6, 0]] if is_full else [[0, 7, 8], [7, 0, 9], [8, 9, 0]]
    )


def test_dialect_by_hand(file_of: Files) -> None:
    instance = io.read(file_of("dialect"))
    problem = instance.problem
    assert instance.names == {"orders": ("2", "3"), "stores": ("0", "1")}
    assert problem.orders.release_s.tolist() == [40, 0]
    assert problem.orders.refusal_cost.tolist() == [MANDATORY, 75]
    assert problem.orders.service_s.tolist() == [20, 20]
    couriers = problem.couriers
    assert couriers.count.tolist() == [2, 1]
    assert couriers.start_place.tolist() == [0, 1]
    assert couriers.earliest_s.tolist() == [0, 100]
    assert couriers.max_duration_s.tolist() == [800, 800]
    assert couriers.max_trips.min() > 1
    assert [problem.stores_of_courier(row).tolist() for row in (0, 1)] == [[0, 1], [1]]


@pytest.mark.parametrize("text", ["cvrp", "matrix", "solomon", "dialect"])
def test_vrplib_there_and_back(file_of: Files, text: str, tmp_path: Path) -> None:
    instance = io.read(file_of(text))
    io.convert(file_of(text), tmp_path / "first.vrp")
    again = io.read(tmp_path / "first.vrp", {"rounding": "round"})
    io.write(again, tmp_path / "x.json")
    io.convert(tmp_path / "x.json", tmp_path / "second.vrp")
    assert (tmp_path / "first.vrp").read_text() == (tmp_path / "second.vrp").read_text()
    left = solve(instance.problem, stop=Stop(iterations=100)).objective
    assert left == solve(again.problem, stop=Stop(iterations=100)).objective


def test_what_vrplib_cannot_say(file_of: Files, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without orders, stores"):
        io.convert(file_of("li-lim"), tmp_path / "x.vrp")
    assert not (tmp_path / "x.vrp").exists()
    instance = io.read(file_of("cvrp"))
    problem = instance.problem
    odd = problem.replace(
        orders=problem.orders.replace(skills=np.array([1, 0, 0])),
        couriers=problem.couriers.replace(cost_per_s=np.array([1]), skills=np.array([1])),
    )
    io.write(odd, tmp_path / "odd.json")
    with pytest.raises(InputError) as caught:
        io.convert(tmp_path / "odd.json", tmp_path / "x.vrp")
    assert [issue.found for issue in caught.value.issues] == ["skills", "costs per second"]


@pytest.mark.parametrize(
    ("text", "before", "after", "wanted"),
    [
        (
            "solomon",
            "   20        40 ",
            "   2O        40 ",
            "line 11: found '2O'; wanted ready time",
        ),
        ("solomon", "    2      6", "    7      6", "line 12: found 7; wanted customer 2"),
        ("solomon", "  2         30", "  2", "line 5: found 1 words"),
        ("li-lim", "\t1\t0\n", "\t0\t0\n", "line 4: found 0 and 0"),
        ("li-lim", "\t-10\t", "\t-11\t", "found 10 and -11"),
        ("cordeau", "6 1 2 2", "5 1 2 2", "line 1: found 5"),
        ("cordeau", "6 1 2 2", "6 1 3 2", "found 7 lines"),
        ("cordeau", "1 2 1 2 20 40", "1 2 1 2 20", "wanted 2 combinations, begin"),
        ("cvrp", "DIMENSION : 4", "DIMENSION : 5", "without number 5"),
        ("cvrp", "3 6 8", "2 6 8", "duplicate-id"),
        ("cvrp", "EUC_2D", "GEO", "line 5: found 'GEO'; wanted EUC_2D or EXPLICIT"),
        ("cvrp", "CAPACITY :", "CAPACTY :", "did you mean 'CAPACITY'"),
        ("cvrp", "DEMAND_SECTION", "DEMANDS_SECTION", "did you mean 'DEMAND_SECTION'"),
        ("cvrp", "2 10", "2 ten", "found 'ten'"),
        ("cvrp", " 1\n -1", " 9\n -1", "depot: a whole number from 1 to 4"),
        ("matrix", "8 9", "8", "found 2 numbers"),
        ("matrix", "8 9", "8 nine", "found 'nine'"),
        ("dialect", "3 2\nVEHICLES_RELOAD", "3 4\nVEHICLES_RELOAD", "found 4; wanted a number of"),
        ("dialect", "PRIZE_SECTION", "BACKHAUL_SECTION", "cannot express"),
    ],
)
def test_damage_is_named(  # noqa: PLR0917
    file_of: Files, texts: dict[str, str], text: str, before: str, after: str, wanted: str
) -> None:
    assert before in texts[text]
    path = file_of(texts[text].replace(before, after))
    with pytest.raises(InputError) as caught:
        io.read(path)
    assert wanted in str(caught.value)


def test_all_faults_are_listed(file_of: Files, texts: dict[str, str]) -> None:
    text = texts["solomon"].replace("  20 ", "  x ").replace("    6         8", "    6         y")
    with pytest.raises(InputError) as caught:
        io.read(file_of(text))
    places = [(each.where, each.found) for each in caught.value.issues]
    line = "given.txt line"
    assert places == [(f"{line} 11", "'x'"), (f"{line} 12", "'y'"), (f"{line} 12", "'x'")]


WORDS = ["", "-1", "0", "nan", "inf", "1e400", "9" * 30, "1_0", "x", ":", "1.5", "٣", "\x00", "EOF"]


@pytest.mark.parametrize("text", ["solomon", "li-lim", "cordeau", "cvrp", "dialect", "matrix"])
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_damaged_files(texts: dict[str, str], text: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    given_text = texts[text]
    for _ in range(int(rng.integers(1, 4))):
        pieces = given_text.split(" ") if rng.random() < 0.7 else given_text.split("\n")
        glue = " " if " ".join(pieces) == given_text else "\n"
        at = int(rng.integers(0, len(pieces)))
        how = int(rng.integers(0, 3))
        if how == 0:
            pieces[at] = WORDS[int(rng.integers(0, len(WORDS)))]
        elif how == 1:
            del pieces[at]
        else:
            pieces.insert(at, pieces[int(rng.integers(0, len(pieces)))])
        given_text = glue.join(pieces)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "given.txt"
        path.write_bytes(given_text.encode())
        for rounding in ("dimacs", "double"):
            with suppress(InputError):
                io.dumps(io.read(path, {"rounding": rounding, "vehicles_first": 1}))


SOL = "Route #1: 1 2\nRoute #2: 3\nCost 26.5\n"


def test_solution_file_by_hand(file_of: Files) -> None:
    instance = io.read(file_of("solomon"))
    held = io.parse_solution(SOL, instance)
    report = check(instance.problem, held.require())
    # 50 + 50 + 100 for the first route, twice 15 for the second.
    assert (report.objective, report.violations) == (230.0, ())
    assert held.objective == 265.0
    assert [route.trips[0].stops for route in held.require().routes] == [(0, 1), (2,)]


@pytest.mark.parametrize("claim", ["23.0", "230", "23"])
def test_claims_in_either_unit(file_of: Files, claim: str) -> None:
    instance = io.read(file_of("solomon"))
    held = io.parse_solution(SOL.replace("26.5", claim), instance)
    assert held.objective == 230.0


def test_solution_file_shows_violations(file_of: Files) -> None:
    instance = io.read(file_of("solomon"))
    held = io.parse_solution("Route #1: 1 2 3\nRoute #2:\n", instance)
    report = check(instance.problem, held.require())
    assert {each.rule for each in report.violations} == {"load"}


def test_routes_that_are_late_start_with_the_shift(file_of: Files, texts: dict[str, str]) -> None:
    # Customer 2 closes at 24; after customer 1, served from 20 to 22, it is reached at 27.
    instance = io.read(file_of(texts["solomon"].replace("0        60", "0        24")))
    held = io.parse_solution("Route #1: 1 2\nRoute #2: 3\n", instance)
    report = check(instance.problem, held.require())
    assert [str(each) for each in report.violations] == ["order-window at order 1 by 30"]
    assert held.objective is None


def test_reloads_and_depots_in_solution_files(file_of: Files) -> None:
    instance = io.read(file_of("dialect"))
    held = io.parse_solution("Route #1: 2 1 3\nRoute #2:\nRoute #3: 3\n", instance)
    first, second = held.require().routes
    assert [(trip.store, trip.stops) for trip in first.trips] == [(0, (0,)), (1, (1,))]
    assert (second.courier, second.trips[0].store) == (1, 1)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Route #1: 1 2 9\n", "line 1: found '9'"),
        ("Route #1: 1 2\n3 4\n", "line 2: found '3 4'"),
        ("Route #1: 1 2\nCost many\n", "line 2: found 'many'"),
        ("Rout #1: 1 2\n", "bad-json"),
    ],
)
def test_damaged_solution_files(file_of: Files, text: str, wanted: str) -> None:
    with pytest.raises(InputError, match=wanted):
        io.parse_solution(text, io.read(file_of("solomon")))


def test_routes_are_for_routing(file_of: Files, tmp_path: Path) -> None:
    from dispatchopt.testing.documents import make

    with pytest.raises(InputError, match="wrong-kind"):
        io.parse_solution("Route #1: 1\n", make("siting", 1))


@pytest.mark.parametrize("text", ["solomon", "li-lim", "cordeau", "cvrp", "dialect"])
def test_solutions_there_and_back(file_of: Files, text: str, tmp_path: Path) -> None:
    instance = io.read(file_of(text))
    result = solve(instance.problem, stop=Stop(iterations=100))
    io.write_solution(result, instance, tmp_path / "made.sol")
    again = io.read_solution(tmp_path / "made.sol", instance)
    assert again.objective == result.objective
    assert digest(again.require()) == digest(result.require())


@settings(max_examples=40, deadline=None)
@given(words=st.lists(st.sampled_from(["Route", "#1:", "1", "3-2", "0", ":", "Cost", "x", "\n"])))
def test_any_solution_text(texts: dict[str, str], words: list[str]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "given.txt"
        path.write_text(texts["solomon"])
        instance = io.read(path)
    with suppress(InputError):
        io.parse_solution("Route #1: 1\n" + " ".join(words), instance)


@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    [
        "solomon/RC208",
        "gehring_homberger/200/R1_2_4",
        "uchoa_x/X-n101-k25",
        "vidal_mdvrptw/PR11A",
        "yang_mtvrptwr/C201R0.25",
        "pyvrp_pcvrptw/C1_10_1",
        "li_lim/100/lc101",
    ],
)
def test_published_routes_are_confirmed(routing_data: Path, name: str) -> None:
    from benchmarks.verify_routes import rows, verify

    found = [row for row in rows([]) if row["sol_file"].startswith(f"{name}.")]
    assert found
    assert [verify(row) for row in found] == [""] * len(found)
