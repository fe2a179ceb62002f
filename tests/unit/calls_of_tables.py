"""Calls of the public functions of fits and of tables, with wrong values of each argument."""

import pandas as pd

from sgdphysics import (
    convergence_edge,
    edge_controls,
    equal_loss,
    fits,
    flatness_exponents,
    fluctuation_dissipation,
    intervals,
    local_exponents,
    published_sweeps,
    sweeps,
    training,
    window_lengths,
)
from sgdphysics.runs import Run
from wrong_inputs import (
    IMAGES,
    INF,
    LABELS,
    NAN,
    POSITIVE,
    SHARES,
    As,
    Call,
)

RUN = Run(hidden_widths=(5, 4), batch_size=4, max_epochs=1)
(RESULT,) = training.train([RUN], IMAGES.float(), LABELS)
VALUES = [1.0, 2.0, 3.0, 5.0]
BAD_VALUES = [["a", "b"], [[1.0, 2.0]], 1.0, None, [True, False]]
CORRELATIONS, BORDERS, SIDES = [0.1, 0.2, 0.4], [NAN, INF, "1", None], ["beyond", "Above", None]
TABLE = pd.DataFrame(
    {
        "learning_rate": [0.1, 0.2],
        "batch_size": [5, 5],
        "status": ["converged", "diverged"],
        "target_loss": 0.1,
        "value": 1.0,
    }
)
RATIOS = pd.DataFrame(
    {
        "source": "sgd",
        "detrending_order": 1,
        "relaxations_per_epoch": [0.1, 0.2],
        "status": "converged",
        "learning_rate": 0.1,
        "batch_size": 5,
        "seed": [1, 2],
        "fluctuation_dissipation_ratio": [0.1, 0.3],
        "measured_over_theory": [1.0, 2.0],
    }
)
RUNS_OF_EDGE = TABLE.assign(seed=1, run="a", steps=[10, 20], epochs=[3, 4], training_loss=0.1).assign(
    **dict.fromkeys(edge_controls.RESPONSES, 0.5)
)
COMPARED = edge_controls.against_control(RUNS_OF_EDGE, RUNS_OF_EDGE)
POINTS = pd.DataFrame(
    {
        "sweep": "dropout",
        "dose": [0.0, 0.1],
        "seed": 1,
        "reference": [True, False],
        "run": ["a", "b"],
        "point": "equal_loss",
        "target": 0.1,
        "epoch": 3,
        "gap": [1.0, 2.0],
    }
)
SPECTRA = POINTS.assign(deciding=True, rank=1, weight_std=0.5, summed_gap=0.1, summed_gap_of_shuffled_losses=0.1)


CHECKPOINTS = pd.DataFrame({"training_loss": [0.5, 0.1], "test_loss": [0.6, 0.3]})
NESTED = pd.DataFrame(
    {
        "run": "a",
        "sampling": [sampling for sampling in ("epoch", "replacement") for _ in range(15)],
        "layers": "all",
        "window_epochs": [2, 4, 8] * 10,
        "detrending": 0,
        "rank": [rank for rank in (1, 2, 3, 4, 5) for _ in range(3)] * 2,
        "curvature": [1 / rank for rank in (1, 2, 3, 4, 5) for _ in range(3)] * 2,
        "variance": [1 / (1 + step) for step in range(30)],
        "theory_variance": [1.0 + step for step in range(30)],
    }
)


def without(table, *columns):
    """The table lacking each of some columns."""
    return [*(table.drop(columns=column) for column in columns), None, [1.0]]


ALONG = pd.DataFrame(
    {"run": "a", "window": "main", "window_epochs": 10, "source": "sgd", "basis": "principal", "rank": [1, 2], "variance": 1.0}
)
BESIDE = ALONG.rename(columns={"variance": "flatness"})
KEYS = ("run", "window", "window_epochs", "source", "basis", "rank")
CALLS = {
    "flatness_exponents.beside_flatness": Call(
        flatness_exponents.beside_flatness,
        {"fluctuations": ALONG, "flatness": BESIDE},
        {"fluctuations": without(ALONG, *KEYS), "flatness": without(BESIDE, *KEYS)},
    ),
    "flatness_exponents.exponent": Call(
        flatness_exponents.exponent,
        {"flatness": VALUES, "variance": VALUES},
        {"flatness": [*BAD_VALUES, As("variance", [1.0])], "variance": [*BAD_VALUES, [1.0]]},
    ),
    "fits.power_law": Call(
        fits.power_law, {"x": VALUES, "y": VALUES}, {"x": [*BAD_VALUES, As("y", [1.0])], "y": [*BAD_VALUES, [1.0]]}
    ),
    "fits.partial_correlation": Call(
        fits.partial_correlation,
        {"x": [1.0, 2, 4, 3, 7], "y": [2.0, 1, 5, 3, 6], "given": [1.0, 1, 2, 3, 5]},
        {"x": [*BAD_VALUES, As("y", [1.0])], "y": [*BAD_VALUES, [1.0]], "given": [*BAD_VALUES, [1.0]]},
    ),
    "fits.student_interval": Call(fits.student_interval, {"values": VALUES, "level": 0.9}, {"values": BAD_VALUES, "level": SHARES}),
    "fits.p_value_beyond": Call(
        fits.p_value_beyond,
        {"values": VALUES, "border": 1.0, "side": "above"},
        {"values": BAD_VALUES, "border": [NAN, INF, "1", None], "side": ["beyond", "Above", None]},
    ),
    "fits.smallest_detectable_distance": Call(
        fits.smallest_detectable_distance,
        {"values": VALUES, "power": 0.8, "level": 0.95},
        {"values": BAD_VALUES, "power": SHARES, "level": SHARES},
    ),
    "fits.holm": Call(fits.holm, {"p_values": [0.1, 0.2]}, {"p_values": [*BAD_VALUES, [0.5, 1.5], [-0.1, 0.5]]}),
    "intervals.of_mean": Call(intervals.of_mean, {"values": VALUES}, {"values": BAD_VALUES}),
    "intervals.of_exact": Call(intervals.of_exact, {"values": VALUES}, {"values": BAD_VALUES}),
    "intervals.of_correlation": Call(
        intervals.of_correlation, {"correlations": CORRELATIONS}, {"correlations": [*BAD_VALUES, [0.5, 1.5], [-2.0, 0.0]]}
    ),
    "intervals.of_share": Call(
        intervals.of_share,
        {"counts": [1.0, 2.0, 3.0], "totals": [5.0, 5.0, 5.0]},
        {
            "counts": [*BAD_VALUES, [6.0, 1.0, 1.0], [-1.0, 1.0, 1.0]],
            "totals": [*BAD_VALUES, As("counts", [0.0, 5.0, 5.0]), [5.0]],
        },
    ),
    "intervals.of_ratio": Call(
        intervals.of_ratio,
        {"numerators": VALUES, "denominators": VALUES},
        {"numerators": [*BAD_VALUES, As("denominators", [1.0])], "denominators": [*BAD_VALUES, [1.0]]},
    ),
    "intervals.p_of_mean": Call(
        intervals.p_of_mean,
        {"values": VALUES, "border": 1.0, "side": "above"},
        {"values": BAD_VALUES, "border": BORDERS, "side": SIDES},
    ),
    "intervals.p_of_correlation": Call(
        intervals.p_of_correlation,
        {"correlations": CORRELATIONS, "border": 0.1, "side": "above"},
        {"correlations": [*BAD_VALUES, [0.5, 1.5]], "border": [*BORDERS, 1.0, -2.0], "side": SIDES},
    ),
    "intervals.p_of_share": Call(
        intervals.p_of_share,
        {"counts": [1.0, 2.0, 3.0], "totals": [5.0, 5.0, 5.0], "border": 0.1, "side": "above"},
        {"counts": [*BAD_VALUES, [6.0, 1.0, 1.0]], "totals": [*BAD_VALUES, [5.0]], "border": [*BORDERS, -0.1, 1.1], "side": SIDES},
    ),
    "intervals.p_of_ratio": Call(
        intervals.p_of_ratio,
        {"numerators": VALUES, "denominators": [1.0, 1.5, 1.0, 2.0], "border": 0.1, "side": "above"},
        {"numerators": BAD_VALUES, "denominators": [*BAD_VALUES, [1.0]], "border": BORDERS, "side": SIDES},
    ),
    "convergence_edge.edges": Call(
        convergence_edge.edges,
        {"runs": TABLE},
        {
            "runs": [
                *without(TABLE, "learning_rate", "batch_size", "status"),
                As("learning_rate", TABLE.assign(learning_rate=[0.1, NAN])),
                As("batch_size", TABLE.assign(batch_size=[0, 1])),
            ]
        },
    ),
    "convergence_edge.runs_up_to_the_edge": Call(
        convergence_edge.runs_up_to_the_edge,
        {"runs": TABLE},
        {"runs": [*without(TABLE, "status"), As("learning_rate", TABLE.assign(learning_rate=-0.1))]},
    ),
    "convergence_edge.optima": Call(
        convergence_edge.optima,
        {"runs": TABLE, "quantities": ["value"]},
        {"runs": without(TABLE, "status"), "quantities": [As("runs", ["sharpness"])]},
    ),
    "convergence_edge.lowest": Call(
        convergence_edge.lowest,
        {"values": pd.Series(VALUES), "octaves": pd.Series(VALUES)},
        {"values": [pd.Series(VALUES[:1]), pd.Series([], dtype=float)], "octaves": [As("values", pd.Series(VALUES[:1]))]},
    ),
    "edge_controls.bends": Call(
        edge_controls.bends, {"runs": RUNS_OF_EDGE}, {"runs": without(RUNS_OF_EDGE, "batch_size", "seed", "status", "steps")}
    ),
    "edge_controls.asymmetries": Call(
        edge_controls.asymmetries,
        {"runs": RUNS_OF_EDGE, "weak_noise": 0.1},
        {"runs": without(RUNS_OF_EDGE, "steps", "test_loss"), "weak_noise": [0, NAN, INF, "1", None, True]},
    ),
    "edge_controls.against_control": Call(
        edge_controls.against_control,
        {"runs": RUNS_OF_EDGE, "control": RUNS_OF_EDGE},
        {
            "runs": without(RUNS_OF_EDGE, "run", "seed", "epochs", "training_loss"),
            "control": without(RUNS_OF_EDGE, "seed", "epochs", "slope_spread"),
        },
    ),
    "edge_controls.flatness_along_lines": Call(
        edge_controls.flatness_along_lines,
        {"runs": RUNS_OF_EDGE, "compared": COMPARED},
        {"runs": without(RUNS_OF_EDGE, "status"), "compared": without(COMPARED, "run", "equal", "control_value")},
    ),
    "equal_loss.at_lowest_common_loss": Call(
        equal_loss.at_lowest_common_loss, {"table": TABLE}, {"table": without(TABLE, *equal_loss.COLUMNS)}
    ),
    "fluctuation_dissipation.half_decade": Call(
        fluctuation_dissipation.half_decade,
        {"values": pd.Series(VALUES)},
        {"values": [pd.Series([0.0, 1.0]), pd.Series([NAN]), pd.Series(["a"])]},
    ),
    "fluctuation_dissipation.medians": Call(
        fluctuation_dissipation.medians,
        {"ratios": RATIOS},
        {
            "ratios": [
                *without(RATIOS, *fluctuation_dissipation.COLUMNS),
                As("relaxations_per_epoch", RATIOS.assign(relaxations_per_epoch=[0.0, 1.0])),
            ]
        },
    ),
    "equal_loss.interpolated": Call(
        equal_loss.interpolated,
        {"checkpoints": CHECKPOINTS, "quantities": ["test_loss"], "losses": [0.2]},
        {"checkpoints": without(CHECKPOINTS, "training_loss", "test_loss"), "losses": [[0.0], [NAN], ["1"], 0.1, None]},
    ),
    "window_lengths.growth_exponents": Call(
        window_lengths.growth_exponents, {"table": NESTED, "keys": ["run"]}, {"table": without(NESTED, *NESTED)}
    ),
    "window_lengths.crossovers": Call(
        window_lengths.crossovers,
        {"table": NESTED, "keys": ["run"], "level": 0.5},
        {"table": without(NESTED, *NESTED), "level": POSITIVE},
    ),
    "window_lengths.falling_through": Call(
        window_lengths.falling_through,
        {"curvatures": VALUES, "ratios": VALUES, "level": 2.5},
        {"curvatures": [*BAD_VALUES, As("ratios", [1.0])], "ratios": [*BAD_VALUES, [1.0]], "level": POSITIVE},
    ),
    "local_exponents.local_exponents": Call(
        local_exponents.local_exponents,
        {"x": VALUES, "y": VALUES, "decades": 1.0},
        {"x": [*BAD_VALUES, As("y", [1.0])], "y": [*BAD_VALUES, [1.0]], "decades": POSITIVE},
    ),
    "local_exponents.by_series": Call(
        local_exponents.by_series,
        {"table": POINTS, "keys": ["run"], "x": "target", "y": "gap", "widths": [1.0]},
        {"table": without(POINTS, "run", "target", "gap"), "widths": [As("decades", [0.0])]},
    ),
    "sweeps.points_of": Call(
        sweeps.points_of,
        {"result": RESULT, "equal_losses": [0.1], "equal_epochs": [1]},
        {"equal_losses": [[0.0], [NAN], ["1"], 0.1, None], "equal_epochs": [[-1], [1.5], [True], 1]},
    ),
    "sweeps.in_order": Call(sweeps.in_order, {"sweep": "dropout", "doses": [0.1, 0.2]}, {"doses": [[NAN], ["a"], [True]]}),
    "sweeps.deciding_targets": Call(
        sweeps.deciding_targets, {"points": POINTS}, {"points": without(POINTS, "sweep", "point", "target", "run")}
    ),
    "sweeps.with_control": Call(
        sweeps.with_control, {"points": POINTS}, {"points": without(POINTS, "sweep", "dose", "reference", "point")}
    ),
    "sweeps.compared_points": Call(
        sweeps.compared_points,
        {"points": POINTS},
        {"points": without(POINTS, "sweep", "dose", "reference", "point", "target", "run")},
    ),
    "published_sweeps.split_gaps": Call(
        published_sweeps.split_gaps,
        {"points": POINTS, "spectra": SPECTRA},
        {
            "points": without(POINTS, "run", "point", "target", "gap"),
            "spectra": without(SPECTRA, "run", "point", "target", "rank", "summed_gap", "summed_gap_of_shuffled_losses"),
        },
    ),
    "published_sweeps.before_the_last": Call(
        published_sweeps.before_the_last, {"spectra": SPECTRA}, {"spectra": without(SPECTRA, "rank")}
    ),
    **{
        f"published_sweeps.{function.__name__}": Call(
            function, {"spectra": SPECTRA}, {"spectra": without(SPECTRA, *published_sweeps.COMPARED, "rank", "weight_std")}
        )
        for function in (published_sweeps.with_ratios, published_sweeps.common_factors)
    },
    "sweeps.effects": Call(
        sweeps.effects,
        {"points": POINTS, "quantities": ["gap"]},
        {
            "points": without(POINTS, *sweeps.POINT_COLUMNS),
            "quantities": [As("points", ["sharpness"])],
        },
    ),
}
