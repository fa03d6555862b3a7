"""Fields of technology of patents: the 35 of WIPO, from symbols of the International Patent Classification (IPC).

U. Schmoch, "Concept of a Technology Classification for Country Comparisons", report to WIPO, 2008, as it has been kept
up since; subclasses that are newer than our list are given to the field of those that they were taken out of.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

FIELDS: Final = {
    "Electrical machinery, apparatus, energy": "F21 H01B H01C H01F H01G H01H H01J H01K H01M H01R H01T H02 H05B H05C "
    "H05F H99",
    "Audio-visual technology": "G09F G09G G11B H04N H04R H04S H05K",
    "Telecommunications": "G08C H01P H01Q H04B H04H H04J H04K H04M H04N1 H04N7 H04N11 H04Q",
    "Digital communication": "H04L H04N21 H04W",
    "Basic communication processes": "H03",
    "Computer technology": "G06 G10L G11C G16",
    "IT methods for management": "G06Q",
    "Semiconductors": "H01L H10",
    "Optics": "G02 G03B G03C G03D G03F G03G G03H H01S",
    "Measurement": "G01 G04 G12B G99",
    "Analysis of biological materials": "G01N33",
    "Control": "G05B G05D G05F G07 G08B G08G G09B G09C G09D",
    "Medical technology": "A61B A61C A61D A61F A61G A61H A61J A61L A61M A61N G16H H05G",
    "Organic fine chemistry": "A61K8 A61Q C07B C07C C07D C07F C07H C07J C40B",
    "Biotechnology": "C07G C07K C12M C12N C12P C12Q C12R C12S G16B",
    "Pharmaceuticals": "A61K A61P",
    "Macromolecular chemistry, polymers": "C08B C08C C08F C08G C08H C08K C08L",
    "Food chemistry": "A01H A21D A23B A23C A23D A23F A23G A23J A23K A23L A23V C12C C12F C12G C12H C12J C13B10 C13B20 "
    "C13B30 C13B35 C13B40 C13B50 C13B99 C13D C13F C13J C13K",
    "Basic materials chemistry": "A01N A01P C05 C06 C09 C10 C11 C99",
    "Materials, metallurgy": "B22 C01 C03C C04 C21 C22",
    "Surface technology, coating": "B05C B05D B32 C23 C25 C30",
    "Micro-structural and nano-technology": "B81 B82",
    "Chemical engineering": "B01 B02C B03 B04 B05B B06 B07 B08 C14C D06B D06C D06L F25J F26 H05H",
    "Environmental technology": "A62C A62D B01D45 B01D46 B01D47 B01D49 B01D50 B01D51 B01D52 B01D53 B09 B65F C02 "
    "E01F8 F01N F23G F23J G01T",
    "Handling": "B25J B65B B65C B65D B65G B65H B66 B67",
    "Machine tools": "B21 B23 B24 B25B B25C B25D B25F B25G B25H B26 B27 B30",
    "Engines, pumps, turbines": "F01 F02 F03 F04 F23R F99 G21",
    "Textile and paper machines": "A41H A43D A46D B31 B41 C14B D01 D02 D03 D04B D04C D04G D04H D05 D06G D06H D06J D06M "
    "D06P D06Q D21 D99",
    "Other special machines": "A01B A01C A01D A01F A01G A01J A01K A01L A01M A21B A21C A22 A23N A23P B02B B28 B29 B33 "
    "B99 C03B C08J C12L C13B5 C13B15 C13B25 C13B45 C13C C13G C13H F41 F42",
    "Thermal processes and apparatus": "F22 F23B F23C F23D F23H F23K F23L F23M F23N F23Q F24 F25B F25C F27 F28",
    "Mechanical elements": "F15 F16 F17 G05G",
    "Transport": "B60 B61 B62 B63 B64",
    "Furniture, games": "A47 A63",
    "Other consumer goods": "A24 A41B A41C A41D A41F A41G A42 A43B A43C A44 A45 A46B A62B B42 B43 B44 B68 D04D D06F "
    "D06N D07 F25D G10B G10C G10D G10F G10G G10H G10K",
    "Civil engineering": "E01 E02 E03 E04 E05 E06 E21 E99",
}
"""Field to classes, subclasses and main groups of the IPC; the longest that fits a symbol decides."""

_SYMBOL: Final = re.compile(r"([A-H]\d\d)([A-Z]?)[ -]*(\d*)(/?)")
_GROUP_DIGITS: Final = 4
"""Digits of the main group in symbols that are written in 14 signs: A61K0008190000."""


def technology_of(symbol: str) -> str | None:
    """
    Field of technology of a symbol of the IPC, None where it has none.

    Parameters
    ----------
    symbol : str
        With or without blanks, slash and leading zeros; a subclass alone will do.

    Examples
    --------
    >>> technology_of("A61K 8/19"), technology_of("A61K0008190000"), technology_of("A61K031/00")
    ('Organic fine chemistry', 'Organic fine chemistry', 'Pharmaceuticals')
    >>> technology_of("H04N"), technology_of("nothing")
    ('Audio-visual technology', None)
    """
    found = _SYMBOL.match(symbol.strip().upper())
    if found is None:
        return None
    kind, letter, digits, slash = found.groups()
    group = digits if slash else digits[:_GROUP_DIGITS]
    known = _fields()
    names = (f"{kind}{letter}{int(group)}" if group and letter else "", kind + letter, kind)
    return next((known[name] for name in names if name in known), None)


@cache
def _fields() -> dict[str, str]:
    return {symbol: field for field, symbols in FIELDS.items() for symbol in symbols.split()}
