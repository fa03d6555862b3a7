"""Outlines come out of GeoJSON as they went in, rounded to five decimals."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters.geojson import write_geojson

NUMBER = st.one_of(
    st.floats(-180, 180),
    st.integers(-20, 20).map(lambda k: k * 1e-5),
    st.sampled_from([0.0, -0.0, -1e-9, 180.0, -180.0, 1e-4, 100.1, 73.38232, 22.06189]),
)
RING = st.lists(st.tuples(NUMBER, NUMBER), min_size=3, max_size=9)
OUTLINE = st.lists(st.lists(RING, min_size=1, max_size=3), max_size=3).map(
    lambda polygons: shapely.MultiPolygon([shapely.Polygon(p[0], p[1:]) for p in polygons])
)


def written(path, shapes):
    file = path / "a.geojson"
    frame = pd.DataFrame({"name": [f"n{i}" for i in range(len(shapes))], "geometry": shapes})
    write_geojson(file, frame)
    return file.read_text(encoding="utf-8")


@settings(max_examples=100, deadline=None)
@given(st.lists(OUTLINE, max_size=3))
def test_outlines_are_rounded(tmp_path_factory, outlines):
    text = written(tmp_path_factory.mktemp("geojson"), outlines)
    features = json.loads(text)["features"]
    assert [f["properties"]["name"] for f in features] == [f"n{i}" for i in range(len(outlines))]
    for feature, outline in zip(features, outlines, strict=True):
        rounded = shapely.transform(outline, lambda points: np.round(points, 5))
        assert feature["geometry"] == json.loads(shapely.to_geojson(rounded))


@pytest.mark.parametrize("shape", [shapely.Point(1.234567, 2), shapely.box(0, 0, 1, 1)])
def test_other_shapes_are_written_too(tmp_path, shape):
    feature = json.loads(written(tmp_path, [shape]))["features"][0]
    rounded = shapely.transform(shape, lambda points: np.round(points, 5))
    assert shapely.from_geojson(json.dumps(feature["geometry"])).equals(rounded)
