# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Errors and fairness
#
# Where is the shipped release wrong, why, and who pays for it? Judged on messages by authors it was not trained on.
# We look at `dev`: the test part is read once, when everything is chosen.

# %%
import pandas as pd

import classifier
from classifier.assembly import data_folder
from classifier.assessment import assess
from classifier.behaviour import GateReport
from classifier.dataset import load_messages
from classifier.perturbations import PERTURBATIONS
from classifier.pictures import confusion, dots, shown, slice_dots

pd.set_option("display.max_colwidth", 110)
scorer = classifier.load()
messages = load_messages(data_folder())
dev = messages[messages["split"] == "dev"].reset_index(drop=True)
judged = assess(scorer, dev, by=["lang", "surface", "length"], with_text=True, hard=6, resamples=200)
print(f"{judged['release']} on {judged['n']:,} messages by {judged['authors']} authors")

# %% [markdown]
# ## What is taken for what
#
# Rows are what a message truly is, columns what it is recommended for. A message may stand in several.

# %%
shown(confusion(judged["confusion"]), "True labels against recommended labels")

# %% [markdown]
# ## Where it is better and worse
#
# A figure for all hides the parts. Lines are 95 % intervals: short ones mean many messages, not good ones. The dotted
# line is the figure of all.

# %%
shown(slice_dots(judged["slices"]["lang"], judged["labels"]), "Average precision by language and label")

# %%
shown(slice_dots(judged["slices"]["length"], judged["labels"]), "Average precision by length of message and label")

# %% [markdown]
# ## The hardest messages
#
# Harmless messages of highest confidence, and violations of lowest. Read them: some are wrong labels, some need
# context that one message does not have, and the rest are work to do.

# %%
hard = judged["hardest"]["harassment"]
pd.DataFrame(
    [("false alarm", row["confidence"], row["text"]) for row in hard["false_positives"]]
    + [("missed", row["confidence"], row["text"]) for row in hard["false_negatives"]],
    columns=["harassment", "confidence", "text"],
)

# %% [markdown]
# Why? Words are shaded by what they added, blue against and red for. What a disguise hid is read as it was meant.

# %%
scorer.explain(hard["false_positives"][0]["text"])

# %%
scorer.explain("y0u are such an 1d!0t, n o b o d y likes you")

# %% [markdown]
# ## Behaviour
#
# Functional tests, each for one thing a model must do: find what is blatant, leave alone what is only quoted or
# reported, see through disguises. Ticks are floors below which no release of ours is written.

# %%
gate = GateReport.from_dict(judged["behaviour"])
weakest = sorted(gate.functions, key=lambda function: function.share)[:18]
shown(
    dots(
        [{"name": found.name.replace(".", ": "), "value": found.share, "mark": found.floor} for found in weakest],
        x="share of cases passed, the 18 weakest functions", span=(0, 1),
    ),
    "Share of cases passed by the weakest functions, with their floors",
)  # fmt: skip

# %% [markdown]
# One message in every disguise there is, and what remains of the confidence that it is harassment.

# %%
plain = "ur so dumb, nobody wants u here"
disguises = {name: disguise(plain) for name, disguise in PERTURBATIONS.items()}
found = scorer.confidences([plain, *disguises.values()])[:, 0]
shown(
    dots(
        [{"name": name, "value": float(p)} for name, p in zip(disguises, found[1:], strict=True)],
        x="confidence in harassment", span=(0, 1), rule=float(found[0]), said="undisguised",
    ),
    "Confidence in one message under each disguise",
)  # fmt: skip

# %% [markdown]
# ## Fairness
#
# The same harmless sentences said of many groups. Whoever only names a group must not be flagged for it, so we count
# false alarms by group. Lines are 95 % intervals over sentences.

# %%
groups = [(name, group) for name, group in judged["fairness"]["groups"].items() if group["compared"]]
alarms = sorted(groups, key=lambda item: -item[1]["false_alarms_flag"]["value"])
mean = sum(group["false_alarms_flag"]["value"] for _, group in groups) / len(groups)
shown(
    dots(
        [{"name": name, **group["false_alarms_flag"]} for name, group in alarms[:20]],
        x="share of harmless sentences with a false alarm", rule=mean, said="mean of all groups",
    ),
    "False alarms on harmless sentences by group",
)  # fmt: skip

# %% [markdown]
# Attacks must be found whomever they are on. BPSN is low where harmless sentences on a group outrank attacks on
# others, BNSP where attacks on the group are overlooked (Borkan et al. 2019).

# %%
aucs = ["subgroup_auc", "bpsn_auc", "bnsp_auc"]
table = pd.DataFrame({name: {auc: group[auc]["value"] for auc in aucs} for name, group in groups}).T
table.sort_values("bpsn_auc").head(8).round(3)

# %%
pd.DataFrame({name: gap for name, gap in judged["fairness"]["gaps"].items() if gap}).T
