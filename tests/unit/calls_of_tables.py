"""Calls of the public functions of fits and of tables, with wrong values of each argument."""

import pandas as pd

from sgdphysics import (
    convergence_edge,
    edge_controls,
    equal_loss,
    fits,
    sweeps,
    training,
)
from sgdphysics.runs import Run
from wrong_inputs import (
    IMAGES,
    INF,
    LABELS,
    NAN,
    SHARES,
    As,
    Call,
)

RUN = Run(hidden_widths=(5, 4), batch_size=4, max_epochs=1)
(RESULT,) = training.train([RUN], IMAGES.float(), LABELS)
VALUES = [1.0, 2.0, 3.0, 5.0]
BAD_VALUES = [["a", "b"], [[1.0, 2.0]], 1.0, None, [True, False]]
TABLE = pd.DataFrame(
    {
        "learning_rate": [0.1, 0.2],
        "batch_size": [5, 5],
        "status": ["converged", "diverged"],
        "target_loss": 0.1,
        "value": 1.0,
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


def without(table, *columns):
    """The table lacking each of some columns."""
    return [*(table.drop(columns=column) for column in columns), None, [1.0]]


CALLS = {
    "fits.power_law": Call(
        fits.power_law, {"x": VALUES, "y": VALUES}, {"x": [*BAD_VALUES, As("y", [1.0])], "y": [*BAD_VALUES, [1.0]]}
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
    "sweeps.effects": Call(
        sweeps.effects,
        {"points": POINTS, "quantities": ["gap"]},
        {
            "points": without(POINTS, *sweeps.POINT_COLUMNS),
            "quantities": [As("points", ["sharpness"])],
        },
    ),
}
