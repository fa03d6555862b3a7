"""Links, organisations and fields that the world map carries, against plain counting."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest
import synthetic_run
from test_pages import integers

from geoclusters.pages import highlights


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return synthetic_run.write_run(tmp_path_factory.mktemp("run"), noise_cells=10)


def unpacked(run):
    packed = highlights.links(run)
    width = 2 + len(run.metrics)
    rows = integers(packed["rows"]).reshape(-1, width)
    assert len(rows) == packed["count"]
    rows[:, 0] = rows[:, 0].cumsum()
    return {
        (int(a), int(b)): counts.tolist()
        for a, b, *counts in rows
        for counts in [pd.Series(counts)]
    }


def plain(run):
    place = {identifier: at for at, identifier in enumerate(run.clusters["cluster_id"])}
    counted = {}
    for a, b, metric, documents in run.links.itertuples(index=False):
        if isinstance(b, str):
            pair = tuple(sorted((place[a], place[b])))
            own = counted.setdefault(pair, [0] * len(run.metrics))
            own[run.metrics.index(metric)] += documents
    return counted


def test_every_link_is_there_with_its_documents(run):
    assert unpacked(run) == plain(run)


def test_only_the_strongest_links_of_either_end_are_kept(run, monkeypatch):
    monkeypatch.setattr(highlights, "MOST_PARTNERS", 3)
    kept, everything = unpacked(run), plain(run)
    assert len(kept) < len(everything)
    for cluster in range(len(run.clusters)):
        own = sorted((sum(v) for k, v in everything.items() if cluster in k), reverse=True)
        shown = sorted((sum(v) for k, v in kept.items() if cluster in k), reverse=True)
        assert shown[:3] == own[:3]


@pytest.mark.parametrize(("by", "column"), [("organisations", "organisation"), ("fields", "field")])
def test_names_go_by_their_part_in_the_score(run, by, column):
    found = highlights.names(run, by, column)
    top = run.clusters.head(run.run["settings"]["top"])
    assert len(found["of"]) == len(top)
    table = run.breakdown(by)
    for own, (_, cluster) in zip(found["of"], top.iterrows(), strict=True):
        parts, documents = Counter(), {}
        for row in table[table["cluster_id"] == cluster["cluster_id"]].to_dict("records"):
            share = cluster[f"share_{row['metric']}"] / cluster[row["metric"]]
            parts[row[column]] += row["documents"] * share
            documents[row[column], row["metric"]] = row["documents"]
        expected = [name for name, _ in parts.most_common(highlights.MOST_NAMES)]
        assert [found["names"][at] for at, *_ in own] == expected
        for at, *counts in own:
            name = found["names"][at]
            assert counts == [round(documents.get((name, m), 0)) for m in run.metrics]


def test_a_run_without_links_or_clusters_has_none(tmp_path):
    empty = synthetic_run.write_run(tmp_path, centres=(), noise_cells=5)
    assert highlights.links(empty) == {"rows": "", "count": 0}
    assert highlights.names(empty, "fields", "field") == {"names": [], "of": []}
