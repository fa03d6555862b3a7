"""Innovation clusters from geocoded addresses.

Addresses are binned into H3 cells, DBSCAN joins dense cells into clusters that know no borders,
indicators are aggregated per cluster, ranked, and mapped with Folium.

>>> import geoclusters as gc
>>> sorted(gc.__all__)
['GridDBSCAN', 'Result', 'Study', 'latlng_to_cells', 'make_study', 'read_run', 'read_study', 'recluster', 'run']
"""

from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from geoclusters.loading import loaded_when_asked

__version__: Final = version("geoclusters")

if TYPE_CHECKING:
    from geoclusters.cells.kernel import latlng_to_cells
    from geoclusters.clusters.estimator import GridDBSCAN
    from geoclusters.results import Result, read_run
    from geoclusters.study import Study, make_study, read_study
    from geoclusters.workflow import recluster, run

_HOMES: Final = {
    "GridDBSCAN": ".clusters.estimator",
    "Result": ".results",
    "Study": ".study",
    "latlng_to_cells": ".cells.kernel",
    "make_study": ".study",
    "read_run": ".results",
    "read_study": ".study",
    "recluster": ".workflow",
    "run": ".workflow",
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


__getattr__ = loaded_when_asked(__name__, _HOMES)
