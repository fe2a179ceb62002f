"""Sweeps of one setting: at which points of training runs are compared, and by how much what is measured there differs.

A table of points has one row per run of a sweep and point: "sweep", "dose", "seed", "reference" (whether the run is the one of
which every sweep changes something), "point" ("equal_loss" or "equal_epochs"), "target" (that loss, or that epoch), "epoch", and
what was measured. The sweep "control" is the reference again, going on whatever its loss.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sgdphysics.arguments import is_number, require, require_columns, require_positive_numbers, require_whole_numbers

if TYPE_CHECKING:  # torch takes seconds to load
    from sgdphysics.networks import Mlp
    from sgdphysics.training import Result

CONTROL = "control"
WEAKEST_IS_LARGEST = ("batch_size",)  # a sweep's doses rise in the order of what they do; a larger batch has less noise
EFFECTS = ["sweep", "dose", "weakest", "comparison", "target", "deciding", "seed", "epoch", "weakest_epoch"]

POINT_COLUMNS = ["sweep", "dose", "seed", "reference", "run", "point", "target", "epoch"]


@dataclass(frozen=True)
class Point:
    """A network during training: ``kind`` is "equal_loss" or "equal_epochs", ``target`` that loss or that epoch."""

    kind: str
    target: float
    epoch: int
    network: "Mlp"


def points_of(result: "Result", equal_losses: Sequence[float], equal_epochs: Sequence[int]) -> Iterator[Point]:
    """Yield the first networks at or below each loss, and those after each epoch, as far as the run came and kept them.

    Raises:
        InputError: If a loss is not above 0, or an epoch no integer from 0.
    """
    require_positive_numbers("equal_losses", equal_losses)
    require_whole_numbers("equal_epochs", equal_epochs, 0)
    return _points_of(result, equal_losses, equal_epochs)


def _points_of(result: "Result", equal_losses: Sequence[float], equal_epochs: Sequence[int]) -> Iterator[Point]:
    reached = [("equal_loss", loss, result.first_epoch_at(loss)) for loss in equal_losses]
    reached += [("equal_epochs", epoch, epoch if epoch <= result.epochs else None) for epoch in equal_epochs]
    for kind, target, epoch in reached:
        if epoch is not None and (network := result.network_after(epoch)) is not None:
            yield Point(kind, target, epoch, network)


def in_order(sweep: str, doses: Sequence[float]) -> list[float]:
    """Return the doses of a sweep from the weakest to the strongest; raises InputError if one is no finite number."""
    for dose in doses:
        require(is_number(dose), "doses", dose, "finite numbers")
    return sorted(set(doses), reverse=sweep in WEAKEST_IS_LARGEST)


def deciding_targets(points: pd.DataFrame) -> pd.DataFrame:
    """Return per sweep and kind of point the target at which it is decided: the lowest loss, or the last epoch, that as many runs
    reached as any; columns "sweep", "point" and "target".

    Raises:
        InputError: If one of these columns, or "run", is missing.
    """
    require_columns("points", points, ["sweep", "point", "target", "run"])
    reached = points.groupby(["sweep", "point", "target"], as_index=False)["run"].nunique()
    reached = reached[reached["run"] == reached.groupby(["sweep", "point"])["run"].transform("max")]
    last = reached.groupby(["sweep", "point"], as_index=False)["target"].agg(["min", "max"])
    target = np.where(last["point"] == "equal_loss", last["min"], last["max"])
    return last[["sweep", "point"]].assign(target=target)


def with_control(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points with the reference of every sweep followed, at equal epochs, as far as the control goes.

    Raises:
        InputError: If one of the columns "sweep", "dose", "reference" and "point" is missing.
    """
    require_columns("points", points, ["sweep", "dose", "reference", "point"])
    epochs = points["point"] == "equal_epochs"
    followed = points[(points["sweep"] == CONTROL) & epochs].drop(columns=["sweep", "dose", "reference"])
    places = points.loc[points["reference"], ["sweep", "dose", "reference"]].drop_duplicates()
    replaced = (points["reference"] & epochs) | (points["sweep"] == CONTROL)
    return pd.concat([points[~replaced], places.merge(followed, how="cross")], ignore_index=True)


def compared_points(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points as doses are compared at them: `with_control`, and "deciding" where the target is that of
    `deciding_targets`; errors as theirs.
    """
    compared = with_control(points)
    deciding = deciding_targets(compared).assign(deciding=True)
    return compared.merge(deciding, on=["sweep", "point", "target"], how="left").fillna({"deciding": False})


def effects(points: pd.DataFrame, quantities: Sequence[str]) -> pd.DataFrame:
    """Return how much larger each quantity is at every other dose of a sweep than at its weakest, of the same seed.

    Args:
        points: A table of points; rows without one, of runs that reached none, only tell which doses there are: of a sweep whose
            weakest dose reached no point there is nothing to compare.
        quantities: Columns of it.

    Returns:
        One row per sweep, dose, seed and comparison: "equal_loss", "equal_epochs", or, in sweeps whose weakest dose is the
        reference, "as_many_epochs" (at that loss against the control after as many epochs, between its points by a straight line
        in ln epoch). Columns ``EFFECTS`` (``deciding``: whether the target is that of `deciding_targets`; epochs of both) and, of
        each quantity, the difference of its natural logarithms: nan where one of both is not above 0, as a gap may be.

    Raises:
        InputError: If a column is missing.
    """
    require_columns("points", points, [*POINT_COLUMNS, *quantities])
    doses = {sweep: in_order(str(sweep), rows.tolist()) for sweep, rows in points.groupby("sweep")["dose"]}
    points = points.dropna(subset=["point"])
    compared = compared_points(points)
    control = points[points["sweep"] == CONTROL]
    parts = []
    for sweep, rows in compared.groupby("sweep"):
        first = doses[sweep][0]
        weakest, others = rows[rows["dose"] == first], rows[rows["dose"] != first]
        keys = ["point", "target", "seed"]
        pairs = others.merge(weakest[[*keys, "epoch", *quantities]], on=keys, suffixes=("", "_of_weakest"))
        parts.append(_differences(pairs.rename(columns={"epoch_of_weakest": "weakest_epoch"}), quantities, first))
        if len(weakest) and weakest["reference"].all():
            at_loss = others[others["point"] == "equal_loss"]
            against = _control_after(control, at_loss, quantities).assign(point="as_many_epochs")
            parts.append(_differences(against, quantities, first))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*EFFECTS, *quantities])
    return table[[*EFFECTS, *quantities]]


def _differences(pairs: pd.DataFrame, quantities: Sequence[str], weakest: float) -> pd.DataFrame:
    logarithms = {key: _logarithm(pairs[key]) - _logarithm(pairs[f"{key}_of_weakest"]) for key in quantities}
    return pairs.rename(columns={"point": "comparison"}).assign(weakest=weakest, **logarithms)


def _logarithm(values: pd.Series) -> pd.Series:
    """Natural logarithms, nan of what has none."""
    return np.log(values.astype(float).where(values > 0))


def _control_after(control: pd.DataFrame, rows: pd.DataFrame, quantities: Sequence[str]) -> pd.DataFrame:
    """Rows beside the control of the same seed after as many epochs; without those later than the control's last point."""
    parts = []
    for seed, group in rows.groupby("seed"):
        course = control[control["seed"] == seed].drop_duplicates("epoch").sort_values("epoch")
        if course.empty:
            continue
        beside = group[group["epoch"].between(course["epoch"].min(), course["epoch"].max())]
        epochs, measured = np.log(beside["epoch"]), np.log(course["epoch"])
        followed = {f"{key}_of_weakest": np.exp(np.interp(epochs, measured, np.log(course[key]))) for key in quantities}
        parts.append(beside.assign(**followed, weakest_epoch=beside["epoch"]))
    if parts:
        return pd.concat(parts, ignore_index=True)
    return rows.iloc[:0].assign(weakest_epoch=np.nan, **{f"{key}_of_weakest": np.nan for key in quantities})
