"""Points to H3 cells: the kernel against what a user would otherwise pick, on one processor.

Every way gets the same seeded points in one run. First each one's cells are compared with the h3
library's, one by one; only then is its time shown. Points made to be difficult come before that:
on the edges of hexagons, around pentagons, along the icosahedron, at the poles and the date line.

    python benchmarks/bench_kernel.py --points 1e7
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator

import h3
import h3.api.basic_int as h3_int
import numpy as np
import numpy.typing as npt

from geoclusters.cells.kernel import cell_centers, latlng_to_cells

# Some peers would start a thread for each processor; both read this when they are imported.
os.environ |= {"POLARS_MAX_THREADS": "1", "RAYON_NUM_THREADS": "1"}

Points = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
Way = Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64], int], npt.NDArray[np.uint64]]


def degrees(vectors: npt.NDArray[np.float64]) -> Points:
    """Vectors of any length as latitude and longitude."""
    x, y, z = vectors.T
    return np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))


def vectors(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rows of latitude and longitude as unit vectors."""
    lat, lng = np.radians(points.T)
    return np.stack([np.cos(lat) * np.cos(lng), np.cos(lat) * np.sin(lng), np.sin(lat)], axis=1)


def vectors_of(cells: list[int]) -> npt.NDArray[np.float64]:
    """Centres of cells as unit vectors."""
    return vectors(np.array([h3_int.cell_to_latlng(c) for c in cells]))


def sphere(rng: np.random.Generator, n: int) -> Points:
    """Evenly on the sphere."""
    return degrees(rng.normal(size=(n, 3)))


def cities(rng: np.random.Generator, n: int) -> Points:
    """Crowded around a thousand places, as addresses are."""
    lat, lng = sphere(rng, 1000)
    which = rng.integers(1000, size=n)
    spread = rng.normal(size=(2, n)) * 0.1
    return np.clip(lat[which] + spread[0], -90, 90), lng[which] + spread[1]


def edges(rng: np.random.Generator, n: int, res: int) -> Points:
    """Corners, middles and other points of the edges of random cells, some nudged off them."""
    found = []
    for lat, lng in zip(*sphere(rng, n // 60 + 1), strict=True):
        ring = vectors(np.array(h3_int.cell_to_boundary(h3_int.latlng_to_cell(lat, lng, res))))
        share = np.concatenate([[0, 0, 0.5, 0.5], rng.random(6)])[:, None, None]
        found.append((ring * (1 - share) + np.roll(ring, -1, axis=0) * share).reshape(-1, 3))
    points = np.concatenate(found)[:n]
    size = 10 ** rng.uniform(-18, -7, size=(len(points), 1))
    points += rng.normal(size=points.shape) * size * rng.integers(2, size=(len(points), 1))
    return degrees(points)


def icosahedron(rng: np.random.Generator, n: int) -> Points:
    """Around its corners, edges and the centres of its faces, from 1e-17 to 1e-1 away."""
    corners = vectors_of(sorted(h3_int.get_pentagons(0)))
    near = np.isclose(corners @ corners.T, 5**-0.5)
    pairs = np.argwhere(near)
    faces = [(a, b, c) for a, b in pairs for c in range(12) if near[a, c] and near[b, c]]
    a, b = corners[pairs[rng.integers(len(pairs), size=n)]].transpose(1, 0, 2)
    share = rng.random((n, 1))
    kinds = np.stack(
        [
            corners[rng.integers(12, size=n)],
            a * share + b * (1 - share),
            corners[np.array(faces)[rng.integers(len(faces), size=n)]].sum(axis=1) / 2.384,
        ]
    )
    points = kinds[rng.integers(3, size=n), np.arange(n)]
    points = points + rng.normal(size=(n, 3)) * 10 ** rng.uniform(-17, -1, size=(n, 1))
    return degrees(points)


def pentagons(rng: np.random.Generator, n: int, res: int) -> Points:
    """Within a few cells of the twelve pentagons."""
    centres = vectors_of(sorted(h3_int.get_pentagons(res)))[rng.integers(12, size=n)]
    width = 0.6 / 7 ** (res / 2)
    return degrees(centres + rng.normal(size=(n, 3)) * width * rng.uniform(0, 3, size=(n, 1)))


def seams(rng: np.random.Generator, n: int) -> Points:
    """Poles, date line, equator, whole degrees, and longitudes beyond the usual range."""
    lat = rng.choice([90.0, -90.0, 0.0, -0.0, 45.0, *range(-90, 91)], size=n)
    lng = rng.choice([180.0, -180.0, 0.0, -0.0, 90.0, 540.0, 1e4, *range(-360, 361)], size=n)
    tiny = rng.normal(size=(2, n)) * 10 ** rng.uniform(-17, -3, size=n) * rng.integers(2, size=n)
    return np.clip(lat + tiny[0], -90, 90), lng + tiny[1]


def h3_loop(
    lat: npt.NDArray[np.float64], lng: npt.NDArray[np.float64], res: int
) -> npt.NDArray[np.uint64]:
    """Ask the h3 library point by point: the reference."""
    one = h3_int.latlng_to_cell
    pairs = zip(lat.tolist(), lng.tolist(), strict=True)
    return np.fromiter((one(a, b, res) for a, b in pairs), dtype=np.uint64, count=len(lat))


def kernel(
    lat: npt.NDArray[np.float64], lng: npt.NDArray[np.float64], res: int
) -> npt.NDArray[np.uint64]:
    """Our own, on one thread."""
    return latlng_to_cells(lat, lng, res, n_threads=1)


def ways() -> Iterator[tuple[str, Way]]:
    """Whatever of the peers is installed, and the kernel."""
    yield "geoclusters", kernel
    try:
        from h3ronpy.vector import coordinates_to_cells

        yield "h3ronpy", lambda lat, lng, res: np.asarray(coordinates_to_cells(lat, lng, res))
    except ImportError:
        print("h3ronpy is not installed", file=sys.stderr)
    try:
        import polars as pl
        import polars_h3

        def with_polars(
            lat: npt.NDArray[np.float64], lng: npt.NDArray[np.float64], res: int
        ) -> npt.NDArray[np.uint64]:
            table = pl.DataFrame({"lat": lat, "lng": lng})
            cell = polars_h3.latlng_to_cell("lat", "lng", res, return_dtype=pl.UInt64)
            return table.select(cell=cell)["cell"].to_numpy()

        yield "polars-h3", with_polars
    except ImportError:
        print("polars-h3 is not installed", file=sys.stderr)


def timed(way: Way, points: Points, res: int, repeats: int) -> tuple[npt.NDArray[np.uint64], float]:
    """Cells, and the least processor time, which other programs on the machine disturb least."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        cells = way(*points, res)
        best = min(best, time.process_time() - start)
    return cells, best


def check_hostile(rng: np.random.Generator, n: int) -> int:
    """Compare on difficult points over all resolutions; return how many were compared."""
    compared = 0
    each = max(n // (16 * 4), 100)
    for res in range(16):
        sets = {
            "edges": edges(rng, each, res),
            "icosahedron": icosahedron(rng, each),
            "pentagons": pentagons(rng, each, res),
            "seams": seams(rng, each),
        }
        for name, points in sets.items():
            cells = kernel(*points, res)
            wrong = np.flatnonzero(cells != h3_loop(*points, res))
            if len(wrong):
                lat, lng = points[0][wrong[0]], points[1][wrong[0]]
                raise SystemExit(f"{name}, res {res}: {len(wrong)} differ: {lat!r}, {lng!r}")
            compared += len(cells)
    return compared


def bench_points(name: str, points: Points, res: int, repeats: int) -> None:
    """Compare and time every way on one set of points."""
    n = len(points[0])
    reference, took = timed(h3_loop, points, res, 1)
    times = {"h3 loop": took}
    for way_name, way in ways():
        way(points[0][:1], points[1][:1], res)  # compiling, loading
        cells, took = timed(way, points, res, repeats)
        different = int((cells != reference).sum())
        if different:
            print(f"{way_name}: {different} of {n} cells differ, no time shown")
        else:
            times[way_name] = took
    for way_name, took in times.items():
        ratio = took / times["geoclusters"]
        line = f"{n / took / 1e6:8.2f} million/s of processor time, {ratio:5.1f} times geoclusters'"
        print(f"{name:8} res {res:2}  {way_name:12} {line}", flush=True)


def bench_centers(rng: np.random.Generator, n: int, res: int) -> None:
    """Compare and time the way back."""
    cells = kernel(*sphere(rng, n), res)
    cell_centers(cells[:1])
    start = time.process_time()
    reference = np.array([h3_int.cell_to_latlng(c) for c in cells.tolist()])
    middle = time.process_time()
    lat, lng = cell_centers(cells)
    ours, took = time.process_time() - middle, middle - start
    apart = np.abs(lng - reference[:, 1])
    worst = max(np.abs(lat - reference[:, 0]).max(), np.minimum(apart, 360 - apart).max())
    if worst > 1e-9:
        raise SystemExit(f"centres differ by up to {worst} degrees")
    print(
        f"centres  res {res:2}  {n / ours / 1e6:.2f} million/s, {took / ours:.1f} times the h3 loop"
    )


def main() -> None:
    """Check, then time."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--points", type=float, default=1e6)
    parser.add_argument(
        "--hostile", type=float, help="difficult points; default a fifth of --points"
    )
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rng = np.random.default_rng(args.seed)
    n = int(args.points)
    print(f"h3 {h3.__version__}, numpy {np.__version__}, one processor, {n:.0e} points")
    compared = check_hostile(rng, int(args.hostile or n / 5))
    print(f"{compared} difficult points at 16 resolutions: 0 differences")
    for res in (8, 15):
        bench_points("sphere", sphere(rng, n), res, repeats=2)
    bench_points("cities", cities(rng, n), 8, repeats=2)
    bench_centers(rng, min(n, 1_000_000), 8)


if __name__ == "__main__":
    main()
