"""The results that are published with the code: whole, unchanged, and what README.md says of them."""

import json
import re
import shutil
import subprocess

import pandas as pd
import pytest

from running import ROOT, finished_jobs, snakemake
from sgdphysics.files import sha256_of
from sgdphysics.provenance.record import MANIFEST, SOURCES
from small_study import answer

STUDIES = [path.parts[-3] for path in sorted(ROOT.glob("results/*/provenance/not_kept.txt"))]
LARGEST_TABLES, LARGEST = 20e6, 50e6  # bytes of a study's tables, and of all that is published of it

pytestmark = [
    pytest.mark.skipif(not STUDIES, reason="this copy has no published results"),
    pytest.mark.parametrize("study", STUDIES),
]


@pytest.fixture(scope="module")
def fresh_clone(tmp_path_factory):
    """What a clone of this repository holds: recorded code that has changed since is in its history."""
    if not (ROOT / ".git").exists():
        pytest.skip("this copy is no repository")
    folder = tmp_path_factory.mktemp("published") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


# Tables that were too large when the study was published. Until it is published again, with all of them, its audit says so.
NOT_KEPT_YET = {
    "mnist": {
        "results/mnist/tables/feng2021_fig1_trajectory.csv",
        "results/mnist/tables/feng2023_fig1.csv",
        "results/mnist/tables/feng2023_spectra.csv",
        "results/mnist_published_stop/tables/feng2021_fig1_trajectory.csv",
        "results/mnist_published_stop/tables/feng2021_fig2_slices.csv",
        "results/mnist_published_window/tables/feng2021_fig1_trajectory.csv",
        "results/mnist_published_window/tables/feng2021_fig2_slices.csv",
    }
}
UNDECIDED = {"mnist": {"duality_exact"}}  # claims that one of these tables decided


def test_an_audit_of_a_clone_holds(fresh_clone, study):
    missing = NOT_KEPT_YET.get(study, set())
    code, out, err = answer(fresh_clone, "audit", "--all", "--study", study)
    assert (code, err) == (1 if missing else 0, ""), out
    count = f"{len(missing)} evidence not kept, " if missing else ""
    assert re.search(rf"^study {study}: .* [1-9]\d* not kept, {count}0 stale, 0 tampered, 0 unknown$", out, re.MULTILINE), out
    assert {line.split("  ")[0] for line in out.splitlines() if "  evidence not kept: " in line} == missing
    for claim in {"low_dimension", *UNDECIDED.get(study, ())}:
        assert answer(fresh_clone, "audit", "--claim", claim, "--study", study)[0] == (claim in UNDECIDED.get(study, ())), claim


def test_an_archive_is_audited_as_a_clone_is(fresh_clone, study, tmp_path):
    """Without the repository, from the sources that are kept beside the record."""
    subprocess.run(["git", "archive", "--output", str(tmp_path / "it.tar"), "HEAD"], cwd=fresh_clone, check=True)
    shutil.unpack_archive(tmp_path / "it.tar", tmp_path / "archive")
    in_clone, in_archive = (answer(folder, "audit", "--all", "--study", study) for folder in (fresh_clone, tmp_path / "archive"))
    assert in_archive == in_clone
    assert "not at hand" not in in_archive[1]


def test_the_anchor_stands_on_the_page_in_the_readme_and_in_the_citation(fresh_clone, study):
    line = f"anchor of {study}: sha256 {sha256_of(fresh_clone / 'results' / study / MANIFEST)}"
    for place in (f"results/{study}/report/index.html", "README.md", "CITATION.cff"):
        assert (fresh_clone / place).read_text().count(line) == 1, place
    code, out, _ = answer(fresh_clone, "audit", "--all", "--study", study, "--record-sum", line.split()[-1])
    assert (code, "not confirmed" in out) == (1 if study in NOT_KEPT_YET else 0, False)


@pytest.mark.parametrize(
    "part", ["README.md", f"results/{{}}/{SOURCES}", f"results/{{}}/{MANIFEST}", "results/{}/report/index.html"]
)
def test_what_the_anchor_stands_for_is_told_where_it_is_changed(fresh_clone, study, part):
    path = fresh_clone / part.format(study)
    healthy = path.read_bytes()
    path.write_bytes(
        healthy.replace(b"**replicated**", b"**partly**") if part == "README.md" else healthy[:-9] + b"x" + healthy[-8:]
    )
    out = answer(fresh_clone, "audit", "--all", "--study", study, "--json")[1]
    path.write_bytes(healthy)
    name = f"README.md (tables of {study})" if part == "README.md" else part.format(study)
    assert json.loads(out)["files"][name]["state"] == "tampered"


def test_a_published_file_that_is_changed_is_told(fresh_clone, study):
    path = fresh_clone / "results" / study / "claims.csv"
    healthy = path.read_bytes()
    path.write_bytes(healthy.replace(b"not replicated", b"replicated", 1))
    code, out, _ = answer(fresh_clone, "audit", "--all", "--study", study, "--json")
    path.write_bytes(healthy)
    assert code == 1
    assert json.loads(out)["files"][f"results/{study}/claims.csv"]["state"] == "tampered"


def test_it_is_small(fresh_clone, study):
    published = [path for folder in ("results", "figures") for path in (fresh_clone / folder / study).rglob("*") if path.is_file()]
    tables = [path for path in published if path.parent.name == "tables"]
    assert sum(path.stat().st_size for path in tables) < LARGEST_TABLES
    assert sum(path.stat().st_size for path in published) < LARGEST


def test_its_pages_name_no_folder_of_the_machine_that_made_them(study):
    for page in (ROOT / "results" / study / "report").glob("*.html"):
        text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", page.read_text())  # the letters of a picture mean nothing
        assert not re.search(r"(?<![\w.:/-])/(root|home|tmp|work|mnt)/", text), page.name


def test_readme_has_its_verdicts(study):
    """Every claim, its verdict, and the numbers of its primary test; and no outcome of a test that is another one."""
    claims = pd.read_csv(ROOT / "results" / study / "claims.csv", index_col="claim")
    tests = pd.read_csv(ROOT / "results" / study / "claim_tests.csv")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", block(study), re.MULTILINE))
    assert list(rows) == list(claims.index)
    for claim, row in rows.items():
        verdict, primary, decided = row.split(" | ")
        own = tests[tests["claim"] == claim].set_index("test")
        assert verdict == f"**{claims.loc[claim, 'verdict']}**"
        assert primary == told(own[own["primary"]].iloc[0])
        for test, outcome in (part.rsplit(" ", 1) for part in decided.split(", ")):
            assert own.loc[test.replace(" ", "_"), "outcome"] == outcome, (claim, test)


def test_all_is_made_anew_on_the_published_tables_and_told_apart(tmp_path, study):
    """After an edit of one figure's script, without data and networks: nothing is trained, and the record knows both commits."""
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    script = folder / "workflow" / "scripts" / "figures" / "feng2021_fig4.py"
    script.write_text(script.read_text().replace("training loss (dashed)", "loss (dashed)"))
    git = ["git", "-c", "user.name=A reader", "-c", "user.email=reader@example.org"]
    subprocess.run([*git, "commit", "--quiet", "--all", "--message", "Another word"], cwd=folder, check=True)
    figure = f"figures/{study}/feng2021_fig4.png"
    before = {name: (folder / name).read_bytes() for name in (figure, f"results/{study}/tables/feng2021_fig2.csv")}
    run = snakemake("--configfile", f"config/{study}.yaml", folder=folder)
    assert run.returncode == 0, run.stderr[-3000:]
    assert f"Study {study}: its tables are taken as published (made at commit " in run.stderr
    made = {rule.split("_")[0] for rule in finished_jobs(run.stderr)}
    assert "feng2021" in made
    assert not made & {"train", "measure", "tabulate", "simulate", "solve", "prepare", "fetch"}
    changed = {name for name, content in before.items() if (folder / name).read_bytes() != content}
    assert changed == {figure}
    code, out, err = answer(folder, "audit", "--all", "--study", study)
    # It is not what was published any more, whose anchor README.md and CITATION.cff print.
    amiss = {line.split("  ")[0] for line in out.splitlines() if re.search(r"  (evidence not kept|stale|tampered|unknown)", line)}
    assert (code, err, amiss) == (1, "", {"README.md", "CITATION.cff", *NOT_KEPT_YET.get(study, ())}), out
    assert re.search(r"^taken as published at commit \w+: \d+ files; made on top at commit \w+: .*feng2021_fig4", out, re.MULTILINE)
    chain = answer(folder, "audit", figure)[1].splitlines()
    commits = [re.search(r"made at commit (\w+)", line).group(1) for line in chain[:3] if "made at commit" in line]
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert len(set(commits)) == 2
    assert head.startswith(commits[0])


def block(study):
    """The table of README.md with a study's verdicts."""
    return (ROOT / "README.md").read_text().split(f"<!-- verdicts of {study} -->\n")[1].split("\n\n")[0]


def told(test):
    """A primary test as README.md has it."""
    value, low, high = (f"{test[key]:.3g}" for key in ("value", "ci_low", "ci_high"))
    return f"{value} [{low}, {high}], wanted {test['region']}".replace("-", "\N{MINUS SIGN}")
