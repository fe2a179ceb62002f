"""Windows as rows of tables: fluctuations along directions, spectra, trajectories."""

from collections.abc import Iterable

import pandas as pd
from torch.nn.functional import cosine_similarity

from sgdphysics.window_results import Window


def fluctuation_rows(window: Window) -> pd.DataFrame:
    """Return one row per source, basis and direction."""
    parts = [
        pd.DataFrame(
            {
                "start_epoch": window.start_epoch,
                "source": source,
                "basis": basis,
                "rank": window.ranks,
                "hessian_eigenvalue": window.curvatures.tolist(),
                "variance": fluctuation.variance.tolist(),
                "variance_without_drift": fluctuation.variance_without_drift.tolist(),
                "relaxation_time_steps": fluctuation.relaxation_time.tolist(),
                "integrated_time_steps": fluctuation.integrated_time.tolist(),
            }
        )
        for source, measured in window.sources.items()
        for basis, fluctuation in measured.fluctuations.items()
    ]
    return pd.concat(parts, ignore_index=True)


def detrended_rows(window: Window) -> pd.DataFrame:
    """Return one row per source, basis, direction and order of the polynomial in time that is taken out."""
    parts = [
        pd.DataFrame(
            {
                "start_epoch": window.start_epoch,
                "source": source,
                "basis": basis,
                "rank": window.ranks,
                "detrending_order": order,
                "variance": variance.tolist(),
            }
        )
        for source, measured in window.sources.items()
        for basis, fluctuation in measured.fluctuations.items()
        for order, variance in fluctuation.variance_by_order.items()
    ]
    return pd.concat(parts, ignore_index=True)


def spectrum_rows(window: Window) -> pd.DataFrame:
    """Return one row per source and component."""
    parts = [
        pd.DataFrame(
            {
                "start_epoch": window.start_epoch,
                "source": source,
                "rank": range(1, len(measured.in_sample) + 1),
                "variance": measured.in_sample.tolist(),
                "total_variance": measured.total_variance,
                "held_out_variance": measured.held_out.tolist(),
                "first_alignment": measured.first_alignment,
            }
        )
        for source, measured in window.sources.items()
    ]
    return pd.concat(parts, ignore_index=True)


def trajectory_rows(window: Window, ranks: Iterable[int]) -> pd.DataFrame:
    """Return one row per source, rank (of those measured) and step, with the cosine of the direction with the weights at the
    centre.
    """
    weights = window.centre.weights[window.layer].double().flatten()
    parts = []
    for source, measured in window.sources.items():
        for rank in ranks:
            if rank not in window.ranks or measured.trajectory is None:
                continue
            position = window.ranks.index(rank)
            projection = measured.trajectory[:, position].tolist()
            columns = {"source": source, "rank": rank, "step": range(len(projection)), "projection": projection}
            cosine = float(cosine_similarity(measured.directions[position], weights, dim=0))
            parts.append(pd.DataFrame({"start_epoch": window.start_epoch, **columns, "cosine_with_weights": cosine}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
