"""How a window of SGD steps is measured; without torch, so that a study can be planned without loading it."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class WindowSettings:
    """How windows are measured.

    Attributes:
        layer: Weight matrix, counted from 0.
        epochs: Length of each window, epochs.
        centre: "window_mean" or "final".
        directions: Number of directions per basis, log-spaced in rank up to `ranks.last_rank`; at least 3, for fits.
        whole_spectrum: Keep all principal components, not only those up to the largest selected rank.
        further_ranks: Ranks of further directions, left out where the window has too few components.
        hessian: Measure along the Hessian's eigenvectors too.
        noise_sampling: Schemes of frozen noise to draw, "epoch" and "replacement".
        isotropic: Draw the isotropic surrogate.
        ladder: Draw the further rungs between it and SGD: the noise along random directions, and linear SGD.
    """

    layer: int
    epochs: int
    centre: str
    directions: int
    whole_spectrum: bool
    further_ranks: tuple[int, ...]
    hessian: bool
    noise_sampling: tuple[str, ...]
    isotropic: bool
    ladder: bool = False

    @property
    def sources(self) -> list[str]:
        """Sources of fluctuations: "sgd" and the surrogates, in the order in which they are measured."""
        isotropic, ladder = (["isotropic"] if self.isotropic else []), (["rotated_noise", "linear_sgd"] if self.ladder else [])
        return ["sgd", *map(noise_source, self.noise_sampling), *isotropic, *ladder]


def noise_source(sampling: str) -> str:
    """Return the name of frozen noise of a sampling scheme as a source of fluctuations."""
    return f"noise_{sampling}"


def flatness_bases(sources: Iterable[str]) -> list[tuple[str, str]]:
    """Return the bases, (source, basis), along which the flatness around a window with these sources is measured.

    The Hessian's directions are the same for all sources.
    """
    return [*((source, "principal") for source in sources), ("sgd", "hessian")]
