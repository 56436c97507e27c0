# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Explore and label
#
# What do we train on, how sure are its labels, and which message should a person read next? Everything here runs on
# our own messages, without a network, in some seconds.

# %%
import tempfile
import warnings
from pathlib import Path

import pandas as pd
from IPython.display import Image

import classifier
from classifier.agreement import agreement, read_reading
from classifier.assembly import data_folder
from classifier.counts import plot
from classifier.dataset import load_messages, near_duplicates, shape_auc, stats
from classifier.guidelines import LABELS
from classifier.label_quality import Pool, likely_errors, next_to_label
from classifier.labelling import merge
from classifier.pictures import dots, shown
from classifier.reviews import ReviewRow, write_review
from classifier.training import Settings, train

pd.set_option("display.max_colwidth", 90)
warnings.filterwarnings("ignore", message="IProgress not found")  # of progress bars, which nobody misses here
data = data_folder()
work = Path(tempfile.mkdtemp())
messages = load_messages(data)
print(
    f"{len(messages):,} messages in {messages['lang'].nunique()} languages by {messages['author'].nunique():,} authors"
)

# %% [markdown]
# ## What there is
#
# A cell of a label is 1, 0 or unknown, and unknown is never read as 0. Authors of `dev` and `test` are in no other
# part.

# %%
tables = stats(messages)
tables["split"]

# %%
plot(tables, work / "counts.png")
Image(work / "counts.png", width=900)

# %% [markdown]
# Shares are alike in all languages on purpose: else a model could guess from the language alone. How much does the
# bare shape of a message give away: its length, punctuation, capitals, emoji, surface? 0.5 is nothing, 1 everything.

# %%
english = messages[messages["lang"] == "en"]
some = english[english["split"] == "train"]
some = some[some["author"].isin(some["author"].drop_duplicates()[::3])].reset_index(drop=True)  # enough for a look
told = shape_auc(some)
shown(
    dots(
        [{"name": label, "value": auc} for label, auc in told.items()],
        x="ROC AUC of a model that sees only the shape of a message", span=(0.4, 1), rule=0.5, said="chance",
    ),
    "How much shape tells of each label",
)  # fmt: skip

# %% [markdown]
# ## How sure are the labels?
#
# A second reader who saw only texts and the guide labelled a part again. Krippendorff's alpha is 1 where readers
# always agree and 0 where they agree as often as by chance; from 0.8 on labels are usually called reliable.

# %%
reading = read_reading(data / "second_reading.csv")
found = agreement(reading)
shown(
    dots(
        [{"name": label, "value": alpha, "mark": 0.8} for label, alpha in found.alphas.items()]
        + [{"name": "all six as a set", "value": found.alpha, "mark": 0.8}],
        x=f"Krippendorff's alpha of two readers, {found.n:,} messages", span=(0, 1),
    ),
    "Agreement of two readers by label, with a mark at 0.8",
)  # fmt: skip

# %% [markdown]
# Where do they differ? Often one reader sees a label more.

# %%
found.disagreements.groupby(["first", "second"]).size().sort_values(ascending=False).rename("messages").head(
    8
).to_frame()

# %% [markdown]
# ## Labels that are probably wrong
#
# Train in folds by author, let each model judge the authors it has not seen, and ask where it contradicts a label
# with more confidence than it should (confident learning). A suspect is a question to a person, not a correction.

# %%
models = train(some, settings=Settings(max_features=20_000, folds=3), n_jobs=1).pipeline["labels"]
suspects = likely_errors(some, models.out_of_fold_)
rates = suspects.groupby("label").size().reindex(LABELS, fill_value=0) / len(some)
shown(
    dots(
        [{"name": label, "value": rate} for label, rate in rates.items()], x=f"share of {len(some):,} labels suspected"
    ),
    "Share of labels suspected to be wrong",
)

# %%
suspects.head(8).assign(text=some["text"].iloc[suspects["row"].head(8)].to_numpy())[
    ["label", "given", "confidence", "text"]
]

# %% [markdown]
# A review is a CSV for any spreadsheet. A person sets the cells, signs under `reader`, and `merge` checks everything
# before it changes a data file. Here we sign the first row and look at what would change.

# %%
rows = [
    ReviewRow(
        some["id"].iloc[row], f"messages/{some['file'].iloc[row]}", some["text"].iloc[row], "en",
        some["surface"].iloc[row], tuple(int(value) for value in some.loc[row, [*LABELS]]), "suspect",
    )
    for row in suspects["row"].drop_duplicates().head(5)
]  # fmt: skip
write_review(rows, work / "review.csv")
review = pd.read_csv(work / "review.csv", dtype=str, keep_default_na=False)
label = suspects["label"].iloc[0]
review.loc[0, [label, "reader"]] = [str(1 - suspects["given"].iloc[0]), "ana"]
review.to_csv(work / "signed.csv", index=False)
merge(work / "signed.csv", data, dry_run=True)

# %% [markdown]
# ## Near-duplicates
#
# Two messages that say the same must not stand on both sides of a split. Capitals, spacing tricks and look-alikes
# hide no copy, because texts are cleaned before they are compared.

# %%
texts = english["text"].tolist()[:2500]
pairs = near_duplicates(texts, threshold=0.7)
pd.DataFrame(
    [(texts[pair.first], texts[pair.second], round(pair.similarity, 2)) for pair in pairs[:6]],
    columns=["one", "other", "similarity"],
)

# %% [markdown]
# ## What to label next
#
# Of a fresh export: in turns messages near a threshold, messages that say nearly the same as one judged differently,
# and messages full of unknown words.

# %%
export = pd.read_csv(data / "samples" / "export.csv", dtype=str, keep_default_na=False)
pool = Pool(classifier.load())
pool.add(export["text"])
pd.DataFrame(
    [(why, ", ".join(one.labels) or "nothing", one.text) for why, one in next_to_label(pool, 9, labelled=english)],
    columns=["why", "flagged now", "text"],
)
