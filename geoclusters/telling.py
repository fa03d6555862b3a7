"""What the command line says: answers as tables or JSON on standard output, talk on standard error."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from geoclusters.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pandas as pd

    from geoclusters.results import Result

SHOWN_RANKS: Final = 10
TABLE_WIDTH: Final = 160
LONGEST_TEXT, LONGEST_NOTICE = 400, 1000
SOURCES_BESIDE: Final = 3
TALK: Final = Console(stderr=True)


def check(study: Path, *, as_json: bool) -> None:
    """Say what the first rows of every source hold."""
    from geoclusters.checking import check_heads  # noqa: PLC0415
    from geoclusters.study import read_study  # noqa: PLC0415

    found = check_heads(read_study(study))
    if as_json:
        print_json(found)
        return
    _print_table(found[0].keys(), [f.values() for f in found])
    typer.echo(f"{study}: the settings are sound and every source can be read")


def full_check(study: Path, out: Path | None, *, as_json: bool) -> None:
    """Say how far the addresses of every source can be trusted."""
    from geoclusters.auditing import audit, doubts, lines  # noqa: PLC0415
    from geoclusters.study import read_study  # noqa: PLC0415
    from geoclusters.wording import printable  # noqa: PLC0415

    found = audit(read_study(study), out)
    if as_json:
        print_json(found)
        return
    for start in range(0, len(found), SOURCES_BESIDE):
        beside = found[start : start + SOURCES_BESIDE]
        _print_table(["", *(row["metric"] for row in beside)], lines(beside))
        typer.echo("")
    for text in doubts(found):
        typer.echo(f"doubt: {printable(text, LONGEST_NOTICE)}")
    typer.echo(f"{study}: every row was read; {_counted(len(doubts(found)), 'doubt')}")


def _counted(n: int, what: str) -> str:
    return f"{n or 'no'} {what}{'' if n == 1 else 's'}"


def proposal(paths: Sequence[Path], *, as_json: bool) -> None:
    """Print a study for data files."""
    from geoclusters.proposing import propose_study  # noqa: PLC0415
    from geoclusters.wording import printable  # noqa: PLC0415

    proposal = propose_study(paths)
    if as_json:
        print_json(proposal.as_dict())
        return
    typer.echo(proposal.text, nl=False)
    target = printable(proposal.folder / "study.toml", LONGEST_NOTICE)
    TALK.print(f"to use it, save it as {target}", markup=False, soft_wrap=True)


def quick_boundaries(
    folder: Path,
    out: Path | None,
    changes: dict[str, float | None],
    resolution: str | None,
    *,
    as_json: bool,
) -> None:
    """Print the ranking with other boundaries, and write them if a folder is given."""
    from geoclusters.boundaries import FILE, as_rows, draw_boundaries  # noqa: PLC0415
    from geoclusters.compiling import no_linear_algebra  # noqa: PLC0415 - slow

    if resolution is not None:
        raise StudyError("--quick works on the cells as they are; leave --resolution out")
    with no_linear_algebra():
        found = draw_boundaries(folder, out, changes)
    if as_json:
        print_json({"boundaries": str(out / FILE) if out else None, "clusters": as_rows(found)})
        return
    shown = {name: found[name][:SHOWN_RANKS] for name in ("rank", "name", "area_km2", "score")}
    rows = [
        [str(rank), name, f"{area_km2:,.0f}", f"{score:.2%}"]
        for rank, name, area_km2, score in zip(*shown.values(), strict=True)
    ]
    _print_table(shown, rows)
    typer.echo(f"{len(found['rank'])} clusters" + (f"; boundaries: {out / FILE}" if out else ""))


def report(result: Result, *, as_json: bool) -> None:
    """Say what came out of a run and where it is."""
    from geoclusters.wording import (  # noqa: PLC0415
        changed_by_binning,
        changed_by_spreading,
        printable,
    )

    run = result.run
    if as_json:
        print_json({"folder": str(result.folder), "map": str(result.map_file), **run})
        return
    rows = [
        [
            str(r["rank"]),
            r["name"],
            r["economies"],
            *(f"{r[f'share_{m}']:.2%}" for m in result.metrics),
            f"{r['score']:.2%}",
        ]
        for _, r in result.clusters.head(SHOWN_RANKS).iterrows()
    ]
    _print_table(["rank", "name", "economies", *result.metrics, "score"], rows)
    for metric, told in run["documents"].items():
        TALK.print(
            f"{metric}: {told['window']:,.0f} documents, {told['in_clusters']:,.1f} in clusters, "
            f"{told['noise']:,.1f} outside, {told['unplaced']:,.1f} not placed",
            highlight=False,
        )
    if "exact" in run:
        TALK.print(changed_by_binning(run["exact"]), highlight=False)
    if "spread" in run:
        TALK.print(changed_by_spreading(run["spread"]), highlight=False)
    seconds = sum(s["seconds"] for s in run["stages"])
    TALK.print(f"{run['clusters']} clusters in {seconds:.1f} s", highlight=False)
    if run["study"]["notice"]:
        TALK.print(printable(run["study"]["notice"], LONGEST_NOTICE), style="bold", markup=False)
    typer.echo(f"map: {result.map_file}")


def print_json(content: Any) -> None:  # noqa: ANN401
    """Answer in JSON."""
    typer.echo(json.dumps(content, ensure_ascii=False, indent=1))


def print_frame(frame: pd.DataFrame, *, as_json: bool) -> None:
    """Answer with a table, without the identifiers of clusters, or in JSON with all its columns."""
    if as_json:
        typer.echo(frame.to_json(orient="records", force_ascii=False, indent=1))
        return
    shown = frame[[c for c in frame.columns if not c.startswith("cluster_id")]]
    _print_table(
        shown.columns, [[_cell_text(v) for v in row] for row in shown.itertuples(index=False)]
    )


def _cell_text(value: Any) -> str:  # noqa: ANN401
    import pandas as pd  # noqa: PLC0415

    if pd.isna(value):
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _print_table(columns: Iterable[str], rows: Sequence[Iterable[Any]]) -> None:
    from rich.text import Text  # noqa: PLC0415

    from geoclusters.wording import printable  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(Text(column))
    for row in rows:
        # Texts from data could hold commands to the terminal.
        table.add_row(*(Text(printable(value, LONGEST_TEXT)) for value in row))
    # A table is not squeezed into a narrow terminal or pipe: its names are what one looks for.
    Console(width=max(shutil.get_terminal_size().columns, TABLE_WIDTH)).print(table)
