"""feng2021_fig4 c: the local exponent stands above every decade of the training loss."""

import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "workflow" / "scripts" / "figures" / "feng2021_fig4.py"


@pytest.mark.parametrize("seeds", [1, 3])
def test_exponents_by_decade_are_those_of_the_temperatures(seeds):
    losses = np.geomspace(1.0, 0.01, 21)
    rows = pd.DataFrame(
        {"run": f"run{seed}", "rank": rank, "epoch": 1 + epoch, "training_loss": loss}
        | {"temperature": rank * (loss if loss >= 0.1 else 10 * loss**2)}
        for seed in range(seeds)
        for rank in (5, 10)
        for epoch, loss in enumerate(losses)
    )
    figure, axis = plt.subplots()
    runpy.run_path(str(SCRIPT), run_name="script")["_against_loss"](axis, rows)
    plt.close(figure)
    _, *texts = sorted(axis.texts, key=lambda text: text.get_text() != "training")
    assert axis.xaxis_inverted()
    assert [(round(text.get_position()[0], 4), text.get_text().splitlines()[0]) for text in texts] == [
        (0.0316, "$b$ = 2.00"),
        (0.3162, "$b$ = 1.00"),
    ]
    assert [len(text.get_text().splitlines()) for text in texts] == [1 if seeds == 1 else 3] * 2
