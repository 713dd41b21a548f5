"""Road networks: node and edge tables, GraphML, OpenStreetMap extracts, networkx."""

from dispatchopt.io.roads.graphml import parse_graphml, read_graphml
from dispatchopt.io.roads.interchange import from_networkx, to_networkx
from dispatchopt.io.roads.osm import read_osm
from dispatchopt.io.roads.read import read_network
from dispatchopt.io.roads.tables import parse_tables, read_tables
from dispatchopt.io.roads.writing import table_columns, write_tables

__all__ = [
    "from_networkx",
    "parse_graphml",
    "parse_tables",
    "read_graphml",
    "read_network",
    "read_osm",
    "read_tables",
    "table_columns",
    "to_networkx",
    "write_tables",
]
