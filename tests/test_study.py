"""Studies: what is wrong is said with the key, the value and what would do."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoclusters import make_study, read_study
from geoclusters.assembly import WEIGHTS
from geoclusters.densities import KINDS
from geoclusters.errors import StudyError
from geoclusters.pages.settings import setting_text
from geoclusters.settings import Density, Method, expanded

SOURCE = {"metric": "patents", "path": "p.csv", "columns": {"document": "id"}}


def study_with(**changes):
    return {"name": "x", "source": [SOURCE], **changes}


def test_defaults_are_those_of_the_method():
    method = make_study(study_with()).method
    assert (method.resolution, method.radius_km, method.density) == (8, 15.0, "shares")
    assert (method.min_density_value, method.merge_gap_km, method.merge_rule) == (5e-4, 5.0, "gap")
    assert (method.world_total, method.top, method.weights) == ("all", 100, {})


@pytest.mark.parametrize(("profile", "metrics"), [("gii-2024", 2), ("gii-2025", 3)])
def test_profiles_set_several_settings_at_once(profile, metrics):
    method = Method.model_validate({"profile": profile})
    assert len(method.metrics) == metrics
    assert (method.density, method.min_density_value, method.radius_km, method.merge_gap_km) == (
        "addresses",
        4500,
        15,
        5,
    )


def test_every_kind_of_density_is_whole():
    assert get_args(Density) == tuple(KINDS) == tuple(WEIGHTS)
    for name, kind in KINDS.items():
        assert Method(density=name).min_density_value == kind.default <= kind.most
        assert kind.text(kind.default)
        assert setting_text("density", {"density": name}) == kind.words


def test_what_the_study_says_goes_before_its_profile():
    assert Method.model_validate({"profile": "gii-2024", "radius_km": 20.0}).radius_km == 20
    assert (
        Method.model_validate({"profile": "gii-2024", "density": "shares"}).min_density_value
        == 5e-4
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": {"raduis_km": 5}}, ["[method]", "'raduis_km'", "did you mean 'radius_km'"]),
        ({"method": {"radius_km": -5}}, ["radius_km = -5", "0.0001", "default: 15"]),
        ({"method": {"radius_km": 0.00005}}, ["radius_km = 5e-05", "0.0001"]),
        (
            {"method": {"density": "addresses", "min_density": 1e18}},
            ["min_density 1e+18 is above 1e+15"],
        ),
        ({"method": {"weights": {"patents": 1e308}}}, ["weights.patents = 1e+308"]),
        ({"method": {"metrics": ["patents", "patents"]}}, ["'patents' more than once"]),
        (
            {"source": [{**SOURCE, "metric": f"m{n}"} for n in range(65)]},
            ["65 metrics", "can count 64"],
        ),
        ({"method": {"resolution": 19}}, ["resolution = 19", "0 to 15", "'exact'"]),
        ({"method": {"resolution": "8"}}, ["resolution = '8'", "whole number"]),
        ({"method": {"resolution": True}}, ["resolution = True", "whole number"]),
        ({"method": {"density": "cells"}}, ["density = 'cells'", "'shares' or 'addresses'"]),
        ({"method": {"min_density": 4500}}, ["min_density 4500", "density = 'addresses'"]),
        ({"method": {"weights": {"patents": -1}}}, ["weights.patents = -1"]),
        ({"method": {"weights": {"patnets": 1}}}, ["'patnets'", "the sources have: patents"]),
        ({"method": 3}, ["method = 3", "[method]"]),
        ({"window": {"first_year": 2023, "last_year": 2019}}, ["2023", "after", "2019"]),
        ({"source": []}, ["'source' is missing", "[[source]]"]),
        (
            {"source": [{**SOURCE, "metric": "Patents!"}]},
            ["[[source]] 1", "'Patents!'", "small letters"],
        ),
        ({"source": [{**SOURCE, "metric": "score"}]}, ["'score'", "column of the results"]),
        (
            {"source": [{**SOURCE, "columns": {"docment": "id"}}]},
            ["'docment'", "did you mean 'document'"],
        ),
        ({"source": [{**SOURCE, "columns": {"lat": "y", "document": "d"}}]}, ["'lat' and 'lon'"]),
        ({"source": [{**SOURCE, "columns": {"lat": "y", "lon": "x"}}]}, ["'document' is missing"]),
        ({"nmae": "x"}, ["'nmae'", "did you mean 'name'"]),
    ],
)
def test_mistakes_are_named_with_their_remedy(changes, said):
    with pytest.raises(StudyError) as error:
        make_study(study_with(**changes), origin="my.toml")
    message = str(error.value)
    assert message.startswith("my.toml: ")
    assert len(message.splitlines()) == 1
    for part in said:
        assert part in message


def test_every_mistake_is_told_at_once():
    with pytest.raises(StudyError) as error:
        make_study(study_with(method={"radius_km": 0, "resolution": 16, "holes": "some"}))
    assert len(str(error.value).splitlines()) == 3


@given(
    st.dictionaries(
        st.text(max_size=9), st.none() | st.integers() | st.text(max_size=5), max_size=4
    )
)
def test_any_mapping_is_a_study_or_a_study_error(given_settings):
    try:
        make_study({**study_with(), "method": given_settings})
    except StudyError:
        return
    assert set(given_settings) <= set(Method.model_fields)


def test_a_study_cannot_be_changed():
    study = make_study(study_with())
    with pytest.raises(ValueError, match="frozen"):
        study.method.radius_km = 3.0


def test_environment_variables_in_paths(monkeypatch, tmp_path):
    file = tmp_path / "s.toml"
    file.write_text(
        'name="x"\n[[source]]\nmetric="patents"\npath="${HERE}/p.csv"\ncolumns={document="id"}\n'
    )
    assert read_study(file).source[0].path == "${HERE}/p.csv"
    monkeypatch.delenv("HERE", raising=False)
    with pytest.raises(StudyError, match="HERE, which is not set"):
        expanded("${HERE}/p.csv")
    monkeypatch.setenv("HERE", "there")
    assert expanded("${HERE}/p.csv") == "there/p.csv"


@pytest.mark.parametrize(
    ("content", "said"), [("name = ", "not readable as TOML"), ("\xff\xfe", "not readable as TOML")]
)
def test_broken_files(tmp_path, content, said):
    file = tmp_path / "s.toml"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(StudyError, match=said):
        read_study(file)
    with pytest.raises(StudyError, match="no such study"):
        read_study(tmp_path / "other.toml")
    with pytest.raises(StudyError, match="folder"):
        read_study(tmp_path)
