"""The notebooks on planted tables of a study, with runs and without any: what they say, and what their pages hold."""

import contextlib
import json
import re
import runpy
import struct
import sys
import zlib
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import yaml
from bs4 import BeautifulSoup

from sgdphysics.claims import verdicts
from sgdphysics.errors import InputError
from sgdphysics.report import narrative
from sgdphysics.tables import RUN_COLUMNS, load_table, save_table

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "claims"))

import planted  # noqa: E402  (its folder is not on the path before)

PAPERS = ("feng2021", "yang2023", "feng2023")
ENTRIES = yaml.safe_load((ROOT / "config" / "claims.yaml").read_text())["claims"]
TOY = ("yang2023_fig1", "yang2023_fig2", "yang2023_fig3")  # simulations: these always have rows
LINKS = {"All results": "index.html"}
LOADING = "script, link, iframe, object, embed, img:not([src^='data:']), [style*='url(']"
run = runpy.run_path(str(ROOT / "workflow" / "scripts" / "run_notebook.py"), run_name="script")["run"]


def further_tables(tables):
    """Tables that the notebooks read and no claim does, small."""
    runs = tables["feng2021_runs"][RUN_COLUMNS]
    exponents = tables["feng2021_fig2_exponents"]
    directions = runs.merge(
        pd.DataFrame({"rank": [2, 4, 8], "curvature": [1.0, 0.5, 0.1], "temperature": [2.0, 1.0, 0.2]}), how="cross"
    )
    seeds = tables["feng2023_points"]["seed"].unique()
    numbers = {"gap": 0.5, "slope_spread": 2.0, "weight_spread": 0.7, "correlation_variation": 0.1}
    return {
        "feng2021_fig2": directions.assign(window="main", window_epochs=10, source="sgd", basis="hessian", fitted=True),
        "feng2021_fig2_longer_exponents": exponents[exponents["reference"]].assign(window="longer", window_epochs=20),
        "yang2023_fig3": pd.DataFrame(
            {
                "start": "sharp",
                "points": 4,
                "horizon_steps": [400, 1600],
                "learning_rate": 0.1,
                "shift": 0.1,
                "survival": [0.6, 0.5],
            }
        ),
        "yang2023_fig4_lines": pd.DataFrame(
            {
                "line": "batch size 8",
                "quantity": "test_loss",
                "points": 4,
                "edge_learning_rate": 0.25,
                "edge_batch_size": 8,
                "optimum_learning_rate": [0.125],
                "optimum_batch_size": 8,
                "octaves_from_optimum_to_edge": 1.0,
                "kind": "batch_size",
                "value": 8.0,
                "beyond_learning_rate": 0.5,
            }
        ),
        "yang2023_fig4_settings": pd.DataFrame(
            {
                "part": ["grid", "talk_example"],
                "learning_rate": [0.25, 0.2],
                "batch_size": [8, 25],
                "converged": [5, 3],
                "not_converged": [0, 1],
                "diverged": [0, 1],
                "dead": 0,
                "runs": 5,
            }
        ),
        "feng2023_fig1_matching": pd.DataFrame(
            [
                {"seed": seed, "matching": way, **numbers}
                for seed in seeds
                for way in ("nearest_pixels", "nearest_activity", "random_of_class")
            ]
        ),
    }


def picture():
    """A white PNG of 3 by 2 pixels."""
    header = struct.pack(">IIBBBBB", 3, 2, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0\xff\xff\xff" * 2)), (b"IEND", b"")]
    blocks = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(blocks)


def make_study(folder, with_runs):
    """The files that the notebooks read."""
    tables = planted.tables()
    tables |= further_tables(tables)
    if not with_runs:
        diverged = tables["feng2021_runs"].assign(status="diverged")
        of_networks = {name: table for name, table in tables.items() if not name.startswith(TOY)}
        tables |= {name: table.iloc[:0] for name, table in of_networks.items()} | {"feng2021_runs": diverged}
    for name, table in tables.items():
        save_table(folder / "tables" / f"{name}.csv", table)
    read = {name: load_table(folder / "tables" / f"{name}.csv") for name in tables}
    ledger, tests = verdicts.decide(ENTRIES, read, "small")
    save_table(folder / "claims.csv", ledger)
    save_table(folder / "claim_tests.csv", tests)
    (folder / "report").mkdir()
    for caption in (ROOT / "workflow" / "report").glob("*_fig*.rst"):
        (folder / "report" / caption.name).write_text(caption.read_text())
        (folder / f"{caption.stem}.png").write_bytes(picture())


def execute(folder, paper, outputs):
    """Run the notebook of a paper as the rule does, from the folder above the study's."""
    parameters = {"study": "planted", "tables": "study/tables", "ledger": "study", "figures": "study", "captions": "study/report"}
    parameters |= {
        "settings": {"data": "planted <script>alert(1)</script>", "seeds": [1]},
        "stated": {"low_dimension": "<b>talk</b>"},
    }
    outputs = {"page": folder / f"{outputs}.html", "notebook": folder / f"{outputs}.ipynb"}
    with contextlib.chdir(folder):
        run(ROOT / "workflow" / "notebooks" / f"{paper}.ipynb", parameters, LINKS, outputs)
    return outputs["page"].read_text(), nbformat.read(outputs["notebook"], as_version=4)


@pytest.fixture(scope="module", params=[True, False], ids=["runs", "no runs"])
def study(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    make_study(folder / "study", request.param)
    return folder, request.param, {paper: execute(folder, paper, paper) for paper in PAPERS}


@pytest.mark.parametrize("paper", PAPERS)
def test_every_claim_of_the_paper_shows_with_its_verdict(study, paper):
    folder, _, made = study
    text = BeautifulSoup(made[paper][0], "html.parser").get_text()
    ledger = pd.read_csv(folder / "study" / "claims.csv")
    of_paper = ledger[ledger["paper"].map(lambda key: narrative.ANSWERED_BY.get(key, key)) == paper]
    assert len(of_paper)
    for claim, verdict in zip(of_paper["claim"], of_paper["verdict"], strict=True):
        assert claim in text
        assert verdict in text


@pytest.mark.parametrize("paper", PAPERS)
def test_no_cell_prints_warns_or_shows_a_bare_object(study, paper):
    _, _, made = study
    for cell in made[paper][1].cells:
        for output in cell.get("outputs", []):
            assert output["output_type"] == "execute_result", output
            assert set(output["data"]) & {"text/html", "text/markdown"}, output


@pytest.mark.parametrize("paper", PAPERS)
def test_a_page_loads_nothing_and_can_be_read_by_all(study, paper):
    page = BeautifulSoup(study[2][paper][0], "html.parser")
    assert not page.select(LOADING)
    assert "@import" not in page.style.string
    assert page.html["lang"] == "en"
    assert page.title.string == page.h1.string
    assert page.select_one("nav a[href='index.html']")
    assert page.find("meta", attrs={"name": "viewport"})
    assert all(image["alt"].strip() for image in page.find_all("img"))
    assert len(page.find_all("math")) > 5
    assert "$" not in page.get_text()
    identifiers = [element["id"] for element in page.select("[id]")]
    assert len(identifiers) == len(set(identifiers))


@pytest.mark.parametrize("paper", PAPERS)
def test_no_code_shows_and_no_path_of_this_machine(study, paper):
    folder, _, made = study
    page, notebook = made[paper]
    assert "import narrative" not in page
    for text in (page, json.dumps(notebook)):
        assert str(folder) not in text
        assert str(ROOT) not in text
        assert sys.prefix not in text


@pytest.mark.parametrize("paper", PAPERS)
def test_hostile_text_stays_text(study, paper):
    page = study[2][paper][0]
    assert "<script" not in page
    assert "planted &lt;script&gt;" in page


def test_without_runs_it_says_so(study):
    _, with_runs, made = study
    for paper in PAPERS:
        text = BeautifulSoup(made[paper][0], "html.parser").get_text()
        assert not re.search(r"\bnan\b|\binf\b", text), paper
        if not with_runs:
            assert narrative.NOTHING in text


def test_numbers_are_those_of_the_tables(study):
    folder, with_runs, made = study
    if not with_runs:
        return
    exponents = pd.read_csv(folder / "study" / "tables" / "feng2021_fig2_exponents.csv")
    held_out = exponents[exponents["reference"] & (exponents["kind"] == "held_out")]["exponent"]
    shown = str(narrative.Interval.of(held_out))
    assert np.isclose(held_out.mean(), planted.EFFECT["held_out"][0])
    assert shown.startswith("2.00 [1.90,")
    assert shown in BeautifulSoup(made["feng2021"][0], "html.parser").get_text()
    edge = "with batches of 8 images, all seeds converge up to a learning rate of 0.25, and not at 0.5"
    assert edge in " ".join(BeautifulSoup(made["yang2023"][0], "html.parser").get_text().split())


def test_executed_twice_it_is_the_same_bytes(study):
    folder, with_runs, _ = study
    if not with_runs:
        return  # once is enough: a kernel takes seconds to start
    execute(folder, "yang2023", "again")
    for suffix in ("html", "ipynb"):
        assert (folder / f"again.{suffix}").read_bytes() == (folder / f"yang2023.{suffix}").read_bytes()


def test_a_missing_table_is_one_line_and_leaves_no_page(tmp_path):
    make_study(tmp_path / "study", with_runs=True)
    (tmp_path / "study" / "tables" / "feng2021_runs.csv").unlink()
    with pytest.raises(InputError) as caught:
        execute(tmp_path, "feng2021", "page")
    assert re.fullmatch(
        r"feng2021\.ipynb, cell 2: RecordError: study/tables/feng2021_runs\.csv: not a readable table.*", str(caught.value)
    )
    assert not list(tmp_path.glob("*.html"))
    assert not list(tmp_path.glob("*.ipynb"))
