"""Write geoclusters/cells/kernel_tables.py by asking the installed h3 library.

H3 lays hexagon grids on the 20 faces of an icosahedron. Geometry alone does not tell how H3 turned
that icosahedron on the Earth, which number each coarsest cell has, and how the digits of a cell are
turned on each face. All three are asked of the library: the icosahedron from the centres of the
twelve pentagons, the rest from the cells of many points, whose plain geometry is worked out below,
slowly and independently of the fast kernel.

Run: python scripts/build_h3_tables.py
"""

from __future__ import annotations

import itertools
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt

TARGET = Path(__file__).parents[1] / "geoclusters" / "cells" / "kernel_tables.py"
GOLDEN = (1 + 5**0.5) / 2
OMEGA = np.exp(2j * np.pi / 3)
DIRECTIONS = {0: 0, 1: -1 - OMEGA, 2: OMEGA, 3: -1, 4: 1, 5: -OMEGA, 6: 1 + OMEGA}
COUNTERCLOCKWISE = {0: 0, 1: 5, 5: 4, 4: 6, 6: 2, 2: 3, 3: 1}
SAMPLE_RES = 7

HEADER = '''"""How H3 lies on the Earth: written by scripts/build_h3_tables.py, not to be edited."""

# fmt: off
from __future__ import annotations

'''

Vector = npt.NDArray[np.float64]
Table = dict[tuple[int, int, int], tuple[int, list[str]]]


def unit(lat: npt.ArrayLike, lng: npt.ArrayLike) -> Vector:
    """Points on the sphere as unit vectors, in the last axis."""
    phi, lam = np.radians(lat), np.radians(lng)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def degrees(points: Vector) -> tuple[Vector, Vector]:
    """Vectors of any length as latitude and longitude."""
    lat = np.arctan2(points[:, 2], np.hypot(points[:, 0], points[:, 1]))
    return np.degrees(lat), np.degrees(np.arctan2(points[:, 1], points[:, 0]))


def canonical_vertices() -> Vector:
    """Corners of the icosahedron that has its symmetry planes on x = 0, y = 0 and z = 0."""
    signs = itertools.product((1, -1), (1, -1))
    corners = [(0, s, t * GOLDEN) for s, t in signs]
    turned = [c[k:] + c[:k] for c in corners for k in range(3)]
    return np.array(turned) / np.hypot(1, GOLDEN)


def find_frame() -> Vector:
    """Rotation from Earth to the canonical icosahedron: best fit to the pentagons' centres."""
    earth = unit(*np.transpose([h3.cell_to_latlng(c) for c in sorted(h3.get_pentagons(0))]))
    ours = canonical_vertices()
    # A rotation is fixed by where it takes two neighbouring corners.
    first = earth[0]
    second = earth[np.flatnonzero(np.isclose(earth @ first, 5**-0.5))[0]]
    start = np.stack([first, second, np.cross(first, second)])
    goal_first = np.array([0, 1, GOLDEN]) / np.hypot(1, GOLDEN)
    goal_second = np.array([0, -1, GOLDEN]) / np.hypot(1, GOLDEN)
    goal = np.stack([goal_first, goal_second, np.cross(goal_first, goal_second)])
    rough = goal.T @ np.linalg.inv(start.T)
    partner = np.argmax((earth @ rough.T) @ ours.T, axis=1)
    left, _, right = np.linalg.svd(ours[partner].T @ earth)
    frame = left @ right
    assert np.linalg.det(frame) > 0
    assert np.abs(earth @ frame.T - ours[partner]).max() < 1e-14
    return frame


def chart_axes() -> tuple[Vector, Vector, Vector]:
    """Centre, first and second axis of the 32 charts: 4 faces, mirrored into the 8 octants."""
    low, corner = 1 / GOLDEN, np.array([GOLDEN, 0, 1.0])
    centres = np.array([(1, 1, 1), (low, 0, GOLDEN), (GOLDEN, low, 0), (0, GOLDEN, low)]) / 3**0.5
    corners = np.stack([corner, corner, np.roll(corner, 1), np.roll(corner, 2)])
    axes = []
    for octant in range(8):
        signs = np.array([1 - 2 * (octant >> axis & 1) for axis in range(3)])
        middle = centres * signs
        along = corners * signs
        along = along - np.sum(along * middle, axis=1, keepdims=True) * middle
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        axes.append((middle, along, np.cross(middle, along)))
    centre, along, across = (np.stack(a, axis=1).reshape(32, 3) for a in zip(*axes, strict=True))
    return centre, along, across


def choose_chart(points: Vector) -> npt.NDArray[np.int64]:
    """Choose the chart of each point: 8 times the kind of face, plus the octant."""
    centre = chart_axes()[0]
    octant = (points < 0) @ np.array([1, 2, 4])
    dots = np.einsum("nk,nck->nc", points, centre.reshape(4, 8, 3).transpose(1, 0, 2)[octant])
    return np.argmax(dots, axis=1) * 8 + octant


def nearest_hexagon(z: npt.NDArray[np.complex128]) -> npt.NDArray[np.complex128]:
    """Find the lattice point (i + j omega) nearest to each z, by trying those around it."""
    j = np.floor(z.imag / OMEGA.imag)
    i = np.floor(z.real + j / 2)
    tries = np.stack([(i + di) + (j + dj) * OMEGA for di in (-1, 0, 1, 2) for dj in (0, 1)])
    return np.take_along_axis(tries, np.argmin(np.abs(tries - z), axis=0)[None], axis=0)[0]


def plain_cells(points: Vector, res: int) -> tuple[npt.NDArray[np.int64], ...]:
    """Chart, coarsest lattice point (i, j) and digits, before H3 numbers and turns them."""
    chart = choose_chart(points)
    centre, along, across = (axis[chart] for axis in chart_axes())
    depth = np.sum(points * centre, axis=1)
    plane = (np.sum(points * along, axis=1) + 1j * np.sum(points * across, axis=1)) / depth
    # A corner of the face lies two coarsest spacings from its centre.
    corner_tangent = 2 * (3 - 5**0.5) / 2
    steps = [(2 - OMEGA) if r % 2 else 7 / (2 - OMEGA) for r in range(1, res + 1)]
    z = nearest_hexagon(plane * 2 / corner_tangent * np.prod(steps))
    digits = np.zeros((len(points), res), dtype=np.int64)
    spokes = np.array([complex(DIRECTIONS[d]) for d in range(7)])
    for r in range(res, 0, -1):
        parent = nearest_hexagon(z / steps[r - 1])
        gap = z - parent * steps[r - 1]
        digits[:, r - 1] = np.argmin(np.abs(gap[:, None] - spokes), axis=1)
        z = parent
    j = np.rint(z.imag / OMEGA.imag)
    return chart, np.rint(z.real + j / 2).astype(np.int64), j.astype(np.int64), digits


def samples(frame: Vector) -> Vector:
    """Points everywhere, and more of them along the icosahedron's edges and around its corners."""
    rng = np.random.default_rng(0)
    everywhere = rng.normal(size=(400_000, 3))
    corners = canonical_vertices()
    pairs = np.argwhere(np.isclose(corners @ corners.T, 5**-0.5))
    a, b = corners[pairs[rng.integers(len(pairs), size=600_000)]].transpose(1, 0, 2)
    share = rng.random((600_000, 1))
    near = a * share + b * (1 - share)
    near += rng.normal(size=near.shape) * 10 ** rng.uniform(-4, -1.5, size=(600_000, 1))
    around = corners[rng.integers(12, size=200_000)]
    around = around + rng.normal(size=around.shape) * 10 ** rng.uniform(-4, -1, (200_000, 1))
    return np.concatenate([everywhere @ frame, near @ frame, around @ frame])


def ask(frame: Vector) -> Table:
    """Find the base cell of each chart's coarsest lattice points, and the turns of their digits."""
    points = samples(frame)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    lat, lng = degrees(points)
    cells = np.array([h3.latlng_to_cell(*p, SAMPLE_RES) for p in zip(lat, lng, strict=True)])
    chart, i, j, plain = plain_cells(points @ frame.T, SAMPLE_RES)
    theirs = np.stack([cells >> 3 * (15 - r) & 7 for r in range(1, SAMPLE_RES + 1)], axis=1)
    turned = [plain]
    step = np.array([COUNTERCLOCKWISE[d] for d in range(7)])
    for _ in range(5):
        turned.append(step[turned[-1]])
    fits = (np.stack(turned) == theirs).all(axis=2)
    leading = plain[np.arange(len(plain)), np.argmax(plain > 0, axis=1)]
    keys = np.stack([chart, i, j, leading, cells >> 45 & 127], axis=1)
    return collect(keys[leading > 0], fits[:, leading > 0])


def collect(keys: npt.NDArray[np.int64], fits: npt.NDArray[np.bool_]) -> Table:
    """One row per chart and lattice point; refuses evidence that contradicts itself."""
    # A point within rounding of a hexagon's edge may fall to either side: such points say nothing.
    explained = fits.any(axis=0)
    assert (~explained).sum() < 5, (~explained).sum()
    rows, which = np.unique(keys[explained], axis=0, return_inverse=True)
    order = np.argsort(which.ravel(), kind="stable")
    starts = np.searchsorted(which.ravel()[order], np.arange(len(rows)))
    agreed = np.logical_and.reduceat(fits[:, explained][:, order], starts, axis=1)
    assert (agreed.sum(axis=0) == 1).all()
    table: Table = {}
    for (chart, i, j, leading, base), turns in zip(rows, np.argmax(agreed, axis=0), strict=True):
        entry = table.setdefault((chart, i, j), (int(base), ["."] * 6))
        assert entry[0] == base, (chart, i, j, entry, base)
        entry[1][leading - 1] = str(turns)
    for base, turns_by_digit in table.values():
        if not h3.is_pentagon(base_to_cell(base)):
            (only,) = set(turns_by_digit) - {"."}
            turns_by_digit[:] = only * 6
    return table


def base_to_cell(base: int) -> int:
    """Make the resolution 0 cell of a base cell number."""
    return 1 << 59 | base << 45 | (1 << 45) - 1


def render(frame: Vector, table: Table) -> str:
    """Write the module's text."""
    lines = [HEADER, "FRAME = (\n"]
    lines += [f"    ({', '.join(repr(float(v)) for v in row)}),\n" for row in frame]
    lines += [
        ")\n",
        '"""Axes of the icosahedron\'s own frame as rows, on the Earth (z is north)."""\n\n',
        'CHARTS = """\n',
    ]
    for chart in range(32):
        for i in range(-2, 3):
            entries = [table.get((chart, i, j)) for j in range(-2, 3)]
            words = ["." if e is None else f"{e[0]}/{''.join(e[1])}" for e in entries]
            lines.append(" ".join(words) + "\n")
        lines.append("\n" if chart < 31 else "")
    lines += [
        '"""\n',
        '"""32 charts of 5 rows (i from -2) of 5 entries (j from -2): the base cell, then the\n',
        "counter-clockwise turns of its digits by 60 degrees, one for each leading digit 1 to 6.\n",
        'A dot stands where no point of the chart is met."""\n',
    ]
    return "".join(lines)


if __name__ == "__main__":
    found_frame = find_frame()
    TARGET.write_text(render(found_frame, ask(found_frame)), encoding="utf-8")
    print(f"wrote {TARGET}")
