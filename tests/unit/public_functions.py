"""The public functions of the library, and which of them check nothing, with the reason."""

import importlib
import inspect
import pkgutil

import sgdphysics

NOT_SCIENCE = {
    "command_line": "the command",
    "command_settings": "the command",
    "command_verify": "the command",
    "datasets": "files of data sets: `sources` checks them",
    "devices": "jobs",
    "downloads": "files of data sets: in test_downloads.py",
    "errors": "plumbing",
    "file_kinds": "files of data sets: in test_own_data.py",
    "files": "plumbing",
    "idx_datasets": "files of data sets: in test_own_data.py",
    "idx_files": "files of data sets: in test_own_data.py",
    "idx_folders": "files of data sets: in test_own_data.py",
    "job_environment": "plumbing",
    "labelled_arrays": "files of data sets: in test_own_data.py",
    "plausible_images": "files of data sets: in test_own_data.py",
    "progress": "plumbing",
    "published_protocol": "trained runs, by settings that `study.checks` has checked: in test_published_protocol.py",
    "python_versions": "plumbing",
    "run_files": "files: what is read is checked there",
    "tables": "files: what is read is checked there",
    "earlier_names": "takes tables as they are read",
    "tensors": "files: what is read is checked there",
    "window_results": "files, and what `windows.measure_windows` returns",
    "window_settings": "settings that `study.checks` has checked",
    "window_tables": "rows of what `windows.measure_windows` returns",
    "ranks": "arithmetic of settings that `study.checks` has checked",
    "arguments": "the checks themselves: in test_arguments.py",
    "inputs": "the checks themselves: with every function that they are of",
}
EXEMPT = {
    "labelled_images.load_dataset": "a file: in test_datasets.py",
    "labelled_images.Dataset": "what `load_dataset` has checked; users of it are checked",
    "labelled_images.Dataset.to": "torch says what is no device",
    "networks.Mlp.to": "torch says what is no device",
    "networks.Mlp.unchecked_activations": "the inner one of `activations`, which is checked",
    "networks.Mlp.layer_jacobian": "takes what `activations` returns",
    "networks.Mlp.backward": "takes what `activations` returns",
    "networks.Mlp.forward": "takes what `activations` returns",
    "landscape.LossSlice.distance_of_change": "an inner step of `flatness_edges`",
    "losses.Loss": "three functions, of the library's own",
    "dual_weights.DualWeights": "what `dual_weights` returns",
    "dual_weights.DualWeights.weights": "a slice, as of any list",
    "dual_weights.DualWeights.slopes_across": "a slice, as of any list",
    "decompositions.Decomposition": "what `decompose_gap` returns",
    "slope_gauges.gauge_rows": "takes what `decompose_in_both_gauges` returns",
    "slope_gauges.numbers_of": "takes what `decompose_gap` returns",
    "slope_gauges.summed_products": "takes what `decompose_gap` returns",
    "nested_windows.Trajectory": "what `follow` returns",
    "sweeps.Point": "what `points_of` yields",
    "fits.PowerLaw": "what `power_law` returns",
    "training.Result": "what `train` returns",
    "effective_loss.ValleyDensity": "what `GridSolution` and `WalkerHistogram` return",
    "effective_loss.GridSolution": "what `solve_on_grid` returns",
    "runs.digest": "of any JSON value",
    "toy_landscapes.Landscape.curvature": "one place at a time, in every step of walkers: nan stays nan",
    "toy_landscapes.Landscape.curvature_slope": "one place at a time, in every step of walkers: nan stays nan",
    "toy_landscapes.Landscape.flatness": "one place at a time, in every step of walkers: nan stays nan",
    "toy_landscapes.Landscape.loss": "one place at a time, in every step of walkers: nan stays nan",
    "toy_landscapes.Landscape.gradient": "one place at a time, in every step of walkers: nan stays nan",
    "toy_walkers.check_start": "the checks themselves: with every function that moves walkers",
    "toy_walkers.check_times": "the checks themselves: with every function that moves walkers",
    "toy_walkers.check_factor": "the checks themselves: with every function that moves walkers",
    "stack_members.Member": "inside of `stacks`",
    "stack_members.Member.end_epoch": "inside of `stacks`",
    "stack_members.loss_still_falls": "inside of `stack_members` and `edge_measurements`",
    "stacks.Stack": "made by `Stack.start`",
    "stacks.Stack.network": "inside of `training`",
    "stacks.Stack.responds": "inside of `training`",
    "stacks.Stack.evaluated": "inside of `training`",
    "stacks.Stack.keep_checkpoints": "inside of `training`",
    "stacks.Stack.run_epoch": "inside of `training`",
    "window_landscape.WindowLandscape": "of a window that was measured; `landscape` checks",
    "window_landscape.WindowLandscape.slice_rows": "settings that `study.checks` has checked",
    "window_landscape.WindowLandscape.minima_rows": "settings that `study.checks` has checked",
    "window_noise.WindowNoise": "of a window that was measured; `noise` checks",
    "window_noise.WindowNoise.training_rows": "settings that `study.checks` has checked",
    "window_noise.WindowNoise.annealing_rows": "settings that `study.checks` has checked",
    "window_noise.WindowNoise.homogeneity_rows": "settings that `study.checks` has checked",
    "window_noise.WindowNoise.minibatch_rows": "settings that `study.checks` has checked",
    "window_sources.PrincipalComponents": "inside of `windows.measure_windows`",
    "window_sources.PrincipalComponents.of": "inside of `windows.measure_windows`",
    "window_sources.SourceSeries": "inside of `windows.measure_windows`",
    "window_sources.SourceSeries.finished": "inside of `windows.measure_windows`",
    "window_sources.surrogate_sources": "inside of `windows.measure_windows`",
    "windows.window_start": "settings that `study.checks` has checked; `training` checks",
    "windows.network_at_epoch": "settings that `study.checks` has checked; `training` checks",
    "intervals.Kind": "holds what the table of kinds says",
}


def public_functions():
    """Functions, classes, and methods that take something, by the name of their module."""
    names = {}
    for entry in pkgutil.iter_modules(sgdphysics.__path__):
        if entry.ispkg or entry.name in NOT_SCIENCE:
            continue
        module = importlib.import_module(f"sgdphysics.{entry.name}")
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
                continue
            if inspect.isfunction(value) or inspect.isclass(value):
                names[f"{entry.name}.{name}"] = value
            if inspect.isclass(value):
                names |= {f"{entry.name}.{name}.{method}": None for method in methods(value)}
    return names


def methods(kind):
    """Public methods of a class, its own, that take something."""
    for name, value in vars(kind).items():
        function = value.__func__ if isinstance(value, classmethod) else value
        if not name.startswith("_") and inspect.isfunction(function) and len(inspect.signature(function).parameters) > 1:
            yield name
