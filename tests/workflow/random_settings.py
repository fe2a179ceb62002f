"""Configurations drawn at random from their JSON schema, small enough to be made in seconds, and the small data sets they name.

What the schema allows is drawn; most often also what it cannot say, such as that a reference setting is one of its grid: a
configuration with only random numbers would always be refused.
"""

import json
import math

import numpy as np
import torch

from running import ROOT
from sgdphysics.datasets import Source, save_dataset

SCHEMA = json.loads((ROOT / "workflow" / "schemas" / "config.schema.json").read_text(encoding="utf-8"))
# Classes, rows, columns, images to train on of each class and to test on in all; each class is bright in pixels of its own.
SHAPES = {"blobs": (3, 4, 3, 15, 24), "few": (2, 2, 3, 3, 6)}
ENTRIES = {
    name: {"kind": "embedded", "image_shape": [rows, columns], "classes": classes, "training_images": classes * each}
    for name, (classes, rows, columns, each, _) in SHAPES.items()
}
# Largest whole numbers; what is not named here is at most 6 above its least.
MOST = {
    "window_epochs": 8,
    "max_epochs": 20,
    "max_steps": 120,
    "control_epochs": 40,
    "seeds": 10**6,
    "images_per_class": 15,
    "label_noise_images_per_class": 15,
    "label_noise_epochs": 6,
    "nested_window_epochs": 12,
    "other_widths": 14,
    "batch_sizes": 50,
    "batch_size": 50,
    "hidden_widths": 14,
    "layer": 3,
    "test_images": 40,
    "directions": 8,
    "slice_points": 16,
    "trajectory_steps": 60,
    "trajectory_every": 80,
    "phase_steps": 40,
    "walkers": 60,
    "arrival_horizon": 200,
    "arrival_walkers": 40,
    "grid_cells": 24,
    "annealing_ranks": 120,
    "slice_ranks": 120,
    "trajectory_ranks": 120,
    "minibatch_rank": 120,
    "minibatches_drawn": 12,
    "sharpest_directions": 200,
    "early_epochs": 12,
    "equal_epochs": 20,
    "penalty_epochs": 20,
    "longer_window_epochs": 12,
}
# Of numbers, drawn evenly in their logarithm; what is not named here is between 0.05 and 5.
SPANS = {
    "learning_rates": (0.01, 20),
    "learning_rate": (0.01, 60),
    "talk_learning_rates": (0.05, 100),
    "stop_loss": (1e-3, 2),
    "budget_extension": (1, 3),
    "equal_losses": (1e-2, 2),
    "noise_strengths": (0.05, 2),
    "grid_noise_strengths": (0.01, 5),
    "time_step": (1e-2, 0.5),
    "relaxation": (0.05, 1),
    "sampling": (0.05, 1),
    "rescaling_factors": (0.1, 10),
    "initial_scale": (0.3, 8),
    "squared_penalty": (1e-4, 1),
    "norm_penalty": (1e-4, 1),
    "phase_learning_rates": (0.02, 3),
    "arrival_shifts": (0.04, 2),
    "valley_ratios": (1, 8),
}
LONG = 3  # entries of a list, at most; of these more:
LENGTHS = {"arrival_shifts": 6, "seeds": 3}


def save_datasets(folder):
    """Write the data sets; returns the file of each by name."""
    paths = {}
    for name, (classes, rows, columns, each, tested) in SHAPES.items():
        random = torch.Generator().manual_seed(len(name))
        arrays = {}
        for part, count in (("train", classes * each), ("test", tested)):
            labels = torch.arange(count) % classes
            images = torch.randint(0, 120, (count, rows * columns), generator=random)
            images[torch.arange(count), labels] += 120
            arrays[f"{part}_images"] = images.view(count, rows, columns).to(torch.uint8)
            arrays[f"{part}_labels"] = labels.to(torch.uint8)
        paths[name] = folder / f"{name}.safetensors"
        save_dataset(paths[name], Source(arrays, 255, "random", {}), classes, {})
    return paths


class RandomSettings:
    """One configuration after another.

    Args:
        seed: Of the draws.
        daring: Share of the draws of what the schema cannot say that are left to chance.
    """

    def __init__(self, seed, daring=0.05):
        self._random = np.random.default_rng(seed)
        self._daring = daring

    def draw(self):
        """Return a configuration of one study."""
        dataset = str(self._random.choice(list(ENTRIES)))
        study = self._value(SCHEMA["$defs"]["study"], "study") | {"dataset": dataset}
        self._fit(study, ENTRIES[dataset])
        return {"study": "random", "mirror": None, "published_tables": "taken", "studies": {"random": study}}

    def _value(self, schema, key):
        if "$ref" in schema:
            return self._value(SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]], key)
        if "anyOf" in schema:
            return self._value(schema["anyOf"][self._random.integers(len(schema["anyOf"]))], key)
        if "enum" in schema:
            return schema["enum"][self._random.integers(len(schema["enum"]))]
        return getattr(self, f"_{schema['type']}")(schema, key)

    def _null(self, schema, key):
        return None

    def _string(self, schema, key):
        return "name"

    def _boolean(self, schema, key):
        return bool(self._random.integers(2))

    def _object(self, schema, key):
        return {name: self._value(part, name) for name, part in schema["properties"].items()}

    def _array(self, schema, key):
        fewest = schema.get("minItems", 0)
        most = schema.get("maxItems", max(fewest, LENGTHS.get(key, LONG)))
        values = [self._value(schema["items"], key) for _ in range(self._random.integers(fewest, most + 1))]
        if not schema.get("uniqueItems"):
            return values
        return [value for index, value in enumerate(values) if value not in values[:index]]

    def _integer(self, schema, key):
        least = schema.get("minimum", 0)
        return int(self._random.integers(least, max(MOST.get(key, least + 6), least) + 1))

    def _number(self, schema, key):
        if "exclusiveMaximum" in schema or "maximum" in schema:
            return float(self._random.choice([0.0, 0.5])) if "minimum" in schema and self._chance(0.3) else self._share()
        low, high = SPANS.get(key, (0.05, 5))
        if "exclusiveMinimum" not in schema and "minimum" not in schema and self._chance(0.2):
            return -self._logarithmic(low, high)
        return max(self._logarithmic(low, high), 1.001 * schema.get("exclusiveMinimum", 0))

    def _share(self):
        return round(float(self._random.uniform(0.01, 0.95)), 3)

    def _logarithmic(self, low, high):
        return float(f"{math.exp(self._random.uniform(math.log(low), math.log(high))):.3g}")

    def _chance(self, share):
        return self._random.random() < share

    def _fit(self, study, entry):
        """What the schema cannot say, each thing most often."""
        feng2021, edge, toy, feng2023 = study["feng2021"], study["yang2023"]["edge"], study["yang2023"]["toy"], study["feng2023"]
        for change in (
            lambda: feng2021.update(compared_studies=[]),
            lambda: self._fit_reference(feng2021),
            lambda: self._fit_networks((feng2021, edge, feng2023), entry),
            lambda: self._fit_windows(feng2021),
            lambda: self._fit_sweeps(feng2023, entry),
            lambda: self._fit_edge(edge, feng2023, entry),
            lambda: self._fit_toy(toy),
            lambda: self._fit_controls(feng2021, entry),
        ):
            if not self._chance(self._daring):
                change()

    def _fit_reference(self, settings):
        for key, grid in (("learning_rate", "learning_rates"), ("batch_size", "batch_sizes")):
            settings["reference"][key] = settings[grid][self._random.integers(len(settings[grid]))]

    def _fit_networks(self, sections, entry):
        each = entry["training_images"] // entry["classes"]
        for section in sections:
            section["layer"] = int(self._random.integers(len(section["hidden_widths"]) + 1))
            if section["images_per_class"] is not None:
                section["images_per_class"] = min(section["images_per_class"], each)
            images = (section["images_per_class"] or each) * entry["classes"]
            if "batch_sizes" in section:
                # As large as all images more often than by chance: without noise there is least to measure.
                sizes = {images if self._chance(0.15) else min(size, images) for size in section["batch_sizes"]}
                section["batch_sizes"] = sorted(sizes)
        self._fit_reference(sections[0])

    def _fit_windows(self, settings):
        settings["window_epochs"] = max(3, settings["window_epochs"])
        settings["longer_window_epochs"] = [max(3, epochs) for epochs in settings["longer_window_epochs"]]
        settings["longer_window_epochs"] = sorted(set(settings["longer_window_epochs"]))

    def _fit_controls(self, settings, entry):
        """Wrong labels in about as many images as the reference trains on, which batches are at most as large as; other widths."""
        controls, each = settings["controls"], settings["images_per_class"] or entry["training_images"] // entry["classes"]
        controls["label_noise"] = min(max(controls["label_noise"], 0.01), 0.6)
        enlarged = {clean: round(clean / (1 - controls["label_noise"])) for clean in range(1, each + 1)}
        fitting = [clean for clean, images in enlarged.items() if clean < images <= each]
        clean = max(fitting, default=None)
        if clean and settings["reference"]["batch_size"] > enlarged[clean] * entry["classes"]:
            clean = None
        controls["label_noise_images_per_class"] = clean
        own = set(settings["hidden_widths"])
        controls["other_widths"] = [width for width in controls["other_widths"] if {width} != own]

    def _fit_sweeps(self, settings, entry):
        each = entry["training_images"] // entry["classes"]
        sweeps = settings["sweeps"]
        sweeps["label_noise"] = [min(share, 0.6) for share in sweeps["label_noise"]][:1]
        clean = int(each * (1 - max(sweeps["label_noise"])))
        settings["label_noise_images_per_class"] = max(1, min(settings["label_noise_images_per_class"], clean))
        sweeps["images_per_class"] = sorted({min(count, each) for count in sweeps["images_per_class"]})
        fewest = min(settings["images_per_class"], settings["label_noise_images_per_class"], *sweeps["images_per_class"])
        settings["batch_size"] = min(settings["batch_size"], fewest * entry["classes"])
        most = settings["images_per_class"] * entry["classes"]
        sweeps["batch_size"] = sorted({min(size, most) for size in sweeps["batch_size"]})
        settings["control_epochs"] = max(settings["control_epochs"], *settings["equal_epochs"])

    def _fit_edge(self, edge, sweeps, entry):
        sweeps["layer"] = min(sweeps["layer"], len(sweeps["hidden_widths"]))
        edge["layer"] = min(edge["layer"], len(sweeps["hidden_widths"]), len(edge["hidden_widths"]))
        for part in edge["refined"]:
            part["batch_sizes"] = [edge["batch_sizes"][self._random.integers(len(edge["batch_sizes"]))]]
        edge["followed_batch_size"] = edge["batch_sizes"][self._random.integers(len(edge["batch_sizes"]))]
        edge["control_epochs"] = max(edge["control_epochs"], *edge["followed_epochs"])
        edge["larger_scale"] |= {"learning_rates": edge["learning_rates"][:2], "batch_sizes": edge["batch_sizes"][-1:]}

    def _fit_toy(self, toy):
        toy["landscapes"]["growth"] = abs(toy["landscapes"]["growth"])
        toy["landscapes"]["barrier"] = abs(toy["landscapes"]["barrier"])
        toy["landscapes"]["difference"] = min(abs(toy["landscapes"]["difference"]), 1.0)
        shapes = toy["landscapes"]
        largest = shapes["curvature"] * (1 + shapes["growth"] * shapes["half_width"] ** 2)
        for key in ("time_step", "learning_rate"):
            toy[key] = min(toy[key], 0.99 / largest)
        for key in ("survival_learning_rates", "edge_learning_rates"):
            toy[key] = [min(rate, 1.9 / shapes["curvature"]) for rate in toy[key][:1]]
        toy["long_phase_points"] = 2
        toy["phase_points"] = max(3, toy["phase_points"])
        for key in ("phase_learning_rates", "phase_shifts", "edge_shifts"):
            toy[key] = sorted(toy[key])
        strengths = [*toy["noise_strengths"], *toy["grid_noise_strengths"]]
        toy["current_noise_strength"] = strengths[self._random.integers(len(strengths))]
        shifts = toy["arrival_shifts"] = sorted({*toy["arrival_shifts"], 0.1, 0.3})
        toy["linear_shifts"] = [0.09, 0.31]
        for key in ("incidence_shifts", "local_thermal_shifts"):
            toy[key] = shifts[: 1 + self._random.integers(len(shifts))]
