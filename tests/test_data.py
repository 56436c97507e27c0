"""The repository's own data keep the rules of the data set, and its datasheet tells the truth."""

import numpy as np
import pandas as pd
import pytest

from classifier.assembly import data_folder, our_messages, read_splits
from classifier.dataset import check, load_messages, stats
from classifier.datasheet import count_table
from classifier.examples import label_matrix, read_examples


@pytest.fixture(scope="module")
def errors():
    return [str(finding) for finding in check(data_folder()) if finding.severity == "error"]


def test_the_data_keep_every_rule(errors):
    assert errors == []


def test_messages_whose_shape_tells_only_train():
    folder = data_folder()
    counted = load_messages(folder)
    telling = pd.concat([read_examples(path) for path in our_messages(folder) if path.parent.name != "messages"])
    assert {*telling.columns} == {*counted.columns} - {"split", "file", "row"}
    assert not {*telling["id"]} & {*counted["id"]}
    assert not {*telling["author"]} & {*read_splits(folder / "splits.toml")}
    assert not label_matrix(telling).max() > 1
    assert not np.isnan(label_matrix(telling)).any()


@pytest.mark.parametrize("group", ["split", "lang", "kind", "surface"])
def test_the_datasheet_has_the_counts_of_the_data(group):
    counted = count_table(stats(load_messages(data_folder()))[group])
    readme = (data_folder() / "README.md").read_text(encoding="utf-8")
    assert counted in readme, "renew the tables with: classifier data datasheet"
