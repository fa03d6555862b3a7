"""What tests share: small studies on disk, and one finished run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import synthetic_run
from four_cities import make_addresses, make_settings
from hypothesis import HealthCheck, settings

import geoclusters as gc
from geoclusters.pages import draw_pages
from geoclusters.results import Result

settings.register_profile(
    "geoclusters",
    deadline=None,
    max_examples=40,
    # Where a run decides over a change it must not fall over an example that has nothing to do with it.
    derandomize=os.environ.get("CI", "").lower() == "true",
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("geoclusters")


@pytest.fixture(scope="session")
def four_cities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the addresses of four cities."""
    folder = tmp_path_factory.mktemp("four-cities")
    make_addresses().to_parquet(folder / "addresses.parquet", index=False)
    return folder


@pytest.fixture(scope="session")
def finished(four_cities: Path, tmp_path_factory: pytest.TempPathFactory) -> gc.Result:
    """A finished run of the four cities."""
    study = gc.make_study(make_settings(), folder=four_cities)
    return gc.run(study, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="session")
def drawn_world(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A made-up run of clusters all over the world with its pages; nobody may change it."""
    result = synthetic_run.write_run(tmp_path_factory.mktemp("drawn-world"))
    draw_pages(result)
    return result
