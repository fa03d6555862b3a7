"""Organisations of the sample world: invented names, a place each, a few large and many small.

Every name is put together from syllables and patterns; none is meant to be that of a real firm or
university, and a likeness is chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

ORGANISATIONS: Final = {"patents": 30_000, "publications": 5_000, "vc_deals": 60_000}
"""Organisations of the world where all are spread by volume; every seat has one at the least."""

MOST_PER_SEAT: Final = {"patents": 1_200, "publications": 160, "vc_deals": 4_000}


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST: Final = _words(
    "Nor Vel Tak Bren Cal Dor Ely Fen Gal Hal Ister Jun Kel Lum Mar Nov Or Pel Quin Ros Sel Tor "
    "Umbr Var Wen Xan Yor Zel Ard Bél Çel Dún Éol Før Gür Hök Ív Łuk Mø Ñan Ōsh Pří Šar Tão Žel"
)
SECOND: Final = _words(
    "a ara eda eka eli emo ena era eva ia ida igo ila ima ina ira isa ita iva o oda ola oma ona "
    "ora osa ova u ula una ura å ü"
)
THIRD: Final = ("", *_words("ck dan lis mar n nger nor r ris s ström tek tis vić vin wen x zen"))
"""The syllables of invented names."""

BRANCH: Final = {
    "patents": _words(
        "Electronics Optics Materials Motors Pharma Robotics Chemicals Semiconductor Instruments "
        "Networks Energy Devices Systems Aerospace Bio Controls"
    ),
    "vc_deals": _words(
        "AI Health Labs Pay Cloud Mobility Foods Robotics Bio Data Games Grid Space Learning Homes "
        "Security"
    ),
}
LEGAL_FORM: Final = {
    "AT": "GmbH", "BE": "NV", "BR": "S.A.", "CH": "AG", "CN": "Co., Ltd.", "CZ": "s.r.o.",
    "DE": "GmbH", "DK": "A/S", "ES": "S.L.", "FI": "Oy", "FR": "SAS", "GB": "Ltd", "HK": "Ltd",
    "HU": "Kft.", "IL": "Ltd.", "IN": "Pvt. Ltd.", "IT": "S.r.l.", "JP": "K.K.", "KR": "Co., Ltd.",
    "MX": "S.A. de C.V.", "MY": "Sdn. Bhd.", "NL": "B.V.", "NO": "AS", "PL": "Sp. z o.o.",
    "PT": "Lda.", "RU": "OOO", "SE": "AB", "SG": "Pte. Ltd.", "TR": "A.Ş.", "TW": "Co., Ltd.",
    "US": "Inc.",
}  # fmt: skip
OTHER_FORM: Final = "Ltd"

SCHOOL: Final = {
    "AT": ("{s}-Universität {p}", "Institut {s}, {p}"),
    "BR": ("Universidade {s} de {p}", "Instituto {s}, {p}"),
    "CH": ("Universität {s} {p}", "Institut {s}, {p}"),
    "CZ": ("Univerzita {s}, {p}", "Ústav {s}, {p}"),
    "DE": ("{s}-Universität {p}", "Institut {s}, {p}"),
    "DK": ("{s} Universitet, {p}", "{s} Institut, {p}"),
    "ES": ("Universidad {s} de {p}", "Instituto {s}, {p}"),
    "FI": ("{s}-yliopisto, {p}", "{s} Institute, {p}"),
    "FR": ("Université {s} de {p}", "Institut {s}, {p}"),
    "IT": ("Università {s} di {p}", "Istituto {s}, {p}"),
    "MX": ("Universidad {s} de {p}", "Instituto {s}, {p}"),
    "NL": ("{s} Universiteit {p}", "{s} Instituut, {p}"),
    "NO": ("{s} universitet, {p}", "{s} institutt, {p}"),
    "PL": ("Uniwersytet {s}, {p}", "Instytut {s}, {p}"),
    "PT": ("Universidade {s} de {p}", "Instituto {s}, {p}"),
    "RU": ("Университет {s}, {p}", "Институт {s}, {p}"),
    "SE": ("{s} universitet, {p}", "{s} institutet, {p}"),
    "TR": ("{s} Üniversitesi, {p}", "{s} Enstitüsü, {p}"),
}
OTHER_SCHOOL: Final = (
    "{p} {s} University of Technology",
    "{s} University, {p}",
    "{s} Institute, {p}",
    "{p} {s} Hospital",
    "{s} Academy of Sciences, {p}",
)
TOWN_BELOW: Final = 4
TOWN_PATTERN: Final = 3
"""A seat with fewer institutes than `TOWN_BELOW` begins with this pattern and not the first."""


@dataclass(frozen=True)
class Organisations:
    """
    Organisations of one metric, ordered by seat.

    Attributes
    ----------
    first : numpy.ndarray of int64, shape (n_seats + 1,)
        Position of the first organisation of each seat.
    seat : numpy.ndarray of int64, shape (n,)
        Seat of each organisation.
    name : pyarrow.StringArray, length n
    """

    first: npt.NDArray[np.int64]
    seat: npt.NDArray[np.int64]
    name: pa.StringArray

    def draw(self, seat: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Draw an organisation of each seat: the k-th of n about 1/k as often as the first."""
        start = self.first[seat]
        count = (self.first[seat + 1] - start).astype(np.float64)
        rank = np.floor(np.exp(rng.random(len(seat)) * np.log1p(count))).astype(np.int64)
        return start + np.minimum(rank, count.astype(np.int64)) - 1


def make_organisations(
    metric: str,
    *,
    share: npt.NDArray[np.float64],
    place: pa.StringArray,
    country: npt.NDArray[np.object_],
    rng: np.random.Generator,
) -> Organisations:
    """
    Found the organisations of one metric.

    Parameters
    ----------
    metric : str
    share : numpy.ndarray of float64, shape (n_seats,)
        Share of the world's documents that each seat holds.
    place, country : shape (n_seats,)
        Name and ISO 3166-1 alpha-2 code of each seat.
    rng : numpy.random.Generator
    """
    wanted = np.ceil(share * ORGANISATIONS[metric]).astype(np.int64)
    count = np.clip(wanted, 1, MOST_PER_SEAT[metric])
    seat = np.repeat(np.arange(len(share)), count)
    invented = _invented(len(seat), rng)
    if metric == "publications":
        rank = np.arange(len(seat)) - np.repeat(np.cumsum(count) - count, count)
        rank += np.where(count[seat] < TOWN_BELOW, TOWN_PATTERN, 0)
        name = _schools(invented, place.take(pa.array(seat)), country[seat], rank)
    else:
        name = _firms(invented, BRANCH[metric], country[seat], rng)
    return Organisations(np.concatenate([[0], np.cumsum(count)]), seat, name)


def _invented(n: int, rng: np.random.Generator) -> pa.StringArray:
    parts = [
        pa.array(p).take(pa.array(rng.integers(len(p), size=n))) for p in (FIRST, SECOND, THIRD)
    ]
    return pc.binary_join_element_wise(*parts, "")


def _firms(
    invented: pa.StringArray,
    branch: tuple[str, ...],
    country: npt.NDArray[np.object_],
    rng: np.random.Generator,
) -> pa.StringArray:
    trade = pa.array(branch).take(pa.array(rng.integers(len(branch), size=len(invented))))
    form = pa.array([LEGAL_FORM.get(c, OTHER_FORM) for c in country])
    return pc.binary_join_element_wise(invented, trade, form, " ")


def _schools(
    invented: pa.StringArray,
    place: pa.StringArray,
    country: npt.NDArray[np.object_],
    rank: npt.NDArray[np.int64],
) -> pa.StringArray:
    rows = zip(invented.to_pylist(), place.to_pylist(), country, rank, strict=True)
    patterns = ((s, p, SCHOOL.get(c, OTHER_SCHOOL), r) for s, p, c, r in rows)
    return pa.array([q[r % len(q)].format(s=s, p=p) for s, p, q, r in patterns], pa.string())
