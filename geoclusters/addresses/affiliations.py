"""Takes the affiliation of an author apart: organisation, place, region and country.

Affiliations are free text, yet nearly all end with the country and name the place before it. The parts between
commas are read from the end: first the country, then the region, then the place, each freed of postal codes. Names of
countries, regions and places help to tell them apart; a place that no table knows is still taken for the place when it
stands where one should. The first part that names an organisation is the organisation.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from geoclusters.addresses.regions import (
    CITY_STATES,
    NATIONS,
    country_named,
    is_place,
    overseas_part,
    region_named,
    state_coded,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


class Affiliation(NamedTuple):
    """
    Parts of an affiliation; None where it does not say.

    Attributes
    ----------
    organisation : str or None
        Institution as written; the university rather than its department where both stand there.
    place : str or None
        City or town as written, without postal code.
    region : str or None
        State, province or other first-level part of the country, by its name in the places table.
    country : str or None
        ISO 3166-1 alpha-2.
    """

    organisation: str | None = None
    place: str | None = None
    region: str | None = None
    country: str | None = None

    @property
    def accuracy(self) -> str | None:
        """How finely this can be geocoded: place, region, country or None."""
        levels = (("place", self.place), ("region", self.region), ("country", self.country))
        return next((level for level, value in levels if value), None)


NOTHING: Final = Affiliation()
COUNTRY_WORDS: Final = 6
PARTS_ASKED: Final = 4
"""How many parts before the country may hold region and place."""
STATES_NAMED_AS_CITIES: Final = frozenset({"US", "CA", "BR", "MX"})
"""Where an unknown place before the name of a city and state (New York) is more likely than that city."""

_NOISE: Final = re.compile(
    r"\b(?:electronic address|e-?mails?|email address|corresponding author)\s*:.*$"
    r"|\S+@\S+"
    r"|\bhttps?://\S+"
    r"|\(Drs? [^()]*\)"
    r"|\((?:[A-Z]\.[-\s]?)+(?:,\s*(?:[A-Z]\.[-\s]?)+)*\)",
    re.IGNORECASE,
)
_DIGIT_OR_CEDEX: Final = re.compile(r"\d|[Cc](?:edex|EDEX)$")
_MAY_BE_NOISY: Final = re.compile(r"[@:(]")
_DOMAIN: Final = re.compile(r"(?:[\w-]+\.)+[a-z]{2,3}")
_PEOPLES: Final = re.compile(r"\bPeople\W{0,2}s\s+R", re.IGNORECASE)
_REMARK: Final = re.compile(
    r"contributed equally|equal contribution|corresponding author|\borcid\b|\d{4}-\d{4}-\d{4}-\d{3}[\dX]|^\W*tel\b",
    re.IGNORECASE,
)
_COMMA: Final = re.compile(r"[,;](?![^()]*\))")
_POSTBOX: Final = re.compile(r"\bP\.?\s?O\.?\s?Box\b.*$|\bCedex\b.*$", re.IGNORECASE)
# Dutch codes have letters behind: 3584 CH. In all others each word of a code has a digit.
_CODE: Final = re.compile(
    r"\b\d{4} [A-Z]{2}(?= [A-Z][a-z]|$)|(?<!\w)[A-Z]{1,3}-(?=\d)|[^\s\d]*\d\S*"
)
_CAPITALS: Final = re.compile(r"[A-Z]{2,3}")
_DISTRICT: Final = re.compile(r"(?:\b|-)(?:district|dist|ku|gu|qu|cho|machi|dong)$", re.IGNORECASE)
_STREET: Final = re.compile(
    r"\b(?:road|rd|street|st|avenue|ave?|boulevard|blvd|lane|drive|highway|parkway|plaza|piazza|floor|building|bldg|room|block)"
    r"\.?$"
    r"|^(?:rue|via|viale|calle|avenida|av|rua|jalan|jl|ul|plaza|piazza|no|unit|level|floor|box)\b\.?\s"
    r"|(?:stra(?:ss|ß)e|str\.?|weg|gatan|vej|laan)$",
    re.IGNORECASE,
)
_ORGANISATION: Final = re.compile(
    r"\b(?:ctr|grp|group|inc|ltd|llc|gmbh|co|company|sa|ag|bv|kg|section|sect|unit|services?|serv|key|chair|hsch|cnrs|inserm|irccs"
    r"|nhs|trust|bank|sci|sciences?|technol\w*|engn|engineering|med|medicine|medical|hlth|health|res|research|studies|business"
    r"|management|campus|society|network|museum|library|escuela|[eé]cole|natl|national|school|sch|council|project"
    r"|(?:univ|inst|dep|coll|fac|hosp|clin|lab|acad|div|fdn|foundation|minist|corp|assoc|agen|agcy|bureau|program|polytech|politec)"
    r"\w*|cent(?:er|re|ro|rum)s?)\b"
    r"|universi|hochschul|institut|klinik|h[oô]pital",
    re.IGNORECASE,
)
_MAIN: Final = re.compile(
    r"\buniv|universi|uniwersytet|hochschule|\bhsch\b|polytechni|politec|institute? of technology|academy of"
    r"|acad\w* sci|hospital|h[oô]pital|\bhosp\b|national laborator|\b(?:inc|ltd|llc|gmbh|corp)\b",
    re.IGNORECASE,
)
_SUB_UNIT: Final = re.compile(
    r"\b(?:dep(?:artment|t|artamento|artement)|division|school|faculty|faculdade|facultad|section|laborator\w*|unit|group"
    r"|chair|program|college of|cent(?:er|re) (?:for|of)|institute (?:for|of)|key lab|clinic|office)\b",
    re.IGNORECASE,
)
_CITIES_OF_CHINA: Final = (("Hong Kong", "HK"), ("Macau", "MO"), ("Macao", "MO"))
_JOINING: Final = frozenset(
    {"of", "de", "di", "do", "da", "du", "des", "and", "in", "for", "the", "&", "new"}
)
"""Words before a country's name by which it is part of another name: University of Iceland, New Mexico."""


def parse_affiliations(texts: Iterable[str | None]) -> list[Affiliation]:
    """
    Parse many affiliations; each distinct text once.

    Examples
    --------
    >>> [a.place for a in parse_affiliations(["ETH, CH-8092 Zurich, Switzerland", None])]
    ['Zurich', None]
    """
    given = list(texts)
    found = {text: parse_affiliation(text) for text in dict.fromkeys(given) if text}
    return [found[text] if text else NOTHING for text in given]


def parse_affiliation(text: str) -> Affiliation:
    """
    Take one affiliation apart.

    Parameters
    ----------
    text : str
        As Web of Science, Scopus, Dimensions, PubMed or Crossref give it: parts between commas, the country last or
        left out in the United States.

    Examples
    --------
    >>> parse_affiliation("Univ Kent, Dept Phys, Canterbury CT2 7NZ, Kent, England.")
    Affiliation(organisation='Univ Kent', place='Canterbury', region='England', country='GB')
    >>> parse_affiliation("Department of Chemistry, Ohio State University, Columbus, OH 43210")
    Affiliation(organisation='Ohio State University', place='Columbus', region='Ohio', country='US')
    >>> parse_affiliation("City Univ Hong Kong, Kowloon, Hong Kong, Peoples R China").country
    'HK'
    """
    parts = _parts(text)
    if not parts:
        return NOTHING
    end = _country(parts)
    found = _place(end.rest, end.country)
    country = _not_in_china(text, found.place) if end.country == "CN" else end.country
    return Affiliation(
        organisation=_organisation(found.rest),
        place=found.place or CITY_STATES.get(country or "") or _named_after(found.rest, country),
        region=found.region or end.region,
        country=country,
    )


def is_remark(text: str) -> bool:
    """
    Tell whether a text in the place of an affiliation is none: a note on the authors, or an address of electronic mail.

    Examples
    --------
    >>> is_remark("These authors contributed equally"), is_remark("Univ Bern, Bern, Switzerland")
    (True, False)
    """
    return bool(_REMARK.search(text)) or not _parts(text)


def _parts(text: str) -> list[str]:
    clean = _NOISE.sub(" ", text) if _MAY_BE_NOISY.search(text) else text
    # The apostrophe is often broken, and without "People's" the country would be another.
    clean = _PEOPLES.sub("Peoples R", clean)
    stripped = (" ".join(part.split()).strip(" .,;:*-[]") for part in _COMMA.split(clean))
    parts = [part for part in stripped if any(letter.isalnum() for letter in part)]
    while len(parts) > 1 and (_DOMAIN.fullmatch(parts[-1]) or not _without_codes(parts[-1])):
        parts.pop()
    return parts


class _End(NamedTuple):
    """What the end of an affiliation says of the country, and the parts before it."""

    country: str | None
    region: str | None
    rest: list[str]


def _country(parts: list[str]) -> _End:
    """Find the country at the end."""
    # "Korea, Republic of"
    joined = country_named(", ".join(parts[-2:])) if len(parts) > 2 else None
    if joined:
        return _End(joined, NATIONS.get(parts[-2].casefold()), parts[:-2])
    end = _in_last_part(parts)
    while len(end.rest) > 1 and end.country:
        before = _without_codes(end.rest[-1])
        inner = overseas_part(before, end.country)
        again = country_named(before) == end.country and not is_place(end.country, before)
        if not inner and not again:
            break
        region = end.region or NATIONS.get(before.casefold())
        end = _End(inner or end.country, region, end.rest[:-1])
    return end


def _in_last_part(parts: list[str]) -> _End:
    *rest, last = parts
    name = _without_codes(last)
    whole = _whole_part(name, _without_codes(rest[-1]) if rest else "", has_more=bool(rest))
    if whole:
        # A city that bears the name of its state is still to be found: New York.
        keep = whole.region is not None and is_place(whole.country, name)
        return _End(whole.country, whole.region, [*rest, last] if keep else rest)
    words = name.split()
    for count in range(min(COUNTRY_WORDS, len(words) - 1), 0, -1):
        head, tail = " ".join(words[:-count]), " ".join(words[-count:])
        found = _after(head, tail, has_code=name != last)
        if not found and count > 1 and _is_state(tail):
            # Its last word alone would be another country: Rhode Island, New Jersey, New South Wales.
            break
        if found:
            named = _ORGANISATION.search(head) and not _CAPITALS.fullmatch(head)
            left = last if named else _up_to(last, words[-count - 1])
            return _End(found.country, found.region, [*rest, left])
    return _End(None, None, parts)


def _is_state(name: str) -> bool:
    return any(region_named(owner, name) for owner in ("US", "CA", "AU"))


def _whole_part(name: str, before: str, *, has_more: bool) -> _End | None:
    """Take a whole part for a country, or for a state whose country is not written."""
    if _CAPITALS.fullmatch(name) and state_coded(name):
        return _coded(name, before)
    country = country_named(name)
    states = (
        [(owner, region_named(owner, name)) for owner in ("US", "CA", "AU")] if has_more else []
    )
    for owner, region in states:
        known = is_place(owner, before, region) or (owner == "US" and not is_place("US", name))
        if region and known and (not country or not is_place(country, before)):
            return _End(owner, region, [])
    if country:
        return _End(country, NATIONS.get(name.casefold()), [])
    return None


def _coded(code: str, before: str) -> _End:
    """Take a code for a state, unless what stands before it is in the country of this code alone."""
    owner = state_coded(code) or ""
    region = region_named(owner, code)
    country = country_named(code)
    if country and is_place(country, before) and not is_place(owner, before, region):
        return _End(country, None, [])
    return _End(owner, region, [])


def _after(head: str, tail: str, *, has_code: bool) -> _End | None:
    """Take the last words of a part for a country, or for a state behind a place that is known."""
    before = head.rsplit(maxsplit=1)[-1]
    joins = before in _JOINING
    if before == "New":
        return None
    if len(tail) > 3 or tail in {"USA", "UK", "UAE", "PRC", "ROC", "KSA"}:
        country = country_named(tail)
        if country and not (joins and (tail == "Georgia" or not _ORGANISATION.search(head))):
            return _End(country, NATIONS.get(tail.casefold()), [])
    for owner in ("US", "CA", "AU"):
        region = region_named(owner, tail)
        coded = bool(_CAPITALS.fullmatch(tail)) and has_code and not _ORGANISATION.search(head)
        if region and (coded or is_place(owner, head, region)):
            return _End(owner, region, [])
    return None


def _up_to(part: str, word: str) -> str:
    """Give a part up to a word, with the postal codes before it."""
    return part[: part.rfind(word) + len(word)]


def _not_in_china(text: str, place: str | None) -> str:
    """Tell the economy of an address in Hong Kong or Macao that only says China."""
    if place and is_place("CN", place):
        return "CN"
    return next((code for name, code in _CITIES_OF_CHINA if name in text), "CN")


class _Found(NamedTuple):
    """Place and region, and the parts before them."""

    place: str | None
    region: str | None
    rest: list[str]


def _place(rest: list[str], country: str | None) -> _Found:
    """Find place and region at the end of the parts."""
    region = both = loose = None
    cut = len(rest)
    for at in range(len(rest) - 1, max(-1, len(rest) - 1 - PARTS_ASKED), -1):
        name, inner = _without_region(_without_codes(rest[at]), country)
        state = region_named(country, name) if country and not inner else None
        if _is_known(name, country, at):
            if state and not region and not loose:
                region, both, cut = state, name, at
                continue
            region = region or inner or _region_before(rest, at, country)
            return _Found(name, region, rest[:at])
        if state and at:
            region, cut = region or state, at
        elif not name or (at and (_CAPITALS.fullmatch(name) or _DISTRICT.search(name))):
            cut = at
        elif loose or not at or _ORGANISATION.search(name) or _STREET.search(name):
            break
        elif country:
            loose, cut = name, at
    prefers_loose = country in STATES_NAMED_AS_CITIES or not both
    return _Found(loose if prefers_loose and loose else both, region, rest[:cut])


def _without_region(name: str, country: str | None) -> tuple[str, str | None]:
    """Part a place from the region behind it: Calgary Alberta, Washington DC."""
    words = name.split()
    for at in range(1, len(words)) if country else ():
        head, tail = " ".join(words[:at]), " ".join(words[at:])
        region = region_named(country or "", tail)
        if region and not is_place(country, name) and is_place(country, head):
            return head, region
    return name, None


def _named_after(rest: list[str], country: str | None) -> str | None:
    """Place at the end of an organisation's name, where nothing else names one: Univ Oxford, England."""
    words = _without_codes(rest[-1]).split() if rest and country else []
    for count in range(min(PARTS_ASKED, len(words) - 1), 0, -1):
        name = " ".join(words[-count:])
        known = is_place(country, name) and not country_named(name)
        if known and not region_named(country or "", name) and not _ORGANISATION.search(name):
            return name
    return None


def _is_known(name: str, country: str | None, at: int) -> bool:
    """Tell whether a part is a place; the first part is one only where it cannot be an organisation."""
    if not name or (at == 0 and _ORGANISATION.search(name)):
        return False
    return is_place(country, name)


def _region_before(rest: list[str], at: int, country: str | None) -> str | None:
    """Region that stands before its place: Hunan, Changsha, China."""
    return region_named(country, rest[at - 1]) if country and at > 1 else None


def _organisation(parts: list[str]) -> str | None:
    """First part, or where that is a part of an organisation the first that is a whole one."""
    if not parts:
        return None
    first = parts[0]
    if _SUB_UNIT.search(first) and not _MAIN.search(first):
        return next((part for part in parts if _MAIN.search(part)), first)
    return first


@lru_cache(maxsize=1 << 16)
def _without_codes(part: str) -> str:
    """
    Drop postal codes, house numbers and post-office boxes.

    Examples
    --------
    >>> [_without_codes(p) for p in ("NL-3584 CH Utrecht", "London WC1H 0NT", "F-69622 Villeurbanne Cedex")]
    ['Utrecht', 'London', 'Villeurbanne']
    """
    if _DIGIT_OR_CEDEX.search(part):
        part = _CODE.sub(" ", _POSTBOX.sub(" ", part))
    return " ".join(part.split()).strip(" .,-")
