"""Every public function refuses what is wrong in one line, takes what is only written otherwise, and changes nothing given."""

import copy
import dataclasses
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import torch

import calls_of_fluctuations
import calls_of_layers
import calls_of_pairs
import calls_of_tables
import calls_of_the_toy_model
import calls_of_training
from public_functions import EXEMPT, public_functions
from sgdphysics import curvature, rescaling, training
from sgdphysics.generalization import MatchedData
from sgdphysics.labelled_images import Dataset
from sgdphysics.networks import Mlp
from wrong_inputs import IMAGES, LABELS, NETWORK, As

PARTS = (calls_of_layers, calls_of_fluctuations, calls_of_pairs, calls_of_training, calls_of_the_toy_model, calls_of_tables)
CALLS = {name: call for part in PARTS for name, call in part.CALLS.items()}


def test_every_public_function_is_called_here_or_exempt_for_a_reason():
    names = public_functions()
    assert set(CALLS) | set(EXEMPT) == set(names)
    assert not set(CALLS) & set(EXEMPT)
    assert all(EXEMPT.values())


@pytest.mark.parametrize("name", CALLS)
def test_what_is_right_is_taken(name):
    call = CALLS[name]
    call.function(**call.right)
    assert set(call.wrong) <= set(call.right)


@pytest.mark.parametrize(("name", "argument"), [(name, argument) for name, call in CALLS.items() for argument in call.wrong])
def test_what_is_wrong_is_refused_in_one_line(name, argument):
    call = CALLS[name]
    for value in call.wrong[argument]:
        found, named = (value.value, value.name) if isinstance(value, As) else (value, argument)
        message = refusal(call.function, {**call.right, argument: found})
        assert message is not None, f"{argument} = {found!r} is taken"
        assert message.startswith(f"{named}:"), message
        assert "\n" not in message
        assert len(message) < 300


def refusal(function, arguments):
    """What a function says that refuses its arguments, None if it takes them."""
    try:
        function(**arguments)
    except ValueError as error:
        return str(error)
    return None


# --- what is only written otherwise


def strided(tensor):
    """The same numbers with others between them."""
    return tensor.repeat_interleave(2, -1)[..., ::2]


def with_gradients(tensor):
    return tensor.clone().requires_grad_()


def of_floats(change):
    def changed(value):
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            return change(value)
        if isinstance(value, Mlp):
            return dataclasses.replace(value, weights=tuple(map(change, value.weights)))
        if isinstance(value, MatchedData):
            return dataclasses.replace(value, images=change(value.images), test_images=change(value.test_images))
        if isinstance(value, Dataset):
            return dataclasses.replace(value, train_images=change(value.train_images), test_images=change(value.test_images))
        return value

    return changed


def of_integers(dtype):
    return lambda value: value.to(dtype) if isinstance(value, torch.Tensor) and value.dtype == torch.int64 else value


def of_numpy(value):
    kinds = {int: np.int64, float: np.float64}
    return kinds[type(value)](value) if type(value) in kinds else value


VARIANTS = {
    "strided": of_floats(strided),
    "with gradients": of_floats(with_gradients),
    "int32": of_integers(torch.int32),
    "uint8": of_integers(torch.uint8),
    "strided integers": lambda value: strided(value) if isinstance(value, torch.Tensor) else value,
    "numbers of numpy": of_numpy,
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_only_written_otherwise_gives_the_same_and_is_left_as_it_was(name):
    call = CALLS[name]
    expected = numbers_in(called(call.function, call.right))
    for variant, change in VARIANTS.items():
        arguments = {argument: change(value) for argument, value in call.right.items()}
        before = [(tensor.detach().clone(), tensor.requires_grad) for tensor in tensors_in(arguments)]
        np.testing.assert_allclose(numbers_in(called(call.function, arguments)), expected, rtol=1e-6, atol=1e-9, err_msg=variant)
        for tensor, (values, required) in zip(tensors_in(arguments), before, strict=True):
            assert torch.equal(tensor, values)
            assert tensor.requires_grad == required
            assert tensor.grad is None


def test_images_of_zeros_and_ones_may_be_integers():
    binary = (IMAGES > 0.5).double()
    hessian = curvature.layer_hessian(NETWORK, binary, LABELS, 1)
    hessian = curvature.layer_hessian(NETWORK, binary, LABELS, 1)
    for kind in (torch.uint8, torch.int64, torch.bool):
        assert torch.equal(curvature.layer_hessian(NETWORK, binary.to(kind), LABELS, 1), hessian)
    (expected,) = training.train([calls_of_training.RUN], binary.float(), LABELS)
    (result,) = training.train([calls_of_training.RUN], binary.to(torch.uint8), LABELS)
    assert numbers_in(result) == numbers_in(expected)


def test_indices_in_bytes_are_no_mask():
    data = calls_of_pairs.DATA
    in_bytes = dataclasses.replace(data, matches=data.matches.byte(), labels=data.labels.byte())
    assert torch.equal(in_bytes.matched_images, data.matched_images)
    assert in_bytes.losses(NETWORK) == data.losses(NETWORK)


@pytest.mark.parametrize("scaling", ["all pixels together", "each pixel", "from -1 to 1"])
def test_standardised_images_are_taken(scaling):
    images = torch.zeros(1000, 6, dtype=torch.float64)
    images[::100] = torch.rand(10, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    images[0, 0] = 1  # seldom bright, so that it is 30 standard deviations away
    images[1:, 0] = 0
    if scaling == "all pixels together":
        images = (images - images.mean()) / images.std()
    elif scaling == "each pixel":
        images = (images - images.mean(0)) / images.std(0)
        assert float(images.max()) > 30
    else:
        images = 2 * images - 1
    curvature.layer_hessian(NETWORK, images, torch.arange(1000) % 3, 1)


def test_activities_may_be_of_any_size():
    """What enters a layer of a network has no scale: its copies with rescaled layers compute the same."""
    above = rescaling.rescaled(NETWORK, 0, 1, 1e4).from_layer(1)
    entering = rescaling.rescaled(NETWORK, 0, 1, 1e4).activations(IMAGES)[1]
    assert float(entering.norm()) > 1e3
    trace = curvature.hessian_trace(above, entering, 0)
    assert trace == pytest.approx(1e8 * curvature.hessian_trace(NETWORK, IMAGES, 1), rel=1e-9)
    for again in (above.double(), above.to("cpu"), above.detached(), above.replaced(0, above.weights[0]), above.from_layer(0)):
        assert curvature.hessian_trace(again, entering, 0) == trace
    with pytest.raises(ValueError, match=r"images: found values up to .*, expected pixel values in \[0, 1\], or standardised"):
        curvature.hessian_trace(Mlp(above.weights), entering, 0)


def called(function, arguments):
    """What a function returns, or yields, with a source of random numbers of its own."""
    copies = {name: copy.deepcopy(value) if isinstance(value, np.random.Generator) else value for name, value in arguments.items()}
    result = function(**copies)
    return list(result) if isinstance(result, Iterator) else result


def tensors_in(value):
    """Tensors in arguments, or in what a function returned."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        return [tensor for part in value.values() for tensor in tensors_in(part)]
    if isinstance(value, list | tuple):
        return [tensor for part in value for tensor in tensors_in(part)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return tensors_in(vars(value))
    return []


def numbers_in(value):
    """All numbers in what a function returned, in one list."""
    if isinstance(value, torch.Tensor):
        return value.detach().double().flatten().tolist()
    if isinstance(value, np.ndarray | np.generic | pd.Series):
        return np.asarray(value).ravel().tolist()
    if isinstance(value, pd.DataFrame):
        return value.select_dtypes("number").to_numpy().ravel().tolist()
    if isinstance(value, bool | int | float):
        return [float(value)]
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers_in(part)]
    if isinstance(value, list | tuple):
        return [number for part in value for number in numbers_in(part)]
    if not hasattr(value, "__dict__") or callable(value):
        return []
    return numbers_in({name: part for name, part in vars(value).items() if not name.startswith("_")})
