"""Boundaries at once are those of a whole run, also where all that draws them is loaded meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from geoclusters.boundaries import FILE, boundaries
from geoclusters.errors import RunError

TOLD = ["cluster_id", "rank", "name", "score", "area_km2", "n_cells", "n_parts", "lat", "lon"]


def test_the_same_settings_give_the_clusters_of_the_run(finished, tmp_path):
    found = boundaries(finished.folder, out=tmp_path)
    expected = finished.clusters
    for column in TOLD:
        np.testing.assert_array_equal(found[column], expected[column])
    assert found.geometry.geom_equals(expected.geometry).all()
    written = json.loads((tmp_path / FILE).read_text(encoding="utf-8"))
    assert len(written["features"]) == len(expected)


def test_a_new_process_gives_the_same(finished):
    script = (
        "import sys; from geoclusters.boundaries import boundaries\n"
        "found = boundaries(sys.argv[1], radius_km=9)\n"
        "print(*found['cluster_id'], *found['name'], sep='|')"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(finished.folder)], capture_output=True, check=True
    ).stdout
    found = boundaries(finished.folder, radius_km=9)
    assert told.decode().strip().split("|") == [*found["cluster_id"], *found["name"]]


def test_what_takes_long_to_load_is_not_loaded_for_it(finished, tmp_path):
    slow = {"geopandas", "pandas", "pyarrow.compute", "scipy.spatial", "sklearn"}
    script = (
        "import sys; from pathlib import Path; from geoclusters.boundaries import draw_boundaries\n"
        "draw_boundaries(Path(sys.argv[1]), Path(sys.argv[2]), {})\n"
        f"print(*({slow} & {{*sys.modules}}))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(finished.folder), str(tmp_path)],
        capture_output=True,
        check=True,
    ).stdout
    assert told.decode().strip() == ""
    assert (tmp_path / FILE).is_file()


def test_the_command_does_without_linear_algebra_and_leaves_it_to_others(finished, tmp_path):
    script = (
        "import sys; from pathlib import Path; from geoclusters.telling import quick_boundaries\n"
        "quick_boundaries(Path(sys.argv[1]), Path(sys.argv[2]), {'radius_km': 9.0}, None, as_json=False)\n"
        "print(*(name for name in sys.modules if name.startswith('scipy.linalg')), file=sys.stderr)\n"
        "import numpy, scipy.linalg; assert scipy.linalg.det(numpy.eye(2)) == 1"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(finished.folder), str(tmp_path)],
        capture_output=True,
        check=True,
    )
    assert told.stderr.decode().strip() == ""
    assert f"boundaries: {tmp_path / FILE}" in told.stdout.decode().replace("\n", "")


def test_a_folder_without_sums_is_refused(tmp_path):
    with pytest.raises(RunError, match="no finished run"):
        boundaries(tmp_path)
