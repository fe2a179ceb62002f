import dataclasses

import pytest
import torch
import torch.nn.functional as F

from cases import small_data
from sgdphysics import losses, networks, runs, seeds, training
from sgdphysics.errors import InputError
from sgdphysics.runs import Run, log_spaced_steps

IMAGES, LABELS = small_data(n=30)
BASE = Run(hidden_widths=(5, 4), batch_size=10, max_epochs=4, stop_loss=1e-9)


def plain_sgd(run, images, labels, epochs):
    """The same run by autograd, one network, float64."""
    indices, noisy, _ = training.training_set(run, labels)
    widths = (images.shape[1], *run.hidden_widths, int(labels.max()) + 1)
    weights = [w.double().requires_grad_() for w in networks.initial_weights(widths, run.seed, run.initial_scale)]
    for epoch in range(epochs):
        random = seeds.generator(run.seed, "batches", epoch)
        steps, size = len(indices) // run.batch_size, len(indices)
        if run.sampling == "epoch":
            order = random.permutation(size)[: steps * run.batch_size].reshape(steps, run.batch_size)
        else:
            order = random.integers(size, size=(steps, run.batch_size))
        masks = seeds.generator(run.seed, "dropout", epoch).random((steps, run.batch_size, run.hidden_widths[0]), dtype="float32")
        for batch, mask in zip(torch.from_numpy(order), torch.from_numpy(masks), strict=True):
            a = images[indices[batch]]
            for layer, w in enumerate(weights[:-1]):
                a = torch.relu(a @ w.T)
                if layer == 0 and run.dropout:
                    a = a * (mask >= run.dropout) / (1 - run.dropout if run.dropout_rescaling == "in_training" else 1)
            logits = a @ weights[-1].T
            if run.loss == "cross_entropy":
                loss = F.cross_entropy(logits, noisy[batch])
            else:
                loss = F.mse_loss(logits, F.one_hot(noisy[batch], logits.shape[1]).double())
            if run.weight_decay_epochs is None or epoch < run.weight_decay_epochs:
                square = sum(w.square().sum() for w in weights)
                loss = loss + run.weight_decay * (square.sqrt() if run.weight_decay_penalty == "norm" else square / 2)
            gradients = torch.autograd.grad(loss, weights)
            trained = range(len(weights)) if run.trained_layers is None else run.trained_layers
            rates = [run.learning_rate * (layer in trained) for layer in range(len(weights))]
            changed = zip(weights, rates, gradients, strict=True)
            weights = [(w - rate * g).detach().requires_grad_() for w, rate, g in changed]
    if run.dropout_rescaling == "afterwards":
        weights[1] = (1 - run.dropout) * weights[1]
    return weights


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"loss": "mean_squared_error"},
        {"hidden_widths": (5, 4, 6)},
        {"weight_decay": 0.1},
        {"weight_decay": 0.1, "weight_decay_penalty": "norm", "weight_decay_epochs": 2},
        {"dropout": 0.3},
        {"dropout": 0.3, "dropout_rescaling": "afterwards"},
        {"dropout": 0.3, "dropout_rescaling": "none"},
        {"initial_scale": 3.0},
        {"sampling": "replacement"},
        {"images_per_class": 7, "label_noise": 0.3},
        {"images_per_class": 8, "draw_images": True, "batch_size": 6},
        {"trained_layers": (1,)},
        {"trained_layers": (2, 0), "weight_decay": 0.1, "dropout": 0.3},
        {"trained_layers": (2,), "weight_decay": 0.1, "weight_decay_penalty": "norm"},
    ],
    ids=str,
)
def test_training_equals_autograd(change):
    run = dataclasses.replace(BASE, **change)
    (result,) = training.train([run], IMAGES, LABELS)
    for found, expected in zip(result.network.weights, plain_sgd(run, IMAGES, LABELS, 4), strict=True):
        assert torch.allclose(found.double(), expected.float().double(), rtol=1e-6, atol=1e-7)


def test_layers_that_are_not_trained_keep_their_bits_through_a_window():
    run = dataclasses.replace(BASE, trained_layers=[1], weight_decay=0.1)
    (start,) = training.train([dataclasses.replace(BASE, weight_decay=0.1)], IMAGES.float(), LABELS)
    arguments = {"start": [start.network], "start_epochs": [4], "images": IMAGES.float(), "labels": LABELS, "epochs": 2}
    (end,) = training.continue_training([run], **arguments, observer=lambda _: None)
    kept = [torch.equal(before, after) for before, after in zip(start.network.weights, end.weights, strict=True)]
    assert kept == [True, False, True]


def weights_equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first.weights, second.weights, strict=True))


def test_a_run_has_the_same_bytes_in_any_company():
    images, labels = small_data(n=60, pixels=50, dtype=torch.float32)
    run = Run(hidden_widths=(20, 20), batch_size=10, max_epochs=12, stop_loss=1e-9, seed=3)
    others = [
        dataclasses.replace(run, seed=seed, learning_rate=0.3, max_epochs=epochs) for seed, epochs in ((1, 2), (2, 5), (4, 12))
    ]
    (alone,) = training.train([run], images, labels)
    for company in ([run, *others], [*others, run], [others[0], run]):
        result = training.train(company, images, labels)[company.index(run)]
        assert weights_equal(result.network, alone.network)
        assert result.loss_history == alone.loss_history


def test_going_on_takes_the_steps_that_training_would_have_taken():
    run = dataclasses.replace(BASE, max_epochs=6)
    longer = training.train([run], IMAGES.float(), LABELS)[0]
    shorter = training.train([dataclasses.replace(run, max_epochs=2)], IMAGES.float(), LABELS)[0]
    seen = []
    (end,) = training.continue_training(
        [run], [shorter.network], [2], IMAGES.float(), LABELS, epochs=4, observer=lambda weights: seen.append(weights[1].clone())
    )
    assert weights_equal(end, longer.network)
    assert len(seen) == 12
    assert torch.equal(seen[-1][0], longer.network.weights[1])


def test_weights_that_were_rescaled_afterwards_are_not_trained_further():
    run = dataclasses.replace(BASE, dropout=0.5, dropout_rescaling="afterwards")
    (result,) = training.train([run], IMAGES, LABELS)
    with pytest.raises(ValueError, match="dropout_rescaling: found 'afterwards'"):
        training.continue_training([run], [result.network], [4], IMAGES, LABELS, epochs=1, observer=lambda _: None)


def test_runs_of_one_seed_share_initial_weights_and_batches():
    slow, fast = training.train(
        [dataclasses.replace(BASE, learning_rate=rate) for rate in (1e-12, 0.5)], IMAGES, LABELS, checkpoint_steps=[0]
    )
    assert weights_equal(slow.checkpoints[0], fast.checkpoints[0])
    assert slow.loss_history[0] != fast.loss_history[0]


def test_divergence_is_a_result_and_leaves_others_alone():
    wild, calm = dataclasses.replace(BASE, learning_rate=1e20), BASE
    diverged, other = training.train([wild, calm], IMAGES.float(), LABELS, checkpoint_steps=range(100))
    (alone,) = training.train([calm], IMAGES.float(), LABELS)
    assert diverged.status == "diverged"
    assert 1 <= diverged.diverged_step <= diverged.steps
    assert all(bool(w.isfinite().all()) for network in diverged.checkpoints.values() for w in network.weights)
    assert weights_equal(other.network, alone.network)


def test_runs_stop_by_the_rule_or_give_up():
    images = torch.eye(6).repeat(5, 1)
    labels = torch.arange(6).repeat(5)
    run = Run(hidden_widths=(20,), batch_size=5, learning_rate=0.5, stop_loss=0.01, max_epochs=500)
    (result,) = training.train([run], images, labels, checkpoint_losses=[0.1])
    assert result.status == "converged"
    assert result.loss_history[-1] < 0.01 <= min(result.loss_history[:-1])
    assert sum(result.accuracy_history[-9:]) / 9 > 0.99
    crossing = next(epoch for epoch, loss in enumerate(result.loss_history, 1) if loss <= 0.1)
    assert list(result.checkpoints) == [crossing * 6]
    (result,) = training.train([dataclasses.replace(run, max_epochs=3)], images, labels)
    assert (result.status, result.epochs, result.steps) == ("not_converged", 3, 18)


CLASSES_APART = torch.eye(6).repeat(5, 1), torch.arange(6).repeat(5)
LEARNS = Run(hidden_widths=(20,), batch_size=5, learning_rate=0.5, stop_loss=0.01, max_epochs=500)


def test_a_run_whose_loss_still_falls_goes_on_beyond_its_budget_until_it_stops_by_the_rule():
    (unlimited,) = training.train([LEARNS], *CLASSES_APART)
    budget = unlimited.epochs // 2
    for limit in ({"max_epochs": budget}, {"max_epochs": 500, "max_steps": 6 * budget}):
        (result,) = training.train([dataclasses.replace(LEARNS, **limit, budget_extension=3.0)], *CLASSES_APART)
        assert (result.status, result.loss_history) == ("converged", unlimited.loss_history)


@pytest.mark.parametrize(
    ("limit", "epochs"), [({"max_epochs": 4}, 6), ({"max_epochs": 3}, 5), ({"max_epochs": 500, "max_steps": 24}, 6)], ids=str
)
def test_no_run_goes_on_beyond_the_extension_of_its_budget(limit, epochs):
    run = dataclasses.replace(LEARNS, **limit, budget_extension=1.5)
    (result,) = training.train([run], *CLASSES_APART)
    assert (result.status, result.epochs) == ("not_converged", epochs)


def test_a_run_that_learns_nothing_more_is_given_up_at_the_end_of_its_budget():
    images, labels = CLASSES_APART
    noise = torch.randint(6, (len(labels),), generator=torch.Generator().manual_seed(1))
    constant = torch.ones_like(images)  # all images alike: only the frequencies of the classes can be learnt
    run = dataclasses.replace(LEARNS, batch_size=10, learning_rate=0.05, max_epochs=40, budget_extension=4.0)
    (result,) = training.train([run], constant, noise)
    assert (result.status, result.epochs) == ("not_converged", 40)


def test_runs_of_different_extension_are_stepped_together():
    runs_ = [dataclasses.replace(LEARNS, max_epochs=4, budget_extension=extension) for extension in (1.0, 2.0)]
    assert [result.epochs for result in training.train(runs_, *CLASSES_APART)] == [run.most_epochs for run in runs_] == [4, 8]


@pytest.mark.parametrize(("max_epochs", "max_steps", "epochs"), [(4, None, 4), (4, 6, 2), (4, 7, 3), (4, 1, 1), (2, 100, 2)])
def test_a_run_is_given_up_at_the_end_of_the_epoch_in_which_it_reaches_either_cap(max_epochs, max_steps, epochs):
    run = dataclasses.replace(BASE, max_epochs=max_epochs, max_steps=max_steps)
    (result,) = training.train([run], IMAGES.float(), LABELS)
    assert (result.status, result.epochs, result.steps) == ("not_converged", epochs, 3 * epochs)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"dropout": 0.5},
        {"dropout": 0.5, "dropout_rescaling": "afterwards"},
        {"images_per_class": 7, "label_noise": 0.3, "batch_size": 6},
    ],
)
def test_a_run_may_be_judged_by_its_loss_on_the_training_set(change):
    run = dataclasses.replace(BASE, stop_on="training_set", **change)
    (result,) = training.train([run], IMAGES, LABELS, checkpoint_steps=range(0, 100))
    indices, noisy, _ = training.training_set(run, LABELS)
    steps = training.steps_per_epoch(run, len(indices))
    for epoch in range(1, 5):
        logits = result.checkpoints[epoch * steps].logits(IMAGES[indices])
        assert result.loss_history[epoch - 1] == pytest.approx(float(F.cross_entropy(logits, noisy)), rel=1e-5)
        assert result.accuracy_history[epoch - 1] == pytest.approx(float((logits.argmax(1) == noisy).float().mean()))
    # What a run is judged by does not change its steps.
    (other,) = training.train([dataclasses.replace(run, stop_on="batches")], IMAGES, LABELS)
    assert all(torch.equal(a, b) for a, b in zip(result.network.weights, other.network.weights, strict=True))
    assert result.loss_history != other.loss_history


def test_a_run_judged_by_its_training_set_stops_by_that():
    run = dataclasses.replace(BASE, stop_on="training_set", dropout=0.5, max_epochs=400, learning_rate=0.5, stop_accuracy=0.0)
    (free,) = training.train([run], IMAGES, LABELS)
    level = sorted(free.loss_history)[40]
    (stopped,) = training.train([dataclasses.replace(run, stop_loss=level)], IMAGES, LABELS)
    first = next(epoch for epoch, loss in enumerate(free.loss_history, 1) if loss < level)
    assert (stopped.status, stopped.epochs) == ("converged", first)


def with_losses(*losses, **values):
    """A result by hand, of 3 steps per epoch, with weights kept after the first epoch and the third."""
    kept = {step: networks.Mlp((torch.full((2, 2), float(step)),)) for step in (0, 3, 9)}
    numbers = {"epochs": len(losses), "steps": 3 * len(losses), "diverged_step": None, "network": networks.Mlp((torch.ones(2, 2),))}
    histories = {"loss_history": list(losses), "accuracy_history": [0.5] * len(losses)}
    return training.Result(BASE, "converged", checkpoints=kept, **{**numbers, **histories, **values})


def test_the_first_epoch_at_a_loss_counts_from_one():
    result = with_losses(0.9, 0.4, 0.6, 0.2)
    assert [result.first_epoch_at(loss) for loss in (1.0, 0.9, 0.5, 0.4, 0.3, 0.2, 0.1)] == [1, 1, 2, 2, 4, 4, None]
    assert with_losses(0.9, float("nan")).first_epoch_at(0.5) is None


def test_networks_after_an_epoch_are_those_kept_or_the_final_one():
    result = with_losses(0.9, 0.4, 0.6, 0.2)
    assert result.network_after(0) is result.checkpoints[0]
    assert result.network_after(1) is result.checkpoints[3]
    assert result.network_after(2) is None
    assert result.network_after(3) is result.checkpoints[9]
    assert result.network_after(4) is result.network
    assert result.network_after(5) is None


def test_a_trained_run_keeps_the_networks_at_losses_and_epochs():
    run = dataclasses.replace(BASE, max_epochs=30, learning_rate=0.5, stop_on="training_set")
    (free,) = training.train([run], IMAGES, LABELS)
    level = free.loss_history[11]
    (result,) = training.train([run], IMAGES, LABELS, checkpoint_steps=[15], checkpoint_losses=[level, 1e-9])
    at_loss = result.first_epoch_at(level)
    assert 1 < at_loss < 30
    for epoch in (at_loss, 5, 30):
        network = result.network_after(epoch)
        assert float(F.cross_entropy(network.logits(IMAGES), LABELS)) == pytest.approx(result.loss_history[epoch - 1], rel=1e-5)
    assert result.first_epoch_at(1e-9) is None
    assert {epoch for epoch in range(40) if result.network_after(epoch)} == {5, at_loss, 30}


def test_checkpoint_steps_are_ends_of_epochs_after_the_first():
    steps = log_spaced_steps(10, 80, 100)
    assert steps[0] == 0
    assert 80 in steps
    assert all(step % 80 == 0 for step in steps if step > 80)
    assert steps == sorted(set(steps))
    assert max(steps) <= 8000


def test_label_noise_keeps_the_clean_images():
    labels = torch.arange(200) % 10
    quiet = training.training_set(Run(images_per_class=12), labels)
    noisy = training.training_set(Run(images_per_class=12, label_noise=0.25), labels)
    assert len(noisy[0]) == 160
    assert noisy[2] == 120
    assert torch.equal(noisy[0][:120], quiet[0])
    assert torch.equal(noisy[1][:120], labels[noisy[0][:120]])
    assert bool((noisy[1][120:] != labels[noisy[0][120:]]).all())


FEW = torch.arange(30) % 3  # of four classes


@pytest.mark.parametrize("loss", runs.LOSSES)
def test_a_class_without_images_has_an_output(loss):
    run = dataclasses.replace(BASE, loss=loss)
    (result,) = training.train([run], IMAGES.float(), FEW, classes=4)
    assert result.network.classes == 4
    (same,) = training.train([run], IMAGES.float(), FEW, classes=3)
    (usual,) = training.train([run], IMAGES.float(), FEW)
    assert all(torch.equal(*pair) for pair in zip(same.network.weights, usual.network.weights, strict=True))
    with pytest.raises(ValueError, match="classes: found 2, expected at least 3: there is a label 2"):
        training.train([run], IMAGES.float(), FEW, classes=2)


def test_going_on_keeps_the_outputs_of_a_class_without_images():
    run = dataclasses.replace(BASE, max_epochs=3)
    (start,) = training.train([run], IMAGES.float(), FEW, classes=4)
    (end,) = training.continue_training([run], [start.network], [3], IMAGES.float(), FEW, epochs=1, observer=lambda _: None)
    (whole,) = training.train([BASE], IMAGES.float(), FEW, classes=4)
    assert all(torch.equal(*pair) for pair in zip(end.weights, whole.network.weights, strict=True))


def test_wrong_labels_may_be_of_a_class_without_images():
    labels = torch.arange(300) % 3
    run = Run(images_per_class=1, label_noise=0.98)
    with pytest.raises(InputError, match="class 3: found 0 training images, expected at least 50"):
        training.training_set(run, labels, 4)
    labels = torch.cat([labels, torch.full((60,), 4)])
    with pytest.raises(InputError, match="class 3: found 0 training images"):
        training.training_set(run, labels)


def test_the_losses_that_a_run_can_name_are_those_that_there_are():
    assert set(runs.LOSSES) == set(losses.LOSSES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rate": -1}, "learning_rate: found -1, expected a number above 0"),
        ({"loss": "hinge"}, "loss: found 'hinge', expected one of cross_entropy, mean_squared_error"),
        ({"sampling": "all"}, "sampling: found 'all', expected epoch or replacement"),
        ({"dropout_rescaling": "never"}, "dropout_rescaling: found 'never', expected in_training, afterwards or none"),
        ({"dropout": 1.0}, r"dropout: found 1.0, expected a share in \[0, 1\)"),
        ({"hidden_widths": ()}, r"hidden_widths: found \(\), expected widths >= 1"),
        ({"stop_on": "test_set"}, "stop_on: found 'test_set', expected batches or training_set"),
        ({"max_steps": 0}, "max_steps: found 0, expected at least 1, or None"),
        ({"trained_layers": [3]}, r"trained_layers: found \(3,\), expected different layers from 0 to 2, or None"),
    ],
)
def test_bad_settings_are_one_line(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(BASE, **change)


def test_runs_that_do_not_fit_the_data_or_each_other_are_refused():
    with pytest.raises(ValueError, match="batch_size: found 31, expected at most the 30 training images"):
        training.train([dataclasses.replace(BASE, batch_size=31)], IMAGES, LABELS)
    with pytest.raises(ValueError, match="must agree in one stack"):
        training.train([BASE, dataclasses.replace(BASE, batch_size=5)], IMAGES, LABELS)
    with pytest.raises(ValueError, match="found none"):
        training.train([], IMAGES, LABELS)


def test_a_network_without_a_signal_is_right_about_nothing():
    blank = torch.zeros_like(IMAGES)  # every logit is 0: a tie of all classes
    (result,) = training.train([training.Run(hidden_widths=(6, 5), batch_size=8, max_epochs=1)], blank, LABELS)
    assert result.accuracy_history == [0.0]
    assert result.status == "dead"


# At this learning rate the first steps push every unit of a hidden layer below zero for all images.
KILLED = dataclasses.replace(BASE, learning_rate=100.0, max_epochs=400)


@pytest.mark.parametrize("change", [{}, {"loss": "mean_squared_error"}, {"batch_size": 30}, {"sampling": "replacement"}], ids=str)
def test_a_network_whose_units_all_died_stops_at_once_and_would_never_move_again(change):
    images = IMAGES.float()
    runs = [dataclasses.replace(KILLED, **change, seed=seed) for seed in range(6)]
    dead = [result for result in training.train(runs, images, LABELS) if result.status == "dead"]
    assert dead
    for result in dead:
        assert result.epochs < result.run.max_epochs
        assert result.diverged_step is None
        assert not result.network.logits(images).any()
        (later,) = training.continue_training(
            [result.run], [result.network], [result.epochs], images, LABELS, epochs=3, observer=lambda _: None
        )
        assert weights_equal(later, result.network)


@pytest.mark.parametrize("batch_size", [1, 7, 30])
@pytest.mark.parametrize("learning_rate", [1e-30, 0.1, 1.0])
def test_only_a_network_without_any_response_is_called_dead(batch_size, learning_rate):
    """Steps too small to change a weight leave it alive, and so does a batch as large as the training set."""
    runs = [dataclasses.replace(BASE, batch_size=batch_size, learning_rate=learning_rate, seed=seed) for seed in range(8)]
    for result in training.train(runs, IMAGES.float(), LABELS):
        assert (result.status == "dead") == (not result.network.logits(IMAGES.float()).any())
        assert learning_rate > 0.5 or result.status == "not_converged"


def test_a_live_run_that_is_right_about_nothing_is_not_dead():
    images, labels = IMAGES.float()[:2], torch.tensor([0, 1])
    runs = [dataclasses.replace(BASE, batch_size=2, learning_rate=1e-30, max_epochs=2, seed=seed) for seed in range(40)]
    results = [result for result in training.train(runs, images, labels) if result.accuracy_history == [0.0, 0.0]]
    assert results
    assert {result.status for result in results} == {"not_converged"}
