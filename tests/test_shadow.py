"""What is written in shadow cannot be acted on by mistake."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from classifier.batch import score_export
from classifier.cli import cli
from classifier.guidelines import LABELS
from classifier.results import RESULT_COLUMNS, SHADOW_COLUMNS


class BlocksAll:
    release_id = "r1"

    def recommend(self, texts, surfaces):
        n = len(texts)
        return SimpleNamespace(
            confidences=np.ones((n, 6), np.float32),
            actions=np.full(n, 3, np.uint8),
            label_actions=np.full((n, 6), 3, np.uint8),
            known=np.ones(n, bool),
            reasons=['[{"action": "block"}]'] * n,
        )


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "export.jsonl"
    path.write_text('{"id": "1", "text": "you stupid idiot"}\n{"id": "2", "text": null}\n')
    return path


def read(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(newline="") as file:
        return [*csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")]


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.jsonl", "r.parquet"])
def test_a_shadow_result_has_no_column_to_act_on(tmp_path, export, name):
    usual, shadow = tmp_path / f"usual-{name}", tmp_path / f"shadow-{name}"
    assert ("id", *LABELS, "shadow_recommendation", "shadow_reasons", "release", "error") == SHADOW_COLUMNS
    plain = score_export(BlocksAll(), export, usual)
    report = score_export(BlocksAll(), export, shadow, shadow=True)
    assert tuple(read(usual)[0]) == RESULT_COLUMNS
    for before, after in zip(read(usual), read(shadow), strict=True):
        assert tuple(after) == SHADOW_COLUMNS
        assert [*after.values()] == [*before.values()]
    assert (plain.shadow, report.shadow, report.as_dict()["shadow"]) == (False, True, True)
    assert any("not to be acted on" in note for note in report.notes)
    assert not any("not to be acted on" in note for note in plain.notes)


def test_the_command_says_that_it_ran_in_shadow(tmp_path, export, release_folder):
    target = tmp_path / "r.csv"
    done = CliRunner().invoke(
        cli, ["score", str(export), "-o", str(target), "--release", str(release_folder), "--shadow"]
    )
    assert done.exit_code == 0, done.output
    assert "in shadow" in " ".join(done.output.split())
    assert "note: shadow run" in done.output
    assert "recommendation" not in read(target)[0]
