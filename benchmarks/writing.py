"""Sections of the results: tables of costs with ratios, cost of a row as a table grows, marks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from measuring import Cost


TIMES: Final = "\N{MULTIPLICATION SIGN}"


class Mark(NamedTuple):
    """What is asked of a measure, and what was found; `met` is None where this run was too small to tell."""

    what: str
    asked: str
    found: str
    met: bool | None


@dataclass
class Section:
    """A part of the results: a title, what is measured, tables with their captions, and marks."""

    title: str
    text: str
    parts: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    def add(self, caption: str, *parts: str) -> None:
        """Add tables or sentences below a caption."""
        self.parts.append("\n\n".join([f"### {caption}", *(p for p in parts if p)]))

    def markdown(self) -> str:
        """Give the whole section."""
        return "\n\n".join([f"## {self.title}", self.text.strip(), *self.parts])


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """
    Give a table in Markdown, numbers to the right.

    Examples
    --------
    >>> print(table(["way", "s"], [["one", "1"]]))
    | way | s |
    |---|--:|
    | one | 1 |
    """
    lines = [heads, *rows]
    lines.insert(1, ["---", *["--:"] * (len(heads) - 1)])
    drawn = [f"| {' | '.join(line)} |" for line in lines]
    drawn[1] = drawn[1].replace(" ", "")
    return "\n".join(drawn)


def cost_table(
    costs: Mapping[str, Cost],
    *,
    base: str,
    more: Mapping[str, Callable[[Cost], float]] | None = None,
) -> str:
    """Give times and memory of each way, each with how many times that of `base` it is."""
    measures: dict[str, Callable[[Cost], float]] = {
        "wall s": lambda c: c.wall_s,
        "CPU s": lambda c: c.cpu_s,
        "peak MiB": lambda c: c.peak_mib,
        **(more or {}),
    }
    heads = ["way", *(part for name in measures for part in (name, TIMES)), "runs"]
    rows = []
    for name, cost in costs.items():
        if cost.died:
            rows.append([name, cost.died, *[""] * (len(heads) - 2)])
            continue
        pairs = ((measure(cost), measure(costs[base])) for measure in measures.values())
        cells = [part for value, own in pairs for part in (number(value), ratio(value, own))]
        rows.append([name, *cells, str(cost.runs)])
    return table(heads, rows)


def growth_table(
    every: Mapping[int, Mapping[str, Cost]], start: Mapping[str, Cost], names: Sequence[str]
) -> str:
    """Give the cost of a row at each size, less the start, and how much dearer it is at the largest."""
    sizes = sorted(every)
    heads = ["way", "start s"]
    heads += [f"{kind} µs a row, {count(n)}" for kind in ("wall", "CPU") for n in sizes]
    heads += [f"wall {TIMES}", f"CPU {TIMES}"] if len(sizes) > 1 else []
    rows = []
    for name in names:
        if any(name not in every[n] or every[n][name].died for n in sizes):
            continue
        wall = [(every[n][name].wall_s - start[name].wall_s) / n * 1e6 for n in sizes]
        cpu = [(every[n][name].cpu_s - start[name].cpu_s) / n * 1e6 for n in sizes]
        ratios = [ratio(wall[-1], wall[0]), ratio(cpu[-1], cpu[0])] if len(sizes) > 1 else []
        rows.append([name, number(start[name].wall_s), *map(number, [*wall, *cpu]), *ratios])
    return table(heads, rows)


def number(value: float) -> str:
    """
    Give a number in three figures.

    Examples
    --------
    >>> number(0.01234), number(1.234), number(123.4), number(12345)
    ('0.0123', '1.23', '123', '12,345')
    """
    if not value:
        return "0"
    if abs(value) < 1:
        return f"{value:.3g}"
    return (
        f"{value:.2f}"
        if abs(value) < 10
        else f"{value:.1f}"
        if abs(value) < 100
        else f"{value:,.0f}"
    )


def ratio(value: float, base: float) -> str:
    """Give how many times `base` a value is."""
    return number(value / base) if base > 0 else ""


def count(n: int) -> str:
    """
    Give a size in words that are short.

    Examples
    --------
    >>> count(10_000_000), count(612_883)
    ('1e7', '612,883')
    """
    power = len(str(n)) - 1
    return f"1e{power}" if n == 10**power and n >= 10_000 else f"{n:,}"


def at_least(what: str, asked: float, found: float | None, *, enough: bool = True) -> Mark:
    """Give the mark of a ratio that should be large; `enough` tells whether the size is the one that it is asked of."""
    met = None if found is None or not enough else found >= asked
    return Mark(
        what, f"≥ {asked:g} {TIMES}", "" if found is None else f"{number(found)} {TIMES}", met
    )


def at_most(
    what: str, asked: float, found: float | None, unit: str = TIMES, *, enough: bool = True
) -> Mark:
    """Give the mark of a measure that should be small."""
    met = None if found is None or not enough else found <= asked
    return Mark(
        what, f"≤ {asked:g} {unit}", "" if found is None else f"{number(found)} {unit}", met
    )
