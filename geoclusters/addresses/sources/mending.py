"""Mends text whose encoding went wrong: Latin letters that are not UTF-8, and UTF-8 that was encoded twice."""

from __future__ import annotations

import io
import re
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK_BYTES: Final = 1 << 20
TWICE: Final = re.compile(rb"\xc3[\x82-\xb4][\xc2\xc5\xc6\xcb\xe2]")
"""How a letter begins that was encoded twice: a lead byte that became a letter, then a byte that became another."""

_BYTE_OF: Final = {
    **{chr(byte): byte for byte in range(256)},
    **{
        bytes([byte]).decode("cp1252"): byte
        for byte in range(0x80, 0xA0)
        if byte not in {0x81, 0x8D, 0x8F, 0x90, 0x9D}
    },
}
"""Letter to its byte in Windows-1252, where that leaves a byte open in Latin-1."""


def once_encoded(text: str) -> str:
    """
    Undo the second encoding of a text that was encoded twice; any other text stays as it is.

    Examples
    --------
    >>> once_encoded("MÃ¼ller"), once_encoded("Müller"), once_encoded("Ãlvares")
    ('Müller', 'Müller', 'Ãlvares')
    """
    try:
        return bytes(_BYTE_OF[letter] for letter in text).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return text


def mended_lines(lines: bytes, *, delimiters: str) -> bytes:
    r"""
    Give whole lines in correct UTF-8.

    A line that is no UTF-8 is read as Windows-1252; a value that was encoded twice is decoded once more.

    Examples
    --------
    >>> mended_lines("Müller|Zürich\n".encode("latin-1"), delimiters="|").decode()
    'Müller|Zürich\n'
    """
    try:
        lines.decode("utf-8")
    except UnicodeDecodeError:
        lines = b"".join(_as_utf8(line) for line in lines.splitlines(keepends=True))
    if not TWICE.search(lines):
        return lines
    value = re.compile(rb'[^\r\n"' + re.escape(delimiters.encode()) + rb"]+")
    return value.sub(_mended_value, lines)


def _as_utf8(line: bytes) -> bytes:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace").encode()
    return line


def _mended_value(match: re.Match[bytes]) -> bytes:
    value = match.group()
    return once_encoded(value.decode("utf-8")).encode() if TWICE.search(value) else value


class MendedStream(io.RawIOBase):
    r"""
    A binary stream of the same text in correct UTF-8.

    Examples
    --------
    >>> MendedStream(io.BytesIO("a|é\nb|Ã©\n".encode("latin-1")), delimiters="|").read().decode()
    'a|é\nb|é\n'
    """

    def __init__(self, stream: IO[bytes], *, delimiters: str) -> None:
        super().__init__()
        self._stream = stream
        self._delimiters = delimiters
        self._cut = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer with mended text; 0 at the end."""
        while not self._ready:
            block = self._stream.read(BLOCK_BYTES)
            whole, end, self._cut = (self._cut + block).rpartition(b"\n")
            lines = whole + end if block else self._cut
            if not block:
                self._cut = b""
                if not lines:
                    return 0
            self._ready = memoryview(mended_lines(lines, delimiters=self._delimiters))
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size


def mender(delimiters: str) -> Callable[[IO[bytes]], IO[bytes]]:
    """Give a function that mends streams of text with these signs between the values."""

    def mend(stream: IO[bytes]) -> IO[bytes]:
        return MendedStream(stream, delimiters=delimiters)  # type: ignore[return-value]

    return mend
