"""Asks an external geocoder for what is not found offline, and keeps every answer in a file.

Nothing here is used unless a study asks for it. Any object with geopy's ``geocode(text)`` will do; the answers, and
that there was none, are kept in an SQLite file, so that no address is ever asked for twice.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from geoclusters.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Address = tuple[str, str, str]
"""Place, region and country, empty where missing."""

MOST_FAILURES: Final = 5
"""Failures in a row after which the geocoder is left alone for the rest of the run."""

logger = logging.getLogger(__name__)


class Location(Protocol):
    """A found point, as geopy gives it: WGS 84 degrees."""

    latitude: float
    longitude: float


class Geocoder(Protocol):
    """What is asked: geopy's geocoders are such."""

    def geocode(self, query: str) -> Location | None:
        """Give the point of an address, or None."""


class KeptGeocoder:
    """
    An external geocoder whose answers are kept.

    Parameters
    ----------
    geocoder : Geocoder
        Asked for what is not in the cache.
    cache : Path
        SQLite file; made where there is none.
    min_delay_seconds : float, default 1
        Time between two questions: what the public servers ask of their users.
    sleep : callable
        How to wait.

    Examples
    --------
    >>> import tempfile, types
    >>> from pathlib import Path
    >>> asked = []
    >>> def geocode(query):
    ...     asked.append(query)
    ...     return types.SimpleNamespace(latitude=52.2, longitude=0.12)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = KeptGeocoder(types.SimpleNamespace(geocode=geocode), Path(folder) / "kept.sqlite")
    ...     first, again = kept.find(("Grantchester", "", "GB")), kept.find(("Grantchester", "", "GB"))
    ...     kept.close()
    >>> first == again == (52.2, 0.12), asked
    (True, ['Grantchester, GB'])
    """

    def __init__(
        self,
        geocoder: Geocoder,
        cache: Path,
        *,
        min_delay_seconds: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._geocoder = geocoder
        self._delay, self._sleep = min_delay_seconds, sleep
        self._asked_at = -float("inf")
        self._failures = 0
        self._cache = sqlite3.connect(cache, check_same_thread=False)
        with self._cache:
            self._cache.execute(
                "CREATE TABLE IF NOT EXISTS answers (place TEXT, region TEXT, country TEXT, lat REAL, lon REAL, "
                "PRIMARY KEY (place, region, country))"
            )

    def close(self) -> None:
        """Close the cache."""
        self._cache.close()

    def find(self, address: Address) -> tuple[float, float] | None:
        """
        Find the point of an address in the cache, or by asking.

        Returns
        -------
        (float, float) or None
            Latitude and longitude, WGS 84 degrees; None where the geocoder knows none or fails.
        """
        query = "SELECT lat, lon FROM answers WHERE place = ? AND region = ? AND country = ?"
        kept = self._cache.execute(query, address).fetchone()
        if kept is not None:
            return None if kept[0] is None else (float(kept[0]), float(kept[1]))
        if self._failures >= MOST_FAILURES:
            return None
        return self._ask(address)

    def _ask(self, address: Address) -> tuple[float, float] | None:
        wait = self._asked_at + self._delay - time.monotonic()
        if wait > 0:
            self._sleep(wait)
        self._asked_at = time.monotonic()
        text = ", ".join(part for part in address if part)
        try:
            found = self._geocoder.geocode(text)
        except Exception as error:  # noqa: BLE001 - each geocoder has errors of its own
            self._failures += 1
            logger.warning("The external geocoder failed on %r: %s", text, error)
            return None
        self._failures = 0
        point = None if found is None else (float(found.latitude), float(found.longitude))
        with self._cache:
            row = (*address, *(point or (None, None)))
            self._cache.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", row)
        return point


def open_geocoder(
    service: str,
    cache: Path,
    *,
    min_delay_seconds: float = 1.0,
    options: dict[str, Any] | None = None,
) -> KeptGeocoder:
    """
    Open one of geopy's geocoders with a cache.

    Parameters
    ----------
    service : str
        Name of the service in geopy: ``nominatim``, ``photon``, ``arcgis``, …
    cache : Path
        SQLite file of the answers.
    min_delay_seconds : float
        Time between two questions.
    options : dict, optional
        Passed on to the geocoder: ``user_agent``, ``api_key``, ``domain``, …

    Raises
    ------
    StudyError
        If geopy is not installed, does not know the service or refuses the options.
    """
    try:
        from geopy.exc import GeocoderNotFound  # noqa: PLC0415
        from geopy.geocoders import get_geocoder_for_service  # noqa: PLC0415
    except ImportError:
        raise StudyError(
            f"geocoding.external = {service!r} needs geopy: pip install 'geoclusters[geocoder]', or leave it out"
        ) from None
    try:
        geocoder = get_geocoder_for_service(service)(**(options or {}))
    except GeocoderNotFound:
        raise StudyError(
            f"geocoding.external = {service!r}: geopy has no such geocoder; one that it has is 'nominatim'"
        ) from None
    except Exception as error:  # noqa: BLE001 - each geocoder refuses options in its own way
        raise StudyError(f"geocoding.external = {service!r}, external_options: {error}") from None
    return KeptGeocoder(geocoder, cache, min_delay_seconds=min_delay_seconds)
