rule train_ensemble:
    """Train the networks of one chunk together."""
    input:
        dataset=dataset_of,
    output:
        runs="results/runs/{ensemble}/{chunk}.safetensors",
    log:
        "results/runs/{ensemble}/{chunk}.log",
    benchmark:
        "results/runs/{ensemble}/{chunk}.benchmark.tsv"
    priority: 40  # stage by stage, the longest first: no core is then idle for long at the end
    resources:
        **asked_for(planned_training),
    params:
        dataset=lambda w: chunk_of(w).dataset,
        runs=lambda w: [settings_of(run) for run in chunk_of(w).runs],
        checkpoints_per_decade=lambda w: chunk_of(w).checkpoints["per_decade"],
        checkpoint_losses=lambda w: chunk_of(w).checkpoints["losses"],
        checkpoint_epochs=lambda w: chunk_of(w).checkpoints["epochs"],
    script:
        "../scripts/train_ensemble.py"
