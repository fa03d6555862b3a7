"""Names of organisations brought into words by which spellings, languages and abbreviations of one name are equal."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LITTLE_WORDS: Final = _words(
    """
    the of and in at for to de la le les los las el del dell della delle degli dei di da do dos
    das du des zu zur der die das den dem fur und et y e i s a an im am von van het een voor en och
    og ve w u po
    """
)
"""Words that tell no organisation from another, in the languages of most names."""

SAME_WORD: Final = {
    word: english
    for english, words in {
        "university": "univ uni universitat universita universite universidad universidade universiteit universitet "
        "universitetet universiti universitesi universitas uniwersytet univerzita univerzitet universitaire "
        "universitario universitaria sveuciliste univercity universitatea universitari egyetem unversity universty "
        "univeristy univer",
        "institute": "institut instituto istituto inst instit instytut institution institutet insitute intitute",
        "technology": "tech technol technological technical technische technique tecnica tecnico tecnologica "
        "tecnologico teknologi technologie techn technologi technischen tekniska tecnologia",
        "polytechnic": "polytechnique politecnica politecnico politecnic polytechnical polytech politechnika "
        "polytechnische",
        "science": "sci scien scienze ciencia ciencias wissenschaft wissenschaften scientifique scientific cientifica "
        "sciense",
        "academy": "acad academia academie akademie accademia akademi akad",
        "national": "nacional nationale nazionale nat natl natn nationales",
        "center": "centre centro zentrum ctr cent centrum centr cntr zentrums",
        "laboratory": "lab labs laboratorio laboratoire laboratories laboratorium labor labo labora laboratoires",
        "research": "res recherche recherches ricerca ricerche investigacion investigaciones forschung forschungs "
        "pesquisa forschungszentrum",
        "hospital": "hosp hospitalier ospedale hopital hopitaux krankenhaus hospitais hospitales",
        "college": "coll collegio colegio colleges",
        "school": "sch ecole escuela escola scuola schule",
        "department": "dept dep departamento departement dipartimento depart deptartment dpt",
        "medicine": "med medical medecine medizinische medica medico medicina medizin medic medicinal",
        "engineering": "eng engn engg engin ingenieria ingenierie ingegneria engeneering",
        "faculty": "fac facultad faculte facolta fakultat faculdade fakultas",
        "autonomous": "autonoma autonome autonomo",
        "catholic": "catholique catolica cattolica katholieke katholische",
        "pontifical": "pontificia",
        "federal": "federale fed",
        "free": "freie libre vrije libera",
        "saint": "st sankt sao san santa ste sainte",
        "international": "int intl internacional internationale internazionale",
        "state": "estadual estatal statale etat",
        "information": "inf info informacion informazione informatica informatique informatik informatics",
        "communication": "commun comm comunicacion comunicazione",
        "telecommunication": "telecommun telecom telecomunicaciones",
        "automation": "autom",
        "management": "manag mgmt",
        "economics": "econ economiche economica economicas economie wirtschafts",
        "general": "gen generale",
        "system": "syst",
        "applied": "appl applicata applique appliquees aplicada aplicadas applicate",
        "physics": "phys physik fisica physique physical",
        "chemistry": "chem chimie chimica quimica chemie chemical",
        "mathematics": "math maths mathematique mathematical matematica mathematik mathematiques",
        "biology": "biol biologie biologia biological",
        "computer": "comput comp computing computers computation",
        "electronics": "electron electronic",
        "electrical": "elect electr elec",
        "mechanical": "mech",
        "agriculture": "agr agric agricultural agricola agronomique",
        "environment": "environ environmental",
        "health": "hlth sante salud saude salute gesundheit",
        "development": "dev develop",
        "energy": "energ energia energie",
        "ministry": "minist ministerio ministere ministero",
        "company": "co corp corporation inc ltd llc gmbh limited plc spa sas ag bv nv pvt incorporated",
        "foundation": "fdn fondation fundacion fondazione fundacao stiftung",
        "association": "assoc",
        "administration": "adm admin",
        "defense": "defence",
        "southern": "sud sur sul",
        "northern": "nord norte",
        "california": "calif",
        "massachusetts": "mass",
        "pennsylvania": "penn",
        "york": "ny",
        "planck": "plank",
    }.items()
    for word in words.split()
}
"""Words of other languages, abbreviations and frequent slips, by the English word."""

SILENT: Final = frozenset({"company", "studi", "ssr"})
"""Words that are left out of names: legal forms, the *studi* of Italian universities."""

SPELLED_OUT: Final = {
    "tu": ("technology", "university"),
    "uc": ("university", "california"),
    "mpi": ("max", "planck", "institute"),
    "iit": ("indian", "institute", "technology"),
    "iiit": ("indian", "institute", "information", "technology"),
    "suny": ("state", "university", "new", "york"),
    "cuny": ("city", "university", "new", "york"),
    "cas": ("chinese", "academy", "science"),
    "unsw": ("university", "new", "south", "wale"),
    "nsw": ("new", "south", "wale"),
    "hku": ("university", "hong", "kong"),
}
"""Abbreviations within names."""

_NOT_DECOMPOSED: Final = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ð": "d",
    }
)
_ELISION: Final = re.compile(r"\b[dl]['\u2019\u2018`]")
_MARKS: Final = re.compile("['`\u00b4\u2018\u2019\u02bb\u02bc]")
_INITIALS: Final = re.compile(r"\b(?:\w\.){2,}")
_WORD: Final = re.compile(r"[^\W_]+")
_CAPITALS_IN: Final = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
_PLURAL_LETTERS: Final = 5


def folded(text: str) -> str:
    """
    Give a text in small letters without accents; apostrophes go, and so do the dots of initials.

    Examples
    --------
    >>> folded("École Normale Supérieure d'Ulm, C.N.R.S.")
    'ecole normale superieure ulm, cnrs'
    """
    small = text.lower()
    if not small.isascii():
        small = unicodedata.normalize("NFKD", small.translate(_NOT_DECOMPOSED))
        small = "".join(c for c in small if not unicodedata.combining(c))
    small = _MARKS.sub("", _ELISION.sub("", small))
    return _INITIALS.sub(lambda match: match.group().replace(".", ""), small)


@lru_cache(maxsize=1 << 18)
def plain_word(word: str) -> str:
    """
    Give the word by which a folded word is known: English, in the singular; empty for a little word.

    Examples
    --------
    >>> [plain_word(w) for w in ("universidad", "sciences", "of", "tokyo")]
    ['university', 'science', '', 'tokyo']
    """
    if word in LITTLE_WORDS:
        return ""
    word = SAME_WORD.get(word, word)
    if len(word) >= _PLURAL_LETTERS and word.endswith("s") and not word.endswith("ss"):
        word = SAME_WORD.get(word[:-1], word[:-1])
    return "" if word in SILENT else word


def plain_words(text: str) -> tuple[str, ...]:
    """
    Give the words of a name by which spellings are compared.

    Examples
    --------
    >>> plain_words("The University of California, Berkeley")
    ('university', 'california', 'berkeley')
    >>> plain_words("Universität zu Köln") == plain_words("Univ. of Koln")
    True
    """
    return tuple(plain for word in _WORD.findall(folded(text)) for plain in spelled_out(word))


def spelled_out(word: str) -> tuple[str, ...]:
    """
    Give the words for a folded word: none for a little word, several for some abbreviations.

    Examples
    --------
    >>> spelled_out("tu"), spelled_out("of"), spelled_out("univ")
    (('technology', 'university'), (), ('university',))
    """
    if several := SPELLED_OUT.get(word):
        return several
    plain = plain_word(word)
    return (plain,) if plain else ()


def _plain(text: str) -> frozenset[str]:
    return frozenset(map(plain_word, text.split()))


KIND_WORDS: Final = _plain(
    """
    medicine technology state normal agriculture federal national polytechnic union christian
    islamic catholic metropolitan open american international city women autonomous free science
    """
)
"""Words before "university" that make another university of it."""

BODY_WORDS: Final = _plain(
    """
    university institute college school hospital academy center laboratory polytechnic foundation
    clinic council agency museum observatory ministry society association company group research
    institution infirmary
    """
)
"""Words that say that a name is one of an organisation."""

BRANCH_WORDS: Final = _plain(
    """
    research laboratory ai artificial intelligence center development technology engineering group brain learning
    machine robotics robot vision science innovation institute advanced north america europe asia
    """
)
"""Words that follow the name of a company where one of its parts is meant."""

SUBJECT_WORDS: Final = _plain(
    """
    department faculty division section unit physics chemistry biology mathematics computer computing computation
    electrical electronics mechanical information communication health energy environment agriculture economics
    management mathematical theoretical applied study general central division surgery education social art
    """
)
"""Words of what is done somewhere: they tell no organisation from another."""
