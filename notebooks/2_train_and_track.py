# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Train and track
#
# Two small models on some of our English messages, judged on authors neither has seen, and kept in MLflow. The
# shipped release is trained in the same way on everything: `make default`.

# %%
import os
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import pandas as pd

import classifier
from classifier.assembly import data_folder
from classifier.assessment import assess
from classifier.card import card
from classifier.dataset import load_messages
from classifier.features import MessageVectorizer
from classifier.guidelines import LABELS
from classifier.pictures import dots, learning_curve, precision_recall, reliability, shown
from classifier.release import save_release
from classifier.report import read_learning_curve
from classifier.tracking import track
from classifier.training import Settings, train

warnings.filterwarnings("ignore", message="IProgress not found")  # of progress bars, which nobody misses here
work = Path(tempfile.mkdtemp())
messages = load_messages(data_folder())
english = messages[messages["lang"] == "en"]
known = english[english["split"] == "train"]
known = known[known["author"].isin(known["author"].drop_duplicates()[::3])].reset_index(drop=True)
unseen = english[english["split"] == "dev"].reset_index(drop=True)
print(f"{len(known):,} messages to train on, {len(unseen):,} by other authors to judge on; the test part stays shut")

# %% [markdown]
# ## Features
#
# Words and runs of characters of the cleaned text. Cleaning undoes disguises, so both texts below have features in
# common.

# %%
vectorizer = MessageVectorizer(min_df=1)
X = vectorizer.fit_transform(["you are an idiot", "you are an 1d!0t"])
names = vectorizer.get_feature_names_out()
print(f"{X.shape[1]} features, {int((X.getnnz(axis=0) == 2).sum())} of them in both texts")
[*names[X.getnnz(axis=0) == 2][:12]]

# %% [markdown]
# ## Two models
#
# One reads only whole words, the other characters too. Folds are whole authors, so calibration and thresholds are
# chosen on messages by people the model has not met.

# %%
settings = Settings(max_features=30_000, folds=3)
both = train(known, name="characters", settings=settings, held_out={"ours, dev": unseen}, n_jobs=1)
words = train(
    known, name="words", settings=replace(settings, char_ngrams=(5, 5)), held_out={"ours, dev": unseen}, n_jobs=1
)
judged = {run.release.name: run.release.record["metrics"]["ours, dev"] for run in (words, both)}
pd.DataFrame(
    {name: {label: found["labels"][label]["average_precision"] for label in LABELS} for name, found in judged.items()}
).round(3)

# %%
shown(
    dots(
        [
            {"name": f"{label}: {name}", "value": entry["average_precision"], "interval": entry["interval"]}
            for label in LABELS
            for name, found in judged.items()
            for entry in [found["labels"][label]]
        ],
        x="average precision on unseen authors", span=(0, 1),
    ),
    "Average precision of two models on unseen authors, with 95 % intervals",
)  # fmt: skip

# %% [markdown]
# Intervals that overlap much say: these messages cannot tell the two apart for that label.
#
# ## A release, judged
#
# A release is arrays and JSON without pickle, sealed by digests. It scores exactly as the scikit-learn pipeline does.

# %%
folder = work / "characters"
saved = save_release(both.release, folder, card(both.release))
scorer = classifier.load(folder)
gap = abs(scorer.confidences(unseen["text"]) - both.pipeline.predict_proba(unseen["text"].tolist())).max()
print(f"{saved.id}; largest difference to the pipeline {gap:.1e}")

# %%
judgement = assess(scorer, unseen, by=["surface"], resamples=200)
shown(precision_recall(judgement["labels"]), "Precision against recall of each label, with the point of each action")

# %% [markdown]
# Average precision says how well messages are ranked. Whether a confidence of 0.8 means that 80 of 100 such messages
# violate is another question.

# %%
shown(reliability(judgement["labels"]), "Share that violates against confidence, by label")

# %% [markdown]
# ## Tracked
#
# MLflow keeps settings, figures, the digests of the data and the release itself; no message but the golden ones is in
# it. Here its store is a temporary folder; by default it is `mlflow.db` where you work.

# %%
os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{work / 'mlflow.db'}"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.chdir(work)  # MLflow puts artifacts beside the store
run = track(both, register="guidelines", alias="candidate", tags={"question": "do characters help?"})
track(words, tags={"question": "do characters help?"})

# %%
import mlflow

runs = mlflow.search_runs(experiment_names=["guideline-classifier"])
columns = ["tags.mlflow.runName", "params.char_ngrams", "params.features", "metrics.ours/dev/average_precision"]
runs[columns].rename(columns=lambda name: name.rpartition("/")[2].removeprefix("params.").removeprefix("tags.mlflow."))

# %% [markdown]
# A person moves the alias; whoever loads by alias gets what it points to.

# %%
classifier.load("models:/guidelines@candidate").explain("u r so beautiful, r u married?", surface="comment")

# %% [markdown]
# ## What more data gives
#
# The full story needs the public corpora and an hour, so it is stored (`benchmarks/learning_curve.py`). Public
# corpora alone know little of what people write here; each step is added to those before it.

# %%
shown(
    learning_curve(read_learning_curve(data_folder().parent / "docs" / "learning_curve.md")),
    "Mean average precision as training data grows",
)
