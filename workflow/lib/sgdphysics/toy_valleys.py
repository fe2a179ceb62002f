"""Which of two valleys walkers of the toy model are in.

All lengths, losses and times are dimensionless.
"""

import numpy as np
import pandas as pd
from numpy.polynomial.polynomial import polyder, polyroots, polyval

from sgdphysics.arguments import require, require_kind, require_whole
from sgdphysics.errors import InputError
from sgdphysics.first_passage import Move
from sgdphysics.toy_landscapes import Landscape
from sgdphysics.toy_walkers import has_diverged


def bottoms_and_ridge(landscape: Landscape) -> tuple[float, float, float]:
    """Return where two valleys have their least curvature, the sharper first, and where the ridge between them has its largest.

    Of two valleys of equal curvature the one at the smaller x counts as the sharper one.

    Raises:
        InputError: If the curvature has not just two minima within the landscape.
    """
    require_kind("landscape", landscape, Landscape)
    slope = landscape.slope_coefficients
    roots = polyroots(slope)
    places = np.sort(roots[np.isreal(roots)].real)
    places = places[np.abs(places) < landscape.half_width]
    bottoms = places[polyval(places, polyder(slope)) > 0]
    if len(bottoms) != 2:
        raise InputError(f"landscape: found {len(bottoms)} minima of the curvature, expected 2")
    ridge = places[(places > bottoms[0]) & (places < bottoms[1])]
    left, right = map(float, bottoms)
    flatter_left = landscape.curvature(left) < landscape.curvature(right) * (1 - 1e-9)
    sharper, flatter = (right, left) if flatter_left else (left, right)
    return sharper, float(ridge[np.argmax(landscape.curvature(ridge))]), flatter


def valley_shares(
    move: Move, landscape: Landscape, *, settings: int, walkers: int, relaxation: int, sampling: int, every: int
) -> pd.DataFrame:
    """Measure the share of walkers in the flatter of two valleys, of which half started at the bottom of either.

    Whoever is on the flatter one's side of the ridge is in it; shares are of those that are not lost, which is a selection.

    Args:
        move: ``move(x, y, steps=..., observer=..., observe_every=...)`` for x of shape (settings, walkers), such as a partial of
            `toy.shaken_descent`.
        landscape: With two valleys.
        settings: How many at once, at least 1.
        walkers: Per setting, at least 2.
        relaxation: Steps before walkers are counted, from 0.
        sampling: Steps during which they are, at least 1.
        every: Steps between counts, at least 1 and at most ``sampling``.

    Returns:
        One row per setting and start ("sharper", "flatter" and "both" together): "setting" from 0, "start", "walkers",
        "share_in_flatter", the number in the flatter valley over that of those left, both summed over the counts (nan where none is
        left), and "share_left" at the end. Where the shares from both starts are alike, the start is forgotten.

    Raises:
        InputError: If an argument is none of these.
    """
    require(callable(move), "move", move, "a function that moves walkers")
    sharper, ridge, flatter = bottoms_and_ridge(landscape)
    for name, value, least in (("settings", settings, 1), ("walkers", walkers, 2), ("relaxation", relaxation, 0)):
        require_whole(name, value, least)
    require_whole("sampling", sampling, 1)
    require_whole("every", every, 1)
    require(every <= sampling, "every", every, f"at most {sampling}, the steps of sampling")
    from_flatter = np.arange(walkers) < walkers // 2
    x = np.tile(np.where(from_flatter, flatter, sharper), (settings, 1))
    x, y = move(x, np.zeros_like(x), steps=relaxation)
    left, there = np.zeros((2, settings, walkers))

    def count(step: int, x: np.ndarray, y: np.ndarray) -> None:
        here = ~has_diverged(x, y)
        np.add(left, here, out=left)
        np.add(there, here & ((x > ridge) == (flatter > ridge)), out=there)

    x, y = move(x, y, steps=sampling, observer=count, observe_every=every)
    remaining = ~has_diverged(x, y)
    parts = []
    for start, chosen in (("sharper", ~from_flatter), ("flatter", from_flatter), ("both", np.full(walkers, True))):
        total = left[:, chosen].sum(1)
        share = np.divide(there[:, chosen].sum(1), total, out=np.full(settings, np.nan), where=total > 0)
        numbers = {"walkers": chosen.sum(), "share_in_flatter": share, "share_left": remaining[:, chosen].mean(1)}
        parts.append(pd.DataFrame({"setting": np.arange(settings), "start": start, **numbers}))
    return pd.concat(parts, ignore_index=True).sort_values("setting", kind="stable", ignore_index=True)
