"""Vehicle profiles."""

import pytest

from dispatchopt.core.errors import InputError
from dispatchopt.geography.profiles import CAR, E_BIKE, PROFILES, WALK, Profile, profile_named


def test_the_shipped_profiles() -> None:
    assert set(PROFILES) == {"walk", "bicycle", "e-bike", "motorcycle", "car", "drone", "robot"}
    assert all(name == profile.name for name, profile in PROFILES.items())
    assert PROFILES["drone"].is_straight
    assert not any(PROFILES[name].is_straight for name in PROFILES if name != "drone")


def test_links_follow_their_main_class() -> None:
    assert CAR.class_speed_m_s("motorway_link") == CAR.class_speed_m_s("motorway") > 20
    assert E_BIKE.class_speed_m_s("motorway_link") == 0
    assert CAR.class_speed_m_s("never heard of") == CAR.speed_m_s


def test_who_may_go_where() -> None:
    assert CAR.class_speed_m_s("footway") == 0
    assert WALK.class_speed_m_s("footway") == WALK.speed_m_s
    assert E_BIKE.class_speed_m_s("steps") == 0
    assert 0 < E_BIKE.class_speed_m_s("pedestrian") < E_BIKE.speed_m_s


def test_slowdown_runs_straight_between_half_hours() -> None:
    factors = tuple(float(hour + 1) for hour in range(24))
    profile = Profile(name="p", speed_m_s=1.0, hourly_factors=factors)
    assert profile.slowdown(8 * 3600 + 1800) == pytest.approx(9.0)
    assert profile.slowdown(9 * 3600) == pytest.approx(9.5)
    # Around midnight the factor runs from the 24 of 23:30 to the 1 of 0:30.
    assert profile.slowdown(0) == pytest.approx(12.5)
    assert profile.slowdown(86_400 + 8 * 3600 + 1800) == pytest.approx(9.0)
    assert profile.slowdown(-1800) == pytest.approx(24.0)


def test_other_factors_replace_the_day() -> None:
    slow = CAR.with_day((2.0,) * 24)
    assert {slow.slowdown(second) for second in range(0, 86_400, 977)} == {2.0}
    assert CAR.slowdown(18 * 3600) > 1.4


def test_every_bad_value_is_listed() -> None:
    with pytest.raises(InputError) as caught:
        Profile(
            name="bad",
            speed_m_s=0.0,
            class_speeds=(("primary", -1.0),),
            access_speed_m_s=float("nan"),
            hourly_factors=(1.0, 0.0, float("inf")),
        )
    where = [issue.where for issue in caught.value.issues]
    assert where == [
        "profile bad /speed_m_s",
        "profile bad /access_speed_m_s",
        "profile bad /class_speeds/primary",
        "profile bad /hourly_factors",
        "profile bad /hourly_factors/1",
        "profile bad /hourly_factors/2",
    ]


def test_an_unknown_name() -> None:
    with pytest.raises(InputError, match="'rocket'; wanted one of walk, bicycle"):
        profile_named("rocket")
    assert profile_named("car") is CAR
