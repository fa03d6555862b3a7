"""What tests share: small studies on disk, and one finished run."""

from __future__ import annotations

import gc as garbage
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import synthetic_run
from four_cities import make_addresses, make_settings
from hypothesis import HealthCheck, settings
from once import common_folder, compiled_once, filled_once
from undrawn import undrawn

import geoclusters as gc
from geoclusters import pages
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

# Compiling makes millions of objects that stay; looking through them again and again took each worker some 20 seconds.
garbage.set_threshold(100_000, 50, 100)


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with compiled_once(common_folder(tmp_path_factory) / "compiling"):
        yield


@pytest.fixture
def no_pages() -> Iterator[None]:
    """A test that looks at tables only."""
    with undrawn():
        yield


@pytest.fixture(scope="module")
def no_pages_in_module() -> Iterator[None]:
    """A file of tests that look at tables only."""
    with undrawn():
        yield


@pytest.fixture(scope="session")
def four_cities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the addresses of four cities."""
    folder = tmp_path_factory.mktemp("four-cities")
    make_addresses().to_parquet(folder / "addresses.parquet", index=False)
    return folder


@pytest.fixture(scope="session")
def finished(four_cities: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A finished run of the four cities; nobody may change it."""
    study = gc.make_study(make_settings(), folder=four_cities)
    place = common_folder(tmp_path_factory) / "finished"
    return gc.read_run(filled_once(place, lambda folder: gc.run(study, folder)))


@pytest.fixture(scope="session")
def drawn_world(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A made-up run of clusters all over the world with its pages; nobody may change it."""
    place = common_folder(tmp_path_factory) / "drawn-world"
    return gc.read_run(
        filled_once(place, lambda folder: pages.draw_pages(synthetic_run.write_run(folder)))
    )
