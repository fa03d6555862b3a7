"""Tells the files of an OpenAlex snapshot apart, and checks them against the snapshot's own list of files.

Two layouts are known: ``data/works/updated_date=…/part_000.gz`` with ``data/works/manifest`` (until early 2026, today
under ``legacy-data/``), and ``data/jsonl/works/…`` and ``data/parquet/works/…`` with ``manifest.json``. Files that lie
elsewhere are told by what is in them. Source: https://developers.openalex.org/download/snapshot-format.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow.parquet as pq

from geoclusters.addresses.sources.files import Member, head_of, members
from geoclusters.addresses.sources.ror_dump import form_of
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WORKS: Final = "works"
INSTITUTIONS: Final = "institutions"
MERGED_WORKS: Final = "merged works"
MERGED_INSTITUTIONS: Final = "merged institutions"
ROR: Final = "ror"
OTHER: Final = "other"
"""Kinds of files; OTHER is what a snapshot holds besides (authors, sources, …) and is passed over."""

MERGED: Final = {"W": MERGED_WORKS, "I": MERGED_INSTITUTIONS}
PARTITION: Final = re.compile(r"updated_date=(\d{4}-\d{2}-\d{2})")
MANIFESTS: Final = ("manifest", "manifest.json")
LAYOUTS: Final = ("data", "legacy-data", "jsonl", "parquet")
PARQUET_MAGIC: Final = b"PAR1"
MERGED_HEADER: Final = b"merge_date,id,merge_into_id"


@dataclass
class Tables:
    """Files of each kind, in the order in which they were given."""

    works: list[Member] = field(default_factory=list)
    institutions: list[Member] = field(default_factory=list)
    merged_works: list[Member] = field(default_factory=list)
    merged_institutions: list[Member] = field(default_factory=list)
    ror: list[Member] = field(default_factory=list)
    other: list[Member] = field(default_factory=list)


def sort_files(files: Sequence[Path]) -> Tables:
    """
    Tell the files of a source apart.

    Parameters
    ----------
    files : sequence of Path
        Works, institutions, merged ids, a dump of ROR; manifests and other entities are passed over.

    Returns
    -------
    Tables
        The works of the latest partition come first, so that of two versions of a work the later one is met first.

    Raises
    ------
    SourceError
        If there are no works among them, or no table with coordinates.
    """
    found = Tables()
    for member in members([f for f in files if f.name not in MANIFESTS]):
        list_of = {
            WORKS: found.works,
            INSTITUTIONS: found.institutions,
            MERGED_WORKS: found.merged_works,
            MERGED_INSTITUTIONS: found.merged_institutions,
            ROR: found.ror,
        }
        list_of.get(kind_of(member), found.other).append(member)
    found.works = _latest_first(found.works)
    _need(found)
    return found


def _latest_first(works: list[Member]) -> list[Member]:
    """Partitions from the latest on, their files in order; files of no partition from the last on."""
    dated = sorted(filter(partition_of, works), key=partition_of, reverse=True)
    return dated + [member for member in reversed(works) if not partition_of(member)]


def _need(found: Tables) -> None:
    if not found.works:
        held = found.institutions + found.other + found.ror
        seen = ", ".join(str(m.path) for m in held[:3]) or "no file"
        raise SourceError(
            f"format = 'openalex': none of the files holds works; seen: {seen}; "
            "name the works' folder under path, as 'openalex/data/works/**/*.gz'"
        )
    if not (found.institutions or found.ror):
        raise SourceError(
            f"{found.works[0].path}: works hold no coordinates; add the institutions to path, as "
            "'openalex/data/institutions/**/*.gz', or the zip of a ROR release"
        )


def kind_of(member: Member) -> str:
    """
    Kind of a file: by its folder where that is the snapshot's, else by its first bytes.

    Returns
    -------
    str
        One of the constants of this module.
    """
    folders = list(member.path.parts[:-1])
    if folders and PARTITION.fullmatch(folders[-1]):
        folders.pop()
        if folders and folders[-1] in (WORKS, INSTITUTIONS):
            return folders[-1]
        if len(folders) > 1 and folders[-2] in LAYOUTS:
            return OTHER
    head = head_of(member)
    if head.startswith(PARQUET_MAGIC):
        return _kind_of_keys(set(pq.read_schema(member.seekable()).names))
    return kind_of_head(head)


def kind_of_head(head: bytes) -> str:
    """
    Kind of a file, by its first bytes.

    Examples
    --------
    >>> kind_of_head(b'{"id": "https://openalex.org/I1", "ror": null, "geo": {}}')
    'institutions'
    >>> kind_of_head(b'{"abstract_inverted_index": {"We": [0], ')
    'works'
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(MERGED_HEADER):
        first = re.search(rb"\n[^,]*,([A-Z])\d", start)
        return MERGED.get(first.group(1).decode() if first else "", OTHER)
    if form_of(head):
        return ROR
    keys = _keys_of_first(start)
    if keys is None:  # the first record is longer than the head
        marks = (b'"authorships"', b'"abstract_inverted_index"', b'"publication_year"')
        keys = {"authorships"} if any(mark in start for mark in marks) else set()
    return _kind_of_keys(keys)


def _kind_of_keys(keys: set[str]) -> str:
    if "authorships" in keys:
        return WORKS
    return INSTITUTIONS if {"geo", "ror"} <= keys else OTHER


def _keys_of_first(start: bytes) -> set[str] | None:
    """Give the keys of the first record of JSON lines, an array or a page of the API; None if it is cut off."""
    text = start.decode("utf-8", errors="ignore")
    if text.startswith('{"meta"'):
        text = text.partition('"results"')[2].lstrip(": \n")
    try:
        record, _ = json.JSONDecoder().raw_decode(text.lstrip("[ \n\r\t"))
    except ValueError:
        return None
    return set(record) if isinstance(record, dict) else set()


def partition_of(member: Member) -> str:
    """
    Date of the partition that a file lies in, as text; empty where its folder names none.

    Examples
    --------
    >>> from pathlib import Path
    >>> partition_of(Member(Path("works/updated_date=2024-05-31/part_000.gz")))
    '2024-05-31'
    """
    found = PARTITION.search(str(member.path))
    return found.group(1) if found else ""


def edition_of(member: Member) -> str:
    """Within which a work stands once only: the folder of a partition, or the file where there is none."""
    return str(member.path.parent if partition_of(member) else member.path)


def listed(works: Sequence[Member]) -> dict[Path, dict[str, Any] | None]:
    """
    Look up what the snapshot's manifest says of each file of works that lies beside one.

    Returns
    -------
    dict
        File to its entry in the manifest, None for a file that the manifest does not name; without files that
        have no manifest.
    """
    found: dict[Path, dict[str, Any] | None] = {}
    read: dict[Path, dict[str, dict[str, Any]]] = {}
    for member in works:
        manifest = _manifest_of(member.path)
        if manifest is None:
            continue
        if manifest not in read:
            read[manifest] = _entries(manifest)
        found[member.path] = read[manifest].get("/".join(member.path.parts[-3:]))
    return found


def _manifest_of(file: Path) -> Path | None:
    if not PARTITION.fullmatch(file.parent.name):
        return None
    folder = file.parent.parent
    places = [folder / name for name in MANIFESTS] + [folder.parent / "manifest.json"]
    return next((place for place in places if place.is_file()), None)


def _entries(manifest: Path) -> dict[str, dict[str, Any]]:
    """Give the entries of a manifest by the last three parts of their address: entity, partition, part."""
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SourceError(f"{manifest}: not readable as JSON: {error}; fetch it again") from None
    found: dict[str, dict[str, Any]] = {}
    stack = [content]
    while stack:  # one list of files for an entity, or one for each entity of a format
        item = stack.pop()
        if isinstance(item, dict) and isinstance(item.get("url"), str):
            found["/".join(item["url"].split("/")[-3:])] = item.get("meta") or {}
        elif isinstance(item, dict | list):
            stack.extend(item.values() if isinstance(item, dict) else item)
    return found


def check_manifest(works: Sequence[Member]) -> None:
    """
    Compare files of works with the manifest beside them.

    Raises
    ------
    SourceError
        If a file is left over from an older snapshot, whose works stand in other files by now, or is cut off.
    """
    for file, entry in listed(works).items():
        if entry is None:
            raise SourceError(
                f"{file}: the manifest beside it does not list this file: it is left over from an older snapshot, "
                "and its works stand in newer files too; remove it, or set options = {check_manifest = false} and "
                "the latest version of each work is looked for"
            )
        size, wanted = file.stat().st_size, entry.get("content_length")
        if isinstance(wanted, int) and wanted != size:
            raise SourceError(
                f"{file}: {size} bytes, but the manifest says {wanted}; the file was cut off or has changed since; "
                "fetch it and the manifest again, or set options = {check_manifest = false}"
            )


def held_once(works: Sequence[Member]) -> bool:
    """Tell whether a work can stand in one of the files only: one partition, or a manifest that lists them all."""
    if len({edition_of(member) for member in works}) <= 1:
        return True
    entries = listed(works)
    return len(entries) == len(works) and all(entry is not None for entry in entries.values())
