"""Innovation clusters from geocoded addresses.

Addresses are binned into H3 cells, DBSCAN joins dense cells into clusters that know no borders,
indicators are aggregated per cluster, ranked, and mapped with Folium.

>>> import geoclusters as gc
>>> sorted(gc.__all__)
['GridDBSCAN', 'Result', 'Study', 'latlng_to_cells', 'make_study', 'read_run', 'read_study', 'recluster', 'run']
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

__version__: Final = version("geoclusters")

if TYPE_CHECKING:
    from geoclusters.cells.kernel import latlng_to_cells
    from geoclusters.clusters.estimator import GridDBSCAN
    from geoclusters.results import Result, read_run
    from geoclusters.study import Study, make_study, read_study
    from geoclusters.workflow import recluster, run

_HOMES: Final = {
    "GridDBSCAN": "geoclusters.clusters.estimator",
    "Result": "geoclusters.results",
    "Study": "geoclusters.study",
    "latlng_to_cells": "geoclusters.cells.kernel",
    "make_study": "geoclusters.study",
    "read_run": "geoclusters.results",
    "read_study": "geoclusters.study",
    "recluster": "geoclusters.workflow",
    "run": "geoclusters.workflow",
}

__all__ = [
    "GridDBSCAN",
    "Result",
    "Study",
    "latlng_to_cells",
    "make_study",
    "read_run",
    "read_study",
    "recluster",
    "run",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Load a public name when it is asked for, so that one function does not cost the import of all."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'geoclusters' has no attribute {name!r}")
