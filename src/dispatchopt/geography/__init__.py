"""The geographic model that all domains share."""

from dispatchopt.geography.build import RoadColumns, build_network
from dispatchopt.geography.china import CRS_NAMES, from_wgs84, to_wgs84
from dispatchopt.geography.choose import KINDS, router_for
from dispatchopt.geography.coverage import Coverage
from dispatchopt.geography.distance import LocalPlane, straight_m
from dispatchopt.geography.given import MatrixRouter, MatrixTravel
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points
from dispatchopt.geography.profiles import PROFILES, Profile, profile_named
from dispatchopt.geography.roads import RoadRouter
from dispatchopt.geography.router import Router, Travel
from dispatchopt.geography.straight import StraightRouter

__all__ = [
    "CRS_NAMES",
    "KINDS",
    "PROFILES",
    "UNREACHABLE",
    "Coverage",
    "LocalPlane",
    "MatrixRouter",
    "MatrixTravel",
    "Network",
    "Points",
    "Profile",
    "RoadColumns",
    "RoadRouter",
    "Router",
    "StraightRouter",
    "Travel",
    "TravelMatrix",
    "build_network",
    "from_wgs84",
    "profile_named",
    "router_for",
    "straight_m",
    "to_wgs84",
]
