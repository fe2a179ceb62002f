"""Why a run has no value for a test, in words that follow "5 of 5 seeds": it did not converge, or not reach the loss compared."""

import pandas as pd

from sgdphysics.claims.registry import text_of
from sgdphysics.sweeps import CONTROL

_MEMBER = ["sweep", "dose", "seed", "run"]
_FAILED = {"diverged": "diverged", "dead": "died, every unit of a layer silent"}


def of_runs(runs: pd.DataFrame) -> pd.Series:
    """Return what became of each run of a table with "learning_rate", "batch_size", "status", "epochs" and "final_loss"."""
    settings = runs.groupby(["learning_rate", "batch_size", "status"])
    epochs, losses = settings["epochs"].transform("max"), settings["final_loss"].transform("median")
    tired = "did not converge in " + text_of(epochs, "{:,}") + " epochs, training loss " + text_of(losses, "{:.2g}")
    words = tired.where(runs["status"] == "not_converged", "converged but could not be measured")
    return runs["status"].map(_FAILED).fillna(words)


def of_seeds(runs: pd.DataFrame) -> pd.Series:
    """Return of each seed with a run that did not converge the first such setting and what became of it; table as for `of_runs`."""
    setting = "learning rate " + text_of(runs["learning_rate"]) + ", batch size " + runs["batch_size"].astype(str)
    words = "lacking " + setting + ", which " + of_runs(runs)
    return words[runs["status"] != "converged"].groupby(runs["seed"]).first()


def of_sweeps(points: pd.DataFrame, kind: str = "equal_loss") -> pd.DataFrame:
    """Return why runs of the sweeps are not at the point at which their sweep is decided.

    Args:
        points: The table ``feng2023_points``; "trained_epochs" and "lowest_loss" are told where it has them.
        kind: "equal_loss" or "equal_epochs".

    Returns:
        One row per sweep and run: "sweep", "dose", "seed", "run", "setting" and "missing", empty for runs that are there.
    """
    members = points[points["sweep"] != CONTROL].drop_duplicates(["sweep", "run"])
    there = points[points["deciding"].astype(bool) & (points["point"] == kind)]
    targets = there.groupby("sweep")["target"].first()
    arrived = members.set_index(["sweep", "run"]).index.isin(there.set_index(["sweep", "run"]).index)
    words = members["status"].map(_FAILED).fillna(_not_there(members, members["sweep"].map(targets), kind))
    setting = members["sweep"].astype(str) + " " + text_of(members["dose"])
    return members[_MEMBER].assign(setting=setting, missing=words.mask(arrived, ""))


def _not_there(members: pd.DataFrame, target: pd.Series, kind: str) -> pd.Series:
    """That runs stopped before an epoch, or trained on without reaching a loss, and which is the lowest that all of a sweep did."""
    if kind == "equal_epochs":
        return ("stopped before epoch " + text_of(target)).where(target.notna(), "stopped before the epochs compared")
    words = ("did not reach a loss of " + text_of(target)).where(target.notna(), "reached none of the losses compared")
    if "trained_epochs" not in members:
        return words
    epochs = members.groupby(["sweep", "dose"])["trained_epochs"].transform("max")
    common = members["lowest_loss"].mask(members["status"].isin(_FAILED)).groupby(members["sweep"]).transform("max")
    lowest = ("; lowest common loss " + text_of(common, "{:.2g}")).where(common.notna(), "")
    return words + " in " + text_of(epochs, "{:,.0f}") + " epochs" + lowest
