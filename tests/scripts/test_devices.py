"""Training and measuring on an accelerator: what the scripts write is what they write on the CPU, and no device is mixed up."""

import dataclasses
import inspect
import runpy
from pathlib import Path

import pandas as pd
import pytest
import torch

import accelerator
from cases import save_random_dataset
from sgdphysics import run_files, stacks, training

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
RUN = training.Run(
    hidden_widths=(6, 5),
    learning_rate=0.3,
    batch_size=4,
    images_per_class=8,
    max_epochs=12,
    stop_loss=1.04,
    stop_accuracy=0.0,
    stop_on="training_set",
    draw_images=True,
)
RUNS = {
    "plain": RUN,
    "reference": dataclasses.replace(RUN, seed=1),
    "penalized": dataclasses.replace(RUN, weight_decay=0.01, weight_decay_penalty="norm"),
}
OTHERS = {
    "dropped": dataclasses.replace(RUN, dropout=0.2),
    "noisy": dataclasses.replace(RUN, label_noise=0.2),
    "drawn": dataclasses.replace(RUN, seed=1, sampling="replacement"),
    "squared": dataclasses.replace(RUN, loss="mean_squared_error", sampling="replacement", stop_on="batches", draw_images=False),
}
WINDOWS = {
    "layer": 1,
    "sampling": "epoch",
    "window_epochs": 6,
    "longer_window_epochs": [12],
    "window_position": "after_stop",
    "centre": "window_mean",
    "early_epochs": [1, 2],
    "directions": 6,
    "trajectory_ranks": [1, 2],
    "annealing_ranks": [1, 2, 3],
    "slice_ranks": [1, 2],
    "minibatch_rank": 2,
    "sharpest_directions": 2,
    "flatness_factor": 2.718,
    "slice_directions": 2,
    "slice_random_directions": 2,
    "slice_points": 11,
    "slice_range": 2.0,
    "minibatches_drawn": 3,
}
SWEEPS = {"layer": 1, "test_images": 20, "equal_losses": [1.08, 1.05], "equal_epochs": [2, 5], "rescaling_factors": [0.5, 2.0]}

# These depend on the directions of no curvature, which in networks as small as these are most, and differ between solvers and
# processors.
DEPENDENT = ["correlation_mean", "correlation_variation", "leading_directions", "summed_products"]
DEPENDENT += ["summed_products_of_shuffled_losses", "cumulative_share", "gap_of_ten_steepest", "gap_of_others"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return save_random_dataset(tmp_path_factory.mktemp("data") / "small.safetensors", images=60)


def script(name, function="measure"):
    return runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="script")[function]


def trained(dataset, path, runs, device):
    settings = [dataclasses.asdict(run) for run in runs]
    script("train_ensemble", "train")(dataset, "small", settings, 5, [1.08, 1.05], [1, 2, 5], path, device)
    return list(run_files.load_results(path))


def tables(folder, *names):
    return {name: folder / f"{name}.csv" for name in names}


@pytest.fixture(scope="module")
def on_cpu(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cpu")
    everything(dataset, folder, torch.device("cpu"))
    return folder


@pytest.fixture(scope="module")
def on_accelerator(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("accelerator")
    with accelerator.Accelerator():
        everything(dataset, folder, accelerator.DEVICE)
    return folder


@pytest.fixture(scope="module")
def on_gpu(dataset, tmp_path_factory):
    if not torch.cuda.is_available():
        pytest.skip("torch finds no GPU here")
    folder = tmp_path_factory.mktemp("gpu")
    everything(dataset, folder, torch.device("cuda"))
    return folder


def everything(dataset, folder, device):
    """Run every script that trains or measures."""
    chunk = folder / "chunk.safetensors"
    names = trained(dataset, chunk, list(RUNS.values()), device)
    for name, run in OTHERS.items():
        trained(dataset, folder / f"{name}.safetensors", [run], device)
    windows = folder / "windows.safetensors"
    fluctuations = tables(folder, "fluctuations", "detrended", "spectra", "trajectory")
    script("measure_fluctuations")(chunk, dataset, WINDOWS, [names[1]], [names[1]], windows, fluctuations, device)
    script("measure_flatness")(chunk, windows, dataset, WINDOWS, [names[1]], tables(folder, "flatness", "slices", "minima"), device)
    noise = tables(folder, "temperature", "checkpoints", "annealing", "homogeneity", "minibatches", "covariance")
    script("measure_noise")(chunk, windows, folder / "flatness.csv", dataset, WINDOWS, [names[1]], [names[1]], noise, device)
    script("measure_published")([chunk], dataset, [names[1]], WINDOWS, folder / "published.csv", device)
    measure_controls(dataset, folder, chunk, windows, names[1], device)
    script("measure_generalization")(chunk, dataset, 1, 3, folder / "generalization.csv", device)
    edge = {"layer": 1, "sharpness_images": 20}
    parts = {"talk_example": [], "line": [], "initial_scale": names[:1], "control": names[1:]}
    script("measure_edge")([chunk], dataset, parts, edge, tables(folder, "outcomes", "sharpness", "followed"), device)
    for name in ("chunk", "noisy"):
        points = {part: folder / f"dual_{part}_of_{name}.csv" for part in ("points", "spectra", "gauges", "published")}
        script("measure_duality")(folder / f"{name}.safetensors", dataset, SWEEPS, points, device)
    pairs = tables(folder, "pairs", "matching", "shifts", "directions", "metric", "gauges", "gauge_numbers")
    script("measure_pairs")([chunk], dataset, names, SWEEPS, pairs, device)
    script("measure_dropout")([chunk], dataset, names, SWEEPS, folder / "dropout.csv", device)
    script("rescale_networks", "rescale")([chunk], dataset, names, SWEEPS, folder / "rescaled.csv", device)


def measure_controls(dataset, folder, chunk, windows, reference, device):
    """What is set beside a reference run, on tables of its windows."""
    runs = folder / "runs_table.csv"
    script("tabulate_feng2021_runs", "tabulate")([chunk], [reference], runs)
    measured = {name: [folder / f"{name}.csv"] for name in ("fluctuations", "flatness", "temperature", "slices", "minima")}
    tabulated = {
        name: folder / f"tabulated_{name}.csv" for name in ("directions", "exponents", "longer_exponents", "slices", "minima")
    }
    weights = RUN.hidden_widths[0] * RUN.hidden_widths[1]
    script("tabulate_feng2021_fig2", "tabulate")(runs, measured, WINDOWS["directions"], weights, tabulated)
    inputs = {"runs_table": runs, "directions": tabulated["directions"], "exponents": tabulated["exponents"]}
    outputs = {name: folder / f"nested_{name}.csv" for name in ("windows", "growth", "crossovers", "frozen_layers")}
    script("measure_nested_windows")([chunk], [windows], dataset, inputs, WINDOWS, [3, 6, 12], [reference], outputs, device)
    paired = {"layer": 1, "sharpest_directions": 2, "equal_losses": [1.08, 1.05]}
    drawn, noisy = (folder / f"{name}.safetensors" for name in ("drawn", "noisy"))
    script("measure_paired_runs")([chunk, drawn], dataset, paired, [reference], folder / "paired_runs.csv", device)
    script("measure_label_noise")([noisy], dataset, WINDOWS, folder / "label_noise.csv", device)
    script("measure_widths")([chunk], dataset, WINDOWS, [reference], folder / "widths.csv", device)


def test_networks_are_trained_to_the_same_weights(on_cpu, on_accelerator):
    for name in ("chunk", *OTHERS):
        first, second = (run_files.load_results(folder / f"{name}.safetensors") for folder in (on_cpu, on_accelerator))
        assert first.keys() == second.keys()
        for run, result in first.items():
            assert all(map(torch.equal, result.network.weights, second[run].network.weights))
            assert result.loss_history == second[run].loss_history
            assert result.checkpoints.keys() == second[run].checkpoints.keys() != set()


def test_every_table_has_the_same_numbers(on_cpu, on_accelerator):
    paths = sorted(on_cpu.glob("*.csv"))
    assert len(paths) == 48
    for path in paths:
        first, second = (determined(folder / path.name) for folder in (on_cpu, on_accelerator))
        assert len(first) > 0, path.name
        pd.testing.assert_frame_equal(first, second, rtol=1e-4, atol=1e-7, obj=path.name)


def test_a_gpu_trains_the_same_networks_up_to_rounding(on_cpu, on_gpu):
    for name in ("chunk", *OTHERS):
        first, second = (run_files.load_results(folder / f"{name}.safetensors") for folder in (on_cpu, on_gpu))
        for run, result in first.items():
            assert second[run].loss_history == pytest.approx(result.loss_history, rel=1e-4)
            for weight, other in zip(result.network.weights, second[run].network.weights, strict=True):
                torch.testing.assert_close(weight, other, rtol=1e-4, atol=1e-5)


def test_a_step_recorded_on_a_gpu_is_the_step(dataset, on_gpu, monkeypatch):
    monkeypatch.setattr(stacks, "_RecordedStep", lambda step: step)
    plain = trained(dataset, on_gpu / "plain.safetensors", list(RUNS.values()), torch.device("cuda"))
    first, second = (run_files.load_results(on_gpu / f"{name}.safetensors") for name in ("chunk", "plain"))
    assert list(first) == plain
    for run, result in first.items():
        assert all(map(torch.equal, result.network.weights, second[run].network.weights))


def test_a_gpu_measures_the_same_up_to_rounding(on_cpu, on_gpu):
    for path in sorted(on_cpu.glob("*.csv")):
        first, second = (determined(folder / path.name) for folder in (on_cpu, on_gpu))
        pd.testing.assert_frame_equal(first, second, rtol=0.01, atol=1e-4, obj=path.name)


def determined(path):
    """A table without directions of no curvature, and what depends on them: another solver finds others of these."""
    # The flatness of rescaled copies is a median over directions of which, in networks as small as these, most have no curvature.
    dependent = [*DEPENDENT, "median_flatness"] if path.name == "rescaled.csv" else DEPENDENT
    table = pd.read_csv(path).drop(columns=dependent, errors="ignore")
    if path.name.startswith("dual_published"):  # in the order of the slopes, where directions of no curvature stand among others
        table = table[table["rank"] == 1]
    curvatures = table.columns.intersection(["eigenvalue", "hessian_eigenvalue", "curvature"])
    small = (table[curvatures] < 1e-9).any(axis=1)
    return table[~small].reset_index(drop=True)


def test_every_script_that_reads_images_is_tested_here():
    reading = {path.stem for path in SCRIPTS.glob("*.py") if "load_dataset(" in path.read_text()}
    assert {
        name for name in reading if f'script("{name}"' in "".join(map(inspect.getsource, (everything, measure_controls, trained)))
    } == reading


def test_the_accelerator_refuses_what_a_gpu_would():
    with accelerator.Accelerator():
        there = torch.ones(3).to(accelerator.DEVICE)
        assert there.device == accelerator.DEVICE
        with pytest.raises(RuntimeError, match="two devices"):
            there + torch.ones(3)
        with pytest.raises(RuntimeError, match="indexed by one of the accelerator"):
            torch.ones(3)[there.long()]
        with pytest.raises(TypeError, match="fetch it with cpu"):
            there.numpy()
        assert (there + 1).cpu().tolist() == [2, 2, 2]
