"""Studies that were published with the code: which they are, and that nothing is made on their tables with other settings."""

import copy
import json
import re

import pytest
import yaml

from sgdphysics.errors import InputError
from sgdphysics.study import published
from sgdphysics.study.layout import Layout

STUDY = {"scale": "paper", "feng2021": {"stop_loss": 0.0005, "seeds": [1, 2], "compared_studies": ["beside"]}}
OTHER = {"scale": "paper", "feng2021": {"stop_loss": 0.1, "seeds": [1], "compared_studies": []}}
STUDIES = {"large": STUDY, "beside": OTHER, "mine": OTHER}


@pytest.fixture
def root(tmp_path):
    """A project in which one study was published, with another beside it."""
    folder = tmp_path / "results" / "large" / "provenance"
    folder.mkdir(parents=True)
    (folder / "not_kept.txt").write_text("data/\n")
    (folder / "settings.yaml").write_text(yaml.safe_dump(STUDY))
    graph = [{"@id": "./"}, {"@id": "#study/commit", "value": "0123456789abcdef"}]
    (folder / "ro-crate-metadata.json").write_text(json.dumps({"@graph": graph}))
    return tmp_path


def test_published_studies_are_those_that_say_what_was_left_out_and_those_beside_them(root):
    assert published.studies_in(root, STUDIES, "large") == published.studies_in(root, STUDIES, "mine") == ["beside", "large"]
    assert published.studies_in(root, STUDIES, "beside") == ["large"]  # it is to be made itself
    assert published.studies_in(root / "results", STUDIES, "large") == []


def test_it_is_said_that_tables_are_taken_by_which_commit_and_how_to_make_them(root):
    line = published.line(root, "large")
    assert line.startswith("Study large: its tables are taken as published (made at commit 0123456789); nothing is trained")
    assert line.endswith("--config published_tables=made")
    for content in ("", "{}", '{"@graph": [{}]}', '{"@graph": []}'):
        (root / "results" / "large" / "provenance" / "ro-crate-metadata.json").write_text(content)
        assert "taken as published; nothing" in published.line(root, "large")
    graph = [{"@id": "#study/commit", "value": "not known: no git here"}]
    (root / "results" / "large" / "provenance" / "ro-crate-metadata.json").write_text(json.dumps({"@graph": graph}))
    assert "taken as published; nothing" in published.line(root, "large")


def changed(**settings):
    studies = copy.deepcopy(STUDIES)
    studies["large"]["feng2021"].update(settings)
    return studies


def test_nothing_is_made_on_published_tables_with_other_settings(root):
    published.check_settings(root, ["beside", "large"], STUDIES)
    with pytest.raises(InputError, match=r"^studies.large: its tables are taken .*, but feng2021.stop_loss was 0.0005, is 0.001; "):
        published.check_settings(root, ["beside", "large"], changed(stop_loss=0.001))
    with pytest.raises(InputError, match=r"feng2021.seeds was \[1, 2\], is \[1, 2, 3\]"):
        published.check_settings(root, ["large"], changed(seeds=[1, 2, 3]))


def test_settings_that_came_after_a_study_was_published_are_not_compared(root):
    published.check_settings(root, ["large"], changed(further=3))
    studies = changed()
    del studies["large"]["feng2021"]["stop_loss"]
    with pytest.raises(InputError, match=r"feng2021.stop_loss was 0.0005, is null"):
        published.check_settings(root, ["large"], studies)


def test_a_damaged_copy_of_the_settings_is_named(root):
    (root / "results" / "large" / "provenance" / "settings.yaml").write_text("a: [")
    with pytest.raises(InputError, match=r"settings.yaml: not YAML"):
        published.check_settings(root, ["large"], STUDIES)


@pytest.fixture
def layout(root, monkeypatch):
    """The figures of today, where the published study has the table one, but not new."""
    monkeypatch.chdir(root)
    for path in ("results/large/tables/feng2021_one.csv", "figures/large/feng2021_fig1.png", "figures/large/feng2021_fig2.png"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    layout = Layout({}, [], ["large"], ["feng2021"])
    layout.figures += ["feng2021_fig1", "feng2021_fig2", "beyond_fig6"]
    layout.drawn_tables |= {
        "feng2021_fig1": ["results/{study}/tables/feng2021_one.csv"],
        "feng2021_fig2": ["results/{study}/tables/feng2021_one.csv", "results/{study}/tables/feng2021_new.csv"],
        "beyond_fig6": ["results/{study}/tables/feng2021_new.csv"],
    }
    return layout


def test_a_figure_without_its_tables_stays_as_it_is_published(layout):
    stays = {figure: layout.stays_as_published("large", figure) for figure in layout.figures}
    assert stays == {"feng2021_fig1": False, "feng2021_fig2": True, "beyond_fig6": True}
    assert layout.figures_of("large") == layout.figures_of("large", "feng2021") == ["feng2021_fig1", "feng2021_fig2"]
    assert layout.figures_of("mine") == layout.figures  # of a study that is made


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("figures/large/feng2021_fig2.png", "stays as it was published, since study large was published without {new}; --config"),
        ("figures/large/beyond_fig6.pdf", "cannot be made, since study large was published without {new}; --config"),
        ("results/large/tables/feng2021_new.csv", "cannot be made, since study large was published without {new}; --config"),
    ],
)
def test_what_is_asked_for_and_lacks_tables_is_named_in_one_line(layout, path, message):
    named = re.escape(f"{path}: {message.format(new='results/large/tables/feng2021_new.csv')}")
    with pytest.raises(InputError, match=f"^{named} published_tables=made makes its tables anew$"):
        layout.check_wanted(["snakemake", "-n", path])
    layout.check_wanted([path.replace("large", "mine"), "figures/large/feng2021_fig1.png", "results/large/claims.csv", "{x}"])
