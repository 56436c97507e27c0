"""The same data and settings give the same release, whoever trains it with however many processors."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from classifier.card import card
from classifier.cli import cli
from classifier.release import load_release, save_release
from classifier.training import Settings, train

# A training run of its own, in a process whose processors and BLAS kernel are chosen before anything is loaded.
TRAIN = """
import json, os, sys
processors, n_jobs, examples, folder = json.loads(sys.argv[1])
if processors and hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from classifier.examples import read_examples
from classifier.release import save_release
from classifier.training import Settings, train

trained = train(read_examples(examples), settings=Settings(max_features=10_000, folds=3), n_jobs=n_jobs)
print(save_release(trained.release, folder, "").digest)
"""


@pytest.fixture(scope="module")
def some(examples, tmp_path_factory):
    path = tmp_path_factory.mktemp("some") / "some.csv"
    examples.iloc[::3].to_csv(path, index=False)
    return path


def digest(some, folder, *, processors=0, n_jobs=1, **environment):
    arguments = json.dumps([processors, n_jobs, str(some), str(folder)])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", TRAIN, arguments],
        env=os.environ | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_processes_do_not_matter(trained, examples, release_folder, tmp_path):
    again = train(
        examples.drop(index=examples.index[::25]).reset_index(drop=True),
        settings=Settings(**trained.release.settings), policy=trained.release.policy, n_jobs=2,
    )  # fmt: skip
    assert save_release(again.release, tmp_path, card(again.release)).digest == load_release(release_folder).digest


def test_neither_processors_nor_blas_nor_hash_seed_matter(some, tmp_path):
    one = {"OPENBLAS_CORETYPE": "Nehalem", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "1"}
    alone = digest(some, tmp_path / "one", processors=1, **one)
    assert len(alone) == 64
    assert alone == digest(some, tmp_path / "all", n_jobs=2, PYTHONHASHSEED="2")


def test_other_data_or_settings_give_another_digest(trained, examples, release_folder, tmp_path):
    changed = examples.drop(index=examples.index[::25]).reset_index(drop=True)
    changed.loc[0, "text"] = "something else was said here"
    settings, policy = Settings(**trained.release.settings), trained.release.policy
    other = train(changed, settings=settings, policy=policy, n_jobs=2).release
    assert save_release(other, tmp_path, card(other)).digest != load_release(release_folder).digest


def test_training_says_whether_the_digest_changed(some, tmp_path):
    def trained(seed):
        target = Path(tmp_path, "m")
        command = ["train", "--out", target, "--corpus", "none", "--examples", some, "--no-gate", "--seed", seed]
        done = CliRunner().invoke(cli, [*map(str, command)])
        assert done.exit_code == 0, done.output
        return done.output, load_release(target).digest

    said, first = trained(0)
    assert "its digest" not in said
    said, again = trained(0)
    assert again == first
    assert "its digest is the same as before" in said
    said, other = trained(1)
    assert other != first
    assert f"its digest changed; it was {first[:12]}" in said
