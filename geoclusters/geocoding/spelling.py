"""Names brought to the form in which they are compared: plain small letters, no spaces.

Accents, case, spaces, hyphens and other marks go; Cyrillic and Greek become Latin letters; words
that are written in several lengths (St, Saint, Sankt) take one of them. The tables of names that
ship with the package are built with the same functions.
"""

# ruff: noqa: RUF001 - the tables below are about letters that look alike

from __future__ import annotations

import re
import unicodedata
from typing import Final

_SINGLE: Final = {
    "ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "þ": "th", "ə": "a", "ŋ": "ng",
    "ß": "ss", "æ": "ae", "œ": "oe", "ʻ": "", "ʼ": "", "'": "", "’": "", "‘": "", "`": "", "´": "",
}  # fmt: skip
"""Letters that Unicode does not decompose, and marks that stand within a word."""

_CYRILLIC: Final = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ж": "zh", "з": "z", "и": "i",
    "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t",
    "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y",
    "ь": "", "э": "e", "ю": "yu", "я": "ya", "є": "ye", "і": "i", "ґ": "g", "ј": "j", "љ": "lj",
    "њ": "nj", "ћ": "c", "ђ": "dj", "џ": "dz", "ў": "u", "қ": "q", "ғ": "gh", "ң": "ng", "ү": "u",
    "ұ": "u", "ө": "o", "һ": "h", "ә": "a", "ѕ": "dz",
}  # fmt: skip
_GREEK: Final = {
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i",
    "κ": "k", "λ": "l", "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s",
    "ς": "s", "τ": "t", "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o",
}  # fmt: skip
_LETTERS: Final = str.maketrans({**_SINGLE, **_CYRILLIC, **_GREEK})
_WORD: Final = re.compile(r"[^\W_]+")

_ONE_LENGTH: Final = {
    **dict.fromkeys(("saint", "sankt", "sanct", "sint", "szent"), "st"),
    **dict.fromkeys(("sainte", "santa", "sta"), "ste"),
    "mount": "mt",
    "mont": "mt",
    "mountain": "mt",
    "mtn": "mt",
    "fort": "ft",
    "point": "pt",
    "heights": "hts",
    "springs": "spgs",
    "junction": "jct",
    "n": "north",
    "s": "south",
    "e": "east",
    "w": "west",
    "so": "south",
    "no": "north",
    "nth": "north",
    "sth": "south",
    "upr": "upper",
    "lwr": "lower",
    "grt": "great",
    "vlg": "village",
    "spring": "spg",
    "and": "",
    "und": "",
    "et": "",
    "y": "",
    "the": "",
}
"""Words of one meaning and several lengths."""

_GERMAN_TAILS: Final = (
    (re.compile(r"\b(?:a|am)\s*m(?:ain)?$"), "am main"),
    (re.compile(r"\b(?:a|am)\s*rh(?:ein)?$"), "am rhein"),
    (re.compile(r"\b(?:a|am)\s*n(?:eckar)?$"), "am neckar"),
    (re.compile(r"\ba\s*d\b"), "an der"),
    (re.compile(r"\bi\s*d\b"), "in der"),
    (re.compile(r"\bo\s*d\b"), "ob der"),
    (re.compile(r"\bb\s+(?=\w{4})"), "bei "),
    (re.compile(r"\bi\s+(?=\w)"), "in "),
    (re.compile(r"\ba\s+(?=\w{3})"), "am "),
)
"""Short forms behind the name of a German town, in the order in which they are tried."""


def words_of(name: str) -> list[str]:
    """
    Words of a name in small Latin letters without accents; other scripts stay as they are.

    Examples
    --------
    >>> words_of("Saint-Étienne"), words_of("ŁÓDŹ"), words_of("Санкт-Петербург")
    (['saint', 'etienne'], ['lodz'], ['sankt', 'peterburg'])
    """
    name = _mended(name)
    if name.isascii():
        return _WORD.findall(name.replace("'", "").replace("`", "").casefold())
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return _WORD.findall(unicodedata.normalize("NFC", plain.translate(_LETTERS)))


def _mended(name: str) -> str:
    """Undo UTF-8 that was read as Latin-1: "MÃ¼nchen"."""
    if "\u00c3" in name or "\u00c5" in name or "\u00c4" in name:
        try:
            return name.encode("cp1252").decode("utf-8")
        except UnicodeError:
            return name
    return name


def joined(words: list[str]) -> str:
    """
    Give the form in which names are compared, from the words of a name.

    Examples
    --------
    >>> joined(["saint", "etienne"]), joined(["the", "hague"]), joined(["n", "haven"])
    ('stetienne', 'hague', 'northhaven')
    """
    short = "".join(_ONE_LENGTH.get(word, word) for word in words)
    return short or "".join(words)


def key_of(name: str) -> str:
    """
    Give the form in which a name is compared with others.

    Examples
    --------
    >>> key_of("St. Louis") == key_of("SAINT LOUIS") == "stlouis"
    True
    >>> key_of("Frankfurt (Oder)"), key_of("東京都")
    ('frankfurtoder', '東京都')
    """
    return joined(words_of(name))


def german_long_form(words: list[str]) -> list[str]:
    """
    Write out what German addresses shorten behind a town's name.

    Examples
    --------
    >>> german_long_form(["frankfurt", "a", "m"])
    ['frankfurt', 'am', 'main']
    >>> german_long_form(["neustadt", "a", "d", "aisch"])
    ['neustadt', 'an', 'der', 'aisch']
    """
    text = " ".join(words)
    for short, long in _GERMAN_TAILS:
        text = short.sub(long, text)
    return text.split()


def is_latin(key: str) -> bool:
    """Tell whether a key is of Latin letters and digits only, so that its spelling can be compared."""
    return key.isascii()
