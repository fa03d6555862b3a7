"""Wards of Japanese cities, which addresses name in the place of their city and GeoNames does not list as places.

Names repeat from city to city, so a ward is another name of each city that has one; which is meant follows from the
region that is stated, or is left open. The list is that of the special wards of Tokyo and of the cities by ordinance.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from geoclusters.geocoding.spelling import key_of

SUFFIX: Final = "ku"
WARDS: Final = {
    "Tokyo": "Adachi Arakawa Bunkyo Chiyoda Chuo Edogawa Itabashi Katsushika Kita Koto Meguro Minato Nakano Nerima Ota "
    "Setagaya Shibuya Shinagawa Shinjuku Suginami Sumida Taito Toshima",
    "Yokohama": "Tsurumi Kanagawa Nishi Naka Minami Konan Hodogaya Asahi Isogo Kanazawa Kohoku Midori Aoba Tsuzuki "
    "Totsuka Sakae Izumi Seya",
    "Osaka": "Kita Miyakojima Fukushima Konohana Chuo Nishi Minato Taisho Tennoji Naniwa Nishiyodogawa Yodogawa "
    "Higashiyodogawa Higashinari Ikuno Asahi Joto Tsurumi Abeno Suminoe Sumiyoshi Higashisumiyoshi Hirano Nishinari",
    "Nagoya": "Chikusa Higashi Kita Nishi Nakamura Naka Showa Mizuho Atsuta Nakagawa Minato Minami Moriyama Midori "
    "Meito Tempaku",
    "Sapporo": "Chuo Kita Higashi Shiroishi Toyohira Minami Nishi Atsubetsu Teine Kiyota",
    "Kobe": "Higashinada Nada Hyogo Nagata Suma Tarumi Kita Chuo Nishi",
    "Kyoto": "Kita Kamigyo Sakyo Nakagyo Higashiyama Shimogyo Minami Ukyo Fushimi Yamashina Nishikyo",
    "Fukuoka": "Higashi Hakata Chuo Minami Nishi Jonan Sawara",
    "Kawasaki": "Saiwai Nakahara Takatsu Tama Miyamae Asao",
    "Saitama": "Nishi Kita Omiya Minuma Chuo Sakura Urawa Minami Midori Iwatsuki",
    "Hiroshima": "Naka Higashi Minami Nishi Asaminami Asakita Aki Saeki",
    "Sendai": "Aoba Miyagino Wakabayashi Taihaku Izumi",
    "Chiba": "Chuo Hanamigawa Inage Wakaba Midori Mihama",
    "Kitakyushu": "Moji Kokurakita Kokuraminami Wakamatsu Yahatahigashi Yahatanishi Tobata",
    "Niigata": "Kita Higashi Chuo Konan Akiha Minami Nishi Nishikan",
    "Hamamatsu": "Naka Higashi Nishi Minami Kita Chuo",
    "Shizuoka": "Aoi Suruga Shimizu",
    "Sagamihara": "Midori Chuo Minami",
    "Okayama": "Kita Naka Higashi Minami",
    "Kumamoto": "Chuo Higashi Nishi Minami Kita",
    "Sakai": "Naka Higashi Nishi Minami Kita",
}
"""City to its wards. Those that are called like their city are left out."""

_TOWNS: Final = (
    "Ota Nakano Kanagawa Kanazawa Izumi Fukushima Asahi Tama Sakura Wakamatsu Hyogo Aki Saeki Sakae Showa "
    "Moriyama Nakagawa Nagata Arakawa Adachi Hirano Taisho Konan Midori"
)
ALSO_CITIES: Final = frozenset(key_of(name) for name in _TOWNS.split())
"""Wards called like a town of its own, which is meant where "-ku" does not stand behind."""


@cache
def _cities() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for city, wards in WARDS.items():
        for ward in wards.split():
            found[key_of(ward)] = (*found.get(key_of(ward), ()), key_of(city))
    return found


def cities_of_ward(key: str) -> tuple[str, ...]:
    """
    Keys of the Japanese cities that have a ward of this name.

    Parameters
    ----------
    key : str
        Of the name (`spelling.key_of`), with or without "ku" behind it.

    Examples
    --------
    >>> cities_of_ward("minatoku"), cities_of_ward("bunkyo"), cities_of_ward("kanazawa"), cities_of_ward("kyoto")
    (('tokyo', 'osaka', 'nagoya'), ('tokyo',), (), ())
    """
    plain = key.removesuffix(SUFFIX)
    if plain == key and key in ALSO_CITIES:
        return ()
    return _cities().get(plain, ())
