# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Thresholds and policy
#
# A confidence is not a decision. Which messages shall be flagged, reported, blocked, and what will that cost?

# %%
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

import classifier
from classifier.assembly import data_folder
from classifier.assessment import assess
from classifier.dataset import load_messages
from classifier.guidelines import LABELS
from classifier.operating_points import OperatingPoint
from classifier.pictures import base_rates, dots, shown, workload
from classifier.policy import ACTIONS
from classifier.policy_file import read_policy, resolve_policy
from classifier.policy_report import offers
from classifier.policy_tuning import Choice, sentence_for, trade_off, tune

scorer = classifier.load()
release, policy = scorer.release, scorer.policy
messages = load_messages(data_folder())
dev = messages[messages["split"] == "dev"].reset_index(drop=True)
print(f"{release.id}; {len(dev):,} messages to look at, by authors it was not trained on")

# %% [markdown]
# ## Why precision is nothing without a base rate
#
# In our data about one message in ten breaks a given guideline; among members it may be one in a hundred. The same
# model, the same threshold: precision falls as violations become rare. So a policy states the share it supposes.

# %%
shown(base_rates(release.curves, [0.2, 0.05, 0.01, 0.002]), "Precision against recall at four base rates, by label")

# %% [markdown]
# ## What the shipped policy promises
#
# An operating point is a sentence. Its threshold is the one where the sentence holds at the lower end of an interval,
# on enough violations. What cannot be promised is not offered, and steps down to a milder action.

# %%
offered = offers(policy, release.curves)
kept = [offer for offer in offered if offer.figures]
pd.DataFrame(
    {
        "label": offer.label, "action": offer.action.value, "threshold": offer.threshold,
        "recall": offer.figures.recall, "per 10,000": offer.figures.actions_per_10000,
        "false alarms": offer.figures.false_alarms_per_10000,
    }
    for offer in kept
).round(2)  # fmt: skip

# %%
pd.DataFrame(
    [(o.label, o.action.value, o.steps_down_to.value, o.why_not) for o in offered if o.threshold is None],
    columns=["label", "not offered", "becomes", "why"],
)

# %% [markdown]
# Dots are the precision expected, lines its interval, ticks what the sentence asks for.

# %%
shown(
    dots(
        [
            {
                "name": f"{offer.label}, {offer.action}", "value": offer.figures.precision,
                "interval": offer.figures.precision_interval, "mark": OperatingPoint.parse(offer.point).bound,
            }
            for offer in kept
            if isinstance(offer.point, str) and "@ precision >=" in offer.point
        ],
        x="precision at the supposed base rate", span=(0, 1),
    ),
    "Precision of each action offered, with its interval and what was asked",
)  # fmt: skip

# %% [markdown]
# ## What a threshold costs
#
# Of 10,000 messages: how many a threshold takes, and how many of those rightly. Between the lines is the work for
# nothing.

# %%
judged = assess(scorer, dev, by=["surface"], resamples=100)
shown(workload(judged["labels"]), "Messages taken per 10,000 against threshold, by label")

# %% [markdown]
# ## Choosing
#
# Say you can read 30 messages in 10,000 for spam. First the trade-off, then the sentence, then the line in a policy
# file.

# %%
curve, rate = release.curves["spam"], policy.base_rates["spam"]
columns = ["threshold", "precision", "recall", "actions_per_10000", "false_alarms_per_10000"]
pd.DataFrame([asdict(found) for found in trade_off(curve, rate)])[columns].round(2)

# %%
choice = Choice("spam", "flag", sentence_for("per_10000", 30), base_rate=0.005)
tuned = tune(release, choice, '# ours\n[labels.spam]\nreport = "maximum recall @ precision >= 0.9"\nblock = false\n')
print(tuned.text)

# %%
path = Path(tempfile.mkdtemp(), "policy.toml")
path.write_text(tuned.text)
ours = resolve_policy(path.name, policy, release.curves, path.read_text())
read_policy(path).points["spam"]

# %% [markdown]
# ## What changes on real messages
#
# Same confidences, two policies. Surfaces matter too: contacts in a private message are at most flagged.

# %%
confidences = scorer.confidences(dev["text"])
surfaces = dev["surface"].tolist()
names = np.array([action.value for action in ACTIONS])
before, after = (names[found.recommend(confidences, surfaces)[:, LABELS.index("spam")]] for found in (policy, ours))
pd.crosstab(pd.Series(before, name="shipped"), pd.Series(after, name="ours")).reindex(names).dropna(how="all")
