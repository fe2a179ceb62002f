"""Tabulate beyond_fig6: fluctuation and dissipation of every setting on one curve, by source and order of detrending."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch

from sgdphysics import devices, fluctuation_dissipation, surrogates
from sgdphysics.arguments import SAMPLING
from sgdphysics.ladder import STABLE
from sgdphysics.provenance import jobs
from sgdphysics.tables import RUN_COLUMNS, RUN_ORDER, load_table, load_tables, save_rows

OTHERS_HELD = "other_layers_held"  # a source beside SGD and its surrogates
UNSCALED = "isotropic"  # a walk of unit steps, whose variances have no size that could be compared
MEASURED = ["run", "window_epochs", "start_epoch", "source", "rank", "detrending_order", "variance"]
THEORIES = ["theory_epoch", "theory_replacement", "theory_without_force", "theory_stationary"]
COLUMNS = [
    *RUN_COLUMNS,
    "window_epochs",
    "source",
    "rank",
    "detrending_order",
    "curvature",
    "temperature",
    fluctuation_dissipation.PLACE,
    fluctuation_dissipation.RATIO,
    *THEORIES,
    fluctuation_dissipation.OVER_THEORY,
]


def tabulate(
    runs_path: Path, directions_path: Path, windows_path: Path, detrended: Sequence[Path], tables: Mapping[str, Path]
) -> None:
    """Write the tables "ratios" (one row per Hessian direction, source and order of detrending of the main window of every run) and
    "medians" (by half decade, see `fluctuation_dissipation.medians`).

    Theories are the ratios that linear SGD has in the same window at the same order: with draws without and with replacement, with
    the run's own draws but no restoring force, and with independent draws once it is stationary. Measured over theory is over that
    of the run's own draws. Directions without curvature or noise have no ratio and are left out, and so are those in which linear
    SGD leaves the minimum, learning rate times curvature being 2 or more.

    Args:
        runs_path: The table of runs.
        directions_path: The table feng2021_fig2.
        windows_path: The table feng2021_windows, of which SGD of the studied layer alone is a source.
        detrended: Paths of the tables detrended of every chunk.
        tables: Where to write.
    """
    runs = load_table(runs_path)
    rows = _measured(load_table(directions_path), load_tables(detrended))
    windows = runs[["run", "sampling"]].merge(load_table(windows_path))  # with the draws of the run itself
    rows = pd.concat([part for part in (rows, _with_others_held(windows, rows)) if len(part)] or [rows])
    rows = runs[[*RUN_COLUMNS, "sampling", "epochs", "steps"]].merge(rows, on="run")
    linear = rows["learning_rate"] * rows["curvature"] < STABLE
    parts = [_with_theory(part) for _, part in rows[linear & (rows["curvature"] > 0) & (rows["temperature"] > 0)].groupby("run")]
    save_rows(tables["ratios"], parts, COLUMNS, [*RUN_ORDER, "source", "detrending_order", "rank"])
    ratios = pd.concat(parts) if parts else pd.DataFrame(columns=COLUMNS, dtype=float)
    save_rows(tables["medians"], [fluctuation_dissipation.medians(ratios)], fluctuation_dissipation.MEDIAN_COLUMNS)


def _measured(directions: pd.DataFrame, detrended: pd.DataFrame) -> pd.DataFrame:
    """Variances along the Hessian directions of main windows, with the curvature and the temperature of each at its centre."""
    along = directions[(directions["basis"] == "hessian") & (directions["source"] == "sgd") & (directions["window"] == "main")]
    chosen = (detrended["basis"] == "hessian") & (detrended["window"] == "main") & (detrended["source"] != UNSCALED)
    return along[["run", "rank", "curvature", "temperature"]].merge(detrended.loc[chosen, MEASURED])


def _with_others_held(windows: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The same in windows in which only the studied layer moves, with means of curvature and temperature over each window."""
    held = windows[windows["layers"] == "studied"].rename(columns={"detrending": "detrending_order"}).assign(source=OTHERS_HELD)
    main = rows[["run", "window_epochs", "start_epoch"]].drop_duplicates()
    return held.merge(main)[[*MEASURED, "curvature", "temperature"]] if len(held) else held


def _with_theory(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of a run with its ratios and theirs in theory."""
    run = rows.iloc[0]
    epoch_steps = int(run["steps"] // run["epochs"])
    place = ["detrending_order", "curvature"]  # on which alone theory depends
    theory = [_theory(part, run, epoch_steps) for _, part in rows[place].drop_duplicates().groupby("detrending_order")]
    rows = rows.merge(pd.concat(theory), on=place)
    ratio = rows["variance"] * rows["curvature"] / rows["temperature"]
    rows[fluctuation_dissipation.PLACE] = rows["learning_rate"] * rows["curvature"] * epoch_steps
    rows[fluctuation_dissipation.RATIO] = ratio
    rows[fluctuation_dissipation.OVER_THEORY] = ratio / rows[f"theory_{run['sampling']}"]
    return rows


def _theory(places: pd.DataFrame, run: pd.Series, epoch_steps: int) -> pd.DataFrame:
    """Curvatures at one order of detrending with the ratios that linear theory expects; the temperature drops out of them."""
    curvatures = torch.tensor(places["curvature"].to_numpy())
    window = {
        "learning_rate": run["learning_rate"],
        "epoch_steps": epoch_steps,
        "epochs": int(run["window_epochs"]),
        "earlier_epochs": int(run["start_epoch"]),
        "detrending_order": int(places["detrending_order"].iloc[0]),
    }
    ones, zeros = torch.ones_like(curvatures), torch.zeros_like(curvatures)
    variances = {f"theory_{way}": surrogates.window_variance(curvatures, ones, sampling=way, **window) for way in SAMPLING}
    variances["theory_without_force"] = surrogates.window_variance(zeros, ones, sampling=run["sampling"], **window)
    variances["theory_stationary"] = surrogates.stationary_variance(curvatures, ones, run["learning_rate"])
    return places.assign(**{name: (values * curvatures).numpy() for name, values in variances.items()})


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        devices.prepared(job)
        tabulate(
            Path(snakemake.input.runs),
            Path(snakemake.input.directions),
            Path(snakemake.input.windows),
            [Path(path) for path in snakemake.input.detrended],
            {name: Path(snakemake.output[name]) for name in ("ratios", "medians")},
        )
