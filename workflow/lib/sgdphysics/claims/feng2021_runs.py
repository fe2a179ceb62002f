"""Values of the runs of Feng and Tu 2021, as their claims need them: one row per run, missing where it did not converge."""

import numpy as np
import pandas as pd

from sgdphysics.claims import missing
from sgdphysics.claims.registry import MISSING, Tables, table_of, text_of
from sgdphysics.window_settings import noise_source


def per_run(tables: Tables, values: pd.DataFrame, unmeasured: str | None = None) -> pd.DataFrame:
    """Return "setting", "reference", "seed", "value" and why there is none, of every run.

    Args:
        tables: The study's tables.
        values: "run" and "value", at most one row per run; runs that did not converge lose theirs.
        unmeasured: Why a run that converged has none, in words that follow "5 of 5 seeds".
    """
    runs = table_of(tables, "feng2021_runs")
    joined = runs.merge(values[["run", "value"]].astype({"value": float}), on="run", how="left")
    joined.loc[joined["status"] != "converged", "value"] = np.nan
    setting = "learning rate " + text_of(joined["learning_rate"]) + ", batch size " + joined["batch_size"].astype(str)
    columns = {key: joined[key] for key in ("reference", "seed", "value")}
    why = missing.of_runs(joined)
    if unmeasured:
        why = why.mask(joined["status"] == "converged", unmeasured)
    return pd.DataFrame({"setting": setting, **columns, MISSING: why})


def of_draws_without_replacement(tables: Tables, values: pd.DataFrame) -> pd.DataFrame:
    """Return values, as `per_run` takes them, of runs that draw without replacement; the others lose theirs."""
    runs = table_of(tables, "feng2021_runs")
    drawn = values["run"].isin(runs.loc[runs["sampling"] == "epoch", "run"])
    return values.assign(value=values["value"].where(drawn))


def of_reference(values: pd.DataFrame, setting: str) -> pd.DataFrame:
    """Return the rows at the reference setting alone, of values as `per_run` returns them, under the name of what they are of."""
    return values[values["reference"]].assign(setting=setting)


def is_frozen_noise(tables: Tables, rows: pd.DataFrame) -> pd.Series:
    """Return which rows, of "run" and "source", are of frozen noise that is drawn as the run draws its batches."""
    runs = table_of(tables, "feng2021_runs").set_index("run")
    return rows["source"] == rows["run"].map(runs["sampling"].map(noise_source))
