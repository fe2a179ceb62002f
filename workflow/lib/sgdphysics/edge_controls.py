"""Controls of what is seen up to the edge of convergence: flatness against a run of little noise, and responses to two settings.

Source: `bends` and the two ranges of `asymmetries` after Sclocchi and Wyart, arXiv:2309.10688, and McCandlish et al.,
arXiv:1812.06162, where the steps to a given loss are S (1 + B* / B), so that at the batch size B* they are twice the fewest.
"""

import numpy as np
import pandas as pd

from sgdphysics import convergence_edge
from sgdphysics.arguments import require_columns, require_positive

RESPONSES = ("test_loss", "test_error", "slope_spread", "largest_eigenvalue", "sharpest_temperature")
FLATNESS = ("slope_spread", "largest_eigenvalue")
EQUAL = {"epochs": "epochs", "loss": "training_loss"}  # what a control is made equal in, and its column
FEWEST_SETTINGS = 4  # for two exponents and a constant
_RUN = ["run", *convergence_edge.SETTING, "seed"]
_MORE_STEPS = 2.0  # of the fewest, at the bend
_FIT = ["learning_rate_exponent", "batch_size_exponent", "asymmetry", "rank_correlation"]


def bends(runs: pd.DataFrame) -> pd.DataFrame:
    """Find the batch size B* below which training takes more steps, for every learning rate and seed.

    Args:
        runs: One row per run: "learning_rate", "batch_size", "seed", "status" and "steps"; those that converged count.

    Returns:
        One row per learning rate and seed with a converged run: "fewest_steps" over batch sizes, "smallest_batch_size" that
        converged, and "bend_batch_size", where on the way to smaller batches the steps first are twice the fewest (interpolated
        linearly in both logarithms). "status" is "found", or "not reached" if no run took so many; B* is NaN then.

    Raises:
        InputError: If a column is missing.
    """
    require_columns("runs", runs, [*convergence_edge.SETTING, "seed", "status", "steps"])
    rows = []
    for (rate, seed), line in runs[runs["status"] == "converged"].groupby(["learning_rate", "seed"]):
        line = line.sort_values("batch_size", ascending=False)
        bend = _bend(np.log(line["batch_size"].to_numpy(float)), np.log(line["steps"].to_numpy(float)))
        row = {"learning_rate": rate, "seed": seed, "fewest_steps": line["steps"].min()}
        row |= {"smallest_batch_size": line["batch_size"].min(), "bend_batch_size": bend}
        rows.append({**row, "status": "found" if np.isfinite(bend) else "not reached"})
    columns = ["learning_rate", "seed", "fewest_steps", "smallest_batch_size", "bend_batch_size", "status"]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({key: runs[key].dtype for key in ("learning_rate", "seed")})  # also without rows


def _bend(sizes: np.ndarray, steps: np.ndarray) -> float:
    """The batch size of `bends` from logarithms, largest size first."""
    start = int(steps.argmin())
    level = steps[start] + np.log(_MORE_STEPS)
    above = np.flatnonzero(steps[start:] >= level)
    if not len(above):
        return np.nan
    after = start + int(above[0])
    pair = slice(after - 1, after + 1)
    return float(np.exp(np.interp(level, steps[pair], sizes[pair])))


def asymmetries(runs: pd.DataFrame, weak_noise: float) -> pd.DataFrame:
    """Compare the responses to learning rate and batch size: ``ln y = a ln(learning rate) + b ln(batch size) + const``.

    They act equally, as learning rate / batch size, where a = -b; the signed asymmetry is ``(a + b) / (|a| + |b|)``, 0 then, and 1
    or -1 where only one of them acts or both act alike.

    Args:
        runs: One row per run: those of `bends` and the `RESPONSES`; those that converged count.
        weak_noise: Largest learning rate / batch size of the first range, where responses are to be monotone.

    Returns:
        One row per quantity, range and seed: "settings" fitted (least squares), "learning_rate_exponent" a, "batch_size_exponent"
        b, "asymmetry", "rank_correlation" of y and learning rate / batch size (1 or -1 where monotone), and "status". Ranges are
        "weak_noise"; "above_bend", batches of B* or more of their learning rate and seed (all where B* is not reached); and
        "below_bend". Where there are too few settings, their noise is within an octave, or a value is 0, "status" says so instead
        of "measured", and numbers are NaN.

    Raises:
        InputError: If a column is missing, or the noise is no number above 0.
    """
    require_columns("runs", runs, [*convergence_edge.SETTING, "seed", "status", "steps", *RESPONSES])
    require_positive("weak_noise", weak_noise)
    found = bends(runs)[["learning_rate", "seed", "bend_batch_size"]]
    converged = runs[runs["status"] == "converged"].merge(found, on=["learning_rate", "seed"])
    below = converged["batch_size"] < converged["bend_batch_size"]
    weak = converged["learning_rate"] / converged["batch_size"] <= weak_noise
    ranges = {"weak_noise": converged[weak], "above_bend": converged[~below], "below_bend": converged[below]}
    rows = []
    for quantity in RESPONSES:
        for name, part in ranges.items():
            for seed in sorted(runs["seed"].unique()):
                fit = _response(part[part["seed"] == seed], quantity)
                rows.append({"quantity": quantity, "range": name, "seed": seed, **fit})
    return pd.DataFrame(rows, columns=["quantity", "range", "seed", "settings", *_FIT, "status"])


def _response(runs: pd.DataFrame, quantity: str) -> dict[str, object]:
    """The numbers of one row of `asymmetries`."""
    row: dict[str, object] = {"settings": len(runs), **dict.fromkeys(_FIT, np.nan)}
    noise, values = runs["learning_rate"] / runs["batch_size"], runs[quantity]
    if len(runs) < FEWEST_SETTINGS:
        return {**row, "status": f"fewer than {FEWEST_SETTINGS} settings"}
    design = np.column_stack([np.log(runs["learning_rate"]), np.log(runs["batch_size"]), np.ones(len(runs))])
    if noise.max() < 2 * noise.min() or np.linalg.matrix_rank(design) < 3:
        return {**row, "status": "learning rate and batch size do not vary apart from each other"}
    if not (np.isfinite(values) & (values > 0)).all():
        return {**row, "status": "a value is not above 0"}
    (a, b, _), *_ = np.linalg.lstsq(design, np.log(values), rcond=None)
    fit = (a, b, (a + b) / (abs(a) + abs(b)), noise.corr(values, method="spearman"))
    return {**row, **dict(zip(_FIT, map(float, fit), strict=True)), "status": "measured"}


def against_control(runs: pd.DataFrame, control: pd.DataFrame) -> pd.DataFrame:
    """Hold the flatness of converged runs against that of a run of little noise, after as many epochs and at the same loss.

    Args:
        runs: One row per run: "run", "learning_rate", "batch_size", "seed", "status", "epochs", "training_loss" and `FLATNESS`.
        control: One row per seed and epoch of one setting: "seed", "epochs", "training_loss" and `FLATNESS`.

    Returns:
        One row per run, "quantity" and what is "equal" ("epochs" or "loss"): "noise_scale" (learning rate / batch size), "value",
        "control_value" (of the same seed, interpolated linearly in both logarithms between the epochs at which it was measured; of
        equal loss, where its loss first falls so low), and "status": "measured", or "beyond the control", whose value is NaN then.

    Raises:
        InputError: If a column is missing.
    """
    points = ["epochs", "training_loss", *FLATNESS]
    require_columns("runs", runs, [*_RUN, "status", *points])
    require_columns("control", control, ["seed", *points])
    paths = {seed: part.sort_values("epochs") for seed, part in control.groupby("seed")}
    rows = []
    for row in runs[runs["status"] == "converged"].to_dict("records"):
        for quantity in FLATNESS:
            for equal, column in EQUAL.items():
                path = paths.get(row["seed"])
                value = np.nan if path is None else _first_at(path[column], path[quantity], row[column])
                named = {"quantity": quantity, "equal": equal, "value": row[quantity], "control_value": value}
                status = "measured" if np.isfinite(value) else "beyond the control"
                rows.append({**{key: row[key] for key in _RUN}, **named, "status": status})
    columns = [*_RUN, "quantity", "equal", "value", "control_value", "status"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(noise_scale=table["learning_rate"] / table["batch_size"])


def _first_at(keys: pd.Series, values: pd.Series, wanted: float) -> float:
    """The value where a key, along a path, first passes a wanted one; NaN where it never does, or where numbers are not above 0."""
    x, y = keys.to_numpy(float), values.to_numpy(float)
    if not (wanted > 0 and (x > 0).all() and (y > 0).all()):
        return np.nan
    x, y = np.log(x) - np.log(wanted), np.log(y)
    passed = np.flatnonzero(x[:-1] * x[1:] <= 0)
    if not len(passed):
        return np.nan
    first, second = passed[0], passed[0] + 1
    share = 0.0 if x[first] == x[second] else x[first] / (x[first] - x[second])
    return float(np.exp(y[first] + share * (y[second] - y[first])))


def flatness_along_lines(runs: pd.DataFrame, compared: pd.DataFrame) -> pd.DataFrame:
    """Follow flatness along every line of settings up to its edge: as it is, and in parts of the control's.

    Args:
        runs: All runs of the grid, as for `convergence_edge.edges`, with "run" and "seed".
        compared: From `against_control`.

    Returns:
        One row per "line", "quantity", "equal" ("nothing", "epochs" or "loss") and "seed": "settings", "rank_correlation" of value
        (in parts of the control's) and learning rate / batch size, and "octaves_from_flattest_to_edge", log2 of learning rate /
        batch size at the edge over that where it is least. Settings at which some seed has no control are left out of a line; one
        with fewer than three left, or none at the edge, has NaN.

    Raises:
        InputError: If a column is missing.
    """
    require_columns("compared", compared, [*_RUN, "quantity", "equal", "value", "control_value"])
    up_to_edge = convergence_edge.runs_up_to_the_edge(runs)[["line", "run", "octaves_to_edge"]]
    alone = compared[compared["equal"] == "epochs"].assign(equal="nothing", control_value=1.0)
    table = pd.concat([alone, compared]).merge(up_to_edge, on="run")
    table["ratio"] = table["value"] / table["control_value"]
    keys = ["line", "quantity", "equal"]
    complete = table["ratio"].notna().groupby([table[key] for key in [*keys, *convergence_edge.SETTING]]).transform("all")
    rows = []
    for names, part in table[complete].groupby([*keys, "seed"]):
        whole = len(part) >= convergence_edge.FEWEST_POINTS
        correlation = part["noise_scale"].corr(part["ratio"], method="spearman") if whole else np.nan
        at_edge = whole and part["octaves_to_edge"].min() == 0
        octaves = convergence_edge.lowest(part["ratio"], part["octaves_to_edge"]) if at_edge else np.nan
        found = {"settings": len(part), "rank_correlation": correlation, "octaves_from_flattest_to_edge": octaves}
        rows.append({**dict(zip([*keys, "seed"], names, strict=True)), **found})
    return pd.DataFrame(rows, columns=[*keys, "seed", "settings", "rank_correlation", "octaves_from_flattest_to_edge"])
