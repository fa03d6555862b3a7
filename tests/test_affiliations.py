"""Affiliations taken apart: what was put together comes back, known traps, and labelled strings of the real world."""

from __future__ import annotations

import ast
import gzip
import re
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters.addresses.affiliations import (
    NOTHING,
    is_remark,
    parse_affiliation,
    parse_affiliations,
)
from geoclusters.addresses.regions import country_named, is_place, region_named
from geoclusters.countries import iso2_of, normalised_name, read_countries
from geoclusters.places import read_places

SHARED = Path(__file__).parents[2] / "shared"
GOLD = SHARED / "data" / "validation_affiliation_to_ror" / "gold_affiliation_annotations.csv"
ROR = SHARED / "data" / "institutions_ror" / "ror_records.parquet"
WOS = SHARED / "formats" / "bibliographic_exports" / "wos_tagged_older.txt.gz"

ORGANISATIONS = ["Univ Example", "Natl Inst Technol", "Example GmbH", "Gen Hosp", "Acad Sci"]
UNITS = ["", "Dept Phys, ", "Sch Med, Clin Res Unit, ", "Dept Hist, 12 Station Rd, "]


@cache
def large_places():
    """Places that no other name of their country hides: no region, no country, no state of their name."""
    places = read_places(300_000)
    names = read_countries().set_index("iso2")["name"]
    plain = places["ascii_name"].str.fullmatch(r"[A-Z][a-z]+(?: [A-Z][a-z]+)?")
    kept = [
        (name, country, names[country], code, region)
        for name, country, code, region in places.loc[
            plain, ["ascii_name", "country", "region_code", "region"]
        ].itertuples(index=False)
        if country not in {"HK", "MO", "SG"}
        and country_named(name) is None
        and region_named(country, name) is None
        and region_named("US", name) is None
    ]
    assert len(kept) > 1000
    return kept


# Looked for when a test asks, not by every worker that reads this file.
PLACES = st.deferred(lambda: st.sampled_from(large_places()))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(ORGANISATIONS),
    st.sampled_from(UNITS),
    PLACES,
    st.sampled_from(["{}", "{} 10115", "D-10115 {}", "{} AB1 2CD", "75006 {}", "1234 AB {}"]),
    st.sampled_from(["", "."]),
)
def test_what_was_put_together_comes_back(organisation, unit, place, code, dot):
    name, iso2, country, _, _ = place
    text = f"{organisation}, {unit}{code.format(name)}, {country}{dot}"
    found = parse_affiliation(text)
    assert (found.organisation, found.place, found.country) == (organisation, name, iso2)
    assert found.accuracy == "place"


@settings(max_examples=100, deadline=None)
@given(
    st.deferred(lambda: st.sampled_from([p for p in large_places() if p[1] == "US"])),
    st.sampled_from(
        ["{} 10115 USA", "{} USA", "{}", "{} 10115-1234", "{}, United States", "{}, U.S.A."]
    ),
    st.booleans(),
)
def test_american_states_in_all_their_forms(place, form, spelled_out):
    name, _, _, code, region = place
    text = f"Univ Example, Dept Phys, {name}, {form.format(region if spelled_out else code)}"
    found = parse_affiliation(text)
    assert (found.place, found.region, found.country) == (name, region, "US")


FRAGMENTS = st.sampled_from(["Univ", "USA", ",", ";", ".", "(", ")", "-", "MA", "of", "China", "1"])
CODES = set(read_countries()["iso2"])


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.lists(FRAGMENTS).map(" ".join) | st.lists(FRAGMENTS).map("".join))
def test_no_text_breaks_it(text):
    found = parse_affiliation(text)
    assert all(value is None or value.strip() for value in found)
    assert found.country is None or found.country in CODES


@given(
    st.lists(
        st.sampled_from([None, "", "Univ Bern, Bern, Switzerland", "MIT, Cambridge, MA"]),
        max_size=8,
    )
)
@settings(max_examples=20, deadline=None)
def test_many_are_as_one_by_one(texts):
    assert parse_affiliations(texts) == [parse_affiliation(t) if t else NOTHING for t in texts]


@pytest.mark.parametrize(
    ("text", "place", "region", "country"),
    [
        # Greater China
        ("Univ Example, Kowloon, Hong Kong, Peoples R China", "Kowloon", None, "HK"),
        ("Univ Example, Hong Kong, Hong Kong, Peoples R China", "Hong Kong", None, "HK"),
        ("Hong Kong Example Univ, Peoples R China", "Hong Kong", None, "HK"),
        ("Hong Kong Example Univ, Shenzhen Res Inst, Shenzhen, Peoples R China", "Shenzhen", None, "CN"),
        ("Univ Example, Taipei 106, Taiwan, Peoples R China", "Taipei", "Taipei", "TW"),
        ("Univ Example, Taipei, Taiwan, Republic of China", "Taipei", "Taipei", "TW"),
        ("Univ Example, Xi\u2019an Shaanxi 710072, People\xbfs Republic of China", "Xi\u2019an", "Shaanxi", "CN"),
        ("Univ Example, Fac Sci, Hunan, Changsha, 410083, China", "Changsha", "Hunan", "CN"),
        ("Univ Example, Changsha 410083, Hunan, Peoples R China", "Changsha", "Hunan", "CN"),
        ("Univ Example, Haidian District, Beijing, China", "Beijing", "Beijing", "CN"),
        # States and countries of one name or code
        ("Univ Example, Atlanta, Georgia", "Atlanta", "Georgia", "US"),
        ("Univ Example, Atlanta, Georgia, United States", "Atlanta", "Georgia", "US"),
        ("Univ Example, Tbilisi, Georgia", "Tbilisi", None, "GE"),
        ("Univ Example, Cambridge, MA", "Cambridge", "Massachusetts", "US"),
        ("Univ Example, Rabat, MA", "Rabat", None, "MA"),
        ("Univ Example, San Diego, CA", "San Diego", "California", "US"),
        ("Univ Example, Newark, DE 19716 USA.", "Newark", "Delaware", "US"),
        ("Univ Example, Lafayette, IN USA.", "Lafayette", "Indiana", "US"),
        ("Univ Example, New York, New York", "New York", "New York", "US"),
        ("Univ Example, New York, NY 10027 USA", "New York", "New York", "US"),
        ("Univ Example, Washington DC, USA", "Washington", "District of Columbia", "US"),
        ("Univ Example, Las Cruces, New Mexico", "Las Cruces", "New Mexico", "US"),
        ("Univ Example, San Juan, PR 00931 USA", "San Juan", "San Juan", "PR"),
        ("UNIV EXAMPLE,DEPT PHYS,URBANA,IL 61801", "URBANA", "Illinois", "US"),
        ("Univ Example, Toronto, ON M5G 2M9, Canada", "Toronto", "Ontario", "CA"),
        ("Univ Example, Calgary, Alta.", "Calgary", "Alberta", "CA"),
        ("Univ Example, Montreal, PQ, Canada", "Montreal", "Quebec", "CA"),
        ("Univ Example, Hawthorn, Vic 3122, Australia", "Hawthorn", "Victoria", "AU"),
        ("Univ Example, Parkville, VIC 3010", "Parkville", "Victoria", "AU"),
        ("Univ Example, BR-13083970 Campinas, SP, Brazil", "Campinas", "São Paulo", "BR"),
        ("Univ Example, New Delhi 110016, Delhi, India", "New Delhi", "Delhi", "IN"),
        # Codes before and behind the place, provinces and counties behind it
        ("Univ Example, I-80126 Naples, Italy", "Naples", None, "IT"),
        ("Univ Example, Capua, CE, Italy", "Capua", None, "IT"),
        ("Univ Example, NL-3584 CH Utrecht, Netherlands", "Utrecht", "Utrecht", "NL"),
        ("Univ Example, F-69622 Villeurbanne Cedex, France", "Villeurbanne", None, "FR"),
        ("Univ Example, Shinjuku Ku, Tokyo 1698555, Japan", "Tokyo", "Tokyo", "JP"),
        ("Univ Example, Leeds LS2 9JT, W Yorkshire, England", "Leeds", "England", "GB"),
        ("Univ Example, Edinburgh, Midlothian, Scotland", "Edinburgh", "Scotland", "GB"),
        ("Univ Example, London, England, UK", "London", "England", "GB"),
        ("Univ Example, Singapore 117411, Singapore", "Singapore", None, "SG"),
        ("Example Univ Singapore", "Singapore", None, "SG"),
        ("Univ Example, Bogota 110231, DC, Colombia", "Bogota", None, "CO"),
        ("Univ Example, Seoul, Korea, Republic of", "Seoul", "Seoul", "KR"),
        ("Univ Example, Abu Dhabi, U Arab Emirates", "Abu Dhabi", "Abu Dhabi", "AE"),
        ("Example Labs Ltd, Kanagawa 2430197, Japan", None, "Kanagawa", "JP"),
        ("Univ Example, Hellerstadt, Germany", "Hellerstadt", None, "DE"),
        # What is no address
        ("Univ Example, Bern, Switzerland. Electronic address: a@b.ch.", "Bern", None, "CH"),
        ("Univ Example, Helsinki, Finland, example.fi", "Helsinki", None, "FI"),
        ("Univ Example, Mullana, Haryana, India, 133207", "Mullana", "Haryana", "IN"),
        ("University of Iceland", None, None, "IS"),
        ("University of Georgia", None, None, None),
        ("Example Hospital", None, None, None),
    ],
)  # fmt: skip
def test_traps(text, place, region, country):
    found = parse_affiliation(text)
    assert (found.place, found.country) == (place, country)
    if region or found.place is None:
        assert found.region == region


@pytest.mark.parametrize(
    ("text", "organisation"),
    [
        ("Univ Example, Dept Phys, Bern, Switzerland", "Univ Example"),
        (
            "Department of Physics, University of Example, Bern, Switzerland",
            "University of Example",
        ),
        ("Example Business School, Example University, Bern, Switzerland", "Example University"),
        ("Department of Physics, Bern, Switzerland", "Department of Physics"),
        ("Bern, Switzerland", None),
    ],
)
def test_the_organisation_is_the_whole_one(text, organisation):
    assert parse_affiliation(text).organisation == organisation


def test_remarks_are_told_from_affiliations():
    assert is_remark("These authors contributed equally to this work")
    assert is_remark(" a.b@example.org ;")
    assert not is_remark("Univ Bern")


def test_places_and_regions_are_those_of_their_country():
    assert is_place("GB", "Cambridge")
    assert not is_place("FR", "Cambridge")
    assert is_place(None, "Cambridge")
    assert region_named("CN", "Guangxi Zhuang Autonomous Region") == "Guangxi"
    assert region_named("DE", "CA") is None


# --------------------------------------------------------------------------- labelled strings


@pytest.mark.skipif(not GOLD.is_file(), reason="the labelled strings are not here")
def test_labelled_affiliations():
    """Strings that people matched with an organisation; its town may be written otherwise, or be another one."""
    gold = pd.read_csv(GOLD)
    records = pd.read_parquet(ROR).set_index("ror_id")
    labels = gold["labels"].map(
        lambda text: sorted(ast.literal_eval(text)) if text[0] == "{" else []
    )
    rows = [
        (text, ids[0])
        for text, ids in zip(gold["original_affiliation"], labels, strict=True)
        if len(ids) == 1 and ids[0] in records.index
    ]
    found = parse_affiliations([text for text, _ in rows])
    pairs = [(parsed, records.loc[ror]) for parsed, (_, ror) in zip(found, rows, strict=True)]
    countries = [
        parsed.country == record["country_code"] for parsed, record in pairs if parsed.country
    ]
    places = [
        normalised_name(parsed.place) == normalised_name(str(record["city"]))
        for parsed, record in pairs
        if parsed.place
    ]
    assert len(pairs) > 1500
    assert len(countries) / len(pairs) > 0.64  # a third of the strings names no country
    assert sum(countries) / len(countries) > 0.993
    assert len(places) / len(pairs) > 0.64
    assert (
        sum(places) / len(places) > 0.86
    )  # the rest is mostly another spelling, or another town of its campus


@pytest.mark.skipif(not WOS.is_file(), reason="the samples are not here")
def test_countries_of_web_of_science():
    """There the country is always the last word or words, so that a look-up of the whole last part is an oracle."""
    lines = gzip.decompress(WOS.read_bytes()).decode().splitlines()
    addresses = sorted(
        {re.sub(r"^.*\] ", "", line) for line in lines if re.match(r"(C1|  ) \[.*\.$", line)}
    )
    last = [address.rstrip(".").split(", ")[-1] for address in addresses]
    wanted = iso2_of(["US" if text.endswith(" USA") else text for text in last])
    found = [parsed.country for parsed in parse_affiliations(addresses)]
    asked = [
        (text, want, got)
        for text, want, got in zip(addresses, wanted, found, strict=True)
        if want is not None and not re.search("Hong Kong|Macau|Macao|Taiwan, Peoples", text)
    ]
    assert len(asked) > 700
    assert [row for row in asked if row[1] != row[2]] == []
