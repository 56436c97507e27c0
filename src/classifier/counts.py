"""How many messages there are of what: tables by split, language, kind, surface and author, and their picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classifier.guidelines import LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

__all__ = ["GROUPS", "plot", "stats"]

GROUPS = ("split", "lang", "kind", "surface", "author")


def stats(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Counts of labelled messages: for each of `GROUPS` one table, most numerous first, that ends with a total.

    Columns: ``messages``, positives of each label, ``none`` (no label is 1), ``several`` (more than one is).

    >>> import pandas as pd
    >>> ana = ["dev", "en", "positive", "post", "ana", 1, 0, 1, 0, 0, 0]
    >>> bo = ["dev", "en", "ordinary", "post", "bo", 0, 0, 0, 0, 0, 0]
    >>> found = stats(pd.DataFrame([ana, bo], columns=[*GROUPS, *LABELS]))
    >>> found["author"][["messages", "harassment", "spam", "none", "several"]]
            messages  harassment  spam  none  several
    author
    ana            1           1     1     0        1
    bo             1           0     0     1        0
    total          2           1     1     1        1
    """
    import pandas as pd

    violates = (frame[[*LABELS]] == 1).astype(int)
    number = violates.sum(axis=1)
    counts = violates.assign(none=(number == 0).astype(int), several=(number > 1).astype(int))
    counts.insert(0, "messages", 1)
    tables = {}
    for group in GROUPS:
        table = counts.groupby(frame[group].to_numpy()).sum().sort_values("messages", ascending=False, kind="stable")
        tables[group] = pd.concat([table, table.sum().to_frame("total").T]).rename_axis(group)
    return tables


def plot(tables: Mapping[str, pd.DataFrame], path: str | Path) -> None:
    """Draw the tables of `stats` into an image file: messages, and how many carry each label, by group."""
    from matplotlib.figure import Figure

    # A figure without pyplot: nothing global, no display, no choice of backend.
    figure = Figure(figsize=(12, 9), layout="constrained")
    for axes, group in zip(figure.subplots(2, 2).flat, ("lang", "split", "kind", "surface"), strict=True):
        table = tables[group].drop(index="total")
        shares = table[[*LABELS, "none"]].div(table["messages"], axis=0)
        image = axes.imshow(shares, cmap="Blues", vmin=0, aspect="auto")
        axes.set_xticks(range(shares.shape[1]), shares.columns, rotation=30, ha="right")
        rows = [f"{name} ({count:,})" for name, count in zip(table.index, [*map(int, table["messages"])], strict=True)]
        axes.set_yticks(range(len(rows)), rows)
        for (y, x), share in np.ndenumerate(shares.to_numpy()):
            colour = "white" if share > 0.6 * shares.to_numpy().max() else "black"
            axes.text(x, y, f"{share:.0%}", ha="center", va="center", fontsize=8, color=colour)
        axes.set_title(f"share of messages with each label, by {group}")
        figure.colorbar(image, ax=axes, format=lambda share, _: f"{share:.0%}")
    figure.savefig(path, dpi=120)
