"""A VRPLIB file by its parts: keys with values, and sections of lines."""

from __future__ import annotations

from dataclasses import dataclass, field

from dispatchopt.io.formats._vrp_text import Column, Line, number_of
from dispatchopt.io.issues import Issues, Said, nearest

#: Keys that say nothing which is needed here.
_SPOKEN = ("NAME", "COMMENT", "TYPE", "NODE_COORD_TYPE", "DISPLAY_DATA_TYPE")
KEYS = (
    *_SPOKEN,
    "DIMENSION",
    "EDGE_WEIGHT_TYPE",
    "EDGE_WEIGHT_FORMAT",
    "CAPACITY",
    "DISTANCE",
    "VEHICLES",
    "SERVICE_TIME",
    "RELEASE_TIME",
    "VEHICLES_MAX_DURATION",
    "VEHICLES_MAX_DISTANCE",
    "VEHICLES_MAX_RELOADS",
    "VEHICLES_FIXED_COST",
    "VEHICLES_UNIT_DISTANCE_COST",
)
SECTIONS = (
    "NODE_COORD_SECTION",
    "EDGE_WEIGHT_SECTION",
    "DEMAND_SECTION",
    "LINEHAUL_SECTION",
    "DEPOT_SECTION",
    "SERVICE_TIME_SECTION",
    "TIME_WINDOW_SECTION",
    "RELEASE_TIME_SECTION",
    "PRIZE_SECTION",
    "CAPACITY_SECTION",
    "VEHICLES_DEPOT_SECTION",
    "VEHICLES_RELOAD_DEPOT_SECTION",
    "VEHICLES_MAX_DURATION_SECTION",
    "VEHICLES_MAX_DISTANCE_SECTION",
    "VEHICLES_MAX_RELOADS_SECTION",
    "VEHICLES_FIXED_COST_SECTION",
    "VEHICLES_UNIT_DISTANCE_COST_SECTION",
    "DISPLAY_DATA_SECTION",
)
#: What the dialect has and the problem has not.
REFUSED = (
    "BACKHAUL_SECTION",
    "MUTUALLY_EXCLUSIVE_GROUP_SECTION",
    "VEHICLES_ALLOWED_CLIENTS_SECTION",
    "PICKUP_AND_DELIVERY_SECTION",
)


@dataclass
class Parts:
    """Keys and sections of one file.

    Parameters
    ----------
    where
        Name of the file.
    keys
        By name: the text of the value, and the number of its line.
    sections
        By name: its lines.
    """

    where: str
    issues: Issues
    keys: dict[str, tuple[str, int]] = field(default_factory=dict)
    sections: dict[str, list[Line]] = field(default_factory=dict)

    def text(self, key: str, default: str = "") -> str:
        """Return the value of a key as it stands, in capitals."""
        return self.keys[key][0].upper() if key in self.keys else default

    def number(self, key: str, column: Column) -> float | None:
        """Return the value of a key, or None where the file does not have it."""
        if key not in self.keys:
            return None
        word, line = self.keys[key]
        return number_of(word, column, f"{self.where} line {line}", self.issues)


def parts_of(text: str, where: str, issues: Issues) -> Parts:
    """Return the parts of a file; unknown and repeated ones are issues."""
    parts = Parts(where=where, issues=issues)
    current: list[Line] | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.split()
        if not words:
            continue
        if words[0].rstrip(":").upper() == "EOF":
            break
        head = line.partition(":")[0].strip().upper()
        if head.endswith("_SECTION"):
            current = _section(parts, head, number)
        elif ":" in line:
            current = None
            _key(parts, head, line.partition(":")[2].strip().strip('"').strip(), number)
        elif current is not None:
            current.append(Line(number=number, words=words))
        else:
            wanted = "a key with a colon and a value, or the name of a section"
            issues.add("bad-text", f"{where} line {number}", line.strip(), wanted, "", where)
    return parts


def _section(parts: Parts, name: str, number: int) -> list[Line]:
    place = f"{parts.where} line {number}"
    lines: list[Line] = []
    if name in REFUSED:
        wanted = "a file without this section, which routing problems here cannot express"
        parts.issues.add("unknown-table", place, Said(name), wanted)
    elif name not in SECTIONS:
        hint = nearest(name, SECTIONS)
        parts.issues.add("unknown-table", place, name, "a known section", hint)
    elif name in parts.sections:
        parts.issues.add("duplicate-table", place, Said(name), "each section once")
    else:
        parts.sections[name] = lines
    return lines


def _key(parts: Parts, name: str, value: str, number: int) -> None:
    place = f"{parts.where} line {number}"
    if name not in KEYS:
        parts.issues.add("unknown-key", place, name, "a known key", nearest(name, KEYS))
    elif name in parts.keys and name != "COMMENT":
        parts.issues.add("duplicate-key", place, Said(name), "each key once")
    else:
        parts.keys[name] = (value, number)
