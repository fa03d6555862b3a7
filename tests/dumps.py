"""Small files of every format in the provider's layout, by the writers of the tests of each format."""

from __future__ import annotations

import test_crunchbase
import test_dimensions
import test_geopat
import test_lens
import test_openalex
import test_patentsview
import test_patstat
import test_regpat
import test_ror
import test_scopus
import test_wos


def _wos(folder, write=test_wos.tagged):
    path = folder / "savedrecs.txt"
    path.write_text(write([test_wos.RECORD]), encoding="utf-8")
    return [path]


def _scopus(folder):
    pairs = [("Li W.", "11", [test_scopus.A]), ("Ng A.", "12", [test_scopus.B])]
    return [test_scopus.write(folder / "scopus.csv.gz", [test_scopus.record(pairs)])]


def _regpat(folder):
    put = test_regpat.put
    people = put(folder, "202401_PCT_Inv_reg.txt", test_regpat.PCT_2016, test_regpat.PCT)
    points = put(folder, "points.csv", "reg_code;lat;lon", ["FR103;48.8;1.9", "DE212;48.1;11.6"])
    return [people, points]


def _both_offices(folder):
    put = test_regpat.put
    europe = put(folder, "202401_EPO_Inv_reg.txt", test_regpat.EPO_2024, test_regpat.EPO)
    return [*_regpat(folder), europe]


def _affiliations(folder):
    test_ror.PAPERS.rename(columns={"where": "affiliation"}).to_csv(
        folder / "papers.csv", index=False
    )
    return [folder / "papers.csv", test_ror.dump(folder, "zip")]


DUMPS = {
    "openalex": test_openalex.snapshot,
    "patentsview": test_patentsview.world,
    "regpat": _regpat,
    "geopat": lambda folder: [test_geopat.put(folder)],
    "patstat": test_patstat.world,
    "crunchbase": lambda folder: [
        test_crunchbase.organizations(folder),
        test_crunchbase.funding_rounds(folder),
    ],
    "wos": _wos,
    "scopus": _scopus,
    "dimensions": lambda folder: [
        test_dimensions.write(folder / "d.csv", [test_dimensions.RECORD])
    ],
    "lens": lambda folder: [test_lens.write_json(folder / "lens.jsonl.gz", [test_lens.WORK])],
    "ror-affiliations": _affiliations,
}
"""Format to a function that writes files of it into a folder and gives them."""

VARIANTS = {
    "snapshot of 2013": ("crunchbase", test_crunchbase.snapshot),
    "tab-delimited": ("wos", lambda folder: _wos(folder, test_wos.tabbed)),
    "CSV of the Lens": (
        "lens",
        lambda folder: [test_lens.write_csv(folder / "lens.csv", [test_lens.ROW])],
    ),
    "both offices": ("regpat", _both_offices),
    "only dates of grant": (
        "patentsview",
        lambda folder: test_patentsview.world(
            folder, g_application=None, g_patent=test_patentsview.PATENTS
        ),
    ),
    "no dates": (
        "patentsview",
        lambda folder: test_patentsview.world(folder, g_application=None),
    ),
    "published applications": (
        "patentsview",
        lambda folder: test_patentsview.pregrant(
            folder, pg_location_disambiguated=test_patentsview.LOCATIONS
        ),
    ),
}
"""Name to a format and a function that writes other files of it."""
