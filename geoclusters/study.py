"""A study: what to read and with which settings, from a TOML file, checked before anything runs."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, Field, ValidationError, model_validator

from geoclusters.errors import StudyError
from geoclusters.schema import MOST_METRICS
from geoclusters.settings import (
    Engine,
    Frozen,
    Geocoding,
    Method,
    Population,
    Source,
    Window,
    unknown_key,
)


class Study(Frozen):
    """A study with its settings; `folder` is where its relative paths start."""

    name: str = Field(min_length=1)
    notice: str | None = None
    generated: bool = False
    window: Window = Window()
    method: Method = Method()
    geocoding: Geocoding = Geocoding()
    population: Population | None = None
    engine: Engine = Engine()
    source: tuple[Source, ...] = Field(strict=False, min_length=1)
    folder: Path = Field(default=Path(), exclude=True)

    @model_validator(mode="after")
    def _metrics_have_sources(self) -> Study:
        given = {s.metric for s in self.source}
        for key, names in (
            ("metrics", self.method.metrics or ()),
            ("weights", self.method.weights),
        ):
            for name in names:
                if name not in given:
                    raise ValueError(
                        f"method.{key} names {name!r}, but no [[source]] has metric = {name!r}; "
                        f"the sources have: {', '.join(sorted(given))}"
                    )
        return self

    @model_validator(mode="after")
    def _metrics_have_room(self) -> Study:
        if len(self.metrics) > MOST_METRICS:
            raise ValueError(
                f"the sources have {len(self.metrics)} metrics, and a run can count {MOST_METRICS}: give sources that "
                "belong together one metric, or name those that count in method.metrics"
            )
        return self

    @property
    def metrics(self) -> tuple[str, ...]:
        """Metrics that count, in the order in which the study names them."""
        return self.method.metrics or tuple(dict.fromkeys(s.metric for s in self.source))

    @property
    def sources(self) -> tuple[Source, ...]:
        """Sources of the metrics that count."""
        return tuple(s for s in self.source if s.metric in self.metrics)

    @property
    def weights(self) -> dict[str, float]:
        """Weight of every metric in the score."""
        return {m: self.method.weights.get(m, 1.0) for m in self.metrics}


def read_study(path: str | Path) -> Study:
    """
    Read and check a study file.

    Parameters
    ----------
    path : str or Path
        A TOML file; ``${NAME}`` in the `path` of a source is replaced by the environment variable.

    Raises
    ------
    StudyError
        Names the file, the key, what was seen and what would do.
    """
    file = Path(path)
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(f"{path}: there is no such study file") from None
    except IsADirectoryError:
        raise StudyError(f"{path}: this is a folder; give the study file in it") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StudyError(f"{path}: not readable as TOML: {error}") from None
    return make_study(given, folder=file.parent, origin=str(path))


def make_study(given: dict[str, Any], *, folder: str | Path = ".", origin: str = "study") -> Study:
    """
    Check settings that are given as a mapping, the same as a TOML file would hold.

    Examples
    --------
    >>> make_study({"name": "x", "source": [{"metric": "patents", "path": "p.csv",
    ...                                      "columns": {"document": "id"}}]}).method.radius_km
    15.0
    >>> try:
    ...     make_study({"name": "x", "source": [], "methods": {}})
    ... except StudyError as error:
    ...     print(str(error).splitlines()[-1][:62])
    study: unknown key 'methods'; did you mean 'method'?; known he
    """
    try:
        return Study.model_validate({**given, "folder": Path(folder)})
    except ValidationError as error:
        raise StudyError("\n".join(_repair(e, origin) for e in _causes(error))) from None


def make_method(settings: dict[str, Any]) -> Method:
    """
    Check settings of the method alone.

    Examples
    --------
    >>> make_method({"radius_km": 20.0}).radius_km
    20.0
    """
    try:
        return Method.model_validate(settings)
    except ValidationError as error:
        found = [{**e, "loc": ("method", *e["loc"])} for e in error.errors()]
        raise StudyError("\n".join(_repair(e, "settings") for e in found)) from None


def _causes(error: ValidationError) -> list[Any]:
    """Leave out "there is no source" where a source is there but wrong."""
    found = error.errors()
    inner = any(e["loc"][:1] == ("source",) and len(e["loc"]) > 1 for e in found)
    return [e for e in found if not (inner and e["loc"] == ("source",))]


_MODELS: Final[dict[str, type[BaseModel]]] = {
    "": Study,
    "window": Window,
    "method": Method,
    "source": Source,
    "geocoding": Geocoding,
    "population": Population,
    "engine": Engine,
}


def _repair(error: Any, origin: str) -> str:  # noqa: ANN401
    """Turn one finding of the validation into a message that repairs the mistake."""
    place = [p for p in error["loc"] if isinstance(p, str | int)]
    section = str(place[0]) if place and str(place[0]) in _MODELS and len(place) > 1 else ""
    where = f"{origin}: {_section(place, section)}"
    key = str(place[-1]) if place else ""
    match error["type"]:
        case "extra_forbidden":
            known = [n for n in _MODELS[section].model_fields if n != "folder"]
            return where + unknown_key(key, known)
        case "missing" | "too_short":
            return f"{where}{key!r} is missing{_example(key)}"
        case "model_type" | "tuple_type":
            table = f"[[{key}]]" if key == "source" else f"[{key}]"
            return (
                f"{where}{key} = {error['input']!r}: a table is wanted, begun by the line {table}"
            )
        case "value_error":
            seen = "" if isinstance(error["input"], dict | BaseModel) else f" = {error['input']!r}"
            text = error["ctx"]["error"]
            return f"{where}{key}{seen}: {text}" if seen else f"{where}{text}"
        case _:
            setting = ".".join(
                str(p) for p in place[1 if section else 0 :] if not _is_index(p, section)
            )
            return (
                f"{where}{setting} = {error['input']!r}: {_sentence(error)}{_default(section, key)}"
            )


def _is_index(part: str | int, section: str) -> bool:
    return section == "source" and isinstance(part, int)


def _section(place: list[str | int], section: str) -> str:
    if section == "source":
        return f"[[source]] {int(place[1]) + 1}: " if isinstance(place[1], int) else "[[source]]: "
    return f"[{section}] " if section else ""


def _sentence(error: Any) -> str:  # noqa: ANN401
    message = str(error["msg"])
    return message[0].lower() + message[1:]


def _default(section: str, key: str) -> str:
    field = _MODELS[section].model_fields.get(key)
    if field is None or field.is_required() or field.get_default() is None:
        return ""
    return f" (default: {field.get_default()!r})"


def _example(key: str) -> str:
    examples = {
        "name": 'name = "my region"',
        "metric": 'metric = "patents"',
        "path": 'path = "inventors/*.parquet"',
        "source": '[[source]] with metric = "patents", path = "…" and columns = { document = "…" }',
    }
    return f"; add for example: {examples[key]}" if key in examples else ""
