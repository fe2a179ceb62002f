"""Statistics of the claims of Yang, Tang and Tu 2023: shaken descent in the toy model and its controls (figure 3)."""

import numpy as np
import pandas as pd

from sgdphysics.claims.registry import MISSING, VALUES, Tables, as_ratio, as_share, statistic, table_of, text_of, values_of

# --- two valleys

_NO_WALKER = "without a share at some ratio, of SGD or its control"


def _valley_shares(tables: Tables, dynamics: str) -> pd.DataFrame:
    """Shares in the flatter valley from both starts, at the weakest shift: shares of those left are a selection, least there."""
    rows = table_of(tables, "yang2023_fig3_two_valleys")
    chosen = (rows["dynamics"] == dynamics) & (rows["start"] == "both") & (rows["shift"] == rows["shift"].min())
    return rows[chosen]


def _share_in_flatter(tables: Tables, dynamics: str) -> pd.DataFrame:
    rows = _valley_shares(tables, dynamics)
    rows = rows[rows["curvature_ratio"] > 1]
    shares = values_of("curvature ratio " + text_of(rows["curvature_ratio"]), rows["seed"], rows["share_in_flatter"])
    shares[MISSING] = "with " + rows["status"]
    return as_share(shares, (rows["walkers"] * rows["share_left"]).round())


@statistic("share")
def share_in_flatter_valley(tables: Tables) -> pd.DataFrame:
    """Share of the walkers of shaken descent that are left in the flatter of two valleys; per ratio of the curvatures above 1."""
    return _share_in_flatter(tables, "shaken")


@statistic("share")
def heat_bath_share_in_flatter_valley(tables: Tables) -> pd.DataFrame:
    """The same of a heat bath whose noise is as strong as that of shaken descent at each place."""
    return _share_in_flatter(tables, "thermal_local")


@statistic
def slope_of_share_in_flatter_valley(tables: Tables) -> pd.DataFrame:
    """Slope of the share in the flatter valley on ln(ratio of the curvatures), of shaken descent; ratio 1 among them."""
    rows = _valley_shares(tables, "shaken")
    values = []
    for seed, part in rows.groupby("seed"):
        usable = len(part) > 1 and np.isfinite(part["share_in_flatter"]).all()
        slope = np.polyfit(np.log(part["curvature_ratio"]), part["share_in_flatter"], 1)[0] if usable else np.nan
        lacking = _NO_WALKER if len(part) > 1 else "with one ratio only"
        values.append({"setting": "all ratios", "reference": True, "seed": seed, "value": slope, MISSING: lacking})
    return pd.DataFrame(values, columns=[*VALUES, MISSING])


@statistic
def share_in_flatter_valley_beyond_smoothing(tables: Tables) -> pd.DataFrame:
    """Share of shaken descent in the flatter valley less that of descent on the smoothed landscape; mean over ratios above 1."""
    shaken, smoothed = (_valley_shares(tables, dynamics) for dynamics in ("shaken", "smoothed"))
    alone = shaken["curvature_ratio"].map(smoothed.set_index("curvature_ratio")["share_in_flatter"])
    above = shaken["curvature_ratio"] > 1
    # A ratio without a value leaves a seed without one: a mean over the others would be of another selection.
    means = (shaken["share_in_flatter"] - alone)[above].groupby(shaken["seed"]).agg(lambda values: values.mean(skipna=False))
    means = means.reset_index(name="value")
    return values_of("ratios above 1", means["seed"], means["value"]).assign(**{MISSING: _NO_WALKER})


# --- arrival at flat places


def _linear_arrivals(tables: Tables, dynamics: str) -> pd.DataFrame:
    """Median times of a dynamics at the shifts of the linear regime."""
    rows = table_of(tables, "yang2023_fig3_arrivals")
    return rows[(rows["dynamics"] == dynamics) & rows["linear"]]


def _exponent(times: pd.DataFrame) -> float:
    """Slope of ln(time) on ln(shift); NaN for one shift, and where half did not arrive in time."""
    usable = len(times) > 1 and np.isfinite(times["median_steps"]).all()
    return float(np.polyfit(np.log(times["shift"]), np.log(times["median_steps"]), 1)[0]) if usable else np.nan


def _arrival_exponent(tables: Tables, dynamics: str) -> pd.DataFrame:
    values = []
    for seed, part in _linear_arrivals(tables, dynamics).groupby("seed"):
        beyond = f"not half arrived within {part['horizon_steps'].max():,} steps" if len(part) > 1 else "with one shift only"
        values.append({"setting": dynamics, "reference": True, "seed": seed, "value": _exponent(part), MISSING: beyond})
    return pd.DataFrame(values, columns=[*VALUES, MISSING])


@statistic
def arrival_time_exponent(tables: Tables) -> pd.DataFrame:
    """Slope of ln(median time to flat places) on ln(shift size) of shaken descent, divergence a competing event."""
    return _arrival_exponent(tables, "shaken")


@statistic
def heat_bath_arrival_time_exponent(tables: Tables) -> pd.DataFrame:
    """The same of a heat bath, everywhere as strong as the noise of shaken descent across the valley at the flattest place."""
    return _arrival_exponent(tables, "thermal")


@statistic("exact")
def smoothing_arrival_time_exponent(tables: Tables) -> pd.DataFrame:
    """The same of descent without noise on the smoothed landscape, at the same shifts as of shaken descent."""
    times = _smoothing_times(tables)
    times = times[times["shift"].isin(_linear_arrivals(tables, "shaken")["shift"])]
    return values_of("smoothed", np.nan, pd.Series([_exponent(times)]))


def _smoothing_times(tables: Tables) -> pd.DataFrame:
    return table_of(tables, "yang2023_fig3_smoothing").rename(columns={"arrival_steps": "median_steps"})


def _time_ratio(tables: Tables, controls: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Median time of a control over that of shaken descent at the shifts of the linear regime that both have."""
    shaken = _linear_arrivals(tables, "shaken")
    both = shaken.merge(controls[[*keys, "median_steps"]], on=keys, suffixes=("", "_of_control"))
    settings = "shift " + text_of(both["shift"])
    times, others = (both[name].where(np.isfinite(both[name])) for name in ("median_steps", "median_steps_of_control"))
    above, below = (values_of(settings, both["seed"], values) for values in (others, times))
    beyond = "not half arrived within " + text_of(both["horizon_steps"], "{:,}") + " steps"
    return as_ratio(above, below).assign(**{MISSING: beyond})


@statistic("ratio")
def smoothing_arrival_time_ratio(tables: Tables) -> pd.DataFrame:
    """Time to flat places without noise on the smoothed landscape over the median time of shaken descent; per shift size."""
    return _time_ratio(tables, _smoothing_times(tables), ["learning_rate", "shift"])


@statistic("ratio")
def heat_bath_arrival_time_ratio(tables: Tables) -> pd.DataFrame:
    """The same of a heat bath whose noise is as strong as that of shaken descent across the valley at each place."""
    controls = table_of(tables, "yang2023_fig3_controls")
    return _time_ratio(tables, controls[controls["dynamics"] == "thermal_local"], ["learning_rate", "shift", "seed"])


# --- the edge


def _left_at_strongest_shift(tables: Tables, landscape: str) -> pd.DataFrame:
    """Shares of the walkers that are left at the strongest shift and the longest horizon measured, below the bound; per rate."""
    rows = table_of(tables, "yang2023_fig3_order_parameter")
    rows = rows[rows["landscape"] == landscape]
    for name in ("horizon_steps", "shift"):
        rows = rows[rows[name] == rows.groupby("learning_rate")[name].transform("max")]
    shares = values_of("learning rate " + text_of(rows["learning_rate"]), rows["seed"], rows["survival"])
    return as_share(shares, rows["walkers"])


@statistic("share")
def share_left_at_strongest_shift(tables: Tables) -> pd.DataFrame:
    """Share of walkers not lost in the valley at the strongest shift measured, by the longest horizon; per learning rate."""
    return _left_at_strongest_shift(tables, "single_valley")


@statistic("share")
def share_left_at_constant_curvature(tables: Tables) -> pd.DataFrame:
    """The same at the same shift where the curvature is the same everywhere."""
    return _left_at_strongest_shift(tables, "constant")


def _survival(tables: Tables, landscape: str) -> pd.DataFrame:
    rows = table_of(tables, "yang2023_fig3_survival")
    rows = rows[rows["landscape"] == landscape]
    return values_of("learning rate " + text_of(rows["learning_rate"]), rows["seed"], rows["survival"])


@statistic
def survival_beyond_bound(tables: Tables) -> pd.DataFrame:
    """Share of walkers not lost at shifts beyond the bound of mean-square stability; per learning rate."""
    return _survival(tables, "single_valley")


@statistic
def survival_at_constant_curvature(tables: Tables) -> pd.DataFrame:
    """The same at the same shifts where the curvature is the same everywhere."""
    return _survival(tables, "constant")


def _edge(tables: Tables) -> pd.DataFrame:
    """Shifts at which walkers are lost: one row per learning rate, horizon and seed, with the setting."""
    rows = table_of(tables, "yang2023_fig3_edge")
    return rows.assign(setting="learning rate " + text_of(rows["learning_rate"]), **{MISSING: rows["status"]})


def _at_longest_horizon(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["horizon_steps"] == rows["horizon_steps"].max()]


@statistic
def half_lost_shift(tables: Tables) -> pd.DataFrame:
    """Shift at which half of the walkers are lost by the longest horizon, in parts of the mean-square bound; per learning rate."""
    rows = _at_longest_horizon(_edge(tables))
    values = values_of(rows["setting"], rows["seed"], rows["relative_half_lost_shift"])
    return values.assign(**{MISSING: "with an edge " + rows[MISSING]})


# --- the order parameter of flatness


@statistic
def flatness_of_those_left_at_the_edge(tables: Tables) -> pd.DataFrame:
    """Mean flatness, in parts of the largest, of the walkers left at the strongest shift at which half or more are; per rate.

    By the longest horizon. Lost walkers have flatness 0: where the others are flat, the order parameter falls by a jump from the
    one to the other, and its mean over all walkers only counts them; where it falls continuously, those left are less flat too.
    """
    rows = table_of(tables, "yang2023_fig3_order_parameter")
    valley = _at_longest_horizon(rows[rows["landscape"] == "single_valley"])
    values = []
    for (rate, seed), part in valley.groupby(["learning_rate", "seed"]):
        left = part[part["survival"] >= 0.5]
        crossed = len(left) and (part["survival"] < 0.5).any()
        value = left.loc[left["shift"].idxmax(), "relative_flatness"] if crossed else np.nan
        setting = f"learning rate {rate:g}"
        outside = "with an edge outside the shifts measured"
        values.append({"setting": setting, "reference": True, "seed": seed, "value": value, MISSING: outside})
    return pd.DataFrame(values, columns=[*VALUES, MISSING])


@statistic
def width_of_the_edge(tables: Tables) -> pd.DataFrame:
    """Width in ln(shift) from where a tenth of the walkers is lost to where a tenth is left, by the longest horizon; per rate."""
    rows = _at_longest_horizon(_edge(tables))
    return values_of(rows["setting"], rows["seed"], np.log(rows["most_lost_shift"] / rows["tenth_lost_shift"]))


@statistic
def change_of_the_width_of_the_edge(tables: Tables) -> pd.DataFrame:
    """ln(width at the longest horizon / at the shortest), of the same width; per learning rate."""
    rows = _edge(tables)
    widths = rows.assign(value=np.log(np.log(rows["most_lost_shift"] / rows["tenth_lost_shift"])))
    return _from_shortest_to_longest(widths)


@statistic
def move_of_the_edge_with_the_horizon(tables: Tables) -> pd.DataFrame:
    """Move in ln(shift) of where half are lost, from the shortest horizon to the longest; per learning rate."""
    rows = _edge(tables)
    return _from_shortest_to_longest(rows.assign(value=np.log(rows["half_lost_shift"])))


def _from_shortest_to_longest(rows: pd.DataFrame) -> pd.DataFrame:
    """Difference of the column "value" at the longest horizon and at the shortest; nan where one of both has none, or is both."""
    rows = rows.set_index(["setting", "seed"])
    steps = rows["horizon_steps"]
    last, first = rows[steps == steps.max()], rows[steps == steps.min()]
    moved = last["value"] - first["value"] if steps.max() > steps.min() else np.nan
    values = last.assign(value=moved).reset_index()
    lacking = "without an edge at two horizons, within the shifts measured"
    return values_of(values["setting"], values["seed"], values["value"]).assign(**{MISSING: lacking})
