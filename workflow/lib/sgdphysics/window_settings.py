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
        noise_sampling: Schemes of the noise surrogate to draw, "epoch" and "replacement".
        isotropic: Draw the isotropic surrogate.
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

    @property
    def sources(self) -> list[str]:
        """Sources of fluctuations: "sgd" and the surrogates, in the order in which they are measured."""
        return ["sgd", *map(noise_source, self.noise_sampling), *(["isotropic"] if self.isotropic else [])]


def noise_source(sampling: str) -> str:
    """Return the name of the noise surrogate of a sampling scheme as a source of fluctuations."""
    return f"noise_{sampling}"


def flatness_bases(sources: Iterable[str]) -> list[tuple[str, str]]:
    """Return the bases, (source, basis), along which the flatness around a window with these sources is measured.

    The principal directions of the isotropic surrogate say nothing of the network; the Hessian's are the same for all sources.
    """
    return [*((source, "principal") for source in sources if source != "isotropic"), ("sgd", "hessian")]
