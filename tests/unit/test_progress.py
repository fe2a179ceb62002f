"""What jobs say while they work."""

import ast
from pathlib import Path

import pytest

from sgdphysics import progress

SCRIPTS = sorted((Path(__file__).parents[2] / "workflow" / "scripts").rglob("*.py"))


@pytest.mark.parametrize(
    ("subject", "facts", "line"),
    [
        ("a_run", {}, "a_run"),
        ("a_run", {"status": "converged", "points": 4}, "a_run: status converged, points 4"),
        ("a_run", {"window_epochs": 5}, "a_run: window epochs 5"),
        ("a_run", {"loss": 0.00012345678, "rate": 1e-7, "kappa": 2.0}, "a_run: loss 0.000123457, rate 1e-07, kappa 2"),
        (3, {"steps": 1000000000}, "3: steps 1000000000"),
        ("a_run", {"loss": float("nan"), "seed": None}, "a_run: loss nan, seed None"),
    ],
)
def test_a_subject_and_what_there_is_to_say_of_it_are_one_line_on_the_error_stream(subject, facts, line, capsys):
    progress.tell(subject, **facts)
    assert capsys.readouterr() == ("", f"{line}\n")


def test_a_bar_counts_epochs_and_says_how_they_went(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_BAR_SECONDS", 0)
    with progress.epoch_bar(shown=True) as end_epoch:
        for epoch in range(3):
            end_epoch(running=7 - epoch, loss=0.25)
    output, errors = capsys.readouterr()
    assert output == ""
    assert "3epoch" in errors
    assert "running=5" in errors
    assert "loss=0.25" in errors


def test_a_bar_that_is_not_wanted_is_not_there(capsys):
    with progress.epoch_bar(shown=False) as end_epoch:
        end_epoch(loss=0.25)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_say_nothing_past_this_module(script):
    """Else to word it otherwise would change the code of a job."""
    calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(script.read_text())) if isinstance(node, ast.Call)]
    assert not {"print", "sys.stderr.write", "sys.stdout.write", "tqdm"} & set(calls)
