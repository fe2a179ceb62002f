"""Small tables of a study in which every quantity that a claim asks for is planted, in the format of the tabulate scripts.

A study has two learning rates by two batch sizes, one of them the reference, and some seeds. A quantity is planted by its mean and
standard deviation over seeds, without a random number: seed after seed it is ``mean + spread * SCATTER``, so its Student interval
over the six default seeds is exactly mean +- 1.0494 spread. What is not asked for (other windows, sources, epochs, ranges) is there
too, and says the opposite.
"""

import functools
import io
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

import planted_feng2023
from planted_feng2023 import Planted, Row, correlated
from sgdphysics import sweeps
from sgdphysics.tables import RUN_COLUMNS

LEARNING_RATES = (0.05, 0.1)
BATCH_SIZES = (10, 20)
REFERENCE = (0.1, 20)
SEEDS = tuple(range(100, 106))

Quantity = tuple[float, float]  # mean and standard deviation over seeds
Tables = dict[str, pd.DataFrame]

# Every claim's effect.
EFFECT: dict[str, Quantity] = {
    "count": (40, 1),  # components that carry 99 %
    "participation": (0.05, 0.005),  # relative to the isotropic walk
    "early_count": (40, 1),
    "early_participation": (0.05, 0.005),
    "one_minimum": (1, 0),  # share of slices
    "one_minimum_wide": (1, 0),
    "in_sample": (4, 0.1),  # exponents
    "held_out": (2, 0.1),
    "hessian": (1.7, 0.1),
    "noise_without_landscape": (4.5, 0.15),
    "noise_held_out": (2.2, 0.1),
    "noise_hessian": (2.2, 0.1),
    "linear_theory": (1.6, 0.15),
    "linear_theory_stationary": (0.1, 0.05),
    "temperature_correlation": (-0.98, 0.005),  # of ln T and ln F
    "temperature_exponent": (-2, 0.1),
    "edge_rise": (2, 0.2),  # of ln T from the centre to the edges
    "relaxation": (-0.5, 0.05),  # slopes of ln tau on ln F, Hessian basis
    "integrated": (-0.5, 0.05),
    "relaxation_in_sample": (-0.5, 0.05),
    "relaxation_held_out": (-0.5, 0.05),
    "relaxation_of_noise": (0, 0.05),
    "loss_correlation": (0.98, 0.005),  # of ln T_i and ln L, the same in every direction
    "loss_exponent_spread": (0.1, 0.01),  # largest less smallest over directions, at a correlation of 1
    "order_lost": (0, 0),  # 1: at one checkpoint directions have changed places
    "batch_size_power": (-1, 0.02),  # y ~ learning_rate batch_size^power
    "loss_optimum": (0.3, 0.1),  # octaves of noise from the lowest test loss to the edge of convergence
    "error_optimum": (0.3, 0.1),
    "loss_shuffled": (0, 0),  # 1: the test loss has nothing to do with the noise
    "slope_error": (0.01, 0.005),  # of the toy model's joint density by simulation, in parts of max(1, |1 - kappa|)
    "grid_slope_error": (0.02, 0),
    "heat_bath_slope": (0, 0.005),  # at kappa = 1, by simulation
    "grid_heat_bath_slope": (0, 0),
    "small_kappa_slope": (0.5, 0.01),  # at kappa = 0.5
    "drift": (1, 0.01),  # of shaken descent, in parts of the formula
    "width": (1, 0.01),  # of its stationary density, in parts of that built from drift and noise
    "arrival_exponent": (-2, 0.02),
    "heat_bath_arrival_exponent": (-1.95, 0.02),
    "survival_beyond": (0.05, 0.01),
    "survival_constant": (0.99, 0.001),
    **planted_feng2023.EFFECT,
}

SHARE_SLICES = 100  # slices per run and range: a share is planted to 1 %
EPOCH_STEPS = 50
WALK_PARTICIPATION = 8.0  # held-out participation ratio of the isotropic walk
ANNEALING_RANKS = (5, 10, 20, 50, 100, 200)
QUANTITIES = ("sharpest_temperature", "slope_spread", "test_loss")
KINDS = (
    *("in_sample", "held_out", "hessian", "noise_without_landscape", "linear_theory", "linear_theory_stationary"),
    *("held_out_with_drift", "hessian_with_drift", "noise_held_out", "noise_hessian", "other_noise_without_landscape"),
)
OF_THE_REFERENCE = ("feng2021_fig2_minima", "feng2021_fig3_correlation_times", "feng2021_fig3_homogeneity")
UNASKED = -9.0  # of every exponent that no claim asks for


def tables(changes: Mapping[str, Quantity] | None = None, seeds: Iterable[int] = SEEDS) -> Tables:
    """Return the tables that the claims read, with the quantities of ``EFFECT`` but for ``changes``; read back from CSV."""
    unknown = set(changes or {}) - set(EFFECT)
    assert not unknown, f"no such quantity: {unknown}"
    quantities, seeds = EFFECT | dict(changes or {}), tuple(seeds)
    result = {"feng2021_runs": _runs(seeds).copy()}
    for name, (_, used) in _TABLES.items():
        result[name] = _table(name, tuple(quantities[key] for key in used), seeds).copy()
    edge = tuple(quantities[key] for key in ("loss_optimum", "error_optimum", "loss_shuffled"))
    result["yang2023_fig4"] = _up_to_the_edge(edge, seeds).copy()
    for name, (_, used, seeded) in _TABLES_BY_SEED.items():
        result[name] = _table_by_seed(name, tuple(quantities[key] for key in used), seeds if seeded else (None,)).copy()
    result["feng2023_effects"] = _effects(tuple(quantities[key] for key in _OF_FENG2023), seeds).copy()
    return result


def read_back(table: pd.DataFrame) -> pd.DataFrame:
    """The table as it comes from its CSV file: an empty column has lost its type, a whole number may have changed it."""
    return pd.read_csv(io.StringIO(table.to_csv(index=False)))


def names(
    planted: Tables, learning_rate: float | None = None, batch_size: int | None = None, seeds: Iterable[int] | None = None
) -> set[str]:
    """Names of the runs of a learning rate, a batch size, some seeds; None stands for all."""
    runs = planted["feng2021_runs"]
    chosen = pd.Series(True, index=runs.index)
    for column, value in (("learning_rate", learning_rate), ("batch_size", batch_size)):
        if value is not None:
            chosen &= runs[column] == value
    if seeds is not None:
        chosen &= runs["seed"].isin(list(seeds))
    return set(runs.loc[chosen, "run"])


def diverged(planted: Tables, chosen: Iterable[str]) -> Tables:
    """The tables after those runs diverged: only the table of runs still knows them."""
    gone = set(chosen)
    result = {name: table[~table["run"].isin(gone)] for name, table in _of_runs(planted)}
    result["feng2021_runs"] = with_status(planted, chosen, "diverged")["feng2021_runs"]
    return planted | {name: read_back(table) for name, table in result.items()}


def with_status(planted: Tables, chosen: Iterable[str], status: str) -> Tables:
    """The tables with another status of those runs; their measurements stay."""
    changed = set(chosen)
    told = [(name, table) for name, table in _of_runs(planted) if "status" in table]
    cut = {name: table.assign(status=table["status"].where(~table["run"].isin(changed), status)) for name, table in told}
    return planted | cut


def mixed(planted: Tables, other: Tables, chosen: Iterable[str]) -> Tables:
    """The tables with the rows of those runs taken from other tables."""
    taken = set(chosen)
    return planted | {
        name: pd.concat([table[~table["run"].isin(taken)], other[name][other[name]["run"].isin(taken)]], ignore_index=True)
        for name, table in _of_runs(planted)
    }


def _of_runs(planted: Tables) -> list[tuple[str, pd.DataFrame]]:
    """The tables that name runs; those of the toy model do not."""
    return [(name, table) for name, table in planted.items() if "run" in table]


def _scatter(count: int) -> np.ndarray:
    """Numbers of mean 0 and standard deviation 1."""
    if count < 2:
        return np.zeros(count)
    line = np.linspace(-1, 1, count)
    return line / line.std(ddof=1)


@functools.cache
def _runs(seeds: tuple[int, ...]) -> pd.DataFrame:
    rows = [
        {
            "run": f"mnist5k_lr{learning_rate}_b{batch_size}_s{seed}_0123abcd",
            "dataset": "mnist5k",
            "learning_rate": learning_rate,
            "batch_size": batch_size,
            "seed": seed,
            "sampling": "epoch",
            "loss": "cross_entropy",
            "reference": (learning_rate, batch_size) == REFERENCE,
            "status": "converged",
            "epochs": 30,
            "steps": 30 * EPOCH_STEPS,
            "diverged_step": None,
            "final_loss": 0.009,
            "final_accuracy": 1.0,
        }
        for learning_rate in LEARNING_RATES
        for batch_size in BATCH_SIZES
        for seed in seeds
    ]
    return read_back(pd.DataFrame(rows))


@functools.cache
def _table(name: str, quantities: tuple[Quantity, ...], seeds: tuple[int, ...]) -> pd.DataFrame:
    """One table, made once for the same quantities."""
    rows_of_run, used = _TABLES[name]
    runs, scatter = _runs(seeds), dict(zip(seeds, _scatter(len(seeds)), strict=True))
    if name in OF_THE_REFERENCE:
        runs = runs[runs["reference"]]
    rows = []
    for run in runs.to_dict("records"):
        pairs = zip(used, quantities, strict=True)
        planted = {key: mean + spread * scatter[run["seed"]] for key, (mean, spread) in pairs}
        columns = {key: run[key] for key in RUN_COLUMNS}
        rows += [{**columns, **row} for row in rows_of_run(run, planted)]
    return read_back(pd.DataFrame(rows))


def _dimension(run: Row, planted: Planted) -> list[Row]:
    count, ratio = planted["count"], planted["participation"]
    rows = _spectra("main", 10, 30, count, ratio, run["reference"], run["reference"])
    if run["reference"]:
        rows += _spectra("longer", 20, 30, 500 - count, 2 - ratio)
        for epoch in (1, 2, 5):
            rows += _spectra("early", 1, epoch - 1, planted["early_count"], planted["early_participation"], True, True)
        # Drawn, but not part of the claim.
        rows += _spectra("early", 1, 9, 500 - planted["early_count"], 2 - planted["early_participation"], True, True)
    return rows


def _spectra(
    window: str, epochs: int, start: int, count: float, ratio: float, whole: bool = False, isotropic: bool = False
) -> list[Row]:
    sources = {"sgd": (round(count), ratio * WALK_PARTICIPATION), "noise_epoch": (33, 11.0)}
    if isotropic:
        sources |= {"noise_replacement": (35, 12.0), "isotropic": (59, WALK_PARTICIPATION)}
    return [
        {
            "window": window,
            "window_epochs": epochs,
            "start_epoch": start,
            "source": source,
            "components": 499 if whole else 200,
            "whole_spectrum": whole,
            "components_90": components // 4,
            "components_99": components,
            "components_90_without_first": components // 3,
            "first_to_second": 100.0,
            "participation_ratio_without_first": participation / 2 if whole else np.nan,
            "held_out_participation_ratio_without_first": participation if whole else np.nan,
        }
        for source, (components, participation) in sources.items()
    ]


def _minima(run: Row, planted: Planted) -> list[Row]:
    rows = []
    for span, share in (("fixed", planted["one_minimum_wide"]), ("flat_region", planted["one_minimum"])):
        with_one = round(share * SHARE_SLICES)
        for index in range(SHARE_SLICES):
            kind, rank = ("principal", index + 1) if index < SHARE_SLICES // 2 else ("random", index + 1 - SHARE_SLICES // 2)
            # Neither a slice with more minima nor one with none counts.
            minima = 1 if index < with_one else (0, 2, 3)[index % 3]
            rows.append({"directions": kind, "rank": rank, "range": span, "width": 6.0, "minima": minima})
    return [{**row, "window": "main", "window_epochs": 10} for row in rows]


def _exponents(run: Row, planted: Planted) -> list[Row]:
    return [
        {
            "window": "main",
            "window_epochs": 10,
            "kind": kind,
            "exponent": planted.get(kind, UNASKED),
            "intercept": -14.0,
            "r": -0.98,
            "spearman": -0.97,
            "points": 17,
            "censored": 0,
            "censored_share": 0.0,
        }
        for kind in sorted(KINDS)
        if run["reference"] or not kind.startswith("other")
    ]


def _correlation_times(run: Row, planted: Planted) -> list[Row]:
    asked = {
        ("main", "sgd", "hessian", "relaxation"): planted["relaxation"],
        ("main", "sgd", "hessian", "integrated"): planted["integrated"],
        ("main", "sgd", "principal", "relaxation"): planted["relaxation_in_sample"],
        ("main", "sgd", "held_out", "relaxation"): planted["relaxation_held_out"],
        ("main", "noise_epoch", "principal", "relaxation"): planted["relaxation_of_noise"],
    }
    return [
        {
            "window": window,
            "window_epochs": epochs,
            "source": source,
            "basis": basis,
            "time": time,
            "exponent": asked.get((window, source, basis, time), -UNASKED),
            "intercept": 2.0,
            "r": 0.5,
            "points": 17,
        }
        for window, epochs in (("longer", 20), ("main", 10))
        for source in ("noise_epoch", "noise_replacement", "sgd")
        for basis in ("held_out", "hessian", "principal")
        for time in ("relaxation", "integrated")
    ]


def _homogeneity(run: Row, planted: Planted) -> list[Row]:
    return [
        {
            "rank": rank,
            "position": position,
            "offset": position * rank,
            "temperature": 1e-7 / rank * np.exp(planted["edge_rise"] * position**2),
            "window": "main",
            "window_epochs": 10,
        }
        for rank in (1, 10, 30, 100)
        for position in np.linspace(-1, 1, 9)
        if rank < 100 or position >= 0  # the flattest direction has no left edge
    ]


def _annealing(run: Row, planted: Planted) -> list[Row]:
    """ln T_i is the offset and the power of its direction times numbers correlated with ln L."""
    log_loss = np.linspace(0, np.log(0.003), 14)
    shape = correlated(log_loss, planted["loss_correlation"])
    steps = [0, 5, 25, *np.geomspace(EPOCH_STEPS, 30 * EPOCH_STEPS, 14).round().astype(int)]
    # Before the end of the first epoch the noise heats up while the loss falls; the claim is about what follows.
    losses = [np.log(2.3), np.log(2.2), np.log(1.5), *log_loss]
    rows = []
    for index, rank in enumerate(ANNEALING_RANKS):
        offsets = np.full(14, -0.5 * index)
        if planted["order_lost"]:
            offsets[7] = -0.5 * (2, 1, 0, 5, 4, 3)[index]
        power = 1 + planted["loss_exponent_spread"] * (index / (len(ANNEALING_RANKS) - 1) - 0.5)
        log_temperature = [-20.0 + index, -18.0 + index, -16.0 + index, *(-14 + offsets + power * shape)]
        for step, loss, temperature in zip(steps, losses, log_temperature, strict=True):
            row = {"step": step, "epoch": step / EPOCH_STEPS, "rank": rank, "temperature": np.exp(temperature)}
            rows.append({**row, "training_loss": np.exp(loss)})
    return sorted(rows, key=lambda row: (row["step"], row["rank"]))


def _temperature_fits(run: Row, planted: Planted) -> list[Row]:
    exponent, correlation = planted["temperature_exponent"], planted["temperature_correlation"]
    return [{"exponent": exponent, "intercept": -13.0, "r": correlation, "points": 17}]


def _equal_loss(run: Row, planted: Planted) -> list[Row]:
    # At the higher loss only the learning rate acts; the claim is about the lowest one.
    powers = {0.01: 0.0, 0.003: planted["batch_size_power"]}
    return [
        {
            "target_loss": target,
            "quantity": quantity,
            "value": (1 + 0.01 * (run["seed"] - 100)) * run["learning_rate"] * float(run["batch_size"]) ** power,
        }
        for quantity in QUANTITIES
        for target, power in powers.items()
    ]


EDGE_OCTAVES = 8  # settings on a line up to its edge, one octave apart
EDGE_LINES = ("batch size 16", "learning rate 0.25")  # they meet at the edge, learning rate / batch size = 1/64


@functools.cache
def _up_to_the_edge(quantities: tuple[Quantity, ...], seeds: tuple[int, ...]) -> pd.DataFrame:
    """Two lines of settings up to the edge and one beyond it, with runs of their own; and an example that says the opposite."""
    scatter = dict(zip(seeds, _scatter(len(seeds)), strict=True))
    octaves = range(-1, EDGE_OCTAVES)
    settings = [*((0.25 / 2**k, 16, k) for k in octaves), *((0.25, int(16 * 2**k), k) for k in octaves if k)]
    rows = []
    for learning_rate, batch_size, k in settings:
        for index, seed in enumerate(seeds):
            loss, error, shuffled = (mean + spread * scatter[seed] for mean, spread in quantities)
            best = (6, 3, 5, 2, 7, 4)[index % 6]
            place = 3 * (k - best) % EDGE_OCTAVES if shuffled else abs(k - loss)
            values = {"test_loss": 0.3 + 0.05 * place, "test_error": 0.05 + 0.001 * abs(k - error)}
            rows.append(_edge_row("grid", learning_rate, batch_size, seed, "converged" if k >= 0 else "dead", values))
    # Were it of the grid, the line of batch size 16 would end at the weakest noise.
    rows += [_edge_row("talk_example", 0.001, 16, seed, "diverged", {}) for seed in seeds]
    return read_back(pd.DataFrame(rows))


def _edge_row(part: str, learning_rate: float, batch_size: int, seed: int, status: str, values: Mapping[str, float]) -> Row:
    numbers = {"training_loss": 9e-4, "training_error": 0.0, "test_loss": 0.3, "test_error": 0.05}
    numbers |= {"slope_spread": 1.0, "largest_eigenvalue": 0.1, "sharpest_temperature": 1e-6, **values}
    return {
        "run": f"{part}_lr{learning_rate:g}_b{batch_size}_s{seed}",
        "part": part,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "noise_scale": learning_rate / batch_size,
        "seed": seed,
        "status": status,
        "epochs": 30,
        "steps": 1500,
        **{key: number if status == "converged" else None for key, number in numbers.items()},
    }


KAPPAS = (0.5, 1.0, 2.0, 8.0)


def _slopes(planted: Planted) -> list[Row]:
    """Slopes of the joint density on ln F at the deciding noise strength; the others, and the single starts, say the opposite."""
    rows = []
    for kappa in KAPPAS:
        own = {0.5: planted["small_kappa_slope"], 1.0: planted["heat_bath_slope"]}.get(kappa, 1 - kappa)
        slope = own + planted["slope_error"] * max(1, abs(kappa - 1))
        for diffusion in (0.005, 0.5):
            for start in ("both", "grid", "mirror"):
                asked = start == "both" and diffusion == 0.005
                numbers = {"joint_slope": slope if asked else kappa, "predicted_joint_slope": 1 - kappa}
                numbers |= {"marginal_slope": kappa, "predicted_marginal_slope": kappa}
                columns = {"kappa": kappa, "diffusion": diffusion, "deciding": diffusion == 0.005, "seed": None, "start": start}
                rows.append({**columns, **numbers})
    return rows


def _grid_slopes(planted: Planted) -> list[Row]:
    renamed = {name.removeprefix("grid_"): value for name, value in planted.items()}
    rows = [row for row in _slopes({"small_kappa_slope": 0.5, **renamed}) if row["start"] == "both"]
    own = [{key: value for key, value in row.items() if key not in ("seed", "start")} for row in rows]
    return [{**row, "largest_current": 0.1} for row in own]


def _drift(planted: Planted) -> list[Row]:
    rows = []
    for landscape in ("single_valley", "constant"):
        for learning_rate in (0.05, 0.3):
            for x in (0.25, 1.0):
                smoothing, induced = -1e-3 * x, -4e-3 * learning_rate * x
                drift = planted["drift"] * (smoothing + induced) if landscape == "single_valley" else 1.0
                columns = {"landscape": landscape, "learning_rate": learning_rate, "shift": 0.05, "x": x, "seed": None}
                columns |= {"learning_rate_times_curvature": learning_rate, "drift": drift, "smoothing_drift": smoothing}
                rows.append({**columns, "predicted_smoothing_drift": smoothing, "predicted_noise_induced_drift": induced})
    return rows


def _widths(planted: Planted) -> list[Row]:
    built = {"built_standard_deviation": 0.03, "largest_difference_of_cumulative_shares": 0.01}
    own = {"standard_deviation": 0.03 * planted["width"], **built}
    return [{"learning_rate": 0.1, "shift": shift, "seed": None, **own} for shift in (0.1, 0.3)]


def _arrivals(planted: Planted) -> list[Row]:
    rows = []
    for dynamics, key in (("shaken", "arrival_exponent"), ("thermal", "heat_bath_arrival_exponent")):
        for shift in (0.05, 0.1, 0.2, 0.9):
            median = 3 * shift ** planted[key] if shift < 0.9 else np.inf  # beyond the linear regime half never arrive
            columns = {"dynamics": dynamics, "learning_rate": 0.1, "shift": shift, "seed": None, "linear": shift < 0.9}
            columns |= {"horizon_steps": 64000, "median_steps": median, "kaplan_meier_median_steps": median}
            rows.append({**columns, "arrived_share": 0.9, "diverged_share": 0.1, "censored_share": 0.0})
    return rows


def _survival(planted: Planted) -> list[Row]:
    return [
        {"landscape": landscape, "learning_rate": rate, "shift": 1.2, "seed": None, "largest_stable_shift": 1.0}
        | {"horizon_steps": 4000, "survival": planted[key]}
        for landscape, key in (("single_valley", "survival_beyond"), ("constant", "survival_constant"))
        for rate in (0.1, 0.5)
    ]


@functools.cache
def _table_by_seed(name: str, quantities: tuple[Quantity, ...], seeds: tuple[int | None, ...]) -> pd.DataFrame:
    """One table of the toy model or of feng2023; without seeds the means are planted."""
    rows_of_seed, used, _ = _TABLES_BY_SEED[name]
    rows = []
    for seed, scatter in zip(seeds, _scatter(len(seeds)), strict=True):
        planted = {key: mean + spread * scatter for key, (mean, spread) in zip(used, quantities, strict=True)}
        rows += [row if seed is None else _of_seed(row, seed) for row in rows_of_seed(planted)]
    return read_back(pd.DataFrame(rows))


@functools.cache
def _effects(quantities: tuple[Quantity, ...], seeds: tuple[int, ...]) -> pd.DataFrame:
    points = _table_by_seed("feng2023_points", quantities, seeds).drop(columns="deciding")
    return read_back(sweeps.effects(points, planted_feng2023.CHANGED))


def _of_seed(row: Row, seed: int) -> Row:
    return {**row, "seed": seed, **({"run": f"{row['run']}_s{seed}"} if "run" in row else {})}


_OF_FENG2023 = tuple(planted_feng2023.EFFECT)
# Each table without the runs of feng2021: the rows of one seed, the quantities that they show, and whether it has seeds.
_TABLES_BY_SEED: dict[str, tuple[Callable[[Planted], list[Row]], tuple[str, ...], bool]] = {
    "yang2023_fig2_slopes": (_slopes, ("slope_error", "heat_bath_slope", "small_kappa_slope"), True),
    "yang2023_fig2_grid_slopes": (_grid_slopes, ("grid_slope_error", "grid_heat_bath_slope"), False),
    "yang2023_fig3_drift": (_drift, ("drift",), True),
    "yang2023_fig3_widths": (_widths, ("width",), True),
    "yang2023_fig3_arrivals": (_arrivals, ("arrival_exponent", "heat_bath_arrival_exponent"), True),
    "yang2023_fig3_survival": (_survival, ("survival_beyond", "survival_constant"), True),
    "feng2023_fig1": (planted_feng2023.pairs, _OF_FENG2023, True),
    "feng2023_fig2_shifts": (planted_feng2023.shifts, _OF_FENG2023, True),
    "feng2023_fig2_metric": (planted_feng2023.metric, _OF_FENG2023, True),
    "feng2023_fig6": (planted_feng2023.rescaled, _OF_FENG2023, True),
    "feng2023_points": (planted_feng2023.points, _OF_FENG2023, True),
}
# Each table with the rows of one run and the quantities that they show.
_TABLES: dict[str, tuple[Callable[[Row, Planted], list[Row]], tuple[str, ...]]] = {
    "feng2021_fig1_dimension": (_dimension, ("count", "participation", "early_count", "early_participation")),
    "feng2021_fig2_minima": (_minima, ("one_minimum", "one_minimum_wide")),
    "feng2021_fig2_exponents": (_exponents, tuple(kind for kind in KINDS if kind in EFFECT)),
    "feng2021_fig3_correlation_times": (
        _correlation_times,
        ("relaxation", "integrated", "relaxation_in_sample", "relaxation_held_out", "relaxation_of_noise"),
    ),
    "feng2021_fig3_homogeneity": (_homogeneity, ("edge_rise",)),
    "feng2021_fig4": (_annealing, ("loss_correlation", "loss_exponent_spread", "order_lost")),
    "feng2021_fig4_temperature_fits": (_temperature_fits, ("temperature_correlation", "temperature_exponent")),
    "feng2021_fig4_equal_loss": (_equal_loss, ("batch_size_power",)),
}
