"""Tasks on many workers: the same bytes as in one process, whatever the partitions, the order, and the workers lost."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import dask
import distributed
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from four_cities import COLUMNS, make_addresses, make_settings
from hypothesis import given
from hypothesis import strategies as st

import geoclusters as gc
from geoclusters import addresses, engine
from geoclusters.engine import dask as engine_of_dask
from geoclusters.engine import tasks
from geoclusters.engine.distributed import grouped
from geoclusters.errors import EngineError, SourceError, StudyError

pytestmark = pytest.mark.usefixtures("no_pages_in_module")

SCALE = Path(__file__).parent.parent / "docs" / "scale.md"
N_WORKERS = 2
PARTITIONS = 20
RESULTS = (".parquet", ".csv", ".geojson")


def bytes_of(result):
    """Every result file; what the stages keep may differ."""
    files = (f for f in result.folder.iterdir() if f.suffix in RESULTS)
    found = {f.name: f.read_bytes() for f in files}
    assert {"clusters.parquet", "ranking.csv", "cells.parquet", "links.parquet"} <= set(found)
    assert {"rejected.parquet", "organisations.parquet", "clusters.geojson"} <= set(found)
    return found


def settings_of(**given):
    """Give two sources: a table that is read where it is, and files that are read by their format."""
    settings = make_settings()
    more = {"metric": "publications", "path": "articles*.csv", "columns": COLUMNS}
    return settings | {"source": [*settings["source"], more], "engine": given}


def study_in(folder, **given):
    return gc.make_study(settings_of(**given), folder=folder)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Patents and articles, most documents' rows together, some at the end of the file."""
    folder = tmp_path_factory.mktemp("world")
    make_addresses().to_parquet(folder / "addresses.parquet", index=False, row_group_size=150)
    articles = make_addresses(seed=8)
    for number, rows in articles.groupby(articles.index * 25 // len(articles)):
        rows.to_csv(folder / f"articles-{number}.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory):
    """The same rows in any order, in some files."""
    folder = tmp_path_factory.mktemp("shuffled")
    rows = make_addresses().sample(frac=1, random_state=5)
    for number in range(3):
        file = folder / f"addresses-{number}.parquet"
        rows.iloc[number::3].to_parquet(file, index=False, row_group_size=300)
    make_addresses(seed=8).sample(frac=1, random_state=6).to_csv(
        folder / "articles.csv", index=False
    )
    return folder


@pytest.fixture(scope="module")
def local(world, tmp_path_factory):
    return bytes_of(gc.run(study_in(world), tmp_path_factory.mktemp("local")))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Real processes, which a nanny starts again when they die."""
    with (
        dask.config.set({"temporary-directory": str(tmp_path_factory.mktemp("dask"))}),
        distributed.LocalCluster(
            n_workers=N_WORKERS,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as started,
    ):
        yield started


def processes_of(cluster):
    with distributed.Client(cluster, set_as_default=False) as client:
        return set(client.run(os.getpid).values())


def stage_of(result):
    return result.folder / "stages" / "addresses"


def test_order_and_repetition_of_tasks_leave_no_trace(world, local, tmp_path):
    """A cluster does tasks in any order, and some of them twice."""
    draw = random.Random(3)

    def carry_out(work, given):
        found = {}
        for number in draw.sample(range(len(given)), len(given)):
            found[number] = work(*given[number])
            assert work(*given[number]) == found[number]
        return [found[number] for number in range(len(given))]

    spread = engine.DistributedEngine(carry_out, partitions=7)
    assert bytes_of(gc.run(study_in(world), tmp_path, engine=spread)) == local


@pytest.mark.usefixtures("no_pages")
def test_documents_beyond_64_bits_with_a_sign_touch_between_partitions(tmp_path):
    numbers = np.repeat(np.arange(201, dtype=np.uint64) + np.uint64(2**63), 2)[1:]
    rows = {"id": numbers, "lat": np.full(401, 48.0), "lon": np.full(401, 11.0)}
    pq.write_table(pa.table(rows), tmp_path / "a.parquet", row_group_size=100)
    columns = {"document": "id", "lat": "lat", "lon": "lon"}
    source = {"metric": "patents", "path": "a.parquet", "columns": columns}
    study = gc.make_study({"name": "x", "source": [source]}, folder=tmp_path)
    spread = engine.DistributedEngine(lambda work, each: [work(*g) for g in each], partitions=4)
    for name, chosen in (("local", None), ("spread", spread)):
        run = gc.run(study, tmp_path / name, engine=chosen)
        assert run.run["documents"]["patents"]["window"] == 201


def test_a_worker_killed_in_the_middle_costs_time_and_not_truth(world, local, cluster, tmp_path):
    before = processes_of(cluster)
    done = []

    def kill():
        work = tmp_path / "stages" / ".addresses.part"
        while not done:
            done.extend(work.glob("work-*/partition-*"))
            time.sleep(0.002)
        os.kill(min(before), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    study = study_in(world, kind="dask", scheduler=cluster.scheduler_address, partitions=PARTITIONS)
    result = gc.run(study, tmp_path)
    killer.join()
    assert bytes_of(result) == local
    assert 0 < len(done) < PARTITIONS
    assert min(before) not in processes_of(cluster)
    assert len(list(stage_of(result).glob("volume-*"))) == PARTITIONS + 1
    assert not list(stage_of(result).glob("work-*"))
    assert result.run["engine"]["kind"] == "dask"


def test_rows_in_any_order_and_other_partitions_give_the_same_bytes(
    shuffled, local, cluster, tmp_path
):
    address = cluster.scheduler_address
    study = study_in(shuffled, kind="dask", scheduler=address, partitions=5, threads=2)
    spread = bytes_of(gc.run(study, tmp_path / "dask"))
    # Rejected rows name their place in the file, which is another after shuffling.
    assert {n for n in local if spread[n] != local[n]} == {"rejected.parquet"}
    alone = bytes_of(gc.run(study_in(shuffled), tmp_path / "alone"))
    assert spread == alone


@pytest.mark.parametrize("method", [{"resolution": "exact"}, {"spread": "places"}], ids=str)
def test_points_and_spread_addresses_are_those_of_one_process(method, cluster, tmp_path):
    """Rows of most documents lie in several partitions."""
    rows = make_addresses().sample(frac=1, random_state=4)
    rows["level"] = np.where(np.arange(len(rows)) % 2, "city", "point")
    rows.to_parquet(tmp_path / "addresses.parquet", index=False, row_group_size=300)
    settings = make_settings(**method)
    settings["source"][0]["columns"] = COLUMNS | {"accuracy": "level"}
    local = gc.run(gc.make_study(settings, folder=tmp_path), tmp_path / "local")
    given = {"kind": "dask", "scheduler": cluster.scheduler_address, "partitions": 6}
    study = gc.make_study(settings | {"engine": given}, folder=tmp_path)
    spread = gc.run(study, tmp_path / "dask")
    assert bytes_of(spread) == bytes_of(local)
    for told in ("exact", "spread"):
        assert spread.run.get(told) == local.run.get(told)
    assert {"exact", "spread"} & set(local.run)
    assert len(list(stage_of(spread).glob("volume-*"))) == 7


def test_processes_of_this_machine_end_with_the_run(world, local, tmp_path):
    given = {"kind": "dask", "workers": 1}
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    result = gc.run(study_in(world, **given), tmp_path)
    assert bytes_of(result) == local
    left = [p for p in psutil.Process().children(recursive=True) if p.pid not in before]
    assert [p for p in left if "spawn_main" in " ".join(p.cmdline())] == []
    assert result.run["engine"] == given
    # What another engine has added up is not added up again.
    again = gc.run(study_in(world), tmp_path)
    assert {s["stage"]: s["reused"] for s in again.run["stages"]}["addresses"]


def test_numbers_that_rise_are_not_compared_run_by_run(tmp_path):
    rows = make_addresses()
    rows["patent"] = rows.groupby("patent", sort=False).ngroup()
    rows = rows.sort_values("patent", kind="stable")
    rows.to_parquet(tmp_path / "addresses.parquet", index=False, row_group_size=101)
    asked = []

    def carry_out(work, given):
        asked.append((work, len(given)))
        return [work(*each) for each in given]

    study = gc.make_study(make_settings(), folder=tmp_path)
    spread = engine.DistributedEngine(carry_out, partitions=PARTITIONS)
    found = bytes_of(gc.run(study, tmp_path / "spread", engine=spread))
    assert (tasks.leave_runs, 0) in asked
    assert (tasks.add_buckets, 1) in asked
    assert found == bytes_of(gc.run(study, tmp_path / "local"))


def test_a_mistake_of_the_user_comes_back_as_it_is(cluster, tmp_path):
    rows = make_addresses()
    rows["lat"] = rows["lat"].astype(str)
    rows.loc[4321, "lat"] = "north"
    rows.to_parquet(tmp_path / "addresses.parquet", index=False, row_group_size=500)
    given = {"kind": "dask", "scheduler": cluster.scheduler_address, "partitions": 4}
    told = []
    for engine_of in ({}, given):
        settings = make_settings() | {"engine": engine_of}
        with pytest.raises(SourceError, match="north") as error:
            gc.run(gc.make_study(settings, folder=tmp_path), tmp_path / "out")
        told.append(str(error.value))
    assert told[0] == told[1]


def test_a_folder_is_whole_or_not_there(tmp_path):
    def fails(folder):
        folder.mkdir()
        (folder / "half").touch()
        raise OSError("disk is full")

    with pytest.raises(OSError, match="full"):
        tasks.whole(tmp_path, "partition", fails)
    assert not list(tmp_path.iterdir())

    def overtaken(folder):
        """While this attempt goes on, another one ends."""
        folder.mkdir()
        if not (tmp_path / "partition").exists():
            tasks.whole(tmp_path, "partition", lambda other: other.mkdir() or {"by": "the other"})
        return {"by": "this one"}

    assert tasks.whole(tmp_path, "partition", overtaken) == {"by": "the other"}
    assert [f.name for f in tmp_path.iterdir()] == ["partition"]


def test_threads_of_one_worker_do_not_read_at_the_same_time(tmp_path):
    reading_now, most = [], []

    def part(folder):
        reading_now.append(folder)
        most.append(len(reading_now))
        time.sleep(0.01)
        reading_now.pop()
        return SimpleNamespace(facts=lambda: {"folder": folder.name})

    readings = [SimpleNamespace(files=(), name=f"source-{n}", part=part) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda reading: tasks.read_group(tmp_path, reading), readings))
    assert most == [1, 1, 1, 1]


def test_a_worker_without_the_folder_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "SEEN_AFTER_SECONDS", 0)
    with pytest.raises(EngineError, match=r"gone: the worker on .* does not see this"):
        tasks.whole(tmp_path / "gone", "partition", lambda _: {})
    part = SimpleNamespace(path=str(tmp_path / "gone.parquet"))
    with pytest.raises(EngineError, match="file system that all workers share"):
        tasks.look_at(tmp_path, [part])


def test_rows_of_a_bucket_that_are_missing_are_missed(world, tmp_path):
    study = study_in(world)
    task = engine.adding.Task.of(study)
    (tmp_path / "partition-0000" / tasks.ASIDE).mkdir(parents=True)
    table = pq.read_table(world / "addresses.parquet").slice(0, 3).select(["patent"])
    table = table.append_column("source", [np.zeros(3, np.int16)])
    for name in ("row", "key", "other_key"):
        table = table.append_column(name, [np.arange(3)])
    file = tasks.bucket_file(4, "000000")
    pq.write_table(table, tmp_path / "partition-0000" / tasks.ASIDE / file)
    with pytest.raises(EngineError, match="sees 3 of the 5 rows"):
        tasks.add_buckets(tmp_path, "buckets-0000", {4: 5}, ["partition-0000"], task, 1)


def test_dask_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    settings = study_in(".", kind="dask").engine
    with (
        pytest.raises(EngineError, match=r"pip install 'geoclusters\[dask\]'"),
        engine.chosen(settings),
    ):
        pass


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "tls://127.0.0.1:9", "ucx://127.0.0.1:9"])
def test_a_scheduler_out_of_reach_is_named(four_cities, tmp_path, monkeypatch, address):
    monkeypatch.setattr(engine_of_dask, "REACH_SECONDS", 0.5)
    given = {"kind": "dask", "scheduler": address}
    study = gc.make_study(make_settings() | {"engine": given}, folder=four_cities)
    with pytest.raises(EngineError, match=rf"'{address}' was not reached within 0.5 s"):
        gc.run(study, tmp_path)


def test_workers_of_another_version_are_named(cluster, four_cities, tmp_path, monkeypatch):
    given = {"kind": "dask", "scheduler": cluster.scheduler_address}
    study = gc.make_study(make_settings() | {"engine": given}, folder=four_cities)
    monkeypatch.setattr(engine_of_dask, "__version__", "99")
    with pytest.raises(EngineError, match=r"is 99 here, but elsewhere on workers \(tcp://"):
        gc.run(study, tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(tasks, "code_of_tasks", lambda: "other code")
    with pytest.raises(EngineError, match="another geoclusters than this process"):
        gc.run(study, tmp_path)


def test_a_task_that_ends_its_workers_is_told_apart_from_one_that_fails(cluster, monkeypatch):
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    settings = study_in(".", kind="dask", scheduler=cluster.scheduler_address).engine
    with engine_of_dask.DaskEngine(settings) as spread:
        with pytest.raises(FileNotFoundError, match="no such place"):
            spread._carry_out(os.listdir, [("no such place",)])
        with pytest.raises(EngineError, match=r"begun by 1 workers .* more partitions"):
            spread._carry_out(os._exit, [(1,)])


def test_nobody_waits_for_workers_that_do_not_come(monkeypatch):
    monkeypatch.setattr(engine_of_dask, "WORKERS_SECONDS", 0.2)
    monkeypatch.setattr(engine_of_dask, "LOOK_SECONDS", 0.05)
    with distributed.LocalCluster(
        n_workers=0, processes=False, protocol="tcp", host="127.0.0.1", dashboard_address=":0"
    ) as empty:
        settings = study_in(".", kind="dask", scheduler=empty.scheduler_address).engine
        with (
            engine_of_dask.DaskEngine(settings) as spread,
            pytest.raises(EngineError, match=r"had no worker for 0.2 s; start some: dask worker"),
        ):
            spread._carry_out(os.listdir, [(".",)])
        with distributed.Client(empty, set_as_default=False) as client:
            waiting = client.map(os.listdir, ["."])
            with pytest.raises(EngineError, match=r"no other came for 0.2 s; started again"):
                engine_of_dask._gathered(client, waiting, "list")


def test_a_scheduler_that_is_lost_is_told():
    def lost(*_):
        raise OSError("closed")

    watch = engine_of_dask._Watch(SimpleNamespace(nthreads=lost))
    watch._looked = float("-inf")
    with pytest.raises(EngineError, match="the scheduler was lost"):
        watch.look()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"workers": 2}, "workers is of kind = 'dask'"),
        ({"kind": "dask", "workers": 2, "scheduler": "tcp://a:1"}, "exclude each other"),
        ({"kind": "dask", "scheduler": "a:1"}, "for example 'tcp://10.0.0.5:8786'"),
        ({"kind": "spark"}, r"\[engine\] kind = 'spark'"),
        ({"kind": "dask", "worker": 2}, "did you mean 'workers'"),
    ],
)
def test_settings_that_do_not_fit_are_told(given, message):
    with pytest.raises(StudyError, match=message):
        study_in(".", **given)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.data())
def test_numbers_that_touch_are_those_of_several_parts(numbers, data):
    numbers.sort()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(numbers)), max_size=4)))
    parts = [numbers[a:b] for a, b in zip([0, *cuts], [*cuts, len(numbers)], strict=True)]
    spans = [[p[0], p[-1]] if p else [] for p in parts]
    data.draw(st.randoms()).shuffle(spans)
    several = {n for n in numbers if sum(n in part for part in parts) > 1}
    assert addresses.touching_numbers(spans) == sorted(several)
    assert addresses.touching_numbers([*spans, None]) is None


@given(st.dictionaries(st.integers(0, 50), st.integers(0, 9)), st.integers(1, 20))
def test_buckets_are_grouped_whole_and_once(rows, at_least):
    groups = grouped(rows, at_least)
    assert [b for g in groups for b in g] == sorted(b for b, n in rows.items() if n)
    assert all(sum(g.values()) >= at_least for g in groups[:-1])
    assert all(n == rows[b] for g in groups for b, n in g.items())


def test_what_the_page_shows_can_be_read():
    page = SCALE.read_text(encoding="utf-8")
    blocks = re.findall(r"```(\w+)\n(.*?)```", page, flags=re.DOTALL)
    assert {kind for kind, _ in blocks} == {"sh", "toml", "python", "yaml"}
    for kind, text in blocks:
        if kind == "sh":
            subprocess.run(["bash", "-n"], input=text, text=True, check=True)
        elif kind == "toml":
            assert study_in(".", **tomllib.loads(text)["engine"]).engine.partitions == 20
        elif kind == "python":
            compile(text, SCALE.name, "exec")
        else:
            cluster = yaml.safe_load(text)
            name = cluster["metadata"]["name"]
            assert (
                cluster["spec"]["scheduler"]["service"]["selector"]["dask.org/cluster-name"] == name
            )
            study_in(".", kind="dask", scheduler=f"tcp://{name}-scheduler:8786")
            assert f"tcp://{name}-scheduler:8786" in page
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", page):
        assert (SCALE.parent / target).exists(), target
