"""Tables have the same bytes however runs are dealt to chunks, and in whatever order the files of the chunks come."""

import itertools
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sgdphysics.ranks import fitted_ranks
from sgdphysics.tables import load_table, save_table
from sgdphysics.tensors import save_tensors

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
LEARNING_RATES, BATCH_SIZES, SEEDS = (0.1, 0.2, 0.4, 0.8), (10, 20), (100, 101)
REFERENCE = (0.2, 20)
RANKS = range(1, 25)
BASES = ("principal", "held_out", "hessian")
WINDOW = {"window": "main", "window_epochs": 10}
STEPS = (0, 50, 500, 1500)


def study():
    """The runs of a study in the order of their names, which is not that of their settings; one setting diverged."""
    settings = list(itertools.product(LEARNING_RATES, BATCH_SIZES, SEEDS))
    order = np.random.default_rng(0).permutation(len(settings))
    runs = []
    for number, index in enumerate(order):
        learning_rate, batch_size, seed = settings[index]
        reference, diverged = (learning_rate, batch_size) == REFERENCE, learning_rate == LEARNING_RATES[-1]
        run = {"run": f"run{number:02}", "learning_rate": learning_rate, "batch_size": batch_size, "seed": seed}
        runs.append({**run, "status": "diverged" if diverged else "converged", "reference": reference})
    return runs


RUNS = study()
MEASURED = [run for run in RUNS if run["status"] == "converged"]
REFERENCE_RUNS = [run for run in MEASURED if run["reference"]]


def script(name):
    return runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="script")


def drawn(runs, rows, numbers):
    """One row per run and entry of ``rows``, with random positive numbers of the given names."""
    random = np.random.default_rng(len(numbers))
    table = pd.DataFrame([{"run": run["run"], **row} for run in runs for row in rows])
    return table.assign(**{name: random.uniform(1, 2, len(table)) for name in numbers})


def crossed(**values):
    """Every combination of some values, in order."""
    return [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]


def divisions():
    """Ways of dealing the runs to chunks: all in one, each in one of its own, at random."""
    names = [run["run"] for run in RUNS]
    yield [names]
    yield [[name] for name in reversed(names)]
    for seed in range(2):
        random = np.random.default_rng(seed)
        parts = np.array_split(random.permutation(names), np.sort(random.choice(len(names), 5, replace=False)))
        yield [list(part) for part in parts if len(part)]


def in_chunks(table, chunks, folder, name):
    """The files of a measured table, one per chunk; of one without measured runs only the header."""
    paths, rows = [], dict(list(table.groupby("run")))
    for number, chunk in enumerate(chunks):
        parts = [rows[run] for run in chunk if run in rows]
        paths.append(folder / f"{number}" / f"{name}.csv")
        save_table(paths[-1], pd.concat(parts) if parts else table.iloc[:0])
    return paths


def written(tabulate, tables, chunks, folder):
    """Bytes of the tables that a script makes of measured ones in chunks, by name."""
    paths = {name: in_chunks(table, chunks, folder, name) for name, table in tables.items()}
    tabulate(paths, folder / "tables")
    return {path.stem: path.read_bytes() for path in (folder / "tables").glob("*.csv")}


def check(tabulate, tables, folder, names):
    """The bytes of every table are those of one chunk, and a table has rows."""
    first, *others = (written(tabulate, tables, chunks, folder / str(k)) for k, chunks in enumerate(divisions()))
    assert set(first) == set(names)
    for name in names:
        assert first[name].count(b"\n") > 1, name
        assert all(other[name] == first[name] for other in others), name


def outputs(folder, *names):
    return {name: folder / f"{name}.csv" for name in names}


@pytest.fixture(scope="module")
def runs_path(tmp_path_factory):
    """The table of runs of feng2021."""
    folder = tmp_path_factory.mktemp("runs")
    tabulate_runs([[run["run"] for run in RUNS]], folder)
    return folder / "runs.csv"


def tabulate_runs(chunks, folder):
    paths, by_name = [], {run["run"]: run for run in RUNS}
    for number, chunk in enumerate(chunks):
        paths.append(folder / f"{number}.safetensors")
        results = [trained(by_name[name]) for name in chunk]
        save_tensors(paths[-1], {}, {"dataset": "small", "results": results})
    names = [run["run"] for run in REFERENCE_RUNS]
    script("tabulate_feng2021_runs")["tabulate"](paths, names, folder / "runs.csv")


def trained(run):
    """What the metadata of trained runs say."""
    settings = {key: run[key] for key in ("learning_rate", "batch_size", "seed")}
    return {
        "name": run["run"],
        "run": {**settings, "sampling": "epoch", "loss": "cross_entropy"},
        "status": run["status"],
        "epochs": 40,
        "steps": 2000,
        "diverged_step": None if run["status"] == "converged" else 17,
        "loss_history": [2.0, 0.01],
        "accuracy_history": [0.1, 1.0],
    }


def test_runs_of_feng2021(tmp_path):
    tables = []
    for number, chunks in enumerate(divisions()):
        tabulate_runs(chunks, tmp_path / str(number))
        tables.append((tmp_path / str(number) / "runs.csv").read_bytes())
    assert tables[0].count(b"\n") == 1 + len(RUNS)
    assert set(tables) == {tables[0]}


def test_fig1_of_feng2021(tmp_path, runs_path):
    keys = crossed(window=["main", "early"], window_epochs=[10], start_epoch=[1, 30], source=["sgd", "noise_epoch"], rank=RANKS)
    spectra = drawn(MEASURED, keys, ["variance", "held_out_variance", "first_alignment"]).assign(total_variance=100.0)
    keys = crossed(**{key: [value] for key, value in WINDOW.items()}, start_epoch=[30], source=["sgd"], rank=[1, 2], step=range(5))
    tables = {"spectra": spectra, "trajectory": drawn(REFERENCE_RUNS[:1], keys, ["projection", "cosine_with_weights"])}
    names = ("spectra", "dimension", "trajectory")

    def tabulate(paths, folder):
        script("tabulate_feng2021_fig1")["tabulate"](runs_path, paths["spectra"], paths["trajectory"], outputs(folder, *names))

    check(tabulate, tables, tmp_path, names)


def test_a_window_with_one_component_has_no_ratio_to_a_second():
    spectrum = pd.DataFrame({"variance": [2.0], "held_out_variance": [1.5], "total_variance": [2.0], "first_alignment": [0.6]})
    numbers = script("tabulate_feng2021_fig1")["_dimension"](spectrum)
    assert (numbers["components"], numbers["whole_spectrum"], numbers["components_90"]) == (1, True, 1)
    assert numbers["first_alignment"] == 0.6
    ratios = ("first_to_second", "participation_ratio_without_first", "held_out_participation_ratio_without_first")
    assert np.isnan([numbers[name] for name in (*ratios, "components_90_without_first")]).all()


def directions():
    """What is measured along the directions of every run, and the slices of the reference runs."""
    window = {key: [value] for key, value in WINDOW.items()}
    times = ["relaxation_time_steps", "integrated_time_steps"]
    along = crossed(**window, start_epoch=[30], source=["sgd", "noise_epoch"], basis=BASES, rank=RANKS)
    widths = [row for row in crossed(**window, source=["sgd", "noise_epoch"], basis=BASES[::2], rank=RANKS) if in_basis(row)]
    minima = crossed(**window, directions=["principal", "random"], rank=[1, 2], range=["fixed", "flat_region"])
    return {
        "fluctuations": drawn(MEASURED, along, ["hessian_eigenvalue", "variance", "variance_without_drift", *times]),
        "flatness": drawn(MEASURED, widths, ["curvature", "edge_left", "edge_right", "flatness"]),
        "temperature": drawn(MEASURED, crossed(**window, basis=BASES[::2], rank=RANKS), ["temperature"]),
        "slices": drawn(REFERENCE_RUNS, crossed(**window, rank=[1, 2], offset=[-0.5, 0.5]), ["loss"]),
        "minima": drawn(REFERENCE_RUNS, minima, ["width"]).assign(minima=1),
    }


def in_basis(row):
    """Only SGD has directions of the Hessian."""
    return row["source"] == "sgd" or row["basis"] == "principal"


def test_fig2_of_feng2021(tmp_path, runs_path):
    tables, names = directions(), ("directions", "exponents", "longer_exponents", "slices", "minima")
    longer = {name: table.assign(window="longer", window_epochs=20) for name, table in tables.items()}
    tables = {name: pd.concat([table, longer[name]]) for name, table in tables.items()}

    def tabulate(paths, folder):
        script("tabulate_feng2021_fig2")["tabulate"](runs_path, paths, 12, 2500, outputs(folder, *names))

    check(tabulate, tables, tmp_path, names)


def test_ladder_of_feng2021(tmp_path, runs_path):
    window, rungs = {key: [value] for key, value in WINDOW.items()}, ["isotropic", "rotated_noise", "linear_sgd"]
    sources, noise = ["sgd", "noise_epoch"], ["noise_replacement", *rungs]
    along = {"basis": BASES, "rank": RANKS, "detrending_order": [0, 1]}
    measured = directions()
    tables = {
        "detrended": pd.concat(
            [
                drawn(MEASURED, crossed(**window, start_epoch=[30], source=sources, **along), ["variance"]),
                drawn(REFERENCE_RUNS, crossed(**window, start_epoch=[30], source=noise, **along), ["variance"]),
            ]
        ),
        "flatness": pd.concat(
            [
                measured["flatness"],
                drawn(REFERENCE_RUNS, crossed(**window, source=noise, basis=["principal"], rank=RANKS), ["curvature", "flatness"]),
            ]
        ),
        "temperature": measured["temperature"],
    }

    def tabulate(paths, folder):
        script("tabulate_feng2021_ladder")["tabulate"](runs_path, paths, 12, 2500, outputs(folder, "ladder")["ladder"])

    check(tabulate, tables, tmp_path, ("ladder",))
    rows = load_table(tmp_path / "0" / "tables" / "ladder.csv")
    assert set(rows.loc[rows["reference"], "rung"]) == {"frozen_noise", "sgd", "linear_theory", *rungs}
    assert set(rows.loc[~rows["reference"], "rung"]) == {"frozen_noise", "sgd", "linear_theory"}
    run, fitted = REFERENCE_RUNS[0]["run"], fitted_ranks(500, 2500, 12)

    def chosen(table, **keys):
        return table[(table["run"] == run) & np.logical_and.reduce([table[key] == value for key, value in keys.items()])]

    series = chosen(tables["detrended"], source="noise_epoch", basis="held_out", detrending_order=1)
    widths = chosen(tables["flatness"], source="noise_epoch", basis="principal")
    points = [np.log(part.loc[part["rank"].isin(fitted), name]) for part, name in ((widths, "flatness"), (series, "variance"))]
    (found,) = chosen(rows, rung="frozen_noise", basis="held_out", detrending_order=1, ranks="2-50")["exponent"]
    assert found == pytest.approx(-np.polyfit(*points, 1)[0])


@pytest.fixture(scope="module")
def directions_path(tmp_path_factory, runs_path):
    """The table of directions of feng2021."""
    folder, chunks = tmp_path_factory.mktemp("directions"), [[run["run"] for run in RUNS]]
    paths = {name: in_chunks(table, chunks, folder, name) for name, table in directions().items()}
    tables = outputs(folder, "directions", "exponents", "longer_exponents", "slices", "minima")
    script("tabulate_feng2021_fig2")["tabulate"](runs_path, paths, 12, 2500, tables)
    return tables["directions"]


def test_fig3_of_feng2021(tmp_path, runs_path, directions_path):
    window = {key: [value] for key, value in WINDOW.items()}
    tables = {
        "minibatches": drawn(REFERENCE_RUNS, crossed(**window, rank=[10], batch=[0, 1], offset=[-0.5, 0.5]), ["loss"]),
        "covariance": drawn(REFERENCE_RUNS, crossed(**window, rank=[1, 2], other_rank=[1, 2]), ["covariance"]),
        "homogeneity": drawn(REFERENCE_RUNS, crossed(**window, rank=[1, 2], position=[-1.0, 1.0]), ["offset", "temperature"]),
    }
    names = ("directions", "correlation_times", *tables)

    def tabulate(paths, folder):
        script("tabulate_feng2021_fig3")["tabulate"](directions_path, runs_path, paths, outputs(folder, *names))

    check(tabulate, tables, tmp_path, names)


def test_fig4_of_feng2021(tmp_path, runs_path, directions_path):
    steps = [{"step": step, "epoch": step / 50} for step in STEPS]
    losses = ["training_loss", "training_error", "test_loss", "test_error", "slope_spread", "sharpest_temperature"]
    along = [{**step, "rank": rank} for step in steps for rank in (5, 10)]
    tables = {
        "annealing": drawn(MEASURED, along, ["temperature", "training_loss"]),
        "checkpoints": drawn(MEASURED, steps, losses),
    }
    names = ("annealing", "checkpoints", "temperature_fits", "equal_loss")

    def tabulate(paths, folder):
        script("tabulate_feng2021_fig4")["tabulate"](directions_path, runs_path, paths, [1.5, 1.1], outputs(folder, *names))

    check(tabulate, tables, tmp_path, names)


def test_fig6_beyond_the_papers(tmp_path, runs_path, directions_path):
    window = {key: [value] for key, value in WINDOW.items()}
    keys = crossed(**window, start_epoch=[40], source=["sgd", "noise_epoch"], basis=BASES, rank=RANKS, detrending_order=[0, 1])
    names, windows_path = ("ratios", "medians"), tmp_path / "windows.csv"
    held = crossed(sampling=["epoch"], layers=["studied"], window_epochs=[10], detrending=[0, 1], rank=RANKS)
    save_table(windows_path, drawn(REFERENCE_RUNS, held, ["curvature", "temperature", "variance"]))

    def tabulate(paths, folder):
        tables = outputs(folder, *names)
        script("tabulate_beyond_fig6")["tabulate"](runs_path, directions_path, windows_path, paths["detrended"], tables)

    check(tabulate, {"detrended": drawn(MEASURED, keys, ["variance"])}, tmp_path, names)


def test_fig4_of_yang2023(tmp_path):
    numbers = ["training_loss", "training_error", "test_loss", "test_error", "slope_spread", "largest_eigenvalue"]
    table = pd.DataFrame(RUNS).drop(columns="reference").assign(epochs=40, steps=2000)
    measured = drawn(MEASURED, [{}], [*numbers, "sharpest_temperature"])
    tables = {"generalization": table.merge(measured, on="run", how="left")}
    talk = [run["run"] for run in RUNS if (run["learning_rate"], run["batch_size"]) == (0.8, 20)]
    names = ("runs", "settings", "lines")

    def tabulate(paths, folder):
        script("tabulate_yang2023_fig4")["tabulate"](paths["generalization"], talk, outputs(folder, *names))

    check(tabulate, tables, tmp_path, names)
    lines = load_table(tmp_path / "0" / "tables" / "lines.csv")
    assert lines["optimum_learning_rate"].notna().any()


def test_controls_of_fig4_of_yang2023(tmp_path):
    quantities = ["training_loss", "training_error", "test_loss", "test_error", "slope_spread", "largest_eigenvalue"]
    table = pd.DataFrame(RUNS).drop(columns="reference").assign(part="grid", epochs=40, steps=2000)
    table = table.merge(drawn(MEASURED, [{}], [*quantities, "sharpest_temperature"]), on="run", how="left")
    runs_path = tmp_path / "runs.csv"
    save_table(runs_path, table)
    outcome = np.where(table["status"] == "converged", "converged", "not_finite")
    larger = table.assign(run=table["run"] + "s", part="initial_scale", initial_scale=2.0, outcome=outcome, last=True)
    points = [{"epochs": epoch} for epoch in (1, 30, 60)]
    control = pd.DataFrame([{"run": f"control{seed}", **point, "seed": seed} for seed in SEEDS for point in points])
    control = control.assign(
        part="control", learning_rate=0.1, batch_size=20, initial_scale=1.0, status="not_converged", last=False
    )
    control = control.assign(**dict.fromkeys([*quantities, "sharpest_temperature"], 2 - control["epochs"] / 60))
    followed = pd.concat([control, larger[larger["status"] == "converged"]]).drop(columns=["outcome", "steps"])
    outcomes = pd.concat([table.assign(initial_scale=1.0, outcome=outcome), larger])
    names = ("setting_outcomes", "bends", "asymmetry", "flatness", "flatness_lines", "scales", "scale_lines")

    def tabulate(paths, folder):
        measured = {}
        for name, parts in paths.items():
            measured[name] = folder / f"measured_{name}.csv"
            save_table(measured[name], pd.concat([load_table(path) for path in parts]).sort_values(["part", "run", "epochs"]))
        script("tabulate_yang2023_fig4_controls")["tabulate"](runs_path, measured, 0.03, outputs(folder, *names))

    folder = tmp_path / "0" / "tables"
    folder.mkdir(parents=True)
    parts = {}
    for name, rows in (("outcomes", outcomes), ("followed", followed)):
        parts[name] = [tmp_path / f"{name}.csv"]
        save_table(parts[name][0], rows)
    tabulate(parts, folder)
    tables = {name: load_table(folder / f"{name}.csv") for name in names}
    counts = tables["setting_outcomes"].set_index(["part", "learning_rate", "batch_size"])
    assert counts.loc[("grid", 0.1, 10), ["converged", "not_finite", "runs"]].tolist() == [2, 0, 2]
    assert counts.loc[("initial_scale", 0.8, 20), ["converged", "not_finite", "runs"]].tolist() == [0, 2, 2]
    assert set(tables["flatness"]["run"]) == {run["run"] for run in MEASURED}
    assert set(tables["flatness"]["status"]) <= {"measured", "beyond the control"}
    assert len(tables["scales"]) == 2 * len(RUNS)
    assert set(tables["scale_lines"]["initial_scale"]) == {1.0, 2.0}
    assert set(tables["asymmetry"]["range"]) == {"weak_noise", "above_bend", "below_bend"}


def swept():
    """Members of the sweeps: learning rates, a sweep called dropout of the same runs, and the control."""
    members = []
    for run in RUNS:
        sweep = "control" if run["learning_rate"] == LEARNING_RATES[-1] else "learning_rate"
        member = {"run": run["run"], "sweep": sweep, "dose": run["learning_rate"], "seed": run["seed"]}
        if run["batch_size"] == REFERENCE[1]:
            members += [{**member, "reference": run["reference"]}]
            members += [{**member, "sweep": "dropout", "reference": run["reference"]}] if sweep == "learning_rate" else []
    return sorted(members, key=lambda member: (member["sweep"], member["dose"], member["seed"]))


def test_sweeps_of_feng2023(tmp_path):
    measure, sharpness = script("measure_duality"), script("tabulate_feng2023")["SHARPNESS_OF_LAYER"]
    reached = [run for run in RUNS if (run["learning_rate"], run["seed"]) != (0.4, 101)]
    points = [
        {"point": point, "target": target, "epoch": 5}
        for point, target in (("equal_loss", 0.03), ("equal_loss", 0.01), ("equal_epochs", 10), ("equal_epochs", 20))
    ]
    measured = drawn(reached, points, measure["NUMBERS"]).assign(pairs=1000)
    statuses = pd.DataFrame(RUNS)[["run", "status"]]
    spectra = drawn(reached, [{**point, "rank": rank} for point in points for rank in (1, 2, 10)], measure["SPECTRUM"][1:])
    layers = [{**p, "layer": layer, "matching": way} for p in points for layer in (0, 1) for way in ("pixels", "random")]
    tables = {
        "points": statuses.merge(measured, on="run", how="left"),
        "spectra": statuses.merge(spectra, on="run"),
        "gauges": pd.concat(
            drawn(reached, points, measure["GAUGES"][5:]).assign(slopes=slopes) for slopes in ("parallel", "path_averaged")
        ),
        "dropout": drawn(reached, layers, sharpness),
    }
    names = ("points", "spectra", "gauges", "settings", "effects", "dropout")

    def tabulate(paths, folder):
        script("tabulate_feng2023")["tabulate"](swept(), paths, outputs(folder, *names))

    check(tabulate, tables, tmp_path, names)
    assert load_table(tmp_path / "0" / "tables" / "points.csv")["epoch"].isna().any()


def test_sweeps_of_feng2023_by_the_published_protocol(tmp_path):
    measure = script("measure_duality")
    places = [("equal_loss", 0.03), ("equal_loss", 0.01), ("equal_epochs", 10), ("equal_epochs", 20)]
    points = [{"point": point, "target": target, "epoch": 5} for point, target in places]
    spectra = drawn(RUNS, [{**point, "rank": rank} for point in points for rank in (1, 2, 10, 15, 20)], measure["PUBLISHED"][1:])
    outcome = dict.fromkeys(("status", "trained_epochs", "lowest_loss"), 1)
    measured = pd.DataFrame(swept()).merge(drawn(RUNS, points, measure["NUMBERS"]), on="run").assign(deciding=False)
    tables = {"points": measured, "published": spectra.assign(**outcome)}
    names = ("points", "spectra", "factors")

    def tabulate(paths, folder):
        script("tabulate_feng2023_published")["tabulate"](tmp_path / "points.csv", paths["published"], outputs(folder, *names))

    save_table(tmp_path / "points.csv", tables.pop("points"))
    check(tabulate, tables, tmp_path, names)
    made = load_table(tmp_path / "0" / "tables" / "points.csv")
    assert made["gap"].to_numpy() == pytest.approx((made["delta_loss_sharp"] + made["delta_loss_flat"]).to_numpy())
    assert set(made["sweep"]) == {"learning_rate", "dropout"}
    assert set(made.loc[made["deciding"], "target"]) == {0.01, 20}


def test_every_script_that_tabulates_is_tested_here():
    named = {path.stem for path in SCRIPTS.glob("tabulate_*.py")}
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert named == {name for name in named if f'script("{name}"' in text}
