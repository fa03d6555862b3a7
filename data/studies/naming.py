"""Names brought into a form in which two spellings of one name are equal."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

ESCAPE: Final = re.compile(r"<U\+([0-9A-Fa-f]{4,6})>")
APOSTROPHES: Final = re.compile("['`\N{ACUTE ACCENT}\u2018\u2019\u02bb\u02bc]")
NOT_DECOMPOSED: Final = str.maketrans(
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
"""Letters that Unicode does not take apart into a letter and an accent."""


def unescaped(name: str) -> str:
    """
    Turn the escapes that R writes for letters outside ASCII back into letters.

    Examples
    --------
    >>> unescaped("<U+00C5>bo Akademi University")
    'Åbo Akademi University'
    """
    return ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), name)


def folded(name: str) -> str:
    """
    Give a name in small ASCII letters, words parted by one blank, without accents and marks.

    Examples
    --------
    >>> folded("Universität  zu Köln"), folded("Texas A&M University. College Station")
    ('universitat zu koln', 'texas a and m university college station')
    """
    text = unicodedata.normalize("NFKD", name.lower().translate(NOT_DECOMPOSED))
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = APOSTROPHES.sub("", text.replace("&", " and "))
    return " ".join(re.findall(r"\w+", text))
