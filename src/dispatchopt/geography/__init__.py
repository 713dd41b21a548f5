"""The geographic model that all domains share."""

from dispatchopt.geography.coverage import Coverage
from dispatchopt.geography.distance import LocalPlane, straight_m
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points
from dispatchopt.geography.profiles import PROFILES, Profile, profile_named
from dispatchopt.geography.roads import RoadRouter
from dispatchopt.geography.router import Router, Travel
from dispatchopt.geography.straight import StraightRouter

__all__ = [
    "PROFILES",
    "UNREACHABLE",
    "Coverage",
    "LocalPlane",
    "Network",
    "Points",
    "Profile",
    "RoadRouter",
    "Router",
    "StraightRouter",
    "Travel",
    "TravelMatrix",
    "profile_named",
    "straight_m",
]
