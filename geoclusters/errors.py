"""What can go wrong, as exceptions that say what, where and what to do.

Every message is written for the person who has to mend the input: it names the file and the place in it, what was
seen, and what would do. The command line prints the message alone and ends with exit status 2.
"""

from __future__ import annotations

import errno
from typing import Final

_ELSEWHERE, _MORE_ROOM = "choose another folder, or its rights", "make room, then start again"
OF_THE_DISK: Final = {
    errno.EACCES: _ELSEWHERE,
    errno.EPERM: _ELSEWHERE,
    errno.EEXIST: _ELSEWHERE,
    errno.ENOTDIR: _ELSEWHERE,
    errno.EROFS: _ELSEWHERE,
    errno.ENOSPC: _MORE_ROOM,
    errno.EDQUOT: _MORE_ROOM,
    errno.EFBIG: _MORE_ROOM,
}
"""Errors of files and folders that are no fault of the program, and what to do about them."""


class GeoclustersError(Exception):
    """Parent of every error that a user can cause and mend."""


class StudyError(GeoclustersError, ValueError):
    """A study file or a setting is wrong: an unknown key, a wrong type, an impossible value."""


class SourceError(GeoclustersError, ValueError):
    """An input file is missing, unreadable, empty, or lacks what the study says it holds."""


class RunError(GeoclustersError, ValueError):
    """A folder is not that of a finished run, or a run cannot be written there."""


class EngineError(GeoclustersError, RuntimeError):
    """The machines that a run is spread over cannot do it: out of reach, without the files, of another version."""
