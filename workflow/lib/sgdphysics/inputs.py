"""What a network is measured with, checked at the door of a public function: the network, images, labels, layer, loss, directions.

A function of the library returns numbers of right input, and refuses what is wrong in one line: the argument, what was found, what
is expected. What is only written otherwise is taken: labels of any integers, tensors of any layout, or that require gradients, and
images of zeros and ones in integers. Nothing that is given is changed.

The checks go once through what is given; functions that are called in the inner loop of another leave them to that one.
"""

from typing import Any, Protocol, Self, TypeVar

import torch
from torch import Tensor

from sgdphysics.arguments import is_whole, require, require_kind, require_one_of, shown
from sgdphysics.errors import InputError
from sgdphysics.runs import LOSSES

PRECISIONS = (torch.float32, torch.float64)
# Root mean square of pixel values: at most 1 in [0, 1], and 1 where they are standardised, pixel by pixel or all together; that of
# values from 0 to 255 is near 100, of 0 to 16, as of the digits of scikit-learn, near 8.
LARGEST_PIXELS = 4.0


class Network(Protocol):
    """What is asked of a network."""

    @property
    def weights(self) -> tuple[Tensor, ...]:
        """The weight matrices, each (out, in)."""
        ...

    @property
    def takes_activities(self) -> bool:
        """Whether what enters it is what leaves other layers, of any size, rather than images."""
        ...

    def detached(self) -> Self:
        """The same network without gradients."""
        ...


N = TypeVar("N", bound=Network)


def checked(
    network: N, images: Tensor, labels: Tensor, layer: int, loss: str = "cross_entropy", part: str = ""
) -> tuple[N, Tensor, Tensor]:
    """Return a network, images and labels for what is measured of one layer.

    Args:
        network: An `networks.Mlp` with finite weights.
        images: float32 or float64 (N, pixels), finite; pixel values in [0, 1] or standardised, not 0 to 255.
        labels: Integers (N,), classes of the network counted from 0.
        layer: Weight matrix, counted from 0.
        loss: "cross_entropy" or "mean_squared_error".
        part: What the arguments with images and labels begin with in a message, such as "test_".

    Returns:
        The network and the images without gradients, in the precision that they have, and the labels as int64 (N,).

    Raises:
        InputError: If one of them is something else.
    """
    network, images = checked_without_labels(network, images, layer, loss, part)
    return network, images, checked_labels(labels, len(images), len(network.weights[-1]), part)


def checked_without_labels(network: N, images: Tensor, layer: int, loss: str = "cross_entropy", part: str = "") -> tuple[N, Tensor]:
    """Return a network and images for what is measured of one layer; as `checked`."""
    network = checked_network(network)
    check_layer(layer, network)
    require_one_of("loss", loss, LOSSES)
    images = checked_images(images, network.weights[0].shape[1], f"{part}images", any_size=network.takes_activities)
    return network, images.detach()


def checked_network(network: N) -> N:
    """Return a network without gradients; raises InputError if it is none or a weight is not finite."""
    require(hasattr(network, "weights") and hasattr(network, "detached"), "network", network, "an Mlp")
    for layer, weight in enumerate(network.weights):
        if not _all_finite(weight.detach()):
            raise InputError(f"network: found {_first_not_finite(weight.detach())} in layer {layer}, expected finite weights")
    return network.detached()


def check_layer(layer: Any, network: Network) -> None:
    """Raise InputError if a network has no such layer."""
    last = len(network.weights) - 1
    require(is_whole(layer), "layer", layer, f"a whole number from 0 to {last}")
    if not 0 <= layer <= last:
        raise InputError(f"layer: {layer} does not exist, the network has layers 0 to {last}")


def checked_images(images: Tensor, pixels: int | None = None, name: str = "images", *, any_size: bool = False) -> Tensor:
    """Return images, of integers as float32.

    Args:
        images: float32 or float64 (N, pixels), or integers that are all 0 or 1.
        pixels: How many an image must have; any number by default.
        name: Of the argument.
        any_size: Whether the values may be large: activities have no scale.

    Raises:
        InputError: If they are not, or there is none, or a value is not finite, or of the size of bytes.
    """
    require_kind(name, images, Tensor)
    if images.ndim != 2 or images.shape[1] != (images.shape[1] if pixels is None else pixels):
        wanted = "pixels" if pixels is None else pixels
        raise InputError(f"{name}: found shape {tuple(images.shape)}, expected (N, {wanted})")
    require(images.numel() > 0, name, images, "at least one")
    if not (images.is_floating_point() or images.is_complex()):
        images = _as_shares(images, name)
    if images.dtype not in PRECISIONS:
        raise InputError(f"{name}: found {images.dtype}, expected torch.float32 or torch.float64")
    size = _size(images)
    if not size < torch.inf and not bool(images.isfinite().all()):
        raise InputError(f"{name}: found {_first_not_finite(images)}, expected finite numbers")
    if size > LARGEST_PIXELS and not any_size:
        raise InputError(f"{name}: found values up to {float(images.max()):.4g}, expected pixel values in [0, 1], or standardised")
    return images


def checked_labels(labels: Tensor, count: int | None = None, classes: int | None = None, part: str = "") -> Tensor:
    """Return labels as int64 (N,).

    Args:
        labels: Integers (N,).
        count: How many images they are of; any number by default.
        classes: How many there are; any number by default.
        part: What the name of the argument begins with, such as "test_".

    Raises:
        InputError: If they are no integers, as many as images, from 0 to ``classes`` - 1.
    """
    name = f"{part}labels"
    labels = _integers(labels, name)
    if labels.ndim != 1:
        expected = "(N,)" if count is None else f"({count},)"
        raise InputError(f"{name}: found shape {tuple(labels.shape)}, expected {expected}, a number for each image")
    require(len(labels) > 0, name, labels, "at least one")
    if count is not None and len(labels) != count:
        raise InputError(f"{name}: found {len(labels)}, expected {count}, one for each of {part}images")
    return _in_range(labels, classes, name)


def checked_targets(labels: Tensor, classes: int) -> Tensor:
    """Return labels of any shape as int64; raises InputError if they are no integers from 0 to ``classes`` - 1."""
    return _in_range(_integers(labels, "labels"), classes, "labels")


def checked_indices(indices: Tensor, count: int, among: int | None, name: str) -> Tensor:
    """Return ``count`` indices into ``among`` entries, or any number, as int64 (count,); raises InputError if they are none."""
    indices = _integers(indices, name)
    if indices.shape != (count,):
        raise InputError(f"{name}: found shape {tuple(indices.shape)}, expected ({count},)")
    return _in_range(indices, among, name)


def checked_directions(directions: Tensor, weight: Tensor, name: str = "directions") -> Tensor:
    """Return directions in the space of one layer's weights, without gradients.

    Args:
        directions: (k, d) or (k, out, in), finite, none of length 0; k may be 0.
        weight: The layer's weights, (out, in).
        name: Of the argument.

    Raises:
        InputError: If they are not.
    """
    require_kind(name, directions, Tensor)
    size, shape = weight.numel(), tuple(weight.shape)
    if tuple(directions.shape[1:]) not in ((size,), shape):
        expected = f"(k, {size}) or (k, {shape[0]}, {shape[1]})"
        raise InputError(f"{name}: found shape {tuple(directions.shape)}, expected {expected}")
    return _with_length(directions, name)


def checked_vectors(vectors: Tensor, size: int, name: str) -> Tensor:
    """Return vectors (k, size) without gradients; raises InputError if they are not finite, of that size and a length above 0."""
    require_kind(name, vectors, Tensor)
    if vectors.ndim != 2 or vectors.shape[1] != size:
        raise InputError(f"{name}: found shape {tuple(vectors.shape)}, expected (k, {size})")
    return _with_length(vectors, name)


def checked_numbers(values: Tensor, axes: int, name: str, *, finite: bool = True) -> Tensor:
    """Return a tensor of numbers without gradients.

    Args:
        values: float32 or float64, with so many axes.
        axes: 1 for (k,), 2 for (N, k).
        name: Of the argument.
        finite: Whether all of them must be; nan and inf pass otherwise.

    Raises:
        InputError: If they are not, or there are none.
    """
    require_kind(name, values, Tensor)
    if values.layout != torch.strided or values.is_meta:
        raise InputError(f"{name}: found a sparse tensor or one without numbers, expected a dense one")
    if values.ndim != axes or not values.numel():
        expected = f"{axes} {'axis' if axes == 1 else 'axes'} and one number or more"
        raise InputError(f"{name}: found shape {tuple(values.shape)}, expected {expected}")
    if values.dtype not in PRECISIONS:
        raise InputError(f"{name}: found {values.dtype}, expected torch.float32 or torch.float64")
    values = values.detach()
    if finite and not _all_finite(values):
        raise InputError(f"{name}: found {_first_not_finite(values)}, expected finite numbers")
    return values


def _integers(values: Tensor, name: str) -> Tensor:
    require_kind(name, values, Tensor)
    if values.is_floating_point() or values.is_complex() or values.dtype == torch.bool:
        raise InputError(f"{name}: found {values.dtype}, expected integers")
    return values.long()


def _in_range(values: Tensor, count: int | None, name: str) -> Tensor:
    """Integers from 0 to ``count`` - 1, as they are."""
    if values.numel():
        low, high = (int(end) for end in values.aminmax())
        if low < 0 or (count is not None and high >= count):
            expected = "0 or more" if count is None else f"0 to {count - 1}"
            raise InputError(f"{name}: found {low if low < 0 else high}, expected {expected}")
    return values


def _as_shares(images: Tensor, name: str) -> Tensor:
    """Integers, or truth values, that are all 0 or 1, as float32."""
    low, high = (int(end) for end in images.aminmax())
    if low < 0 or high > 1:
        raise InputError(f"{name}: found {images.dtype} from {low} to {high}, expected pixel values in [0, 1] in floating point")
    return images.float()


def _with_length(rows: Tensor, name: str) -> Tensor:
    """Vectors, or matrices, that are finite and not all zero."""
    rows = rows.detach()
    if rows.dtype not in PRECISIONS:
        require(not (rows.is_floating_point() or rows.is_complex()), name, rows.dtype, "torch.float32 or torch.float64")
        rows = rows.double()
    lengths = torch.linalg.vector_norm(rows.flatten(1), dim=1, dtype=torch.float64)
    wrong = (~lengths.isfinite() | (lengths == 0)).nonzero()
    if len(wrong):
        index = int(wrong[0])
        fault = "only zeros" if lengths[index] == 0 else _first_not_finite(rows[index])
        raise InputError(f"{name}: found {fault} in row {index}, expected directions of finite length above 0")
    return rows


def _size(values: Tensor) -> float:
    """Root mean square; nan or inf where a value is, or where its square is too large for the precision."""
    return float(torch.linalg.vector_norm(values.detach())) / values.numel() ** 0.5


def _all_finite(values: Tensor) -> bool:
    return _size(values) < torch.inf or bool(values.isfinite().all())


def _first_not_finite(values: Tensor) -> str:
    return shown(float(values[~values.isfinite()][0]))
