"""What the bare shape of a message gives away: length, punctuation, capitals, emoji, language and surface.

A classifier can look good on written data by noticing that, say, adverts are long. A model that sees only shape shows
how much of that there is to notice; 0.5 is nothing.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np

from classifier.guidelines import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

__all__ = ["shape", "shape_auc"]

FOLDS = 5
CATEGORIES = ("end", "lang", "surface")
# Marks inside addresses, handles and disguised words are content, which a model may well use.
_CONTENT_MARKS = re.compile(r"(?<=\w)[.:/\-'’*](?=\w)|[@#/_\\]")
_ENDS = {".": "stop", "。": "stop", "।": "stop", "?": "question", "？": "question", "؟": "question", "!": "exclamation",
         "！": "exclamation", "…": "stop", "": "nothing"}  # fmt: skip


def shape(texts: Iterable[str]) -> pd.DataFrame:
    """Shape of each text: shape (n_texts, 6), of which ``end`` is a category and the others are numbers.

    >>> shape(["Call ME: joe@example.com!", "嗯嗯 😀"]).round(2)
       characters  words  punctuation  capitals  emoji          end
    0          25      3         0.08      0.16      0  exclamation
    1           4      2         0.00      0.00      1        emoji
    """
    import pandas as pd

    return pd.DataFrame([_shape(text) for text in texts])


def _shape(text: str) -> dict[str, float | str]:
    kinds = [unicodedata.category(sign) for sign in text]
    letters = sum(kind[0] == "L" for kind in kinds)
    marks = sum(unicodedata.category(sign)[0] == "P" for sign in _CONTENT_MARKS.sub("", text))
    last = text.rstrip()[-1:]
    end = _ENDS.get(last) or ("emoji" if unicodedata.category(last) in ("So", "Sk", "Mn") else "other")
    return {
        "characters": len(text),
        "words": len(text.split()),
        "punctuation": marks / max(1, len(text)),
        "capitals": kinds.count("Lu") / max(1, letters),
        "emoji": kinds.count("So"),
        "end": end,
    }


def shape_auc(frame: pd.DataFrame, *, seed: int = 0, without: Iterable[str] = ()) -> dict[str, float]:
    """ROC AUC for each label of a model that sees only shape, language and surface.

    Boosted trees, cross-validated with each author on one side only; the mean over the folds. NaN where a label has
    positives, or negatives, of fewer than two authors.

    Parameters
    ----------
    frame : DataFrame
        Labelled messages with ``text, lang, surface, author``; unknown labels are left out.
    seed : int
        Seed of the folds.
    without : iterable of str
        Columns the model must not see, such as ``["lang", "surface"]``, which no text classifier is given.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [(text, "en", "post", author, int(text.startswith("aaa")), *5 * [0])
    ...         for author in "stuvwxyz" for text in ["hm", "aaaaaaaaaaaaaa", "ok", "aaaaaaaaaaaaaaa"] * 5]
    >>> found = shape_auc(pd.DataFrame(rows, columns=["text", "lang", "surface", "author", *LABELS]))
    >>> found["harassment"], found["spam"]
    (1.0, nan)

    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_score

    X = shape(frame["text"]).assign(lang=frame["lang"].to_numpy(), surface=frame["surface"].to_numpy())
    X = X.drop(columns=[*without])
    for column in X.columns.intersection([*CATEGORIES]):
        X[column] = X[column].astype("category")
    aucs = {}
    for label in LABELS:
        known = frame[label].notna().to_numpy()
        y = frame[label].to_numpy(dtype=float, na_value=np.nan)[known].astype(int)
        authors = frame["author"].to_numpy()[known]
        folds = min(FOLDS, *(len(set(authors[y == side])) for side in (0, 1)))
        if folds < 2:
            aucs[label] = float("nan")
            continue
        model = HistGradientBoostingClassifier(
            learning_rate=0.1, max_iter=50, max_leaf_nodes=8, categorical_features="from_dtype", random_state=seed
        )
        cv = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        aucs[label] = float(cross_val_score(model, X[known], y, groups=authors, cv=cv, scoring="roc_auc").mean())
    return aucs
