"""What is measured of the networks of the sweeps, against the library called by hand; and runs of which nothing can be measured."""

import dataclasses
import runpy
from pathlib import Path

import pandas as pd
import pytest
import torch

from cases import save_random_dataset, small_data, small_network
from sgdphysics import (
    curvature,
    dual_weights,
    duality,
    gap_and_sharpness,
    landscape,
    matched_pairs,
    network_duality,
    noise,
    rescaling,
    run_files,
    training,
)
from sgdphysics.arrays import log_spaced_ranks
from sgdphysics.datasets import load_dataset
from sgdphysics.generalization import MatchedData, MatchedDatasets
from sgdphysics.networks import Mlp
from sgdphysics.tables import load_table

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
SETTINGS = {
    "layer": 1,
    "test_images": 20,
    "equal_losses": [1.05, 0.8],
    "equal_epochs": [3, 10, 1000],
    "rescaling_factors": [0.5, 1.0, 4.0],
}
# Stops at the first epoch whose loss over the training set is below 0.8.
RUN = training.Run(
    hidden_widths=(12, 11),
    learning_rate=0.5,
    batch_size=6,
    images_per_class=8,
    max_epochs=400,
    stop_loss=0.8,
    stop_accuracy=0.0,
    stop_on="training_set",
    seed=7,
)
PAIRS = ["pairs", "matching", "shifts", "directions", "metric", "gauges", "gauge_numbers"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Random images of three classes; the first of each part are black, so that their pair has no activity in any layer."""
    return save_random_dataset(tmp_path_factory.mktemp("data") / "small.safetensors", images=40, silent=1)


def trained(dataset, **changes):
    """A run with all of its weights kept."""
    data = load_dataset(dataset)
    run = dataclasses.replace(RUN, **changes)
    return training.train([run], data.train_images, data.train_labels, checkpoint_steps=range(2000))[0]


@pytest.fixture(scope="module")
def converged(dataset):
    result = trained(dataset)
    assert result.status == "converged"
    assert 10 < result.epochs < 400
    return result


@pytest.fixture(scope="module")
def lost(dataset):
    """A run that diverged, and one that died in the epoch before it was found dead."""
    diverged, dead = trained(dataset, learning_rate=1e25), trained(dataset, learning_rate=1e3)
    assert (diverged.status, dead.status) == ("diverged", "dead")
    return {"diverged": diverged, "dead": dead}


def script(name, function):
    return runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="script")[function]


def saved(folder, results):
    """Results in two files, as from two jobs."""
    paths = [folder / "first.safetensors", folder / "second.safetensors"]
    names = list(results)
    for path, chosen in zip(paths, (names[:1], names[1:]), strict=True):
        run_files.save_results(path, [results[name] for name in chosen], chosen, "small")
    return paths


def data_of(dataset, result):
    return MatchedDatasets(load_dataset(dataset), SETTINGS["test_images"]).of(result.run)


def decomposed(network, data, layer=1):
    images = data.images, data.labels, data.test_images, data.test_labels
    return duality.decompose_gap(network, *images, layer, matches=data.matches, loss=data.loss)


def numbers_of(row, expected):
    assert row[list(expected)].astype(float).to_dict() == pytest.approx(expected, rel=1e-9)


# Points of training: duality and dropout


def measured(dataset, folder, results, **changes):
    tables = {name: folder / f"{name}.csv" for name in ("points", "spectra", "gauges", "published")}
    run_files.save_results(folder / "chunk.safetensors", list(results.values()), list(results), "small")
    script("measure_duality", "measure")(folder / "chunk.safetensors", dataset, {**SETTINGS, **changes}, tables)
    return [load_table(tables[name]) for name in ("points", "spectra", "gauges")]


@pytest.mark.parametrize(
    "change",
    [{}, {"loss": "mean_squared_error", "stop_loss": 0.18}, {"label_noise": 0.2, "dropout": 0.2, "stop_loss": 1.0}],
    ids=str,
)
def test_points_of_the_duality_are_those_of_the_library(dataset, tmp_path, change):
    result = trained(dataset, **change)
    points, spectra, gauges = measured(dataset, tmp_path, {"mine": result}, equal_losses=[1.05, result.loss_history[6], 1e-9])
    assert points[["point", "target"]].values.tolist() == [
        ["equal_loss", 1.05],
        ["equal_loss", result.loss_history[6]],
        ["equal_epochs", 3],
        ["equal_epochs", 10],
    ]
    assert (points["run"] == "mine").all()
    assert (points["status"] == "converged").all()
    row = points[points["point"] == "equal_epochs"].iloc[1]
    network, data = result.network_after(10).double(), data_of(dataset, result)
    decomposition, hessian = decomposed(network, data), curvature.layer_hessian(network, data.images, data.labels, 1, data.loss)
    values, vectors = duality.hessian_basis(network, data.images, data.labels, 1, data.loss)
    null = duality.decompose_pairs(data.pairs(network, 1).with_shuffled_losses(7), values, vectors)
    fit = duality.fit_on_curvature(decomposition.slope_std.square(), values)
    ranks = torch.tensor(log_spaced_ranks(fit.n, 5))
    widths = landscape.flatness(network, data.images, data.labels, 1, vectors[ranks - 1], loss=data.loss)
    losses = data.losses(network)
    numbers_of(
        row,
        {
            "epoch": 10,
            **{key: losses[key] for key in ("training_loss", "clean_training_loss", "matched_loss", "test_loss", "test_error")},
            **{key: getattr(decomposition, key) for key in ("gap", "decomposed_gap", "slope_spread", "weight_spread")},
            **decomposition.leading_correlation(),
            "correlated_share": decomposition.correlated_share,
            "weight_norm": float(network.weights[1].square().sum() ** 0.5),
            "summed_products": float(decomposition.slope_std @ decomposition.weight_std),
            "summed_products_of_shuffled_losses": float(null.slope_std @ null.weight_std),
            "largest_eigenvalue": float(torch.linalg.eigvalsh(hessian)[-1]),
            "trace": float(hessian.trace()),
            "median_flatness": float(widths.median()),
            "sharp_slope_std": float(decomposition.slope_std[:10].prod() ** 0.1),
            "flat_slope_std": float(decomposition.slope_std[99:].log().mean().exp()),
            "slope_curvature_correlation": fit.r,
            "slope_curvature_exponent": fit.exponent,
            "inactive": 1,
            "unchanged": 0,
            "pairs": 19,
        },
    )
    spectrum = spectra[(spectra["point"] == "equal_epochs") & (spectra["target"] == 10)].set_index("rank")
    assert spectrum.index.tolist() == log_spaced_ranks(132, 60)
    for rank in (1, 2, 10):
        expected = {"eigenvalue": values, "slope_std": decomposition.slope_std, "weight_std": decomposition.weight_std}
        numbers_of(spectrum.loc[rank], {key: float(value[rank - 1]) for key, value in expected.items()})
    assert spectra[["run", "point", "target"]].drop_duplicates().shape[0] == 4
    assert len(gauges) == 2 * len(points)
    check_gauges(gauges[(gauges["point"] == "equal_epochs") & (gauges["target"] == 10)].set_index("slopes"), network, data)


def check_gauges(rows, network, data):
    """Rows of both gauges against the library, from the whole network."""
    images = data.images, data.labels, data.test_images, data.test_labels
    basis = duality.hessian_basis(network, data.images, data.labels, 1, data.loss)
    for slopes, row in rows.iterrows():
        pairs = data.pairs(network, 1, slopes)
        decomposition = duality.decompose_gap(network, *images, 1, matches=data.matches, basis=basis, loss=data.loss, slopes=slopes)
        null = duality.decompose_pairs(pairs.with_shuffled_losses(7), *basis)
        steepest = decomposition.slope_std.argsort(descending=True)[:10]
        numbers_of(
            row,
            {
                **{key: getattr(decomposition, key) for key in ("gap", "decomposed_gap", "slope_spread", "weight_spread")},
                **decomposition.leading_correlation(),
                "slope_curvature_exponent": decomposition.slope_fit.exponent,
                "weight_norm": float(network.weights[1].norm()),
                "summed_products": float(decomposition.slope_std @ decomposition.weight_std),
                "summed_products_of_shuffled_losses": float(null.slope_std @ null.weight_std),
                "gap_of_ten_steepest": float(decomposition.contributions[steepest].sum()),
                "gap_of_others": decomposition.gap - float(decomposition.contributions[steepest].sum()),
            },
        )
        activity = network.activations(data.images)[1]
        expected = (activity @ network.weights[1].T).square().sum() / activity.square().sum()
        numbers_of(row, {"activity_weighted_norm": float(expected) ** 0.5})
    assert rows.loc["path_averaged", "slope_spread"] > 1.01 * rows.loc["parallel", "slope_spread"]


def test_directions_in_the_order_of_the_scripts_are_those_of_a_loop(dataset, tmp_path, converged):
    """Every direction by itself: its spreads over pairs, and what it adds to the gap; then sorted."""
    points = measured(dataset, tmp_path, {"mine": converged})[0]
    published = load_table(tmp_path / "published.csv")
    rows = published[(published["point"] == "equal_epochs") & (published["target"] == 10)].set_index("rank")
    network, data = converged.network_after(10).double(), data_of(dataset, converged)
    pairs, (_, directions) = data.pairs(network, 1), duality.hessian_basis(network, data.images, data.labels, 1)
    weights = pairs.weights()
    changes = {"summed_gap": pairs.loss_changes, "summed_gap_of_shuffled_losses": pairs.with_shuffled_losses(7).loss_changes}
    for column, change in changes.items():
        parts = []
        for direction in directions:
            along = weights @ direction
            slopes = change / weights.square().sum(1) * along
            parts.append((float(slopes.std(correction=0)), float(along.std(correction=0)), float((slopes * along).mean())))
        parts.sort(reverse=True)
        for rank in (1, 2, 10, 132):
            assert rows.loc[rank, column] == pytest.approx(sum(gap for _, _, gap in parts[:rank]), rel=1e-8)
            if column == "summed_gap":
                slope_stds, weight_stds, _ = zip(*parts[:rank], strict=True)
                expected = {"slope_std": slope_stds[-1], "summed_slope_std": sum(slope_stds), "summed_weight_std": sum(weight_stds)}
                numbers_of(rows.loc[rank], expected)
    (point,) = points[(points["point"] == "equal_epochs") & (points["target"] == 10)]["gap"]
    assert rows.loc[132, "summed_gap"] == pytest.approx(point, rel=1e-9)
    assert published[["point", "target"]].drop_duplicates().values.tolist() == points[["point", "target"]].values.tolist()


def test_a_loss_is_reached_at_the_first_epoch_at_or_below_it(dataset, tmp_path, converged):
    points = measured(dataset, tmp_path, {"mine": converged})[0]
    for loss in SETTINGS["equal_losses"]:
        row = points[(points["point"] == "equal_loss") & (points["target"] == loss)].iloc[0]
        before, after = (converged.loss_history[int(row["epoch"]) - past] for past in (2, 1))
        assert after <= loss < before
        assert row["training_loss"] == pytest.approx(after, rel=1e-5)


OF_RUN = ["run", "status", "trained_epochs", "lowest_loss"]  # known of every run, whatever it reached


def test_runs_that_reached_nothing_are_rows_without_numbers(dataset, tmp_path, converged):
    short = trained(dataset, max_epochs=2)
    points, spectra, gauges = measured(dataset, tmp_path, {"short": short, "mine": converged})
    assert points["run"].unique().tolist() == ["short", "mine"]
    (row,) = points[points["run"] == "short"].to_dict("records")
    assert row["status"] == "not_converged"
    assert (row["trained_epochs"], row["lowest_loss"]) == (2, min(short.loss_history))
    assert all(value != value for key, value in row.items() if key not in OF_RUN)
    assert points[points["run"] == "mine"].notna().all(axis=None)
    assert set(spectra["run"]) == set(gauges["run"]) == {"mine"}
    nothing, *none = measured(dataset, tmp_path, {"short": short})
    assert len(nothing) == 1
    assert all(table.empty for table in none)


def test_a_network_that_is_nearly_dead_has_losses_and_curvature_and_no_gap():
    """It responds to a single image, and no pair has any."""
    images, labels = small_data(n=6, pixels=6)
    images[:5] = 0
    tested, matches = torch.zeros(3, 6, dtype=torch.float64), torch.tensor([0, 1, 2])
    network, data = small_network((6, 5, 3)), MatchedData(images, labels, 6, tested, labels[:3], matches, "cross_entropy")
    assert data.has_curvature(network, 0)
    numbers, spectrum, gauges, _ = gap_and_sharpness.gap_and_sharpness(network, data, 7)
    assert (numbers["inactive"], numbers["pairs"]) == (3, 0)
    assert numbers["training_loss"] == pytest.approx(float(data.losses(network)["training_loss"]))
    assert numbers["trace"] == pytest.approx(curvature.hessian_trace(network, images, 0))
    assert all(numbers[key] != numbers[key] for key in ("gap", "slope_spread", "median_flatness", "correlated_share"))  # nan
    assert spectrum["eigenvalue"].notna().all()
    assert gauges[["gap", "slope_spread", "partial_correlation", "ratio_curvature_exponent"]].isna().all(axis=None)
    assert gauges["activity_weighted_norm"].notna().all()


def test_where_no_pair_changes_the_loss_there_are_no_shares_of_the_gap():
    images, labels = small_data(n=6, pixels=6)
    network = small_network((6, 5, 3))
    data = MatchedData(images, labels, 6, images[:3], labels[:3], torch.tensor([0, 1, 2]), "cross_entropy")
    numbers, _, gauges, _ = gap_and_sharpness.gap_and_sharpness(network, data, 7)
    assert gauges["share_of_ten_sharpest"].isna().all()
    assert (numbers["gap"], numbers["pairs"], numbers["unchanged"]) == (0, 3, 3)
    assert all(numbers[key] != numbers[key] for key in ("correlated_share", "correlation_variation", "median_flatness"))


def test_a_loss_of_exactly_nothing_has_no_curvature():
    images = torch.eye(3).double().repeat(2, 1)
    sure, labels = Mlp((60 * torch.eye(3).double(),)), torch.arange(6) % 3
    data = MatchedData(images, labels, 6, images, labels, torch.arange(6), "cross_entropy")
    assert not data.has_curvature(sure, 0)
    assert data.has_curvature(Mlp((torch.eye(3).double(),)), 0)


def test_the_runs_of_a_chunk_are_measured_each_with_its_seed(dataset, tmp_path, converged):
    other = trained(dataset, seed=8)
    results = {"mine": converged, "other": other}
    points, spectra, gauges = measured(dataset, tmp_path, results)
    assert all(table["run"].unique().tolist() == ["mine", "other"] for table in (points, spectra, gauges))
    assert set(measured(dataset, tmp_path, results)[0]["run"]) == set(results)
    for name in ("mine", "other"):
        alone = measured(dataset, tmp_path, {name: results[name]})[0]
        pd.testing.assert_frame_equal(points[points["run"] == name].reset_index(drop=True), alone, check_exact=True)
    network, data = other.network_after(10).double(), data_of(dataset, other)
    null = duality.decompose_pairs(
        data.pairs(network, 1).with_shuffled_losses(8), *duality.hessian_basis(network, data.images, data.labels, 1)
    )
    row = points[(points["run"] == "other") & (points["point"] == "equal_epochs")].iloc[1]
    numbers_of(row, {"summed_products_of_shuffled_losses": float(null.slope_std @ null.weight_std)})


def test_runs_of_a_chunk_that_train_on_the_same_images_share_the_search_for_pairs(dataset, tmp_path, converged, monkeypatch):
    counts, search = [], matched_pairs.nearest_of_class

    def counted(images, *others):
        counts.append(len(images))
        return search(images, *others)

    monkeypatch.setattr(matched_pairs, "nearest_of_class", counted)
    measured(dataset, tmp_path, {"mine": converged, "again": converged, "other": trained(dataset, seed=8)})
    assert counts == [24]


@pytest.mark.parametrize("fate", ["diverged", "dead"])
def test_networks_that_diverged_or_died_are_rows_without_numbers(dataset, tmp_path, lost, fate):
    result = lost[fate]
    epochs = [result.epochs, max(result.epochs - 1, 1)]
    points, *others = measured(dataset, tmp_path, {"lost": result}, equal_epochs=epochs, equal_losses=[1e-9])
    assert points[["run", "status"]].values.tolist() == [["lost", fate]]
    assert points.drop(columns=OF_RUN).isna().all(axis=None)
    assert all(table.empty for table in others)


def test_a_run_is_measured_until_it_died(dataset, tmp_path, lost):
    points = measured(dataset, tmp_path, {"lost": lost["dead"]}, equal_epochs=[0, lost["dead"].epochs], equal_losses=[1e-9])[0]
    assert points[["status", "target"]].values.tolist() == [["dead", 0]]
    assert points["slope_spread"].notna().all()


def under_dropout(dataset, folder, results, chosen, **changes):
    script("measure_dropout", "measure")(saved(folder, results), dataset, chosen, {**SETTINGS, **changes}, folder / "table.csv")
    return load_table(folder / "table.csv")


def test_dropout_is_measured_in_every_layer_and_matched_in_several_ways(dataset, tmp_path):
    result = trained(dataset, dropout=0.2, dropout_rescaling="afterwards", stop_loss=1.0)
    table = under_dropout(dataset, tmp_path, {"mine": result, "other": result}, ["mine"])
    assert (table["run"] == "mine").all()
    rows = table[(table["point"] == "equal_epochs") & (table["target"] == 10)].set_index(["layer", "matching"])
    assert list(rows.index) == [
        (0, "nearest_pixels"),
        *((1, matching) for matching in ("nearest_pixels", "nearest_activity", "random_of_class")),
        (2, "nearest_pixels"),
    ]
    network, data = result.network_after(10).double(), data_of(dataset, result)
    for (layer, matching), row in rows.iterrows():
        hessian = curvature.layer_hessian(network, data.images, data.labels, layer)
        decomposition = decomposed(network, data.matchings(network, layer, 7)[matching], layer)
        expected = {key: getattr(decomposition, key) for key in ("gap", "slope_spread", "weight_spread")}
        numbers_of(row, {**expected, "trace": float(hessian.trace()), "weight_norm": float(network.weights[layer].norm())})
        if layer == 1:
            numbers_of(row, {"largest_eigenvalue": float(torch.linalg.eigvalsh(hessian)[-1])})
        else:
            assert row.isna()["largest_eigenvalue"]
    assert rows["slope_spread"].nunique() == 5


@pytest.mark.parametrize("fate", ["diverged", "dead"])
def test_of_networks_that_diverged_or_died_there_is_no_row_of_dropout(dataset, tmp_path, lost, fate):
    result, losses = lost[fate], {"equal_losses": [1e-9]}
    epochs = [result.epochs, max(result.epochs - 1, 1)]
    assert under_dropout(dataset, tmp_path, {"lost": result}, ["lost"], equal_epochs=epochs, **losses).empty
    assert under_dropout(dataset, tmp_path, {"short": trained(dataset, max_epochs=2)}, ["short"], **losses).empty


# The reference: pairs and rescaling


def pairs_of(dataset, folder, results, reference_runs):
    tables = {name: folder / f"{name}.csv" for name in PAIRS}
    script("measure_pairs", "measure")(saved(folder, results), dataset, reference_runs, SETTINGS, tables)
    return {name: load_table(path) for name, path in tables.items()}


def test_pairs_of_the_reference_are_those_of_the_library(dataset, tmp_path, converged):
    tables = pairs_of(dataset, tmp_path, {"mine": converged}, ["mine"])
    for table in tables.values():
        assert (table["run"] == "mine").all()
        assert (table["seed"] == 7).all()
    network, data = converged.network.double(), data_of(dataset, converged)
    weight, pairs, decomposition = network.weights[1], data.pairs(network, 1), decomposed(network, data)

    rows = tables["pairs"]
    assert rows["pair"].tolist() == list(range(19))  # the black pair is left out
    assert rows["dual_norm"].tolist() == pytest.approx(decomposition.dual_norms.tolist(), rel=1e-9)
    assert rows["relative_norm"].tolist() == pytest.approx((decomposition.dual_norms / weight.norm()).tolist(), rel=1e-9)
    assert rows["loss_change"].tolist() == pytest.approx(pairs.loss_changes.tolist(), rel=1e-9)
    assert rows[["activity_error", "logit_error"]].max(axis=None) < 1e-12
    assert rows[["norm_ratio_along_test_activity", "norm_ratio_along_random_vector"]].min(axis=None) >= 1 - 1e-12
    shifted = network.activations(data.test_images)[1][1:]
    assert rows["norm_ratio_along_test_activity"].tolist() == pytest.approx(
        (pairs.norms_along(shifted) / pairs.weights().norm(dim=1)).tolist(), rel=1e-9
    )

    numbers_of(
        tables["metric"].iloc[0],
        {"weight_spread": decomposition.weight_spread, "weight_spread_by_metric": decomposition.weight_spread},
    )

    matching = tables["matching"].set_index("matching")
    for name, matched in data.matchings(network, 1, 7).items():
        distances = [float((a - b).norm()) for a, b in zip(matched.matched_images, matched.test_images, strict=True)]
        expected = decomposed(network, matched)
        numbers_of(
            matching.loc[name], {"distance": sum(distances) / 20, "slope_spread": expected.slope_spread, "gap": expected.gap}
        )
    assert matching["distance"].idxmin() == "nearest_pixels"


def test_dual_weights_that_miss_the_test_activity_are_seen(dataset, tmp_path, converged, monkeypatch):
    exact = dual_weights.dual_weights

    def longer(*arguments):
        pairs = exact(*arguments)
        return dataclasses.replace(pairs, outputs=1.1 * pairs.outputs)

    monkeypatch.setattr(dual_weights, "dual_weights", longer)
    rows = pairs_of(dataset, tmp_path, {"mine": converged}, ["mine"])["pairs"]
    network, data = converged.network.double(), data_of(dataset, converged)
    start, end = (network.activations(images)[1][1:] for images in (data.matched_images, data.test_images))
    reached = [a @ network.weights[1].T for a in (start + 1.1 * (end - start), end, start)]
    logits = [network.logits_above(1, output) for output in reached]
    for column, (output, wanted, before) in {"activity_error": reached, "logit_error": logits}.items():
        expected = (output - wanted).norm(dim=1) / torch.maximum(wanted.norm(dim=1), before.norm(dim=1))
        assert rows[column].tolist() == pytest.approx(expected.tolist(), rel=1e-9)


def test_an_error_at_an_image_that_leaves_the_layer_silent_is_in_parts_of_what_was_there():
    before, silent = torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2)
    assert network_duality.relative_errors(silent + 0.1 * before, silent, before).tolist() == pytest.approx([0.1])
    assert network_duality.relative_errors(before, silent, before).tolist() == [1.0]


def test_spectra_and_smaller_shifts_of_the_reference_with_their_nulls(dataset, tmp_path, converged):
    tables = pairs_of(dataset, tmp_path, {"mine": converged}, ["mine"])
    network, data = converged.network.double(), data_of(dataset, converged)
    decomposition = decomposed(network, data)
    values, vectors = duality.hessian_basis(network, data.images, data.labels, 1)

    directions = {losses: rows.reset_index(drop=True) for losses, rows in tables["directions"].groupby("losses")}
    assert set(directions) == {"own", "shuffled"}
    for rows in directions.values():
        assert rows["rank"].tolist() == list(range(1, 133))
        assert rows["eigenvalue"].tolist() == pytest.approx(values.tolist(), rel=1e-9, abs=1e-15)
        assert rows["contribution"].sum() == pytest.approx(decomposition.gap, rel=1e-9)
        assert rows["cumulative_share"].iloc[-1] == pytest.approx(1, rel=1e-9)
        assert rows["cumulative_share"].iloc[4] == pytest.approx(rows["contribution"].iloc[:5].sum() / decomposition.gap, rel=1e-9)
        assert rows["weight_std"].tolist() == pytest.approx(decomposition.weight_std.tolist(), rel=1e-9, abs=1e-12)
    own, null = (directions[losses]["slope_std"].iloc[:10].tolist() for losses in ("own", "shuffled"))
    assert own == pytest.approx(decomposition.slope_std[:10].tolist(), rel=1e-9)
    assert null != pytest.approx(own, rel=1e-3)

    shifts = tables["shifts"].set_index(["losses", "fraction"])
    fractions = [1.0, 0.3, 0.1, 0.03]
    assert set(shifts.index) == {("gradient", 0.0), *((losses, part) for losses in ("own", "shuffled") for part in fractions)}
    expected = {"gap": decomposition.gap, "correlated_share": decomposition.correlated_share}
    numbers_of(shifts.loc["own", 1.0], {**expected, **decomposition.leading_correlation()})
    start = data.matched_images
    for part in fractions:
        between = (1 - part) * start + part * data.test_images
        pairs = duality.dual_weights(network, start, between, data.test_labels, 1)
        expected = duality.decompose_pairs(pairs, values, vectors)
        row, shuffled = shifts.loc["own", part], shifts.loc["shuffled", part]
        fit = duality.fit_on_curvature(expected.slope_std.square(), values)
        numbers_of(row, {"slope_spread": expected.slope_spread, "slope_curvature_exponent": fit.exponent})
        assert shuffled["gap"] == pytest.approx(row["gap"], rel=1e-9)
        assert shuffled["weight_spread"] == pytest.approx(row["weight_spread"], rel=1e-9)
        assert shuffled["slope_spread"] != pytest.approx(row["slope_spread"], rel=1e-3)
    gradients = noise.projected_gradients(network, start, data.test_labels, 1, vectors)
    fit = duality.fit_on_curvature(gradients.var(0, correction=0), values)
    numbers_of(shifts.loc["gradient", 0.0], {"slope_curvature_exponent": fit.exponent, "slope_curvature_correlation": fit.r})
    assert shifts.isna().loc[("gradient", 0.0), "gap"]


def test_both_gauges_of_the_reference_with_their_nulls(dataset, tmp_path, converged):
    tables = pairs_of(dataset, tmp_path, {"mine": converged}, ["mine"])
    network, data = converged.network.double(), data_of(dataset, converged)
    basis = duality.hessian_basis(network, data.images, data.labels, 1)
    pairs = data.pairs(network, 1, "path_averaged")
    expected = duality.decompose_in_both_gauges(pairs, *basis, 7)
    rows = tables["gauges"].set_index(["slopes", "losses", "rank"])
    numbers = tables["gauge_numbers"].set_index(["slopes", "losses"])
    for key, decomposition in expected.items():
        for rank in (1, 10):
            numbers_of(
                rows.loc[(*key, rank)],
                {
                    "slope_std": float(decomposition.slope_std[rank - 1]),
                    "cumulative_share": float(decomposition.contributions[:rank].sum()) / decomposition.gap,
                },
            )
        numbers_of(numbers.loc[key], {"slope_spread": decomposition.slope_spread, **decomposition.leading_correlation()})
    assert len(rows) == 4 * 132
    others = duality.decompose_pairs(pairs.with_shuffled_errors(7), *basis)
    numbers_of(numbers.loc["errors_of_other_pairs", "own"], {"slope_spread": others.slope_spread, "gap": others.gap})
    assert len(numbers) == 5


def rescaled_table(dataset, folder, results, reference_runs, **changes):
    settings = {**SETTINGS, **changes}
    script("rescale_networks", "rescale")(saved(folder, results), dataset, reference_runs, settings, folder / "table.csv")
    return load_table(folder / "table.csv")


def test_rescaled_networks_are_measured_as_the_library_does(dataset, tmp_path, converged):
    table = rescaled_table(dataset, tmp_path, {"mine": converged}, ["mine"])
    assert table[["run", "seed", "other_layer", "factor"]].values.tolist() == [
        ["mine", 7, other, factor] for other in (0, 2) for factor in (0.5, 1.0, 4.0)
    ]
    data = data_of(dataset, converged)
    network = rescaling.rescaled(converged.network.double(), 1, 2, 4.0)
    decomposition, hessian = decomposed(network, data), curvature.layer_hessian(network, data.images, data.labels, 1)
    values, vectors = duality.hessian_basis(network, data.images, data.labels, 1)
    widths = landscape.flatness(network, data.images, data.labels, 1, vectors[[0, 1, 4, 9, 19]])
    numbers_of(
        table.iloc[-1],
        {
            "largest_eigenvalue": float(values[0]),
            "trace": float(hessian.trace()),
            "median_flatness": float(widths.median()),
            "weight_norm": 4 * float(converged.network.double().weights[1].norm()),
            **{key: getattr(decomposition, key) for key in ("slope_spread", "weight_spread", "decomposed_gap")},
            "product_of_spreads": decomposition.slope_spread * decomposition.weight_spread,
        },
    )
    assert table["logit_change"].max() < 1e-12
    for rows in (table[table["other_layer"] == other].set_index("factor") for other in (0, 2)):
        for column, power in {"largest_eigenvalue": -2, "trace": -2, "slope_spread": -1, "weight_spread": 1}.items():
            assert rows.loc[4.0, column] == pytest.approx(rows.loc[1.0, column] * 4**power, rel=1e-9)
        for column in ("product_of_spreads", "decomposed_gap"):
            assert rows[column].tolist() == pytest.approx([rows[column].iloc[0]] * 3, rel=1e-9)


def test_a_rescaling_that_changes_the_logits_is_seen(dataset, tmp_path, converged, monkeypatch):
    def of_one_layer(network, layer, other, factor):
        return network.replaced(layer, network.weights[layer] * factor)

    monkeypatch.setattr(rescaling, "rescaled", of_one_layer)
    table = rescaled_table(dataset, tmp_path, {"mine": converged}, ["mine"])
    assert table["logit_change"].tolist() == pytest.approx([0.5, 0, 3] * 2)


@pytest.mark.parametrize(("layer", "others"), [(0, [1]), (2, [1])])
def test_an_outer_layer_is_rescaled_against_its_only_neighbour(dataset, tmp_path, converged, layer, others):
    table = rescaled_table(dataset, tmp_path, {"mine": converged}, ["mine"], layer=layer, rescaling_factors=[2.0])
    assert table["other_layer"].tolist() == others
    weight = converged.network.double().weights[layer]
    assert table["weight_norm"].tolist() == pytest.approx([2 * float(weight.norm())])


def test_only_runs_of_the_reference_that_converged_are_measured(dataset, tmp_path, converged, lost):
    late = trained(dataset, max_epochs=2)
    results = {"late": late, **lost, "other": converged}
    reference = ["late", "diverged", "dead", "mine"]
    tables = []
    for _ in range(2):
        pairs = pairs_of(dataset, tmp_path, results, reference)
        tables.append({**pairs, "rescaled": rescaled_table(dataset, tmp_path, results, reference)})
        results["mine"] = converged
    for name, nothing in tables[0].items():
        assert nothing.empty
        assert set(tables[1][name]["run"]) == {"mine"}
