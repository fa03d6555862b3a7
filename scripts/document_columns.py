"""Writes the columns of every result into docs/results.md, from the one place where they are described."""

from __future__ import annotations

from pathlib import Path

from geoclusters import schema

TARGET = Path(__file__).parent.parent / "docs" / "results.md"
HEAD = """# The results of a run

Written by `scripts/document_columns.py` from `geoclusters/schema.py`; do not edit by hand.

A name with `{metric}` in it stands once for each metric of the study, for example `share_patents`. Shares are fractions
of 1; only pages show percent. Every Parquet file (key `geoclusters`) and the GeoPackage carry version and settings in
their metadata, and `run.json` holds the resolved settings, every input with its size and SHA-256, what became of every
row, warnings, and seconds and peak memory of each stage.

Besides the tables below a run holds

- `clusters.geojson` (RFC 7946), the same columns and outlines as `clusters.parquet`;
- `clusters.gpkg`, a GeoPackage with styles for QGIS and four layers: `clusters` and `regions` (the two outlines),
  `links`, and `cells`, the cells of clusters. Where these are more than 200,000 they are joined into their parents, at
  the finest resolution at which there are few enough, and the layer's description says so;
  `geoclusters export DIR --out cells.gpkg --cells` writes each of them;
- `map.html`, `report.html`, and in `clusters/` a page for each cluster, or for the first 300 (for `top`, if that is
  more); `assets/` holds what these pages share;
- `stages/`, from which a stopped run goes on and from which new boundaries come.
"""


def text() -> str:
    """Give the whole page."""
    return HEAD + "".join(_section(table) for table in schema.RESULTS)


def _section(table: schema.Table) -> str:
    rows = [f"| `{c.name}` | {c.type} | {c.unit or '–'} | {c.meaning} |" for c in table.columns]  # noqa: RUF001
    if table is schema.CLUSTERS:
        rows.append(
            "| `geometry` | geometry | WGS 84 | the dissolved cells, valid, cut at the antimeridian |"
        )
        rows.append(
            "| `region` | geometry | WGS 84 | gaps closed, for drawing; population grids are counted in it "
            "(Parquet only) |"
        )
        rows.append(
            "| `bbox` | struct | degrees | extent of the outline, by which readers skip rows (Parquet only) |"
        )
    head = "| column | type | unit | meaning |\n|---|---|---|---|\n"
    return (
        f"\n## {table.name}\n\n{table.meaning[0].upper()}{table.meaning[1:]}.\n\n{head}"
        + "\n".join(rows)
        + "\n"
    )


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
