"""Writes values as TOML, which Python reads and does not write."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_NOT_SHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
LONGEST_LINE: Final = 100


def toml_text(text: str) -> str:
    r"""
    Write a text as a basic string; signs that are not seen, or steer a terminal, are written by their number.

    Examples
    --------
    >>> print(toml_text('a "b"\u202e\x7f ü'))
    "a \"b\"\u202E\u007F ü"
    """
    return "".join(map(_sign, json.dumps(text, ensure_ascii=False)))


def _sign(sign: str) -> str:
    if unicodedata.category(sign) not in _NOT_SHOWN:
        return sign
    return f"\\u{ord(sign):04X}" if ord(sign) < 1 << 16 else f"\\U{ord(sign):08X}"


def toml_key(key: str) -> str:
    """
    Write a key, in quotes where it needs them.

    Examples
    --------
    >>> toml_key("lat"), toml_key("a b")
    ('lat', '"a b"')
    """
    return key if _BARE_KEY.fullmatch(key) else toml_text(key)


def toml_value(value: Any) -> str:  # noqa: ANN401
    """
    Write a value; a long list takes a line for each of its items.

    Examples
    --------
    >>> toml_value({"office": "pct", "keep": [1, 2], "whole": True})
    '{ office = "pct", keep = [1, 2], whole = true }'

    Raises
    ------
    TypeError
        For a value that TOML does not have.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return toml_text(value)
        case Mapping():
            inside = ", ".join(f"{toml_key(k)} = {toml_value(v)}" for k, v in value.items())
            return f"{{ {inside} }}" if inside else "{}"
        case Sequence():
            items = [toml_value(item) for item in value]
            line = f"[{', '.join(items)}]"
            return line if len(line) <= LONGEST_LINE else "[\n    " + ",\n    ".join(items) + ",\n]"
        case _:
            raise TypeError(f"{value!r} has no form in TOML")
