"""Settings in the order of their noise, up to the edge where training no longer converges.

A line is all settings of one batch size, or all of one learning rate, in the order of the noise scale learning rate / batch size.
Its edge is the last setting before the first at which a run did not converge: at all weaker noise every run converged.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sgdphysics.arguments import check_sizes, require_columns
from sgdphysics.errors import InputError

FEWEST_POINTS = 3  # settings up to the edge, itself included, from which a trend or an optimum is read
SETTING = ["learning_rate", "batch_size"]


def edges(runs: pd.DataFrame) -> pd.DataFrame:
    """Find the edge of every line.

    Args:
        runs: One row per run: "learning_rate", "batch_size" and "status".

    Returns:
        One row per line: "line" (such as "batch size 8"), "kind" and "value" (what its settings share), "points" (settings up to
        the edge), and of the edge and of the setting beyond it "edge_learning_rate", "edge_batch_size", "beyond_learning_rate" and
        "beyond_batch_size". Lines on which all settings converge, or not even that of the weakest noise, have no edge and no row.

    Raises:
        InputError: If a column is missing, or a learning rate or batch size is not above 0.
    """
    _check_runs(runs)
    settings = runs.assign(converged=runs["status"] == "converged").groupby(SETTING, as_index=False)["converged"].all()
    settings["noise_scale"] = settings["learning_rate"] / settings["batch_size"]
    rows = []
    for kind in ("batch_size", "learning_rate"):
        for value, line in settings.sort_values("noise_scale").groupby(kind):
            points = int(line["converged"].cumprod().sum())
            if not 0 < points < len(line):
                continue
            row = {"line": f"{kind.replace('_', ' ')} {value:g}", "kind": kind, "value": value, "points": points}
            for name, index in (("edge", points - 1), ("beyond", points)):
                row |= {f"{name}_{key}": line[key].iloc[index] for key in SETTING}
            rows.append(row)
    named = [f"{name}_{key}" for name in ("edge", "beyond") for key in SETTING]
    return pd.DataFrame(rows, columns=["line", "kind", "value", "points", *named])


def runs_up_to_the_edge(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs on each line from the weakest noise to the edge, for lines of at least three such settings.

    Args:
        runs: As for `edges`; further columns are kept.

    Returns:
        The runs with "line", "noise_scale" (learning rate / batch size) and "octaves_to_edge" (log2 of the edge's noise scale over
        the run's own); a run that lies on two lines stands there twice.

    Raises:
        InputError: As `edges` does.
    """
    _check_runs(runs)
    parts = [runs.iloc[:0].assign(line="", noise_scale=0.0, octaves_to_edge=0.0)]
    for line in edges(runs).itertuples():
        if line.points < FEWEST_POINTS:
            continue
        on_line = runs[runs[line.kind] == line.value]
        noise, edge = on_line["learning_rate"] / on_line["batch_size"], line.edge_learning_rate / line.edge_batch_size
        on_line = on_line.assign(line=line.line, noise_scale=noise, octaves_to_edge=np.log2(edge / noise))
        parts.append(on_line[noise <= edge])
    return pd.concat(parts[1:] or parts, ignore_index=True)


def optima(runs: pd.DataFrame, quantities: Sequence[str]) -> pd.DataFrame:
    """Find the edge of every line, and up to it the setting of lowest mean over seeds.

    Args:
        runs: As for `edges`, with the quantities.
        quantities: Columns whose lowest mean is looked for.

    Returns:
        The rows of `edges` for every "quantity", with "optimum_learning_rate", "optimum_batch_size" and
        "octaves_from_optimum_to_edge" (log2 of the edge's noise scale over the optimum's); NaN where a line has fewer than three
        settings up to the edge.

    Raises:
        InputError: As `edges` does, or if a quantity is missing.
    """
    require_columns("runs", runs, [*SETTING, "status", *quantities])
    lines, up_to_edge = edges(runs), runs_up_to_the_edge(runs)
    means = up_to_edge.groupby(["line", *SETTING, "octaves_to_edge"], as_index=False)[list(quantities)].mean()
    names = {key: f"optimum_{key}" for key in SETTING} | {"octaves_to_edge": "octaves_from_optimum_to_edge"}
    parts = []
    for quantity in quantities:
        best = means.loc[means.dropna(subset=[quantity]).groupby("line")[quantity].idxmin()]
        best = best[["line", *SETTING, "octaves_to_edge"]].rename(columns=names)
        parts.append(lines.merge(best, how="left").assign(quantity=quantity))
    return pd.concat(parts, ignore_index=True)


def lowest(values: pd.Series, octaves: pd.Series) -> float:
    """Return the octaves at which a quantity is lowest, the mean of them where several tie; NaN if a value is missing.

    Raises:
        InputError: If there is no value, or not one at each of the octaves.
    """
    if not len(values) or len(values) != len(octaves):
        raise InputError(f"values: found {len(values)}, expected one for each of {len(octaves)} octaves")
    return float(octaves[values == values.min()].mean()) if np.isfinite(values).all() else float("nan")


def _check_runs(runs: pd.DataFrame) -> None:
    require_columns("runs", runs, [*SETTING, "status"])
    for name in SETTING:
        if len(runs):
            check_sizes(name, runs[name])
