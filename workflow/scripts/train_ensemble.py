"""Train the runs of one chunk together."""

from collections.abc import Sequence
from pathlib import Path

from sgdphysics import devices, labelled_images, progress, run_files, training
from sgdphysics.provenance import jobs
from sgdphysics.runs import log_spaced_steps, run_id


def train(
    dataset_path: Path,
    dataset_name: str,
    settings: Sequence[dict],
    checkpoints_per_decade: int | None,
    checkpoint_losses: Sequence[float],
    checkpoint_epochs: Sequence[int],
    runs_path: Path,
    device: str = devices.CPU,
) -> None:
    """Train one network per entry of ``settings`` and write all results to ``runs_path``, with checkpoints at
    log-spaced steps (unless None a decade), first losses and epochs.
    """
    dataset = labelled_images.load_dataset(dataset_path).to(device)
    runs = [training.Run(**entry) for entry in settings]
    images = len(training.training_set(runs[0], dataset.train_labels, dataset.classes)[0])
    epoch_steps = training.steps_per_epoch(runs[0], images)
    schedule = [epoch * epoch_steps for epoch in checkpoint_epochs]
    if checkpoints_per_decade is not None:
        schedule += log_spaced_steps(checkpoints_per_decade, epoch_steps, max(run.most_epochs for run in runs))
    results = training.train(
        runs,
        dataset.train_images,
        dataset.train_labels,
        checkpoint_steps=schedule,
        checkpoint_losses=checkpoint_losses,
        progress=True,
        classes=dataset.classes,
    )
    names = [run_id(run, dataset_name) for run in runs]
    for name, result in zip(names, results, strict=True):
        progress.tell(name, status=result.status, epochs=result.epochs, loss=result.loss_history[-1])
    run_files.save_results(runs_path, results, names, dataset_name)


if __name__ == "__main__":
    with jobs.logged_job(snakemake) as job:
        device = devices.prepared(job)
        train(
            Path(snakemake.input.dataset),
            snakemake.params.dataset,
            snakemake.params.runs,
            snakemake.params.checkpoints_per_decade,
            snakemake.params.checkpoint_losses,
            snakemake.params.checkpoint_epochs,
            Path(snakemake.output.runs),
            device,
        )
