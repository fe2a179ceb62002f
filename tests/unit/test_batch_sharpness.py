"""The curvature of a batch's loss along its own gradient, against the dense Hessian of all weights by autograd."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from cases import small_data, small_network
from sgdphysics import batch_sharpness, stack_members, training
from sgdphysics.networks import Mlp

BATCHES = torch.arange(40).view(8, 5)
RUN = training.Run(hidden_widths=(5, 4), batch_size=8, max_epochs=2, seed=3)


def loss_of(flat, network, images, labels, loss):
    weights, start = [], 0
    for weight in network.weights:
        weights.append(flat[start : start + weight.numel()].view_as(weight))
        start += weight.numel()
    logits = Mlp(tuple(weights)).unchecked_activations(images)[-1] @ weights[-1].T
    return F.cross_entropy(logits, labels) if loss == "cross_entropy" else F.mse_loss(logits, F.one_hot(labels, 3).double())


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
@pytest.mark.parametrize("widths", [(6, 5, 4, 3), (6, 5, 3), (6, 5, 4, 4, 3)])
def test_it_is_that_of_the_dense_hessian_of_all_weights(widths, loss):
    network, (images, labels) = small_network(widths), small_data()
    found = batch_sharpness.batch_sharpness(network, images, labels, BATCHES, loss)
    flat = torch.cat([weight.flatten() for weight in network.weights])
    for value, batch in zip(found, BATCHES, strict=True):
        own = network, images[batch], labels[batch], loss
        gradient = torch.autograd.functional.jacobian(lambda w, own=own: loss_of(w, *own), flat)
        hessian = torch.autograd.functional.hessian(lambda w, own=own: loss_of(w, *own), flat)
        assert float(value) == pytest.approx(float(gradient @ hessian @ gradient / gradient.square().sum()), rel=1e-9)


def test_batches_computed_together_or_apart_are_the_same(monkeypatch):
    network, (images, labels) = small_network(), small_data()
    together = batch_sharpness.batch_sharpness(network, images, labels, BATCHES)
    monkeypatch.setattr(batch_sharpness, "_NUMBERS_AT_A_TIME", 200)
    assert torch.allclose(batch_sharpness.batch_sharpness(network, images, labels, BATCHES), together, rtol=1e-12)


def test_a_batch_without_gradient_has_no_sharpness():
    network, (images, labels) = small_network(), small_data()
    dead = network.replaced(1, -network.weights[1].abs())
    assert batch_sharpness.batch_sharpness(dead, images, labels, BATCHES).isnan().all()


def test_a_step_along_the_gradient_changes_the_loss_as_the_sharpness_says():
    network, (images, labels) = small_network(), small_data()
    (sharpness,) = batch_sharpness.batch_sharpness(network, images, labels, torch.arange(40)[None])
    flat = torch.cat([weight.flatten() for weight in network.weights]).requires_grad_()
    own = network, images, labels, "cross_entropy"
    (gradient,) = torch.autograd.grad(loss_of(flat, *own), flat)
    rate = 1e-3
    change = loss_of(flat.detach() - rate * gradient, *own) - loss_of(flat.detach(), *own)
    predicted = -rate * gradient.square().sum() * (1 - rate * sharpness / 2)
    assert float(change) == pytest.approx(float(predicted), rel=1e-5)


def test_the_batches_are_those_that_training_would_have_drawn_next():
    images, labels = small_data()
    (result,) = training.train([RUN], images.float(), labels)
    member = stack_members.Member(RUN, torch.arange(40), epoch=2)
    assert torch.equal(batch_sharpness.next_batches(result, 40, 17), member.batches()[:3])
    assert torch.equal(batch_sharpness.next_batches(result, 40, 1000), member.batches())
    earlier = dataclasses.replace(member, epoch=1)
    assert torch.equal(batch_sharpness.next_batches(result, 40, 1, epoch=1), earlier.batches()[:1])
