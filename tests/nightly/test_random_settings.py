"""Two hundred configurations, drawn at random from their schema: refused in one line, or run to the end.

To the end means tables, claims, figures and the cells of the notebooks. Of every second one layers of more than forty weights count
as too wide for dense matrices. Run by ``pytest -s tests/nightly/test_random_settings.py``; prints how many were refused and made.
"""

import collections
import shutil
import traceback

from in_process import StudyInProcess
from random_settings import ENTRIES, SCHEMA, RandomSettings, save_datasets
from sgdphysics import curvature, duality, ranks
from sgdphysics.errors import InputError
from sgdphysics.study import checks

NUMBER = 200
WIDE, DIRECTIONS = 40, 30


def let_layers_be_wide(patch):
    """As if layers of more than forty weights were too wide for dense matrices, and thirty directions the most."""
    for module in (curvature, duality, ranks):
        patch.setattr(module, "DENSE_LIMIT", WIDE)
    patch.setattr(ranks, "MOST_DIRECTIONS", DIRECTIONS)
    patch.setattr(duality, "WIDE_LAYER_DIRECTIONS", DIRECTIONS)


def outcome(seed, datasets, folder):
    """What becomes of a configuration: "refused", "made", or the traceback."""
    config = RandomSettings(seed).draw()
    study = config["studies"]["random"]
    if seed % 2:
        study["yang2023"]["edge"]["sharpest_directions"] = min(DIRECTIONS, study["yang2023"]["edge"]["sharpest_directions"])
    try:
        checks.check(config, SCHEMA, ENTRIES)
    except InputError as error:
        return "refused" if "\n" not in str(error) else f"refused in several lines: {error}"
    try:
        StudyInProcess(folder, study, ENTRIES[study["dataset"]], datasets[study["dataset"]]).make()
    except Exception:
        return traceback.format_exc()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return "made"


def test_two_hundred_configurations(tmp_path, monkeypatch):
    datasets, outcomes = save_datasets(tmp_path), {}
    for seed in range(NUMBER):
        with monkeypatch.context() as patch:
            if seed % 2:
                let_layers_be_wide(patch)
            outcomes[seed] = outcome(seed, datasets, tmp_path / str(seed))
    counts = collections.Counter(result if result in ("refused", "made") else "failed" for result in outcomes.values())
    print(f"\n{NUMBER} configurations: {dict(counts)}")
    failed = {seed: result for seed, result in outcomes.items() if result not in ("refused", "made")}
    assert not failed, "\n".join(f"seed {seed}: {result}" for seed, result in failed.items())
    assert counts["made"] > NUMBER / 3
