"""Puts maps, data and assets into documents that open without a network.

Folium draws an empty map once: its container and the script that makes it. Documents are templates
of our own, into which data goes as text that cannot end a script.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from importlib.metadata import distribution
from importlib.resources import files
from typing import Any, Final, NamedTuple

import orjson
from jinja2 import Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined
from markupsafe import Markup

from geoclusters.pages import wording
from geoclusters.pages.kept import kept, kept_folder

MAP_NAME: Final = "leaflet_map"
_LEAFLET_PACKAGE: Final = "django-js-lib-leaflet"


class EmptyMap(NamedTuple):
    """What folium makes of a map without anything on it."""

    html: Markup
    script: Markup


@cache
def empty_map() -> EmptyMap:
    """Give a map without tiles, links or anything else from a network, as folium writes it."""
    html, script = drawn_by_folium()
    return EmptyMap(Markup(html), Markup(script))  # noqa: S704 - folium's own, no data in it


@kept
def drawn_by_folium() -> list[str]:
    """
    Let folium write the container of an empty map and the script that makes it.

    The name that folium draws at random is replaced, so that the same run gives the same page.
    """
    import folium  # noqa: PLC0415 - slow, and of use to who draws pages only

    drawn = folium.Map(
        location=[25, 10],
        zoom_start=2,
        tiles=None,
        zoom_control=False,
        prefer_canvas=True,
        zoom_snap=0.25,
        zoom_delta=1,
        wheel_px_per_zoom_level=90,
        attribution_control=False,
        max_bounds_viscosity=0.8,
    )
    drawn.default_js = []
    drawn.default_css = []
    figure = drawn.get_root()
    drawn.render()
    parts = (part.render() for part in (figure.html, figure.script))
    return [part.replace(drawn.get_name(), MAP_NAME).strip() for part in parts]


def asset(name: str) -> str:
    """Read a script or a style sheet of ours."""
    return (files("geoclusters.pages") / "assets" / name).read_text(encoding="utf-8")


def _leaflet_file(name: str) -> bytes:
    return (files("js_lib_leaflet") / "static" / "js_lib_leaflet" / name).read_bytes()


@cache
def leaflet_script() -> str:
    """Leaflet with its licence, less the reference to a source map that is not there."""
    source = _leaflet_file("leaflet.js").decode("utf-8")
    licence = distribution(_LEAFLET_PACKAGE).read_text("LICENSE") or ""
    return f"/*\n{licence.strip()}\n*/\n" + re.sub(r"//# sourceMappingURL=\S+", "", source)


@cache
def leaflet_style() -> str:
    """Leaflet's style sheet with its few pictures inside."""

    def picture(match: re.Match[str]) -> str:
        data = base64.b64encode(_leaflet_file(f"images/{match.group(1)}")).decode("ascii")
        return f"url(data:image/png;base64,{data})"

    style = _leaflet_file("leaflet.css").decode("utf-8")
    return re.sub(r"url\([\"']?images/([\w.-]+)[\"']?\)", picture, style)


def as_json(content: Any) -> Markup:  # noqa: ANN401
    r"""
    Write JSON for a script element: nothing in it can end the element or begin another.

    Numbers that are not finite become null; arrays are lists.

    Examples
    --------
    >>> print(as_json({"name": "</script>", "population": float("nan")}))
    {"name":"\u003c/script\u003e","population":null}
    """
    text = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY).decode("utf-8")
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - escaped above


@cache
def _templates() -> Environment:
    folder = kept_folder()
    environment = Environment(
        loader=PackageLoader("geoclusters.pages"),
        # Compiled templates are kept where Python keeps its modules; changed ones are compiled anew.
        bytecode_cache=FileSystemBytecodeCache(str(folder)) if folder else None,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=wording.number,
        percent=wording.percent,
        label=wording.label,
        shortened=wording.shortened,
    )
    return environment


def document(template: str, **content: Any) -> str:  # noqa: ANN401
    """Fill a template; whatever is not marked as markup is escaped."""
    return _templates().get_template(template).render(map=empty_map(), **content)


def trusted(text: str) -> Markup:
    """Mark a script or a style sheet of the package as markup; never for anything from data."""
    return Markup(text)  # noqa: S704
