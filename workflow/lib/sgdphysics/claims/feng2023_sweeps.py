"""Statistics of the claims of Feng, Zhang and Tu 2023 on noise, which flattens, and on weight decay, which shrinks."""

import pandas as pd

from sgdphysics.claims.feng2023_changes import effect, less, of_strongest, weakest_doses
from sgdphysics.claims.registry import Tables, as_ratio, statistic, table_of

NOISE = ("learning_rate", "batch_size")
DECAY = ("norm_penalty", "squared_penalty")


# --- noise


@statistic
def noise_effect_on_sharpness(tables: Tables) -> pd.DataFrame:
    """e_g: ln s_g at the strongest noise less that at the weakest, at equal loss; per sweep (learning rate, batch size)."""
    return effect(tables, NOISE, "slope_spread")


@statistic
def noise_effect_on_size(tables: Tables) -> pd.DataFrame:
    """e_w: the same of ln s_w."""
    return effect(tables, NOISE, "weight_spread")


@statistic
def noise_effect_on_norm(tables: Tables) -> pd.DataFrame:
    """The same of ln norm(W)."""
    return effect(tables, NOISE, "weight_norm")


@statistic("ratio")
def noise_effect_on_size_over_sharpness(tables: Tables) -> pd.DataFrame:
    """e_w / e_g of the same, signed: below 0 where the flatter solution is the larger."""
    return as_ratio(effect(tables, NOISE, "weight_spread"), effect(tables, NOISE, "slope_spread"))


@statistic("ratio")
def noise_effect_on_norm_over_sharpness(tables: Tables) -> pd.DataFrame:
    """The change of ln norm(W) over e_g, signed."""
    return as_ratio(effect(tables, NOISE, "weight_norm"), effect(tables, NOISE, "slope_spread"))


@statistic
def noise_effect_on_sharp_less_flat_directions(tables: Tables) -> pd.DataFrame:
    """Mean change of ln sigma_g,n over the ranks 1 to 10 less that over 100 to 500."""
    return less(effect(tables, NOISE, "sharp_slope_std"), effect(tables, NOISE, "flat_slope_std"))


def _noise_effect_on_gap(tables: Tables, part: str) -> pd.DataFrame:
    """Change of a part of the gap, in the unit of the loss."""
    points = table_of(tables, "feng2023_published")
    rows = points[points["deciding"].astype(bool) & (points["point"] == "equal_loss")]
    at_weakest = rows["dose"] == rows["sweep"].map(weakest_doses(tables))
    first = rows.loc[at_weakest, ["sweep", "seed", part]].rename(columns={part: "first"})
    rows = rows.merge(first, on=["sweep", "seed"])
    return of_strongest(tables, NOISE, rows.assign(change=rows[part] - rows["first"]), "change")


@statistic
def noise_effect_on_gap_of_sharp_directions(tables: Tables) -> pd.DataFrame:
    """Change of Delta L_sharp, the part of the gap in the ten directions of largest sigma_g, in the unit of the loss."""
    return _noise_effect_on_gap(tables, "delta_loss_sharp")


@statistic
def noise_effect_on_gap_of_flat_directions(tables: Tables) -> pd.DataFrame:
    """Change of Delta L_flat, the part of the gap in all other directions."""
    return _noise_effect_on_gap(tables, "delta_loss_flat")


@statistic
def noise_effect_on_gap_of_sharp_directions_of_shuffled_losses(tables: Tables) -> pd.DataFrame:
    """Change of Delta L_sharp where the changes of the loss are dealt to other pairs."""
    return _noise_effect_on_gap(tables, "delta_loss_sharp_of_shuffled_losses")


# --- weight decay


@statistic
def decay_effect_on_size(tables: Tables) -> pd.DataFrame:
    """e_w: ln s_w at the strongest penalty less that without, at equal loss; per penalty."""
    return effect(tables, DECAY, "weight_spread")


@statistic("ratio")
def decay_effect_on_sharpness_over_size(tables: Tables) -> pd.DataFrame:
    """e_g / e_w of the same, signed: above 0 where the smaller solution is the flatter."""
    return as_ratio(effect(tables, DECAY, "slope_spread"), effect(tables, DECAY, "weight_spread"))


@statistic
def decay_effect_on_size_after_as_many_epochs(tables: Tables) -> pd.DataFrame:
    """e_w against the control after as many epochs, which is at a lower loss; per penalty."""
    return effect(tables, DECAY, "weight_spread", "as_many_epochs")


@statistic("ratio")
def decay_effect_on_sharpness_over_size_after_as_many_epochs(tables: Tables) -> pd.DataFrame:
    """e_g / e_w of the same."""
    sharpness, size = (effect(tables, DECAY, column, "as_many_epochs") for column in ("slope_spread", "weight_spread"))
    return as_ratio(sharpness, size)
