"""One spelling for sounds that are written in several ways: Muenchen and München, T'u-ch'eng and Tucheng.

A folded key is not pretty and not meant to be read: it is the same for spellings between which
sources waver. Each family of countries has its own rules, applied from the first to the last.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_GERMANIC: Final = (
    ("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a"), ("sch", "sh"), ("tz", "z"), ("dt", "t"),
    ("ck", "k"), ("th", "t"), ("ph", "f"),
)  # fmt: skip
_CHINESE: Final = (
    ("ueh", "ue"), ("hs", "x"), ("shih", "shi"), ("(ch|c|j|zh|jh)ih", "ci"), ("tz|ts|dz", "z"),
    ("ch|zh|jh|q|j", "c"), ("sh", "s"), ("si", "xi"), ("sy", "xy"), ("y(?=[iu])", ""),
    ("ien", "ian"), ("ieh", "ie"), ("ung", "ong"), ("eh", "e"), ("uo", "o"), ("hui", "hui"),
    ("ui", "uei"), ("iu", "iou"), ("wu", "u"), ("b", "p"), ("d", "t"), ("g(?!$|[^aeiou])", "k"),
    ("(?<=[aeiou])h(?![aeiou])", ""),
)  # fmt: skip
_KOREAN: Final = (
    ("eo", "o"), ("eu", "u"), ("ae", "e"), ("oo", "u"), ("ee", "i"), ("ou", "u"), ("woo", "u"),
    ("yu(?=ng)", "yo"), ("u(?=ng)", "o"), ("g", "k"), ("d", "t"), ("b", "p"), ("ch|j", "c"), ("l", "r"),
    ("sh", "s"),
)  # fmt: skip
_JAPANESE: Final = (
    ("ou|oo|oh(?![aeiou])", "o"), ("uu", "u"), ("tsu|tu", "zu"), ("dzu", "zu"), ("shi|si", "si"),
    ("chi|ti", "ci"), ("fu|hu", "fu"), ("ji|zi|di", "zi"), ("sy|sh", "s"), ("ty|ch", "c"), ("jy|zy|j", "z"),
    ("m(?=[bp])", "n"), ("l", "r"),
)  # fmt: skip
_HEBREW: Final = (
    ("tz|ts", "z"), ("kh|ch|h", "h"), ("q|k|c", "k"), ("iy|yi|ya", "ia"), ("y", "i"), ("w", "v"),
    ("ee", "e"), ("oo", "u"), ("th", "t"), ("ph|p(?=e)", "f"), ("ie", "e"),
)  # fmt: skip
_SLAVIC: Final = (
    ("shch|sch", "sh"), ("iy|yy|ij|yj|yi", "i"), ("y", "i"), ("kh|h", "h"), ("ts|tz|cz", "c"),
    ("zh", "z"), ("ye|je", "e"), ("w", "v"), ("x", "ks"),
)  # fmt: skip
_LATIN: Final = (
    ("ph", "f"), ("qu|q", "k"), ("ck|k", "c"), ("y", "i"), ("th", "t"), ("ae", "e"), ("oe", "e"),
)  # fmt: skip
_ENGLISH: Final = (
    ("ph", "f"), ("ck", "k"), ("ough|aw", "au"), ("gh", "g"), ("borough|burg|burgh|boro", "bur"),
    ("ee|ea", "e"), ("ie|ey|y", "i"), ("oo|ou", "u"), ("wh", "w"), ("sh|ch", "ch"), ("mt", "mt"),
)  # fmt: skip

_FAMILIES: Final = (
    ("DE AT CH LI LU NL BE DK NO SE FI IS FO EE HU", _GERMANIC),
    ("CN TW HK MO SG", _CHINESE),
    ("KR KP", _KOREAN),
    ("JP", _JAPANESE),
    ("IL PS", _HEBREW),
    ("RU UA BY KZ BG RS MK PL CZ SK KG UZ TJ TM AM GE AZ", _SLAVIC),
    ("FR ES IT PT BR MX AR CL CO PE VE RO MC SM", _LATIN),
)
_TWICE: Final = re.compile(r"(.)\1+")


def fold(key: str, country: str | None) -> str:
    """
    Give one spelling to what is written in several ways in a country.

    Parameters
    ----------
    key : str
        As `spelling.key_of` gives it.
    country : str or None
        ISO 3166-1 alpha-2; the rules of English where the country has no others.

    Examples
    --------
    >>> fold("muenchen", "DE") == fold("munchen", "DE")
    True
    >>> fold("tuchengshih", "TW") == fold("tuchengshi", "TW")
    True
    >>> fold("pusan", "KR") == fold("busan", "KR"), fold("oosaka", "JP") == fold("osaka", "JP")
    (True, True)
    """
    return fold_all([key], country)[0]


def fold_all(keys: Sequence[str], country: str | None) -> list[str]:
    """
    Fold many keys at once, as `fold` does one.

    Examples
    --------
    >>> fold_all(["muenchen", "koeln"], "DE")
    ['munchen', 'koln']
    """
    if not len(keys):
        return []
    text = "\n".join(keys)
    for pattern, sound in _rules(country):
        text = pattern.sub(sound, text)
    return _TWICE.sub(r"\1", text).split("\n")


@cache
def _rules(country: str | None) -> tuple[tuple[re.Pattern[str], str], ...]:
    rules = next((r for codes, r in _FAMILIES if country and country in codes.split()), _ENGLISH)
    return tuple((re.compile(pattern, re.MULTILINE), sound) for pattern, sound in rules)
