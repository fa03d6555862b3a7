"""The recipe of docs/spark.py on a real session of Spark: the same bytes as on one machine."""

from __future__ import annotations

import os
import shutil
import sys
from importlib import util
from pathlib import Path

import h3
import numpy as np
import pandas as pd
import pytest
from four_cities import make_addresses, make_settings

import geoclusters as gc
from geoclusters.errors import EngineError, SourceError

pytestmark = [
    pytest.mark.usefixtures("no_pages_in_module"),
    pytest.mark.skipif(not util.find_spec("pyspark"), reason="PySpark is not installed"),
    pytest.mark.skipif(not shutil.which("java"), reason="Spark needs Java"),
    # It looks at the version before it does anything; the recipe hands it no frame of pandas.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]
RECIPE = Path(__file__).parent.parent / "docs" / "spark.py"
RESULTS = (".parquet", ".csv", ".geojson")
PARTITIONS = 6


def bytes_of(result):
    found = {f.name: f.read_bytes() for f in result.folder.iterdir() if f.suffix in RESULTS}
    assert {"clusters.parquet", "ranking.csv", "cells.parquet", "links.parquet"} <= set(found)
    return found


@pytest.fixture(scope="module")
def recipe():
    spec = util.spec_from_file_location("spark", RECIPE)
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def spark(recipe, tmp_path_factory):
    """Two executors in one machine; a task that fails is tried twice more, as on a cluster."""
    folder = tmp_path_factory.mktemp("spark")
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.memory": "512m",
        # A session this short does not win back what its compilers and collectors cost.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": folder,
        "spark.sql.warehouse.dir": folder,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        builder = recipe.SparkSession.builder.master("local[2,3]")
        for key, value in settings.items():
            builder = builder.config(key, str(value))
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("OFF")
        yield session
        session.stop()


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    """Rows in any order: the documents are scattered over all partitions."""
    folder = tmp_path_factory.mktemp("addresses")
    rows = make_addresses().sample(frac=1, random_state=3)
    rows.to_parquet(folder / "addresses.parquet", index=False, row_group_size=400)
    return folder


@pytest.fixture(scope="module")
def local(addresses, tmp_path_factory):
    study = gc.make_study(make_settings(), folder=addresses)
    return bytes_of(gc.run(study, tmp_path_factory.mktemp("local")))


def test_a_run_on_spark_gives_the_bytes_of_a_run_on_one_machine(
    recipe, spark, addresses, local, tmp_path, capsys
):
    columns = "\n".join(f'{k} = "{v}"' for k, v in make_settings()["source"][0]["columns"].items())
    (addresses / "study.toml").write_text(
        'name = "four cities"\n[window]\nfirst_year = 2019\nlast_year = 2023\n[method]\nmin_density = 0.02\n'
        f'[[source]]\nmetric = "patents"\npath = "addresses*.parquet"\n[source.columns]\n{columns}\n'
    )
    arguments = [addresses / "study.toml", "--out", tmp_path / "spark", "--partitions", PARTITIONS]
    recipe.main([str(argument) for argument in arguments])
    assert "map.html" in capsys.readouterr().out
    spread = gc.read_run(tmp_path / "spark")
    assert bytes_of(spread) == local
    volumes = list((spread.folder / "stages" / "addresses").glob("volume-*"))
    assert len(volumes) == PARTITIONS + 1  # and one of the documents that lie in several


def test_a_table_of_spark_is_left_as_parquet_and_read_as_a_source(
    recipe, spark, addresses, local, tmp_path
):
    """Its rows may be in any order; only the numbers of rejected rows are others then."""
    table = spark.read.parquet(str(addresses / "addresses.parquet")).repartition(3)
    table.write.parquet(str(tmp_path / "addresses.parquet"))
    settings = make_settings()
    settings["source"][0]["path"] = "addresses.parquet/*.parquet"
    study = gc.make_study(settings, folder=tmp_path)
    spread = bytes_of(gc.run(study, tmp_path / "spark", engine=recipe.engine_on(spark)))
    assert {name for name in local if local[name] != spread[name]} == {"rejected.parquet"}


def test_cells_of_a_table_are_those_of_h3(recipe, spark, addresses):
    rows = pd.read_parquet(addresses / "addresses.parquet", columns=["lat", "lon"])
    table = spark.read.parquet(str(addresses / "addresses.parquet")).select("lat", "lon")
    found = [row.cell for row in recipe.with_cells(table, 8).collect()]
    asked = [
        None if np.isnan(lat) else h3.str_to_int(h3.latlng_to_cell(lat, lon, 8))
        for lat, lon in rows.to_numpy()
    ]
    assert found == asked
    assert None in found


def test_a_worker_that_dies_is_replaced(recipe, spark, tmp_path):
    def dies_once(folder, number):
        if number == 1 and not (folder / "died").exists():
            (folder / "died").touch()
            os._exit(1)
        return {"number": number}

    engine = recipe.engine_on(spark)
    answers = engine._carry_out(dies_once, [(tmp_path, number) for number in range(4)])
    assert answers == [{"number": number} for number in range(4)]
    assert (tmp_path / "died").exists()


def test_a_mistake_of_the_user_comes_back_as_it_is(recipe, spark, monkeypatch):
    def wrong(number):
        if number:
            raise SourceError(f"row {number}: no number")
        return {}

    engine = recipe.engine_on(spark)
    with pytest.raises(SourceError, match="row 2: no number"):
        engine._carry_out(wrong, [(0,), (2,)])
    assert engine._carry_out(wrong, []) == []
    monkeypatch.setattr(recipe.tasks, "code_of_tasks", lambda: "other code")
    with pytest.raises(EngineError, match="another geoclusters than this process"):
        engine._carry_out(wrong, [(0,)])
