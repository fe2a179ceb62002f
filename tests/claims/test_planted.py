"""The planted tables are what the statistics will meet: same columns and names as the scripts write, and the planted numbers."""

import itertools
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import planted
import planted_feng2021
import planted_feng2023
import planted_yang2023
from sgdphysics.fits import power_law, student_interval
from sgdphysics.study import inheritance
from sgdphysics.tables import load_table, save_rows, save_table
from sgdphysics.tensors import save_tensors

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
CONFIG = Path(__file__).parents[2] / "config"
RANKS = range(1, 25)


def script(name):
    return runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name=name)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The tables of a study of three seeds as the scripts write them, from measurements without any meaning."""
    folder = tmp_path_factory.mktemp("tables")
    runs_path = folder / "feng2021_runs.csv"
    runs = planted.tables(seeds=range(3))["feng2021_runs"]
    reference = runs.loc[runs["reference"], "run"].tolist()
    results = [
        {
            "name": row["run"],
            "run": {key: row[key] for key in ("learning_rate", "batch_size", "seed", "sampling", "loss")},
            **{key: row[key] for key in ("status", "epochs", "steps")},
            "diverged_step": None,
            "loss_history": [2.0, 0.01],
            "accuracy_history": [0.1, 1.0],
        }
        for row in runs.to_dict("records")
    ]
    save_tensors(folder / "runs.safetensors", {}, {"dataset": "mnist5k", "results": results})
    script("tabulate_feng2021_runs")["tabulate"]([folder / "runs.safetensors"], reference, runs_path)
    paths = {name: folder / f"{name}.csv" for name in measurements(runs)}
    for name, table in measurements(runs).items():
        save_table(paths[name], table)

    def out(figure, *parts):
        return {part: folder / f"{figure}_{part}.csv" for part in parts}

    def measured(*keys):
        return {key: [paths[key]] for key in keys}

    dimension = {**out("feng2021_fig1", "dimension", "trajectory"), "spectra": folder / "feng2021_fig1.csv"}
    script("tabulate_feng2021_fig1")["tabulate"](runs_path, [paths["spectra"]], [paths["trajectory"]], dimension)
    save_rows(folder / "feng2021_fig1_width.csv", [], script("measure_widths")["COLUMNS"])
    second = out("feng2021_fig2", "directions", "exponents", "longer_exponents", "slices", "minima")
    inputs = measured("fluctuations", "flatness", "temperature", "slices", "minima")
    script("tabulate_feng2021_fig2")["tabulate"](runs_path, inputs, 12, 2500, second)
    third = out("feng2021_fig3", "directions", "correlation_times", "minibatches", "covariance", "homogeneity")
    inputs = measured("minibatches", "covariance", "homogeneity")
    script("tabulate_feng2021_fig3")["tabulate"](second["directions"], runs_path, inputs, third)
    fourth = out("feng2021_fig4", "annealing", "checkpoints", "temperature_fits", "equal_loss")
    inputs = measured("annealing", "checkpoints")
    script("tabulate_feng2021_fig4")["tabulate"](second["directions"], runs_path, inputs, [0.01, 0.003], fourth)
    fourth["annealing"].rename(folder / "feng2021_fig4.csv")
    third["directions"].rename(folder / "feng2021_fig3.csv")
    tabulate_nulls(folder, runs_path, measured("detrended", "flatness", "temperature"), second["directions"])
    edge = planted.tables(seeds=range(3))["yang2023_fig4"]
    save_table(folder / "generalization.csv", edge.drop(columns=["part", "noise_scale"]))
    talk = edge.loc[edge["part"] == "talk_example", "run"].tolist()
    outputs = {"runs": folder / "yang2023_fig4.csv", **out("yang2023_fig4", "settings", "lines")}
    script("tabulate_yang2023_fig4")["tabulate"]([folder / "generalization.csv"], talk, outputs)
    tabulate_edge_controls(folder, edge)
    simulate_toy(folder)
    tabulate_sweeps(folder)
    return {path.stem: load_table(path) for pattern in ("*20*_*.csv", "beyond_*.csv") for path in folder.glob(pattern)}


def tabulate_nulls(folder, runs_path, measured, directions_path):
    """The tables of feng2021 that set SGD beside what lacks a part of it; those of further runs and protocols without rows."""
    script("tabulate_feng2021_ladder")["tabulate"](runs_path, measured, 12, 2500, folder / "feng2021_ladder.csv")
    save_rows(folder / "feng2021_published.csv", [], script("measure_published")["COLUMNS"])
    save_rows(folder / "feng2021_windows.csv", [], script("measure_nested_windows")["COLUMNS"]["windows"])
    paths = {"ratios": folder / "beyond_fig6.csv", "medians": folder / "beyond_fig6_medians.csv"}
    detrended = measured["detrended"]
    script("tabulate_beyond_fig6")["tabulate"](runs_path, directions_path, folder / "feng2021_windows.csv", detrended, paths)
    label_noise, found = folder / "measured_label_noise.csv", folder / "feng2021_fig4_local_exponents.csv"
    save_rows(label_noise, [], script("measure_label_noise")["COLUMNS"])
    script("tabulate_local_exponents")["tabulate"](folder / "feng2021_fig4.csv", label_noise, [1.0, 0.5], found)


def simulate_toy(folder):
    """The tables of the toy model at the settings of the smoke study."""
    default, smoke = (yaml.safe_load((CONFIG / name).read_text())["studies"] for name in ("config.yaml", "smoke.yaml"))
    settings = inheritance.resolved({"studies": default | smoke})["studies"]["smoke"]["yang2023"]["toy"]

    def out(figure, *parts):
        return {part: folder / f"{figure}_{part}.csv" for part in parts}

    grid = {"densities": folder / "yang2023_fig2_grid.csv", "slopes": folder / "yang2023_fig2_grid_slopes.csv"}
    script("solve_fokker_planck")["solve"](settings, {**grid, **out("yang2023_fig2", "current", "two_valleys")})
    script("simulate_langevin")["simulate"](settings, range(2), out("yang2023_fig2", "densities", "slopes"))
    outputs = out("yang2023_fig3", "arrivals", "incidence", "survival", "drift", "stationary", "widths")
    script("simulate_shaken_descent")["simulate"](settings, range(2), outputs)
    outputs = out("yang2023_fig3", "controls", "smoothing", "two_valleys")
    script("simulate_toy_controls")["simulate"](settings, range(2), outputs)
    script("simulate_toy_edge")["simulate"](settings, range(2), out("yang2023_fig3", "order_parameter", "edge"))


def tabulate_edge_controls(folder, edge):
    """The tables of yang2023_fig4 of the planted runs with a control and a larger scale; that of the batches without rows."""
    columns = script("measure_edge")["COLUMNS"]
    save_rows(folder / "yang2023_fig4_batch_sharpness.csv", [], columns["sharpness"])
    grid = edge[edge["part"] == "grid"].assign(initial_scale=1.0, outcome="converged", last=True)
    control = grid[grid["batch_size"] == grid["batch_size"].max()].assign(part="control")
    larger = grid[grid["batch_size"] == 16].assign(part="initial_scale", initial_scale=4.0)
    measured = {"outcomes": pd.concat([grid, control, larger]), "followed": pd.concat([control, larger])}
    paths = {name: folder / f"measured_edge_{name}.csv" for name in measured}
    for name, rows in measured.items():
        save_table(paths[name], rows[columns[name]])
    names = ("setting_outcomes", "bends", "asymmetry", "flatness", "flatness_lines", "scales", "scale_lines")
    outputs = {name: folder / f"yang2023_fig4_{name}.csv" for name in names}
    script("tabulate_yang2023_fig4_controls")["tabulate"](folder / "yang2023_fig4.csv", paths, 0.006, outputs)


def tabulate_sweeps(folder):
    """The tables of feng2023 from planted points, and those that the measuring scripts write, without rows."""
    columns = script("measure_pairs")["COLUMNS"]
    tables = {"feng2023_fig1": "pairs", **{f"feng2023_fig2_{key}": key for key in ("shifts", "metric", "gauge_numbers")}}
    for name, key in tables.items():
        save_rows(folder / f"{name}.csv", [], columns[key])
    save_rows(folder / "feng2023_fig6.csv", [], script("rescale_networks")["COLUMNS"])
    measure, tabulation = script("measure_duality"), script("tabulate_feng2023")
    points = planted.tables(seeds=range(3))["feng2023_points"]
    members = points[["run", *tabulation["MEMBER"]]].drop_duplicates().to_dict("records")
    own = points.drop_duplicates(["run", "point", "target"])
    written = {"points": own[[*measure["POINT"], *measure["NUMBERS"]]]}
    written["spectra"] = own[measure["POINT"]].assign(**dict.fromkeys(measure["SPECTRUM"], 1.0))
    written["gauges"] = own[["run", "point", "target"]].assign(**dict.fromkeys(measure["GAUGES"][3:], 1.0))
    written["published"] = own[measure["POINT"]].assign(**dict.fromkeys(measure["PUBLISHED"], 1.0))
    numbers = own[["run", "point", "target", "epoch", *tabulation["SHARPNESS_OF_LAYER"]]]
    written["dropout"] = numbers.assign(layer=1, matching="pixels")
    for name, table in written.items():
        save_table(folder / f"measured_{name}.csv", table)
    names = ("points", "spectra", "gauges", "settings", "effects")
    outputs = {name: folder / f"feng2023_{name}.csv" for name in names} | {"dropout": folder / "feng2023_fig5_dropout.csv"}
    measured = {name: [folder / f"measured_{name}.csv"] for name in written}
    tabulation["tabulate"](members, measured, outputs)
    published = {"points": "published", "spectra": "published_spectra", "factors": "published_factors"}
    published = {name: folder / f"feng2023_{table}.csv" for name, table in published.items()}
    script("tabulate_feng2023_published")["tabulate"](outputs["points"], measured["published"], published)


def measurements(runs):
    """What the measuring scripts write of all runs, one direction like the other."""
    random = np.random.default_rng(0)
    rows = {name: [] for name in ("fluctuations", "detrended", "flatness", "temperature", "spectra", "trajectory")}
    rows |= {name: [] for name in ("slices", "minima", "minibatches", "covariance", "homogeneity", "annealing", "checkpoints")}
    for run in runs.to_dict("records"):
        further = ("noise_replacement", "isotropic", "rotated_noise", "linear_sgd") if run["reference"] else ()
        names = ("sgd", "noise_epoch", *further)
        window = {"run": run["run"], "window": "main", "window_epochs": 10}
        start = {**window, "start_epoch": 30}
        for source, rank in itertools.product(names, RANKS):
            variance = {"variance": 1 / rank, "total_variance": sum(1 / r for r in RANKS), "held_out_variance": 1 / rank}
            rows["spectra"].append({**start, "source": source, "rank": rank, **variance, "first_alignment": 0.5})
            for basis in ("principal", "held_out", "hessian"):
                drawn = {"variance": random.uniform(1, 2) / rank}
                of_orders = [{"basis": basis, "rank": rank, "detrending_order": order, **drawn} for order in range(5)]
                rows["detrended"] += [{**start, "source": source, **row} for row in of_orders]
                row = {**start, "source": source, "basis": basis, "rank": rank, "hessian_eigenvalue": 1 / rank}
                row |= {"variance": 1 / rank, "variance_without_drift": random.uniform(1, 2) / rank}
                rows["fluctuations"].append({**row, "relaxation_time_steps": 2.0 * rank, "integrated_time_steps": 1.0 * rank})
        for (source, basis), rank in itertools.product([("sgd", "hessian"), *((s, "principal") for s in names)], RANKS):
            row = {**window, "source": source, "basis": basis, "rank": rank, "curvature": 1 / rank}
            rows["flatness"].append({**row, "edge_left": rank, "edge_right": rank, "flatness": 2.0 * rank})
        for basis, rank in itertools.product(("principal", "hessian"), RANKS):
            rows["temperature"].append({**window, "basis": basis, "rank": rank, "temperature": random.uniform(1, 2) / rank})
        for step in (0, 50, 500, 1500):
            point = {"run": run["run"], "step": step, "epoch": step / 50}
            losses = {"training_loss": 2 / (1 + step), "training_error": 0.1, "test_loss": 0.3, "test_error": 0.1}
            rows["checkpoints"].append({**point, **losses, "slope_spread": 1.0, "sharpest_temperature": 1e-5})
            for rank in planted_feng2021.ANNEALING_RANKS:
                rows["annealing"].append({**point, "rank": rank, "temperature": 1e-6, "training_loss": losses["training_loss"]})
        if not run["reference"]:
            continue
        rows["trajectory"].append({**start, "source": "sgd", "rank": 1, "step": 0, "projection": 0.1, "cosine_with_weights": 0.5})
        rows["slices"].append({"rank": 1, "offset": 0.0, "loss": 0.01, **window})
        rows["minima"].append({"directions": "principal", "rank": 1, "range": "fixed", "width": 6.0, "minima": 1, **window})
        rows["minibatches"].append({"rank": 10, "batch": 0, "offset": 0.0, "loss": 0.01, **window})
        rows["covariance"].append({"rank": 1, "other_rank": 1, "covariance": 1.0, **window})
        rows["homogeneity"].append({"rank": 1, "position": 0.0, "offset": 0.0, "temperature": 1e-6, **window})
    return {name: pd.DataFrame(part) for name, part in rows.items()}


@pytest.mark.parametrize("name", planted.tables(seeds=[0]))
def test_tables_have_the_columns_that_the_scripts_write(written, name):
    assert list(planted.tables(seeds=range(3))[name].columns) == list(written[name].columns)


def test_runs_exponents_and_quantities_have_the_names_that_the_scripts_write(written):
    tables = planted.tables(seeds=range(3))
    assert set(planted_feng2021.KINDS) == set(script("tabulate_feng2021_fig2")["EXPONENTS"])
    for name, columns in {
        "feng2021_runs": ["run", "learning_rate", "batch_size", "seed", "reference", "status"],
        "feng2021_fig2_exponents": ["run", "window", "kind"],
        "feng2021_ladder": ["run", "window", "rung", "basis", "detrending_order", "ranks"],
        "feng2021_fig4_temperature_fits": ["run", "reference"],
        "feng2021_fig4_equal_loss": ["run", "quantity", "target_loss"],
        "yang2023_fig4": ["run", "part", "noise_scale", "status"],
        "yang2023_fig4_flatness": ["run", "quantity", "equal"],
        "yang2023_fig4_asymmetry": ["quantity", "range", "seed"],
        "feng2023_points": ["sweep", "dose", "run", "point", "target", "deciding", "status"],
        "feng2023_effects": ["sweep", "dose", "comparison", "target", "deciding", "seed"],
    }.items():
        assert same_rows(tables[name][columns], written[name][columns]), name
    times = written["feng2021_fig3_correlation_times"]
    keys = ["run", "window", "source", "basis", "time"]
    assert same_rows(tables["feng2021_fig3_correlation_times"].query("window == 'main'")[keys], times[keys])


def same_rows(one, other):
    return set(one.itertuples(index=False, name=None)) == set(other.itertuples(index=False, name=None))


def test_interval_of_a_planted_quantity_is_known():
    tables = planted.tables({"hessian": (2, 1)})
    rows = tables["feng2021_fig2_exponents"].query("reference and kind == 'hessian'")
    assert student_interval(rows["exponent"]) == pytest.approx((2, 2 - 1.04943, 2 + 1.04943), abs=1e-4)


def test_annealing_has_the_planted_correlation_and_exponents():
    changes = {"loss_correlation": (0.7, 0), "loss_exponent_difference": (0.4, 0), "order": (1, 0)}
    table = planted.tables(changes)["feng2021_fig4"]
    run = table[(table["run"] == table["run"].iloc[0]) & (table["epoch"] >= 1)]
    fits = [power_law(part["training_loss"], part["temperature"]) for _, part in run.groupby("rank")]
    assert [fit.r for fit in fits] == pytest.approx([0.7] * 6)
    assert fits[0].exponent - fits[-1].exponent == pytest.approx(0.7 * 0.4)


def test_effects_of_the_planted_points_are_the_planted_ones(written):
    one, other = (
        table.sort_values(["sweep", "dose", "comparison", "target", "seed"], ignore_index=True)
        for table in (planted.tables(seeds=range(3))["feng2023_effects"], written["feng2023_effects"])
    )
    pd.testing.assert_frame_equal(one, other)
    decided = one.query("deciding and sweep == 'dropout' and dose == 0.2").groupby("comparison")["slope_spread"].mean()
    assert decided.to_dict() == pytest.approx({"equal_loss": -0.4, "equal_epochs": 0.4, "as_many_epochs": -0.175})


def test_planted_losses_and_sweeps_are_those_of_the_studies():
    default = yaml.safe_load((CONFIG / "config.yaml").read_text())["studies"]["mnist5k"]["feng2023"]
    assert set(planted_feng2023.DOSES) <= set(default["sweeps"])


def test_edge_and_optimum_are_the_planted_ones(written):
    lines, settings = written["yang2023_fig4_lines"], written["yang2023_fig4_settings"]
    assert sorted(set(lines["line"])) == sorted(planted_yang2023.EDGE_LINES)
    assert set(lines["quantity"]) == {"test_loss", "test_error"}
    assert set(lines["points"]) == {planted_yang2023.EDGE_OCTAVES}
    assert set(lines["edge_learning_rate"] / lines["edge_batch_size"]) == {1 / 64}
    assert set(lines["beyond_learning_rate"] / lines["beyond_batch_size"]) == {1 / 32}
    assert set(lines["octaves_from_optimum_to_edge"]) == {0}
    assert settings.set_index("part").loc["talk_example", ["runs", "diverged", "converged"]].tolist() == [3, 3, 0]
    assert (settings["runs"] == settings[["converged", "not_converged", "diverged", "dead"]].sum(axis=1)).all()
