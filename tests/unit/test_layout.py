"""Where files of a study lie: those of some runs are the files of the chunks that hold them."""

from pathlib import Path

import yaml

from sgdphysics.runs import run_id
from sgdphysics.study import inheritance, studies
from sgdphysics.study.layout import Layout

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())
STUDIES = inheritance.resolved(CONFIG)["studies"]


def test_networks_and_measurements_of_some_runs_are_those_of_the_chunks_that_hold_them():
    layout = Layout(STUDIES, [], [], ["feng2021", "yang2023", "feng2023"])
    layout.measurements["feng2021"].append("windows.safetensors")
    layout.measurements["yang2023"].append("generalization.csv")
    reference = studies.reference_runs(STUDIES["mnist5k"])
    chunks = [
        chunk
        for chunk in studies.chunks_of(STUDIES["mnist5k"], "feng2021")
        if any(run_id(run, "mnist5k") in reference for run in chunk.runs)
    ]
    assert 1 < len(chunks) < len(studies.chunks_of(STUDIES["mnist5k"], "feng2021"))
    places = [f"{chunk.ensemble}/{chunk.name}" for chunk in chunks]
    assert layout.networks_of("mnist5k", "feng2021", reference) == [f"results/runs/{place}.safetensors" for place in places]
    expected = [f"results/mnist5k/measure/{place}/windows.safetensors" for place in places]
    assert layout.measured_of("mnist5k", "windows.safetensors", reference) == expected
    assert layout.measured_of("mnist5k", "windows.safetensors", reference[:1]) == expected[:1]
    assert set(expected) < set(layout.measured("mnist5k", "windows.safetensors"))
