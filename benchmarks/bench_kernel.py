"""Points to H3 cells: the kernel against what a user would otherwise pick, on one processor.

    python benchmarks/bench_kernel.py --size 1e7

Every way converts the same points in blocks of a million, spread over the sphere and crowded around cities, at
resolutions 8 and 15. Every cell is compared with that of the h3 library before a time is shown. The times of each set
are those of the calls alone, which is what a caller sees who has the points in memory; the whole process is loading,
all four sets, and writing the cells. Before that, the kernel answers points made to be difficult, at all 16
resolutions: on edges and corners of hexagons, around pentagons, along the icosahedron, at the poles and the date line.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import measuring
import numpy as np
import points
from measuring import FEW, Bench, Cost, script
from writing import Mark, Section, at_least, cost_table, count, number, ratio, table

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Points = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
    Cells = npt.NDArray[np.uint64]
    Convert = Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64], int], Cells]

OURS: Final = "geoclusters"
H3: Final = "h3, a loop"
H3RONPY: Final = "h3ronpy"
POLARS: Final = "polars-h3"
SETS: Final = [(kind, res) for kind in ("sphere", "cities") for res in (8, 15)]
MOST_BESIDE_OTHERS: Final = 25_000_000
"""Points where this is one of several measures; the four sets of them are a hundred million."""
HOSTILE_PART: Final = 0.2
SEED: Final = 1


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
    import h3.api.basic_int as h3

    return vectors(np.array([h3.cell_to_latlng(c) for c in cells]))


def sphere(rng: np.random.Generator, n: int) -> Points:
    """Evenly on the sphere."""
    return degrees(rng.normal(size=(n, 3)))


def edges(rng: np.random.Generator, n: int, res: int) -> Points:
    """Corners, middles and other points of the edges of random cells, some nudged off them."""
    import h3.api.basic_int as h3

    found = []
    for lat, lng in zip(*sphere(rng, n // 60 + 1), strict=True):
        ring = vectors(np.array(h3.cell_to_boundary(h3.latlng_to_cell(lat, lng, res))))
        share = np.concatenate([[0, 0, 0.5, 0.5], rng.random(6)])[:, None, None]
        found.append((ring * (1 - share) + np.roll(ring, -1, axis=0) * share).reshape(-1, 3))
    points = np.concatenate(found)[:n]
    size = 10 ** rng.uniform(-18, -7, size=(len(points), 1))
    points += rng.normal(size=points.shape) * size * rng.integers(2, size=(len(points), 1))
    return degrees(points)


def icosahedron(rng: np.random.Generator, n: int) -> Points:
    """Around its corners, edges and the centres of its faces, from 1e-17 to 1e-1 away."""
    import h3.api.basic_int as h3

    corners = vectors_of(sorted(h3.get_pentagons(0)))
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
    import h3.api.basic_int as h3

    middles = vectors_of(sorted(h3.get_pentagons(res)))[rng.integers(12, size=n)]
    width = 0.6 / 7 ** (res / 2)
    return degrees(middles + rng.normal(size=(n, 3)) * width * rng.uniform(0, 3, size=(n, 1)))


def seams(rng: np.random.Generator, n: int) -> Points:
    """Poles, date line, equator, whole degrees, and longitudes beyond the usual range."""
    lat = rng.choice([90.0, -90.0, 0.0, -0.0, 45.0, *range(-90, 91)], size=n)
    lng = rng.choice([180.0, -180.0, 0.0, -0.0, 90.0, 540.0, 1e4, *range(-360, 361)], size=n)
    tiny = rng.normal(size=(2, n)) * 10 ** rng.uniform(-17, -3, size=n) * rng.integers(2, size=n)
    return np.clip(lat + tiny[0], -90, 90), lng + tiny[1]


def h3_loop() -> Convert:
    """Ask the h3 library point by point: the reference."""
    import h3.api.basic_int as h3

    def convert(lat: Any, lng: Any, res: int) -> Cells:  # noqa: ANN401
        one = h3.latlng_to_cell
        pairs = zip(lat.tolist(), lng.tolist(), strict=True)
        return np.fromiter((one(a, b, res) for a, b in pairs), dtype=np.uint64, count=len(lat))

    return convert


def kernel(n_threads: int = 1) -> Convert:
    from geoclusters import latlng_to_cells

    return lambda lat, lng, res: latlng_to_cells(lat, lng, res, n_threads=n_threads)


def by_h3ronpy() -> Convert:
    from h3ronpy.vector import coordinates_to_cells

    return lambda lat, lng, res: np.asarray(coordinates_to_cells(lat, lng, res))


def by_polars() -> Convert:
    import polars as pl
    import polars_h3

    def convert(lat: Any, lng: Any, res: int) -> Cells:  # noqa: ANN401
        table = pl.DataFrame({"lat": lat, "lng": lng})
        cell = polars_h3.latlng_to_cell("lat", "lng", res, return_dtype=pl.UInt64)
        return table.select(cell=cell)["cell"].to_numpy()

    return convert


WAYS: Final = {OURS: kernel, H3RONPY: by_h3ronpy, POLARS: by_polars, H3: h3_loop}


def convert_all(name: str, sphere: str, cities: str, folder: str) -> dict[str, float]:
    """Convert every set, write its cells, and tell the time of the calls alone."""
    convert, files, told = WAYS[name](), {"sphere": sphere, "cities": cities}, {}
    for kind, res in SETS:
        places = points.read_pairs(files[kind])
        with (Path(folder) / f"{kind}-{res}.bin").open("wb") as target:
            clock = _timed(convert, places, res, target)
        told |= {f"{kind} {res} wall_s": clock[0], f"{kind} {res} cpu_s": clock[1]}
    return told


def _timed(convert: Convert, places: Any, res: int, target: Any) -> tuple[float, float]:  # noqa: ANN401
    wall = cpu = 0.0
    convert(places[:1, 0], places[:1, 1], res)  # what the first call prepares
    for start in range(0, len(places), points.BLOCK):
        lat, lng = np.ascontiguousarray(places[start : start + points.BLOCK].T)
        before = time.perf_counter(), time.process_time()
        cells = convert(lat, lng, res)
        wall += time.perf_counter() - before[0]
        cpu += time.process_time() - before[1]
        if target is not None:
            cells.tofile(target)
    return wall, cpu


def in_threads(n_threads: str, cities: str) -> dict[str, float]:
    """Convert the points of the cities by some threads."""
    wall, cpu = _timed(kernel(int(n_threads)), points.read_pairs(cities), 8, None)
    return {"work_s": wall, "work_cpu_s": cpu}


def compare(one: str, *others: str) -> dict[str, Any]:
    """Count the points whose cells differ from those of one result, over all sets."""
    return {"different": [_different(Path(one), Path(other)) for other in others]}


def _different(one: Path, other: Path) -> int:
    different = 0
    for kind, res in SETS:
        name = f"{kind}-{res}.bin"
        a, b = (np.memmap(folder / name, dtype=np.uint64, mode="r") for folder in (one, other))
        if len(a) != len(b):
            raise ValueError(f"{name}: {len(a)} cells against {len(b)}")
        for start in range(0, len(a), points.BLOCK):
            part = slice(start, start + points.BLOCK)
            different += int((a[part] != b[part]).sum())
    return different


def hostile(n: str) -> dict[str, int]:
    """Compare on difficult points over all resolutions; tell how many were compared."""
    rng = np.random.default_rng(SEED)
    ours, reference = kernel(), h3_loop()
    compared = different = 0
    each = max(int(n) // (16 * 4), 100)
    for res in range(16):
        sets = (
            edges(rng, each, res),
            icosahedron(rng, each),
            pentagons(rng, each, res),
            seams(rng, each),
        )
        for lat, lng in sets:
            different += int((ours(lat, lng, res) != reference(lat, lng, res)).sum())
            compared += len(lat)
    return {"different": different, "compared": compared}


def centres(n: str) -> dict[str, float]:
    """Go the way back, from cells to their centres, and compare with the h3 library."""
    import h3.api.basic_int as h3

    from geoclusters.cells.kernel import cell_centers

    lat, lng = next(points.sphere(int(n)))
    cells = kernel()(lat, lng, 8)
    cell_centers(cells[:1])
    start = time.process_time()
    reference = np.array([h3.cell_to_latlng(c) for c in cells.tolist()])
    middle = time.process_time()
    lat, lng = cell_centers(cells)
    end = time.process_time()
    apart = np.abs(lng - reference[:, 1])
    worst = max(np.abs(lat - reference[:, 0]).max(), np.minimum(apart, 360 - apart).max())
    return {"h3_cpu_s": middle - start, "ours_cpu_s": end - middle, "worst_degrees": float(worst)}


def measured(bench: Bench, *, most: int = MOST_BESIDE_OTHERS) -> Section:
    """Measure at the largest size, but for `most`."""
    section = Section("Points to cells: `latlng_to_cells`", __doc__.split("\n\n", 2)[2])
    n = min(bench.sizes[-1], most)
    _costs(bench, FEW, runs=1)
    costs = _costs(bench, n, runs=1)
    difficult = bench.ask(script(__file__, "hostile", int(min(n, 10_000_000) * HOSTILE_PART)))
    section.add(
        f"{count(n)} points, one core, CPU seconds of the calls",
        _sets_table(costs),
        f"Cells that differ from those of the h3 library: 0 of {4 * n:,}, and {difficult['different']} "
        f"of {difficult['compared']:,} difficult points.",
    )
    section.add("Whole processes", cost_table(costs, base=OURS))
    section.add("Threads", _threads(bench, n))
    section.add("Cells to their centres", _centres(bench, n))
    section.marks = _marks(costs, difficult, n)
    return section


def _costs(bench: Bench, n: int, *, runs: int) -> dict[str, Cost]:
    """Run every way, then compare the cells with those of the h3 library; of one that differs no time is kept."""
    folder = bench.clean_folder("kernel")
    files = [bench.points(kind, n) for kind in ("sphere", "cities")]
    results = {name: folder / f"{number}" for number, name in enumerate(WAYS)}
    for result in results.values():
        result.mkdir()
    ways = {name: script(__file__, name, *files, results[name], cores=1) for name in WAYS}
    costs = bench.measure(ways, runs=runs)
    found = bench.ask(script(__file__, "compare", results[H3], *results.values()))
    for name, different in zip(WAYS, found["different"], strict=True):
        if different:
            costs[name] = Cost(0, 0, 0, died=f"{different} of {4 * n} cells differ")
    shutil.rmtree(folder)
    return costs


def _sets_table(costs: dict[str, Cost]) -> str:
    heads, rows = ["way"], []
    for kind, res in SETS:
        heads += [f"{kind}, res {res}", "\N{MULTIPLICATION SIGN}"]
    for name, cost in costs.items():
        row = [name]
        for kind, res in SETS:
            key = f"{kind} {res} cpu_s"
            base = costs[OURS].told.get(key, 0.0)
            row += (
                [cost.died, ""]
                if cost.died
                else [number(cost.told[key]), ratio(cost.told[key], base)]
            )
        rows.append(row)
    return table(heads, rows)


def _threads(bench: Bench, n: int) -> str:
    ways = {
        f"{k} thread{'s' * (k > 1)}": script(
            __file__, "threads", k, bench.points("cities", n), cores=k
        )
        for k in (1, 2)
    }
    costs = bench.measure(ways, runs=1 if bench.brief else 3)
    base = next(iter(costs.values())).told["work_s"]
    rows = [
        [
            name,
            number(c.told["work_s"]),
            number(c.told["work_cpu_s"]),
            ratio(base, c.told["work_s"]),
        ]
        for name, c in costs.items()
    ]
    return table(["cities, res 8", "wall s of the calls", "CPU s", "times as fast"], rows)


def _centres(bench: Bench, n: int) -> str:
    size = min(n, points.BLOCK)
    told = bench.ask(script(__file__, "centres", size, cores=1))
    rows = [
        [OURS, number(told["ours_cpu_s"]), "1.00"],
        [H3, number(told["h3_cpu_s"]), ratio(told["h3_cpu_s"], told["ours_cpu_s"])],
    ]
    drawn = table(["way", "CPU s", "\N{MULTIPLICATION SIGN}"], rows)
    return f"{drawn}\n\n{size:,} cells of resolution 8; at most {told['worst_degrees']:.1e} degrees apart."


def _marks(costs: dict[str, Cost], difficult: dict[str, Any], n: int) -> list[Mark]:
    ours, peer = costs[OURS], costs[H3RONPY]
    found = None
    if not (ours.died or peer.died):
        keys = [f"{kind} {res} cpu_s" for kind, res in SETS]
        found = min(peer.told[key] / ours.told[key] for key in keys)
    wrong = int(ours.died.split()[0]) if ours.died else 0
    wrong += difficult["different"]
    return [
        at_least(
            f"{count(n)} points to cells against h3ronpy, one core, the least of four", 5, found
        ),
        Mark(
            f"cells that differ from h3's, of {4 * n + difficult['compared']:,} points",
            "0",
            f"{wrong}",
            wrong == 0,
        ),
    ]


def main() -> None:
    """Work as a child, or measure and print."""
    children = {name: lambda *given, name=name: convert_all(name, *given) for name in WAYS}
    more = {"compare": compare, "hostile": hostile, "threads": in_threads, "centres": centres}
    if not measuring.answer({**children, **more}):
        measuring.standalone(lambda bench: measured(bench, most=bench.most), __doc__)


if __name__ == "__main__":
    main()
