"""The command line: it parses, calls and prints. Answers go to standard output, talk to standard error."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.logging import RichHandler

from geoclusters import telling
from geoclusters.errors import OF_THE_DISK, GeoclustersError, StudyError
from geoclusters.machine import collect_garbage_rarely

if TYPE_CHECKING:
    from geoclusters.pages import Changes
    from geoclusters.results import Result

USERS_MISTAKE, OUR_FAULT, INTERRUPTED = 2, 1, 130

app = typer.Typer(
    name="geoclusters",
    help="Innovation clusters from geocoded addresses: boundaries, indicators, ranks and maps.",
    epilog="Example: geoclusters run --out out/sample   (the sample study; then open out/sample/map.html)",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Folder = Annotated[Path, typer.Argument(help="Folder of a finished run.", metavar="DIR")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for the results.")]


def _version(asked: bool) -> None:  # noqa: FBT001
    if asked:
        from geoclusters import __version__  # noqa: PLC0415

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _common(
    quiet: Annotated[  # noqa: FBT002
        bool, typer.Option("--quiet", "-q", help="Only warnings and answers.")
    ] = False,
    version: Annotated[  # noqa: ARG001, FBT002
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    handler = RichHandler(console=telling.TALK, show_path=False, show_time=False, markup=False)
    logger = logging.getLogger("geoclusters")
    logger.handlers = [handler]
    logger.setLevel(logging.WARNING if quiet else logging.INFO)


@app.command("run", epilog="Example: geoclusters run my-region.toml --out out/my-region")
def run_command(
    study: Annotated[
        Path | None,
        typer.Argument(metavar="STUDY.toml", help="A study; left out: the sample study."),
    ] = None,
    out: Out = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Carry out every stage of a study; without one: of the generated sample world."""
    from geoclusters.workflow import run  # noqa: PLC0415

    telling.report(run(study, out), as_json=as_json)


@app.command(
    "check", epilog="Example: geoclusters check my-region.toml, or geoclusters check downloads/"
)
def check_command(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="STUDY.toml | FILE... | FOLDER",
            help="The study to check; or data, for which a study is proposed.",
        ),
    ],
    full: Annotated[  # noqa: FBT002
        bool,
        typer.Option(
            "--full", help="Read every row: what can be placed, how finely, what to doubt."
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="With --full: keep what was read, for a run into this folder.",
        ),
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """
    Check a study, or propose one for data files.

    Of a study: read the settings and the head of every source, say what is wrong, run nothing; with --full read
    every row and tell the quality of the addresses. Of data: tell the formats of the files and write a study for them
    to standard output.
    """
    studies = [path for path in paths if path.suffix.lower() == ".toml"]
    if (full and not studies) or (out and not full):
        message = "--full goes with a study, and --out with --full"
        raise StudyError(message)
    if not studies:
        telling.proposal(paths, as_json=as_json)
    elif len(paths) == 1:
        telling.full_check(studies[0], out, as_json=as_json) if full else telling.check(
            studies[0], as_json=as_json
        )
    else:
        message = f"{studies[0]}: give one study alone, or data files without a study"
        raise StudyError(message)


@app.command(
    "cluster", epilog="Example: geoclusters cluster out/sample --radius-km 25 --out out/sample-25km"
)
def cluster_command(
    folder: Folder,
    radius_km: Annotated[float | None, typer.Option(help="Radius of a neighbourhood.")] = None,
    min_density: Annotated[
        float | None, typer.Option(help="Density that makes a cell core.")
    ] = None,
    merge_gap_km: Annotated[
        float | None, typer.Option(help="Gap up to which clusters merge.")
    ] = None,
    resolution: Annotated[
        str | None,
        typer.Option(
            metavar="0..15|exact", help="H3 resolution of the cells, or points as they are."
        ),
    ] = None,
    quick: Annotated[  # noqa: FBT002
        bool, typer.Option("--quick", help="Only boundaries and ranks (boundaries.geojson).")
    ] = False,
    out: Out = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Draw new boundaries from the cells of a finished run; what is not given stays."""
    if quick:
        changes = {
            "radius_km": radius_km,
            "min_density": min_density,
            "merge_gap_km": merge_gap_km,
        }
        telling.quick_boundaries(folder, out, changes, resolution, as_json=as_json)
        return
    from geoclusters.workflow import recluster  # noqa: PLC0415

    result = recluster(
        folder,
        out=out,
        radius_km=radius_km,
        min_density=min_density,
        merge_gap_km=merge_gap_km,
        resolution=int(resolution) if resolution and resolution.isdecimal() else resolution,
    )
    telling.report(result, as_json=as_json)


@app.command("map", epilog="Example: geoclusters map out/2024 --against out/2023")
def map_command(
    folder: Folder,
    against: Annotated[
        Path | None,
        typer.Option(metavar="DIR_OLD", help="An earlier run: the report tells what changed."),
    ] = None,
    tiles: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--tiles", help="Offer OpenStreetMap as a layer, loaded only when chosen."),
    ] = False,
) -> None:
    """Draw the map and the pages of a finished run again."""
    from geoclusters.pages import draw_pages  # noqa: PLC0415
    from geoclusters.results import read_run  # noqa: PLC0415
    from geoclusters.stages import Stages  # noqa: PLC0415

    result = read_run(folder)
    with Stages(folder).alone():
        draw_pages(result, changes=_changes(against, result) if against else None, tiles=tiles)
    typer.echo(result.map_file)


def _changes(folder: Path, result: Result) -> Changes:
    """Follow the clusters of an earlier run to those of this one."""
    from geoclusters.comparison import check_comparable, compare  # noqa: PLC0415
    from geoclusters.pages import Changes  # noqa: PLC0415
    from geoclusters.results import read_run  # noqa: PLC0415

    earlier = read_run(folder)
    for difference in check_comparable(earlier, result):
        telling.TALK.print(f"different setting: {difference}", markup=False)
    return Changes(compare(earlier, result), earlier.run)


@app.command(
    "locate",
    context_settings={"ignore_unknown_options": True},
    epilog="Example: geoclusters locate out/sample 52.205 0.119",
)
def locate_command(
    folder: Folder,
    lat: Annotated[float, typer.Argument(metavar="LAT", help="Latitude, WGS 84 degrees.")],
    lon: Annotated[float, typer.Argument(metavar="LON", help="Longitude, WGS 84 degrees.")],
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Say in which cluster a point lies, or how far from one and how much density is missing."""
    from geoclusters.locating import locate, sentence  # noqa: PLC0415
    from geoclusters.results import read_run  # noqa: PLC0415

    place = locate(read_run(folder), lat, lon)
    if as_json:
        telling.print_json(place.as_dict())
    else:
        typer.echo(sentence(place))


@app.command("compare", epilog="Example: geoclusters compare out/2023 out/2024")
def compare_command(
    old: Annotated[Path, typer.Argument(metavar="DIR_OLD", help="Folder of the earlier run.")],
    new: Annotated[Path, typer.Argument(metavar="DIR_NEW", help="Folder of the later run.")],
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Say which cluster became which, and how ranks moved."""
    from geoclusters.comparison import check_comparable, compare  # noqa: PLC0415
    from geoclusters.results import read_run  # noqa: PLC0415

    runs = read_run(old), read_run(new)
    for difference in check_comparable(*runs):
        telling.TALK.print(f"different setting: {difference}", markup=False)
    telling.print_frame(compare(*runs), as_json=as_json)


@app.command(
    "sensitivity", epilog="Example: geoclusters sensitivity out/sample --json > ranks.json"
)
def sensitivity_command(
    folder: Folder,
    replicates: Annotated[int, typer.Option(min=20, help="Bootstrap replicates.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 1,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Rank every cluster over a grid of parameters, with the error margins of score and rank."""
    from geoclusters.results import read_run  # noqa: PLC0415
    from geoclusters.sensitivity import sensitivity  # noqa: PLC0415

    telling.print_frame(
        sensitivity(read_run(folder), replicates=replicates, seed=seed), as_json=as_json
    )


@app.command(
    "export", epilog="Example: geoclusters export out/sample --out clusters.gpkg   (for QGIS)"
)
def export_command(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write.")],
    file_format: Annotated[
        str | None,
        typer.Option("--format", help="gpkg, geojson, csv or parquet; left out: by FILE's ending."),
    ] = None,
    cells: Annotated[  # noqa: FBT002
        bool, typer.Option("--cells", help="Cells with their outlines instead of clusters.")
    ] = False,
) -> None:
    """Write the clusters of a finished run, or its cells, as one file."""
    from geoclusters.exporting import export  # noqa: PLC0415
    from geoclusters.results import read_run  # noqa: PLC0415

    typer.echo(export(read_run(folder), out, file_format=file_format, cells=cells))


@app.command(
    "figure", epilog="Example: geoclusters figure out/sample --kind world --out figures/world"
)
def figure_command(
    folder: Folder,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FILE", help="The file; it may end in its format."),
    ],
    kind: Annotated[
        str,
        typer.Option(help="world, cluster, concentration, scatter, economies, margins or changes."),
    ] = "world",
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="svg, png, pdf; several joined by commas. Left out: as FILE ends, or svg,png.",
        ),
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="For kind cluster: its rank, name or cluster_id.")
    ] = None,
    colour: Annotated[
        str, typer.Option(help="For kind world: intensity, score or a metric.")
    ] = "intensity",
    most: Annotated[
        int | None, typer.Option(min=1, help="How many clusters or economies are named.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="DIR_OLD", help="For kind changes: an earlier run.")
    ] = None,
    width_mm: Annotated[float | None, typer.Option(help="Width of the figure.")] = None,
    dpi: Annotated[int, typer.Option(min=50, max=1200, help="Dots per inch of PNG.")] = 300,
) -> None:
    """Draw a figure of a finished run for papers and slides (needs the extra 'figures')."""
    from geoclusters.figures import Options, read_table, write_figure  # noqa: PLC0415
    from geoclusters.results import read_run  # noqa: PLC0415

    result = read_run(folder)
    options = Options(
        width_mm=width_mm,
        cluster=cluster,
        colour=colour,
        most=most,
        table=read_table(result, kind, against=against),
    )
    wanted = [name.strip() for name in (formats or "").split(",") if name.strip()]
    for file in write_figure(result, kind, out, options=options, formats=wanted, dpi=dpi):
        typer.echo(file)


@app.command("sample", epilog="Example: geoclusters sample --documents 330000 --seed 1 --out world")
def sample_command(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the sample world.")],
    documents: Annotated[int, typer.Option(min=1000, help="Number of documents.")] = 330_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the world.")] = 1,
) -> None:
    """Write the seeded sample world, of any size, with a study file that runs on it."""
    from geoclusters.sample import write_sample  # noqa: PLC0415

    typer.echo(write_sample(out, documents=documents, seed=seed))


def main() -> None:
    """Enter here; exit 0 done, 2 the user's mistake (one message), 1 our fault."""
    collect_garbage_rarely()
    try:
        app()
    except GeoclustersError as error:
        _stop(f"geoclusters: {error}", USERS_MISTAKE)
    except KeyboardInterrupt:
        _stop(
            "geoclusters: interrupted; started again, the run goes on after the last finished stage",
            INTERRUPTED,
        )
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(OUR_FAULT)
    except OSError as error:
        if error.errno not in OF_THE_DISK:
            _our_fault()
        where = f"{error.filename}: " if error.filename else ""
        said = os.strerror(error.errno)
        _stop(f"geoclusters: {where}{said}; {OF_THE_DISK[error.errno]}", USERS_MISTAKE)
    except Exception:  # noqa: BLE001 - the last place to say whose fault it is
        _our_fault()


def _our_fault() -> NoReturn:
    traceback.print_exc()
    _stop("geoclusters: this is a fault of ours; please report it with the lines above", OUR_FAULT)


def _stop(message: str, status: int) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
