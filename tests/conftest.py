"""A small model trained on our own messages, once for the whole run."""

import hashlib
import shutil
from pathlib import Path

import pandas as pd
import pytest

from classifier.card import card
from classifier.corpora import load_registry
from classifier.examples import read_examples
from classifier.guidelines import LABELS
from classifier.policy import Action, Policy, SurfaceRule
from classifier.release import save_release
from classifier.scoring import load
from classifier.training import Settings, train

MESSAGES = Path(__file__).parents[1] / "data" / "messages"
SETTINGS = Settings(max_features=20_000, folds=3)
# Thresholds that a model of two thousand messages reaches, so that every action occurs; two labels keep sentences.
POLICY = Policy(
    points={label: {"flag": 0.4, "report": 0.6, "block": 0.9} for label in LABELS}
    | {"spam": {"flag": "maximum recall @ precision >= 0.1", "report": 0.7}, "hate": {"flag": 0.3, "block": 0.8}},
    surfaces={
        "private_message": {"personal_info": SurfaceRule(Action.FLAG, 0.05)},
        "profile": {"spam": SurfaceRule(shift=-0.2)},
    },
)


@pytest.fixture(scope="session")
def examples():
    """Some 2,200 messages by all our authors, in all our languages."""
    frames = [read_examples(path) for path in sorted(MESSAGES.glob("*.csv"))]
    return pd.concat([frame.iloc[:: 4 if len(frame) < 2000 else 20] for frame in frames], ignore_index=True)


@pytest.fixture(scope="session")
def trained(examples):
    corpora = [
        {"corpus": corpus.name, "homepage": "https://example.org", "licence": corpus.licence, "rows": 1}
        for corpus in load_registry().values()
    ]
    sources = [{"file": "mine.csv", "rows": len(examples)}, *corpora]
    held_out = {"ours, dev": examples.iloc[::25].reset_index(drop=True)}
    return train(
        examples.drop(index=examples.index[::25]).reset_index(drop=True),
        name="small", settings=SETTINGS, policy=POLICY, held_out=held_out, record={"sources": sources}, n_jobs=1,
    )  # fmt: skip


@pytest.fixture(scope="session")
def release_folder(trained, tmp_path_factory):
    """A saved release; whoever changes it takes a copy (`tampered`)."""
    folder = tmp_path_factory.mktemp("models") / "small"
    save_release(trained.release, folder, card(trained.release))
    return folder


@pytest.fixture
def tampered(release_folder, tmp_path):
    """A copy of the release to tamper with."""
    return Path(shutil.copytree(release_folder, tmp_path / "small"))


@pytest.fixture(scope="session")
def classifier_(release_folder):
    return load(release_folder)


@pytest.fixture
def toy_corpus(tmp_path):
    """A registry of one corpus of 200 texts, a third of them spam, and a mirror that holds its file."""
    rows = [{"text": f"text {i}", "spam": "yes" if i % 3 == 0 else "no"} for i in range(200)]
    data = "text,spam\n" + "".join(f"{row['text']},{row['spam']}\n" for row in rows)
    path = tmp_path / "mirror" / "toy" / "a.csv"
    path.parent.mkdir(parents=True)
    path.write_text(data)
    file = f'name = "a.csv", url = "https://example.org/a.csv", bytes = {len(data)}'
    registry = tmp_path / "corpora.toml"
    registry.write_text(f"""
        [patterns]
        [corpora.toy]
        title = "Toy"
        licence = "CC0-1.0"
        citation = "Nobody (2026)"
        homepage = "https://example.org"
        surface = "comment"
        lang = "en"
        languages = ["en"]
        read = {{ format = "csv" }}
        files = [{{ {file}, sha256 = "{hashlib.sha256(data.encode()).hexdigest()}" }}]
        [corpora.toy.labels.spam]
        positive = [{{ spam = ["yes"] }}]
        negative = [{{ spam = ["no"] }}]
    """)
    return registry, tmp_path / "mirror", rows
