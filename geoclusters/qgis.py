"""Styles for QGIS (QML), as few elements as it needs, so that a GeoPackage opens in colour."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

import numpy as np

from geoclusters.colours import SHADES, spread
from geoclusters.wording import class_breaks

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

VERSION: Final = "3.22.0"
"""The oldest QGIS for which the elements were chosen; newer ones read them too."""

HEAD: Final = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"

_SYMBOL_LAYERS: Final = {"fill": "SimpleFill", "line": "SimpleLine", "marker": "SimpleMarker"}


@dataclass(frozen=True)
class Graduated:
    """A style by classes of one column: the same symbol in shades, light to dark."""

    column: str
    symbol: str
    unit: str = ""
    factor: float = 1.0

    def qml(self, values: npt.ArrayLike, options: Mapping[str, str]) -> str:
        """
        Write the style for the values that the column holds.

        Parameters
        ----------
        values : array_like of float
            The column; classes end at round values of `factor` times it.
        options : mapping of str to str
            Further options of the symbol; ``{shade}`` stands for the colour of the class.
        """
        largest = float(np.nanmax(np.append(np.asarray(values, dtype=np.float64), 0.0)))
        ends = [0.0, *class_breaks(values, classes=len(SHADES)), largest]
        shades = spread(len(ends) - 1)
        renderer = ET.Element(
            "renderer-v2",
            type="graduatedSymbol",
            attr=self.column,
            graduatedMethod="GraduatedColor",
            forceraster="0",
            symbollevels="0",
            enableorderby="0",
        )
        ranges = ET.SubElement(renderer, "ranges")
        symbols = ET.SubElement(renderer, "symbols")
        for number, (lower, upper) in enumerate(pairwise(ends)):
            ET.SubElement(
                ranges,
                "range",
                render="true",
                symbol=str(number),
                lower=f"{lower:.15g}",
                upper=f"{upper:.15g}",
                label=self._label(lower, upper, first=number == 0, last=number == len(ends) - 2),
            )
            filled = {k: v.format(shade=_rgba(shades[number])) for k, v in options.items()}
            symbols.append(_symbol(str(number), self.symbol, filled))
        return _document(renderer)

    def _label(self, lower: float, upper: float, *, first: bool, last: bool) -> str:
        low, high = (f"{self.factor * v:g}" for v in (lower, upper))
        match first, last:
            case True, True:
                words = "all"
            case True, False:
                words = f"under {high}"
            case False, True:
                words = f"{low} and more"
            case _:
                words = f"{low} \u2013 {high}"
        return f"{words} {self.unit}".strip()


def single(symbol: str, options: Mapping[str, str]) -> str:
    """
    Write a style that draws every feature alike.

    Examples
    --------
    >>> "SimpleFill" in single("fill", {"color": "0,0,0,255"})
    True
    """
    renderer = ET.Element("renderer-v2", type="singleSymbol", forceraster="0", symbollevels="0")
    ET.SubElement(renderer, "symbols").append(_symbol("0", symbol, options))
    return _document(renderer)


def _symbol(name: str, kind: str, options: Mapping[str, str]) -> ET.Element:
    symbol = ET.Element("symbol", name=name, type=kind, alpha="1", clip_to_extent="1")
    layer = ET.SubElement(
        symbol, "layer", {"class": _SYMBOL_LAYERS[kind], "enabled": "1", "locked": "0", "pass": "0"}
    )
    table = ET.SubElement(layer, "Option", type="Map")
    for key, value in options.items():
        ET.SubElement(table, "Option", type="QString", name=key, value=value)
    return symbol


def _rgba(colour: str) -> str:
    """
    Write a colour as QGIS does.

    Examples
    --------
    >>> _rgba("#ff8000")
    '255,128,0,255'
    """
    return ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5)) + ",255"


def _document(renderer: ET.Element) -> str:
    root = ET.Element("qgis", version=VERSION, styleCategories="Symbology")
    root.append(renderer)
    for name, value in (("blendMode", "0"), ("featureBlendMode", "0"), ("layerOpacity", "1")):
        ET.SubElement(root, name).text = value
    return HEAD + ET.tostring(root, encoding="unicode")
