"""From the words of a document to a router."""

from __future__ import annotations

from typing import Literal, get_args

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.given import MatrixRouter
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points
from dispatchopt.geography.profiles import Profile, profile_named
from dispatchopt.geography.roads import RoadRouter
from dispatchopt.geography.router import Router
from dispatchopt.geography.snapping import Far
from dispatchopt.geography.straight import StraightRouter

Kind = Literal["road", "straight", "matrix"]
#: Ways of measuring travel that documents may name.
KINDS: tuple[Kind, ...] = get_args(Kind)


def router_for(
    kind: str,
    *,
    profile: str | Profile = "e-bike",
    detour_factor: float = 1.4,
    network: Network | None = None,
    snap_limit_m: float = 500.0,
    far: Far = "error",
    places: Points | None = None,
    matrix: TravelMatrix | None = None,
) -> Router:
    """Return the router that a specification asks for.

    Parameters
    ----------
    kind
        ``road``, ``straight`` or ``matrix``. A profile that does not use roads, such as the
        drone, always flies straight, without detour.
    profile
        Name of a shipped profile, or one of the caller's own.
    detour_factor
        For ``straight``, in [1, 10].
    network
        For ``road``.
    snap_limit_m, far
        For ``road``; see ``RoadRouter``.
    places, matrix
        For ``matrix``.

    Raises
    ------
    InputError
        Lists everything that is unknown, missing or out of range.
    """
    issues: list[Issue] = []
    vehicle = profile
    if isinstance(profile, str):
        try:
            vehicle = profile_named(profile, "/travel/profile")
        except InputError as error:
            issues += error.issues
    has_matrix = places is not None and matrix is not None
    wanted = [
        ("unknown-travel", "kind", repr(kind), "one of " + ", ".join(KINDS), kind in KINDS),
        (
            "out-of-range",
            "detour_factor",
            str(detour_factor),
            "a number in [1, 10]",
            1 <= detour_factor <= 10,
        ),
        ("out-of-range", "snap_limit_m", str(snap_limit_m), "metres > 0", snap_limit_m > 0),
        (
            "missing-network",
            "network",
            "none",
            "a road network",
            kind != "road" or network is not None,
        ),
        ("missing-matrix", "matrix", "none", "places and a matrix", kind != "matrix" or has_matrix),
    ]
    issues += [
        Issue(code=code, where=f"/travel/{where}", found=found, wanted=text)
        for code, where, found, text, is_met in wanted
        if not is_met
    ]
    if issues or isinstance(vehicle, str):
        raise InputError(issues)
    if kind == "matrix" and places is not None and matrix is not None:
        return MatrixRouter(places=places, table=matrix, profile=vehicle)
    if vehicle.is_straight:
        return StraightRouter(profile=vehicle, detour_factor=1.0)
    if kind == "road" and network is not None:
        return RoadRouter(network=network, profile=vehicle, snap_limit_m=snap_limit_m, far=far)
    return StraightRouter(profile=vehicle, detour_factor=detour_factor)
