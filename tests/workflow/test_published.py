"""The results that are published with the code: whole, unchanged, and what README.md says of them."""

import json
import re
import subprocess

import pandas as pd
import pytest

from running import ROOT, finished_jobs, snakemake
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


def test_an_audit_of_a_clone_holds(fresh_clone, study):
    code, out, err = answer(fresh_clone, "audit", "--all", "--study", study)
    assert (code, err) == (0, ""), out
    assert re.search(rf"^study {study}: .* [1-9]\d* not kept, 0 stale, 0 tampered, 0 unknown$", out, re.MULTILINE), out


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
    script = folder / "workflow" / "scripts" / "figures" / "feng2021_fig2.py"
    script.write_text(script.read_text().replace("published: about 4", "published: near 4"))
    git = ["git", "-c", "user.name=A reader", "-c", "user.email=reader@example.org"]
    subprocess.run([*git, "commit", "--quiet", "--all", "--message", "Another word"], cwd=folder, check=True)
    figure = f"figures/{study}/feng2021_fig2.png"
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
    assert (code, err) == (0, ""), out
    assert re.search(r"^taken as published at commit \w+: \d+ files; made on top at commit \w+: .*feng2021_fig2", out, re.MULTILINE)
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
