"""OpenAlex: works in the snapshot's layout read to addresses, against duckdb parsing the same fields alone.

    python benchmarks/bench_openalex.py --works 1e6

Writes a snapshot (works in partitions with their manifest, institutions with their places), then runs each way as a
process of its own: `parse` is duckdb reading the same keys of the same files into Arrow and dropping them; `addresses`
is the source, which also joins the institutions and gives one row an author and institution; `cells` looks up the
cell of each row as well. Wall and processor time are those of the whole process, memory is its peak.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ADDRESS = "https://openalex.org/"
WAYS = ("parse", "addresses", "cells")
FIELDS = ("Medicine", "Engineering", "Computer Science", "Social Sciences", "Materials Science")
TYPES = ("article",) * 8 + ("preprint", "book-chapter", "review", "dataset")
TEMPLATES = 4000
WORDS = 30_000
PARTS = 4


def write_snapshot(
    folder: Path,
    works: dict[str, Iterable[bytes]],
    institutions: Sequence[dict[str, Any]],
    *,
    manifest: bool = True,
) -> tuple[list[Path], list[Path]]:
    """
    Write a snapshot as it is downloaded.

    Parameters
    ----------
    folder : Path
        Gets `data/works` and `data/institutions`.
    works : dict of str to iterable of bytes
        Partition and part, as ``2024-05-31/part_000``, to the lines of the part.
    institutions : sequence of dict
        Records of institutions.
    manifest : bool, default True
        Write the list of files of each entity too.

    Returns
    -------
    works, institutions : list of Path
        The files.
    """
    parts: dict[str, dict[str, Iterable[bytes]]] = {"works": works, "institutions": {}}
    parts["institutions"]["2024-04-01/part_000"] = [json.dumps(i).encode() for i in institutions]
    files: dict[str, list[Path]] = {}
    for entity, named in parts.items():
        entries = [_write_part(folder, entity, name, lines) for name, lines in named.items()]
        files[entity] = [path for path, _ in entries]
        if manifest:
            total = {k: sum(e["meta"][k] for _, e in entries) for k in entries[0][1]["meta"]}
            content = {"entries": [entry for _, entry in entries], "meta": total}
            (folder / "data" / entity / "manifest").write_text(json.dumps(content, indent=1))
    return files["works"], files["institutions"]


def _write_part(
    folder: Path, entity: str, name: str, lines: Iterable[bytes]
) -> tuple[Path, dict[str, Any]]:
    path = folder / "data" / entity / f"updated_date={name}.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with gzip.open(path, "wb", compresslevel=4) as file:
        for line in lines:
            file.write(line + b"\n")
            count += 1
    meta = {"content_length": path.stat().st_size, "record_count": count}
    return path, {"url": f"s3://openalex/data/{entity}/updated_date={name}.gz", "meta": meta}


def make_institutions(n: int, seed: int) -> list[dict[str, Any]]:
    """Institutions in cities; one in twenty belongs to another, one in a hundred has no point."""
    from geoclusters.places import read_places

    rng = np.random.default_rng(seed)
    places = read_places(100_000)
    share = places["population"] / places["population"].sum()
    drawn = places.iloc[rng.choice(len(places), n, p=share)]
    lat, lon, country = (drawn[c].tolist() for c in ("lat", "lon", "country"))
    made = []
    for i in range(n):
        own = f"{ADDRESS}I{i + 1}"
        above = [f"{ADDRESS}I{rng.integers(1, n + 1)}"] if i % 20 == 0 else []
        place = (None, None) if i % 100 == 0 else (lat[i], lon[i])
        geo = {
            "city": f"City {i % 5000}",
            "region": None,
            "country_code": country[i],
            "country": "x",
        }
        made.append(
            {
                "id": own,
                "ror": f"https://ror.org/0{i:08d}",
                "display_name": f"Institution {i}",
                "country_code": country[i],
                "lineage": [own, *above],
                "geo": {**geo, "latitude": place[0], "longitude": place[1]},
                "updated_date": "2024-04-01T00:00:00.000000",
            }
        )
    return made


def make_works(n: int, institutions: int, seed: int, first: int = 1) -> Iterable[bytes]:
    """Lines of works: `TEMPLATES` different records, each time with another id."""
    rng = np.random.default_rng(seed)
    words = np.array(["".join(chr(97 + c) for c in rng.integers(0, 26, 7)) for _ in range(WORDS)])
    lines = [json.dumps(_work(rng, words, institutions)).encode() for _ in range(TEMPLATES)]
    for i in range(n):
        yield lines[i % TEMPLATES].replace(b"W000", b"W%d" % (first + i))


def _work(rng: np.random.Generator, words: np.ndarray, institutions: int) -> dict[str, Any]:
    def many(n: int) -> list[str]:
        return [f"{ADDRESS}W{k}" for k in rng.integers(1e9, 4e9, n)]

    topic = {"id": f"{ADDRESS}T1", "field": {"id": "x", "display_name": rng.choice(FIELDS)}}
    abstract = {str(w): [int(k)] for k, w in enumerate(rng.choice(words, rng.integers(40, 140)))}
    return {
        "id": f"{ADDRESS}W000",
        "doi": "https://doi.org/10.1000/W000",
        "title": " ".join(rng.choice(words, 10)),
        "publication_year": int(rng.integers(2015, 2025)),
        "type": str(rng.choice(TYPES)),
        "primary_location": {"source": {"id": f"{ADDRESS}S1", "type": "journal"}},
        "authorships": [_authorship(rng, institutions) for _ in range(rng.poisson(3.5) + 1)],
        "is_retracted": bool(rng.random() < 0.001),
        "is_paratext": bool(rng.random() < 0.01),
        "is_xpac": False,
        "concepts": [
            {"id": f"{ADDRESS}C{k}", "display_name": f"c{k}", "level": 1, "score": 0.5}
            for k in rng.integers(1, 9999, 8)
        ],
        "primary_topic": topic,
        "referenced_works": many(int(rng.integers(0, 40))),
        "related_works": many(10),
        "abstract_inverted_index": abstract,
        "updated_date": "2024-05-01T00:00:00.000000",
    }


def _authorship(rng: np.random.Generator, institutions: int) -> dict[str, Any]:
    named = [int(k) for k in rng.integers(1, institutions + 1, rng.choice([0, 1, 1, 1, 1, 2, 3]))]
    raw = [f"Department {k}, Institution {k}, City, Country" for k in named]
    return {
        "author_position": "middle",
        "author": {"id": f"{ADDRESS}A{rng.integers(5e9, 6e9)}", "display_name": "A. Name"},
        "institutions": [
            {
                "id": f"{ADDRESS}I{k}",
                "display_name": f"Institution {k}",
                "ror": f"https://ror.org/0{k:08d}",
                "country_code": "US",
                "type": "education",
                "lineage": [f"{ADDRESS}I{k}"],
            }
            for k in named
        ],
        "countries": ["US"] if named else [],
        "raw_affiliation_strings": raw,
        "affiliations": [{"raw_affiliation_string": text, "institution_ids": []} for text in raw],
    }


def read_by_duckdb(works: Sequence[Path]) -> int:
    """Parse the keys of works that the source reads, all files at once, and drop them."""
    import duckdb

    from geoclusters.addresses.sources.openalex_works import (
        BYTES_PER_OBJECT,
        WorksOptions,
        works_query,
    )

    _, columns = works_query(b'"primary_topic"', WorksOptions())
    query = "SELECT * FROM read_ndjson($files, columns = $columns, maximum_object_size = $bytes)"
    given = {"files": [str(w) for w in works], "columns": columns, "bytes": BYTES_PER_OBJECT}
    reader = duckdb.sql(query, params=given).to_arrow_reader(1 << 13)
    return sum(batch.num_rows for batch in reader)


def read_by_us(works: Sequence[Path], institutions: Sequence[Path], *, cells: bool) -> int:
    """Read addresses, and look up their cells."""
    from geoclusters import latlng_to_cells
    from geoclusters.addresses.sources import Request
    from geoclusters.addresses.sources.openalex import FORMAT

    rows = 0
    for batch in FORMAT.read(Request([*works, *institutions])):
        rows += batch.num_rows
        if cells:
            placed = batch.filter(batch.column("lat").is_valid())
            latlng_to_cells(placed.column("lat").to_numpy(), placed.column("lon").to_numpy(), 8)
    return rows


def run_way(way: str, folder: Path) -> None:
    works = sorted((folder / "data/works").glob("*/*.gz"))
    institutions = sorted((folder / "data/institutions").glob("*/*.gz"))
    ways = {
        "parse": lambda: read_by_duckdb(works),
        "addresses": lambda: read_by_us(works, institutions, cells=False),
        "cells": lambda: read_by_us(works, institutions, cells=True),
    }
    rows = ways[way]()
    print(json.dumps({"rows": rows}))


def measure(way: str, folder: Path) -> dict[str, float]:
    """Run one way as a process and give what it took."""
    command = [sys.executable, __file__, "--way", way, "--folder", str(folder)]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        answer = json.loads(process.stdout.read())  # type: ignore[union-attr]
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    cpu = used.ru_utime + used.ru_stime
    return {"wall": wall, "cpu": cpu, "peak_mib": used.ru_maxrss / 1024, **answer}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--works", type=float, default=1e5)
    parser.add_argument("--institutions", type=float, default=110_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the snapshot is written and kept")
    parser.add_argument("--way", choices=WAYS, help="run one way only, in this process")
    given = parser.parse_args()
    if given.way:
        run_way(given.way, given.folder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        if not (folder / "data/works").is_dir():
            write_world(folder, int(given.works), int(given.institutions))
        compare(folder, given.runs)


def write_world(folder: Path, works: int, institutions: int) -> None:
    each = -(-works // PARTS)
    parts = {
        f"2024-05-{part + 1:02d}/part_000": make_works(
            min(each, works - part * each), institutions, part, first=part * each + 1
        )
        for part in range(PARTS)
    }
    files, _ = write_snapshot(folder, parts, make_institutions(institutions, seed=0))
    print(f"works: {works}, {sum(f.stat().st_size for f in files) / 2**20:.0f} MiB packed")


def compare(folder: Path, runs: int) -> None:
    """Print the median of each way, in turn, so that a slow spell of the machine hits all alike."""
    taken: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(runs):
        for way in WAYS:
            taken[way].append(measure(way, folder))
    alone = float(np.median([t["wall"] for t in taken["parse"]]))
    for way, several in taken.items():
        wall, cpu, peak = (
            float(np.median([t[k] for t in several])) for k in ("wall", "cpu", "peak_mib")
        )
        rows = int(several[0]["rows"])
        print(
            f"{way:10} {wall:7.2f} s wall {cpu:7.2f} s cpu {peak:7.0f} MiB {rows:9d} rows "
            f"{wall / alone:5.2f} x parse"
        )


if __name__ == "__main__":
    main()
