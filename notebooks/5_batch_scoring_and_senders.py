# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Batch scoring and senders
#
# An export goes in; recommendations, histories of senders and dossiers come out. The export here is a made-up one of
# some two hundred rows; the same calls take millions, in bounded memory.

# %%
import json
import tempfile
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import classifier
from classifier.assembly import data_folder
from classifier.batch import score_export
from classifier.contacts import find_contacts, mask
from classifier.pictures import actions, shown, timeline
from classifier.senders import review_senders

pd.set_option("display.max_colwidth", 100)
work = Path(tempfile.mkdtemp())
export = data_folder() / "samples" / "export.csv"
scorer = classifier.load()
pd.read_csv(export, dtype=str, keep_default_na=False).head(4)

# %% [markdown]
# ## Every row accounted for
#
# Rows = scored + set aside, always. A run that is killed goes on where it was.

# %%
report = score_export(scorer, export, work / "result.csv")
print(f"{report.rows} rows = {report.scored} scored + {report.set_aside} set aside, by {report.release}")
print("notes:", *report.notes or ["none"])
report.recommendations

# %%
shown(actions(report.labels), "Messages recommended for each action, by label")

# %% [markdown]
# ## What was recommended, and why
#
# The result has one row for each of the export, in its order: confidences, recommendation, reasons, release.

# %%
result = pd.read_csv(work / "result.csv", dtype={"id": str})
rows = pd.read_csv(export, dtype=str, keep_default_na=False).assign(
    recommendation=result["recommendation"], reasons=result["reasons"]
)
severe = rows[rows["recommendation"].isin(["report", "block"])]
severe.assign(
    why=[", ".join(f"{r['label']} {r['confidence']:.2f}" for r in json.loads(reasons)) for reasons in severe["reasons"]]
)[["sender", "recommendation", "why", "text"]].head(10)

# %% [markdown]
# One message, word by word.

# %%
scorer.explain(severe["text"].iloc[0])

# %% [markdown]
# ## Contact details
#
# Found by rules beside the model, and masked before anybody else reads the message.

# %%
with_contacts = rows[rows["text"].map(lambda text: bool(find_contacts(text)))]
pd.DataFrame(
    {
        "kinds": [", ".join(found.kind for found in find_contacts(text)) for text in with_contacts["text"]],
        "masked": [mask(text) for text in with_contacts["text"]],
    }
).head(8)

# %%
pd.Series([found.kind for text in rows["text"] for found in find_contacts(text)]).value_counts().to_frame("found").T

# %% [markdown]
# ## Senders, not only messages
#
# Ten flags in a week, contacts that nobody answered, one text to many people: what single messages do not show. The
# rules are in the policy's `[senders]` table.

# %%
senders = review_senders(scorer, export, work / "senders")
print(*senders.notes, sep="\n")
senders.recommendations

# %%
table = pd.read_csv(work / "senders" / "senders.csv", dtype={"sender": str})
columns = ["sender", "recommendation", "messages", "flag", "report", "block", "unanswered", "copies", "findings"]
table[columns].head(8)

# %% [markdown]
# Who wrote what when: small grey points are messages left alone.

# %%
order = table["sender"].head(16).tolist()
when = pd.to_datetime(rows["sent_at"], utc=True, errors="coerce")
told = rows.assign(when=when)[rows["sender"].isin(order) & when.notna()]
shown(
    timeline(
        [
            {"name": name, "times": own["when"].tolist(), "actions": own["recommendation"].tolist()}
            for name, own in sorted(told.groupby("sender"), key=lambda item: order.index(item[0]))
        ]
    ),
    "Messages of the severest senders over time, coloured by recommendation",
)  # fmt: skip

# %% [markdown]
# ## A dossier
#
# What a person needs to decide, or to attach to a report: what was found, the messages behind it, the clauses and the
# platform's own advice. Contact details are masked, whoever they belong to.

# %%
dossiers = sorted((work / "senders" / "dossiers").glob("*.md"))
print(len(dossiers), "dossiers")
Markdown(dossiers[0].read_text(encoding="utf-8")) if dossiers else None
