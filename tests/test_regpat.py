"""OECD REGPAT: editions old and new, text that went wrong, regions and years, as plain Python reads them."""

from __future__ import annotations

import csv
import re
import tomllib
import zipfile
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geoclusters import schema
from geoclusters.addresses.sources import Request, find_format, joining, mending
from geoclusters.addresses.sources.files import Member
from geoclusters.addresses.sources.postal import place_macros
from geoclusters.addresses.sources.staging import Staging
from geoclusters.addresses.sources.technology import FIELDS, technology_of
from geoclusters.errors import SourceError
from geoclusters.study import make_study

SAMPLES = Path(__file__).parent.parent.parent / "shared" / "formats" / "oecd_regpat"
FORMAT = find_format("regpat")
PCT_2016 = "PCT_Nbr|PCT_App|Appln_id|Inv_name|Address|Reg_code|Ctry_code|Reg_share|Inv_share"
EPO_2016 = (
    "App_nbr|Appln_id|Pub_nbr|Person_id|Inv_name|Address|Reg_code|Ctry_code|Reg_share|Inv_share"
)
EPO_2024 = "app_nbr|appln_id|pub_nbr|person_id|inv_name|address|city|postal_code|reg_code|ctry_code|reg_share|inv_share"
EPO_APP = (
    "App_nbr|Appln_id|Pub_nbr|Person_id|App_name|Address|Reg_code|Ctry_code|Reg_share|App_share"
)
REGIONS = "Ctry_code|Reg_code|Reg_label|Up_reg_code|Up_reg_label"
PCT = [
    "WO2010123456|PCT/FR2009/000001|31|BRETON, Lionel|14, rue de Satory,F-78000 Versailles|FR103|FR|1|0.5",
    "WO2010123456|PCT/FR2009/000001|31|MÜLLER, Jörg|Weg 1,D-80331 München|DE212|DE|0.5|0.5",
    "WO2010123456|PCT/FR2009/000001|31|MÜLLER, Jörg|Weg 1,D-80331 München|DE21H|DE|0.5|0.5",
    'WO2011000001||32|"O""NEILL, Ann"|12 Sea Road,Palo Alto,CA 94304|US06085|US|1|1',
    "WO1999000001||33|NOBODY, X||XXZZZ|XX|1|1",
]
EPO = [
    "EP20101234567|41|EP1|7|DOE, J|Street 1|Aran|1603|CH011|CH|1|0.5",
    "EP20101234567|41|EP1|8|ROE, R|||  |CHZZZ|CH|1|0.5",
    "EP19991234567|42|EP2|7|DOE, J|1, Quai,CH-1201 Genève||1201|CH013|CH|1|1",
]


def put(folder, name, header, rows, *, encoding="utf-8", ends="\r\n"):
    path = folder / name
    path.write_bytes("".join(line + ends for line in [header, *rows]).encode(encoding))
    return path


def read(files, **options):
    batches = list(FORMAT.read(Request(files, options=options)))
    assert all(batch.schema == schema.READ.arrow() for batch in batches)
    return pa.Table.from_batches(batches, schema.READ.arrow()).to_pylist()


def column(rows, name):
    return [row[name] for row in rows]


@settings(max_examples=15, deadline=None)
@given(
    classes=st.lists(
        st.tuples(
            st.sampled_from(["WO2010123456", "WO2011000001"]),
            st.sampled_from(["H04L0012000000", "H04W 4/00", "A61K031/00", "A61K 8/19", "Y02E", ""]),
        ),
        max_size=12,
    )
)
def test_the_field_is_that_of_most_classes(tmp_path_factory, classes):
    folder = tmp_path_factory.mktemp("fields")
    lines = [f"{number}|2008|2009|{symbol}" for number, symbol in classes]
    files = [
        put(folder, "202401_PCT_Inv_reg.txt", PCT_2016, PCT),
        put(folder, "202401_PCT_IPC.txt", "PCT_Nbr|Prio_Year|App_year|IPC", lines),
    ]
    order = list(FIELDS)
    for row in read(files):
        own = [technology_of(symbol) for number, symbol in classes if number == row["document"]]
        own = Counter(field for field in own if field)
        best = min(own, key=lambda field: (-own[field], order.index(field)), default=None)
        assert row["field"] == best


def test_inventors_of_international_applications(tmp_path):
    rows = read([put(tmp_path, "201602_PCT_Inv_reg.txt", PCT_2016, PCT)])
    assert column(rows, "document") == ["WO1999000001", *["WO2010123456"] * 3, "WO2011000001"]
    assert column(rows, "row") == [5, 1, 2, 3, 4]
    assert column(rows, "year") == [1999, 2010, 2010, 2010, 2011]
    assert column(rows, "place") == [None, "Versailles", "München", "München", "Palo Alto"]
    assert column(rows, "region") == [None, "FR103", "DE212", "DE21H", "US06085"]
    assert column(rows, "country") == ["XX", "FR", "DE", "DE", "US"]
    assert column(rows, "accuracy") == ["country", "place", "place", "place", "place"]
    assert column(rows, "person")[2] == column(rows, "person")[3] == "müller, jörg"
    assert column(rows, "person")[4] == 'o"neill, ann'
    assert column(rows, "lat") == column(rows, "lon") == [None] * 5
    assert set(column(rows, "file")) == {"201602_PCT_Inv_reg.txt"}


def test_inventors_of_european_applications(tmp_path):
    applicants = [
        "EP20101234567|41|EP1|90|Zeta AG||CH011|CH|1|0.5",
        "EP20101234567|41|EP1|91|Alpha SA||CH011|CH|1|0.5",
    ]
    files = [
        put(tmp_path, "202401_EPO_inv_reg.txt", EPO_2024, EPO, ends="\n"),
        put(tmp_path, "202401_EPO_App_reg.txt", EPO_APP, applicants),
    ]
    rows = read(files)
    assert column(rows, "document") == ["41", "41", "42"]
    assert column(rows, "person") == ["7", "8", "7"]
    assert column(rows, "place") == ["Aran", None, "Genève"]
    assert column(rows, "region") == ["CH011", None, "CH013"]
    assert column(rows, "year") == [2010, 2010, 1999]
    assert column(rows, "organisation") == ["Zeta AG", "Zeta AG", None]


def test_years_come_from_the_table_of_classes(tmp_path):
    people = put(tmp_path, "202401_PCT_Inv_reg.txt", PCT_2016, PCT)
    classes = ["WO2010123456|2008|2009|A61K", "WO2010123456|2008|2009|C07D", "WO2011000001|2009||B"]
    ipc = put(tmp_path, "202401_PCT_IPC.txt", "pct_nbr|prio_year|app_year|IPC", classes)
    assert column(read([people, ipc]), "year") == [1999, 2009, 2009, 2009, 2011]
    found = read([people, ipc], year="priority")
    assert column(found, "year") == [None, 2008, 2008, 2008, 2009]
    with pytest.raises(SourceError, match=r"PCT_IPC is missing .*year = 'priority'"):
        read([people], year="priority")


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_regions_are_placed_by_centroids_of_the_user(tmp_path, sign):
    people = put(tmp_path, "201602_PCT_Inv_reg.txt", PCT_2016, PCT)
    points = ["FR103;48.8;1.9", "DE212;48.1;11.6", "DE21H;;"]
    text = [point.replace(";", sign) for point in points]
    centroids = put(tmp_path, "my regions.csv", f"REG_CODE{sign}Lat{sign}Lon", text)
    rows = read([people, centroids])
    assert column(rows, "lat") == [None, 48.8, 48.1, None, None]
    assert column(rows, "lon") == [None, 1.9, 11.6, None, None]
    assert column(rows, "accuracy") == ["country", "region", "region", "place", "place"]


def test_regions_by_name(tmp_path):
    people = put(tmp_path, "201602_PCT_Inv_reg.txt", PCT_2016, PCT)
    with pytest.raises(SourceError, match="REGPAT_REGIONS is missing"):
        read([people], region="label")
    names = put(tmp_path, "REGPAT_REGIONS.txt", REGIONS, ["FR|FR103|Yvelines|FR1|Île de France"])
    rows = read([people, names], region="label")
    assert column(rows, "region") == [None, "Yvelines", "DE212", "DE21H", "US06085"]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "twice", "mixed"])
def test_encodings_are_mended(tmp_path, encoding):
    text = (
        [line.replace("NOBODY", "ŠÁNDOR\N{EN DASH}Ž") for line in PCT]
        if encoding != "latin-1"
        else PCT
    )
    if encoding == "twice":
        wrong = [line.encode().decode("latin-1") for line in text]
        path = put(tmp_path, "PCT_Inv_reg.txt", PCT_2016, wrong)
    else:
        path = put(
            tmp_path,
            "PCT_Inv_reg.txt",
            PCT_2016,
            text,
            encoding="utf-8" if encoding == "mixed" else encoding,
        )
    if encoding == "mixed":
        lines = path.read_bytes().split(b"\r\n")
        lines[2] = lines[2].decode().encode("cp1252")
        path.write_bytes(b"\r\n".join(lines))
    rows = read([path])
    assert column(rows, "place")[1:] == ["Versailles", "München", "München", "Palo Alto"]
    assert column(rows, "person")[2:4] == ["müller, jörg"] * 2
    if encoding != "latin-1":
        assert column(rows, "person")[0] == "šándor\N{EN DASH}ž, x"


NAMES = st.text(st.sampled_from("azAZ0 ,.-ÀÂÃÄÅÇÉÐÑÖØÜßàâãäåçéðñöøüÿ"), max_size=20)


@given(st.lists(NAMES, min_size=1, max_size=5))
@example(["Ã", "Âé\N{RIGHT SINGLE QUOTATION MARK}s", "ÃÂ\N{EURO SIGN}a"])
@settings(max_examples=100, deadline=None)
def test_good_text_is_left_alone(values):
    line = "|".join(values).encode() + b"\n"
    assert mending.mended_lines(line, delimiters="|") == line


@given(st.text(st.characters(max_codepoint=0x24F, exclude_categories=("Cc", "Cs")), max_size=30))
@settings(max_examples=100, deadline=None)
def test_text_encoded_twice_comes_back(text):
    assert mending.once_encoded(text.encode().decode("latin-1")) == text


@pytest.mark.parametrize("block", [1, 7, 64])
def test_the_stream_is_mended_however_it_is_cut(monkeypatch, block, tmp_path):
    monkeypatch.setattr(mending, "BLOCK_BYTES", block)
    path = put(tmp_path, "t", "Zürich|Genève", ["é|x", "ÅÄÖ"], encoding="latin-1")
    with path.open("rb") as raw:
        text = mending.MendedStream(raw, delimiters="|").read().decode()
    assert text == "Zürich|Genève\r\né|x\r\nÅÄÖ\r\n"


ADDRESSES = {
    "14, rue de Satory,F-78000 Versailles": "Versailles",
    "14, rue Royale,75008 Paris": "Paris",
    "3, route Petite Corniche,CH-1603 Aran": "Aran",
    "High Tech Campus 5,NL-5656 AE Eindhoven": "Eindhoven",
    "1 Trinity Lane,Cambridge CB2 1TN": "Cambridge",
    "1-1 Marunouchi,Chiyoda-ku,Tokyo 100-8310": "Tokyo",
    "1501 Page Mill Road,Palo Alto,CA 94304": "Palo Alto",
    "12 Bank Street,Ottawa K1A 0R6": "Ottawa",
    "Unter den Linden 1,10117 Berlin (DE)": "Berlin",
    "S-111 22 Stockholm": "Stockholm",
    "": None,
    "12345": None,
    "CA": None,
}


def test_the_place_in_an_address():
    with Staging() as staging:
        for macro in place_macros():
            staging.run(macro)
        for address, place in ADDRESSES.items():
            query = staging.connection.execute("SELECT place_in(?)", [address])
            assert query.fetchone()[0] == place, address


def test_quotes_need_not_be_closed(tmp_path):
    rows = [PCT[0].replace("rue de", 'rue "de'), '"' + PCT[3].replace('"', ""), PCT[4]]
    found = read([put(tmp_path, "PCT_Inv_reg.txt", PCT_2016, rows)])
    assert len(found) == 3
    quoted = ["|".join(f'"{v}"' for v in line.split("|")) for line in [PCT_2016, *PCT[:3]]]
    path = put(tmp_path, "PCT_Inv_reg.txt", quoted[0], quoted[1:])
    assert column(read([path]), "place") == ["Versailles", "München", "München"]


def test_zip_is_read_and_7z_is_refused(tmp_path):
    path = put(tmp_path, "201602_PCT_Inv_reg.txt", PCT_2016, PCT)
    packed = tmp_path / "201602_PCT_Inv_reg.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.name)
    assert column(read([packed]), "row") == column(read([path]), "row")
    seven = tmp_path / "201602_PCT_Inv_reg.7z"
    seven.write_bytes(joining.SEVEN_ZIP + b"\x00\x04")
    with pytest.raises(SourceError, match=r"_reg\.7z: a 7z archive is not read; unpack it \(7z x"):
        read([seven])


def test_one_office_is_read_at_a_time(tmp_path):
    files = [
        put(tmp_path, "201602_PCT_Inv_reg.txt", PCT_2016, PCT),
        put(tmp_path, "201602_EPO_Inv_reg.txt", EPO_2024, EPO),
    ]
    with pytest.raises(SourceError, match=r"both PCT_Inv_reg and EPO_Inv_reg .*office = \"pct\""):
        read(files)
    assert len(read(files, office="pct")) == len(PCT)
    assert len(read(files, office="epo")) == len(EPO)
    with pytest.raises(SourceError, match="EPO_Inv_reg is missing"):
        read(files[:1], office="epo")
    with pytest.raises(SourceError, match=r"office = 'uspto'.*'pct' or 'epo'"):
        read(files, office="uspto")


def test_wrong_files_are_named(tmp_path):
    old = put(tmp_path, "201602_PCT_Inv_reg.txt", "PCT_Nbr|Name|Reg_code|Ctry_code", [])
    with pytest.raises(SourceError, match=r"as PCT_Inv_reg, but there is no column 'inv_name'"):
        read([old])
    classes = put(tmp_path, "201602_PCT_IPC.txt", "pct_nbr|prio_year|app_year|IPC", [])
    with pytest.raises(SourceError, match=r"PCT_Inv_reg is missing \(inventors of international"):
        read([classes])
    ragged = put(tmp_path, "201602_PCT_Inv_reg.txt", PCT_2016, ["WO2010123456|x"])
    with pytest.raises(SourceError, match=r"PCT_Inv_reg\.txt: not readable: .*columns"):
        read([ragged])
    twin = put(tmp_path, "202401_PCT_Inv_reg.txt", PCT_2016, PCT)
    with pytest.raises(SourceError, match="hold the same table, PCT_Inv_reg"):
        read([twin, put(tmp_path, "202001_PCT_Inv_reg.txt", PCT_2016, PCT)])


def test_the_head_is_placed_by_all_centroids(tmp_path):
    people = [PCT[0]] * (joining.HEAD_ROWS + 5)
    files = [
        put(tmp_path, "PCT_Inv_reg.txt", PCT_2016, people),
        put(tmp_path, "c.csv", "reg_code,lat,lon", ["FR103,48.8,1.9"]),
    ]
    (batch,) = FORMAT.read(Request(files, head_only=True))
    assert (batch.num_rows, batch["lat"].null_count) == (joining.HEAD_ROWS, 0)


@pytest.mark.parametrize("header", [PCT_2016, EPO_2016, EPO_2024, EPO_APP, REGIONS])
def test_files_are_recognised_by_their_head(header):
    assert FORMAT.recognises(Member(Path("x.txt")), header.encode() + b"\r\n1|2\r\n")
    assert not FORMAT.recognises(Member(Path("x.txt")), b"reg_code,lat,lon\r\nFR1,1,2\r\n")
    assert FORMAT.metric == "patents"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real samples are not here")
def test_real_rows_and_headers_of_the_samples(tmp_path):
    with (SAMPLES / "forum_rows_appln_16.csv").open(encoding="utf-8", newline="") as stream:
        people = [r for r in csv.DictReader(stream) if r["table"] == "EP_INV_REG"]
    lines = [
        f"EP19990000016|{r['appln_id']}|EP1||{r['name']}|{r['address']}|{r['reg_code']}|{r['ctry_code']}|1|0.5"
        for r in people
    ]
    rows = read([put(tmp_path, "201401_EPO_Inv_reg.txt", EPO_2016, lines)])
    assert len(rows) == len(people) == 4
    assert column(rows, "place") == ["Versailles", "Aran", "Aran", "Aran"]
    assert column(rows, "region") == [r["reg_code"] for r in people]
    assert len(set(column(rows, "person"))) == len({r["name"] for r in people}) == 2
    with (SAMPLES / "headers.csv").open(encoding="utf-8", newline="") as stream:
        headers = [r["header"] for r in csv.DictReader(stream)]
    assert all(FORMAT.recognises(Member(Path("x.txt")), h.encode()) for h in headers)


def test_the_study_of_the_documentation_is_one():
    page = Path(__file__).parent.parent / "docs" / "formats" / "regpat.md"
    (text,) = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (source,) = make_study(tomllib.loads(text)).sources
    assert source.format == FORMAT.name
    assert FORMAT.options_of(source.request([]))
