"""The page on where data come from: its studies can be checked on files in the layouts of the providers."""

from __future__ import annotations

import re
import tomllib
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import test_crunchbase
import test_geopat
import test_openalex
import test_patentsview
import test_patstat
import test_regpat
import test_ror
import test_wos

import geoclusters as gc
from geoclusters.addresses.sources import find_format, known_formats
from geoclusters.checking import check_heads

PAGE = Path(__file__).parent.parent / "docs" / "data.md"
TEXT = PAGE.read_text(encoding="utf-8")
STUDIES = {
    t["source"][0].get("format", "table"): t
    for t in map(tomllib.loads, re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL))
}


def _wos(folder):
    text = test_wos.tagged(
        [{**test_wos.RECORD, "WE": "Science Citation Index Expanded (SCI-EXPANDED)"}]
    )
    (folder / "savedrecs (1).txt").write_text(text, encoding="utf-8")


def _patentsview(folder):
    rows = [test_patentsview.pct("9000001", "2014-05-01", "PCT")]
    test_patentsview.world(folder, g_pct_data=rows)


def _regpat(folder):
    put = test_regpat.put
    put(folder, "202401_PCT_Inv_reg.txt", test_regpat.PCT_2016, test_regpat.PCT)
    header = "Pct_nbr|Appln_id|Person_id|App_name|Reg_code|Ctry_code"
    put(folder, "202401_PCT_App_reg.txt", header, ["WO2010123456|31|9|Zeta AG|DE212|DE"])
    put(
        folder,
        "202401_PCT_IPC.txt",
        "pct_nbr|prio_year|app_year|IPC",
        ["WO2010123456|2008|2009|A61K"],
    )


def _geopat(folder):
    text = test_geopat.put(folder)
    with zipfile.ZipFile(folder / "geoc_inv.zip", "w") as archive:
        archive.write(text, text.name)
    text.unlink()


def _crunchbase(folder):
    test_crunchbase.rounds_2013(folder, [test_crunchbase.ACME]).rename(folder / "rounds.csv")
    test_crunchbase.organizations(folder, "companies.csv")


def _affiliations(folder):
    names = {"paper": "paper_id", "author": "author_pos", "when": "year", "where": "affiliation"}
    test_ror.PAPERS.rename(columns=names).to_csv(folder / "papers.csv", index=False)
    test_ror.dump(folder, "zip").rename(folder / "v2.0-ror-data.zip")


def _table(folder):
    columns = STUDIES["table"]["source"][0]["columns"]
    row = {
        "Deal ID": "1",
        "Company": "Acme",
        "City": "Bonn",
        "State": "",
        "Country": "Germany",
        "Year": "2020",
    }
    assert set(columns.values()) == set(row)
    pd.DataFrame([row]).to_csv(folder / "deals.csv", index=False)


WRITERS = {
    "openalex": test_openalex.snapshot, "wos": _wos, "patentsview": _patentsview, "regpat": _regpat, "geopat": _geopat,
    "patstat": test_patstat.world, "crunchbase": _crunchbase, "ror-affiliations": _affiliations, "table": _table,
}  # fmt: skip


def test_every_source_has_a_study():
    assert set(STUDIES) == set(WRITERS)
    # The page of the bibliographic exports has studies for the others.
    assert set(known_formats()) - set(STUDIES) == {"scopus", "dimensions", "lens"}


@pytest.mark.parametrize("name", WRITERS)
def test_the_study_can_be_checked_on_such_files(tmp_path, name):
    study = gc.make_study(STUDIES[name], folder=tmp_path)
    (source,) = study.source
    find_format(name).options_of(source.request([]))
    folder = source.paths[0].split("/")[0] if "/" in source.paths[0] else "."
    (tmp_path / folder).mkdir(exist_ok=True)
    WRITERS[name](tmp_path / folder)
    assert sum(told["rows_looked_at"] for told in check_heads(study)) > 0


def test_links_of_the_page_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)]+)", TEXT):
        page, _, anchor = target.partition("#")
        file = PAGE.parent / page if page else PAGE
        assert file.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}
            assert anchor in anchors, target
