"""beyond_fig6: ratios and their theory against matrices of the linear walk, and what has no ratio."""

import itertools
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sgdphysics.tables import load_table, save_table

SCRIPT = Path(__file__).parents[2] / "workflow" / "scripts" / "tabulate_beyond_fig6.py"
EPOCH_STEPS, EPOCHS, EARLIER, RATE = 4, 3, 2, 0.5
CURVATURES = {1: 1.3, 2: 0.4, 5: 0.02}  # by rank
TEMPERATURES = {1: 3.0, 2: 0.5, 5: 0.1}
RUN = {"run": "a", "learning_rate": RATE, "batch_size": 5, "seed": 100, "status": "converged", "reference": True}
SOURCES, ORDERS = ("sgd", "noise_epoch"), (0, 1, 3)
HELD = "other_layers_held"
HELD_CURVATURE, HELD_TEMPERATURE = 0.7, 2.0  # means over that window, the same along all directions


def variance_of(source, rank, order):
    """What is measured, any number."""
    return 0.1 * rank + order + len(source)


def written(folder, sampling="epoch", curvatures=CURVATURES, temperatures=TEMPERATURES, rows=None):
    """The tables that the script makes of one run, or of the first rows of what is measured of it: ratios and medians."""
    save_table(folder / "runs.csv", pd.DataFrame([{**RUN, "sampling": sampling, "epochs": 7, "steps": 7 * EPOCH_STEPS}]))
    window = {"window": "main", "window_epochs": EPOCHS}
    along = [
        {**RUN, **window, "source": "sgd", "basis": "hessian", "rank": rank, "curvature": value, "temperature": temperatures[rank]}
        for rank, value in curvatures.items()
    ]
    others = [{**row, **change, "curvature": 9.0} for row in along for change in ({"basis": "principal"}, {"window": "longer"})]
    save_table(folder / "directions.csv", pd.DataFrame([*others, *along])[:rows])
    measured = [
        {"run": "a", **window, "start_epoch": EARLIER, "source": source, "basis": "hessian", "rank": rank}
        | {"detrending_order": order, "variance": variance_of(source, rank, order)}
        for source, rank, order in itertools.product(SOURCES, curvatures, ORDERS)
    ]
    changes = ({"basis": "principal"}, {"window": "longer"}, {"source": "isotropic"})
    others = [{**row, **change, "variance": 9.0} for row in measured for change in changes]
    save_table(folder / "detrended.csv", pd.DataFrame([*others, *measured])[:rows])
    held = pd.DataFrame(held_windows(curvatures, sampling))[:rows]
    save_table(folder / "windows.csv", held)
    tables = {name: folder / f"{name}_made.csv" for name in ("ratios", "medians")}
    inputs = [folder / f"{name}.csv" for name in ("runs", "directions", "windows", "detrended")]
    runpy.run_path(str(SCRIPT), run_name="script")["tabulate"](*inputs[:3], inputs[3:], tables)
    return load_table(tables["ratios"]), load_table(tables["medians"])


def held_windows(ranks, sampling):
    """Windows with the other layers held, and such as are none of these."""
    for rank, order in itertools.product(ranks, (0, 1)):
        window = {**RUN, "sampling": sampling, "layers": "studied", "window_epochs": EPOCHS, "detrending": order, "rank": rank}
        numbers = {"curvature": HELD_CURVATURE, "temperature": HELD_TEMPERATURE, "variance": variance_of(HELD, rank, order)}
        yield {**window, **numbers}
        yield {**window, **numbers, "layers": "all", "variance": 9.0}
        yield {**window, **numbers, "sampling": "replacement" if sampling == "epoch" else "epoch", "variance": 9.0}
        yield {**window, **numbers, "window_epochs": 2 * EPOCHS, "variance": 9.0}


def expected_variance(curvature, temperature, order, sampling):
    """Mean squared residual of the linear walk about the polynomial that fits its window best, by matrices of all its steps."""
    steps = (EARLIER + EPOCHS) * EPOCH_STEPS
    time = np.arange(steps)
    response = np.tril((1 - RATE * curvature) ** np.clip(time[:, None] - time[None, :], 0, None))
    noise = np.eye(steps)
    if sampling == "epoch":
        same = time[:, None] // EPOCH_STEPS == time[None, :] // EPOCH_STEPS
        noise = EPOCH_STEPS / (EPOCH_STEPS - 1) * (noise - same / EPOCH_STEPS)
    covariance = RATE**2 * 2 * temperature / RATE * response @ noise @ response.T
    window = covariance[EARLIER * EPOCH_STEPS :, EARLIER * EPOCH_STEPS :]
    columns = np.linalg.qr(np.vander(np.linspace(-1, 1, len(window)), order + 1))[0]
    left = np.eye(len(window)) - columns @ columns.T
    return np.trace(left @ window @ left) / len(window)


@pytest.mark.parametrize("sampling", ["epoch", "replacement"])
def test_ratios_and_theories_are_those_of_matrices(tmp_path, sampling):
    ratios, _ = written(tmp_path, sampling)
    assert ratios.value_counts("source").to_dict() == {"sgd": 9, "noise_epoch": 9, HELD: 6}
    for row in ratios.itertuples():
        curvature, temperature = CURVATURES[row.rank], TEMPERATURES[row.rank]
        if row.source == HELD:
            curvature, temperature = HELD_CURVATURE, HELD_TEMPERATURE
        scale = curvature / temperature
        assert (row.curvature, row.temperature) == (curvature, temperature)
        assert row.relaxations_per_epoch == pytest.approx(RATE * curvature * EPOCH_STEPS)
        measured = variance_of(row.source, row.rank, row.detrending_order) * scale
        assert row.fluctuation_dissipation_ratio == pytest.approx(measured)
        expected = {
            "theory_epoch": expected_variance(curvature, temperature, row.detrending_order, "epoch"),
            "theory_replacement": expected_variance(curvature, temperature, row.detrending_order, "replacement"),
            "theory_without_force": expected_variance(0.0, temperature, row.detrending_order, sampling),
            "theory_stationary": temperature / (curvature * (1 - RATE * curvature / 2)),
        }
        assert {name: getattr(row, name) for name in expected} == pytest.approx({k: v * scale for k, v in expected.items()})
        assert row.measured_over_theory == pytest.approx(measured / (expected[f"theory_{sampling}"] * scale))


def test_directions_without_a_ratio_or_a_theory_are_left_out(tmp_path):
    curvatures = {1: 4.0, 2: 3.9, 3: 0.0, 4: 0.1, 5: -0.1}
    ratios, medians = written(tmp_path, curvatures=curvatures, temperatures={1: 1.0, 2: 1.0, 3: 1.0, 4: 0.0, 5: 1.0})
    assert set(ratios.loc[ratios["source"] != HELD, "rank"]) == {2}
    assert medians.loc[medians["source"] != HELD, "points"].tolist() == [1] * len(SOURCES) * len(ORDERS)


def test_a_study_without_fluctuations_has_tables_without_rows(tmp_path):
    ratios, medians = written(tmp_path, rows=0)
    assert ratios.empty
    assert medians.empty
