"""When the rule of a claim was last changed, in small repositories: what counts as a change, and what is not known."""

import ast
import hashlib
import os
import subprocess
from functools import partial
from pathlib import Path

import pytest
import yaml

from sgdphysics.claims import outcomes, registry, verdicts
from sgdphysics.command_settings import parsed
from sgdphysics.provenance import claim_rules, rule_dates
from sgdphysics.provenance.claim_rules import FOLDER, INTERVALS, LEDGER

CLAIMS = Path(verdicts.__file__).parent  # whose import registers every statistic
LEDGER_TEXT = """# The ledger
claims:
  - id: low
    paper: feng2021
    kind: empirical
    source: talk
    figure: feng2021_fig1
    statement: It is low
    stated: page 1
    tests:
      - id: count
        asks: as_published
        statistic: count
        predicted: about 40
        below: 60
        margin_from: talk
  - id: steep
    kind: empirical
    source: abstract
    tests:
      - {id: slope, asks: as_published, statistic: slope, predicted: 4, between: [3, 5]}
"""
COUNTS = '''"""Counts."""

from sgdphysics.claims import shared
from sgdphysics.claims.registry import statistic
from sgdphysics.fits import line


@statistic("share")
def count(tables):
    """The count."""
    return shared.scaled(_rows(tables))  # of all


def _rows(tables):
    return tables["runs"][:RANKS]


def nobody(tables):
    return 0


RANKS = 50
'''
SLOPES = """from sgdphysics.claims.registry import statistic, values_of


@statistic
def slope(tables):
    return values_of(tables)
"""
FILES = {
    LEDGER: LEDGER_TEXT,
    f"{FOLDER}/counts.py": COUNTS,
    f"{FOLDER}/slopes.py": SLOPES,
    f"{FOLDER}/shared.py": "def scaled(values):\n    return FACTOR * values\n\n\nFACTOR = 2\n",
    f"{FOLDER}/registry.py": "def statistic(kind):\n    return kind\n\n\ndef values_of(tables):\n    return tables\n",
    f"{FOLDER}/verdicts.py": (
        '"""Verdicts."""\n\nfrom sgdphysics.claims import counts, regions, slopes\n\n\ndef decide():\n    return regions.inside()\n'
    ),
    f"{FOLDER}/regions.py": "def inside():\n    return True\n",
    f"{FOLDER}/outcomes.py": 'FEWEST_SEEDS = 5\nHELD = "held"\n',
    INTERVALS: "def interval(values):\n    return min(values), max(values)\n",
    "Snakefile": "rule all:\n",
}
START = 1_700_000_000  # of the first commit; later ones are an hour apart


class Project:
    """A project in a repository."""

    def __init__(self, root, files=FILES):
        self.root, self.hours = root, 0
        root.mkdir(parents=True, exist_ok=True)
        self.write(files)
        self.git("init", "--quiet", "--initial-branch=main")
        self.first = self.commit()

    def write(self, files):
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)

    def edit(self, name, old, new):
        text = (self.root / name).read_text()
        assert old in text
        (self.root / name).write_text(text.replace(old, new))

    def commit(self, **dates):
        self.git("add", "--all")
        return self.committed("commit", "--quiet", "--message", "x", **dates)

    def committed(self, *arguments, **dates):
        date = f"{START + 3600 * self.hours} +0500"
        self.hours += 1
        self.git(*arguments, **{"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z", **dates})
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments, **environment):
        names = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")
        command = ["git", *names, *arguments]
        run = subprocess.run(command, cwd=self.root, env=os.environ | environment, check=True, capture_output=True, text=True)
        return run.stdout.strip()

    def dates(self, entries=None, sums=None):
        return dates(self.root, entries, sums)

    def commits(self):
        return {claim: date.commit for claim, date in self.dates().items()}


def dates(root, entries=None, sums=None):
    """When the rules were changed of the ledger and the code that are there, or of others."""
    paths = [path for path in root.rglob("*.py") if ".git" not in path.parts]
    found = {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    entries = yaml.safe_load((root / LEDGER).read_text())["claims"] if entries is None else entries
    return rule_dates.dates_of(root, entries, found | (sums or {}), partial(parsed, Path(LEDGER)))


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "project")


def test_a_rule_that_was_never_changed_is_of_the_first_commit_with_its_committer_date(project):
    project.write({"README.md": "more\n"})
    project.commit()
    date = rule_dates.RuleDate(project.first, "2023-11-14T22:13:20+00:00")
    assert project.dates() == {"low": date, "steep": date}


CHANGES = {
    "a margin": (LEDGER, "below: 60", "below: 61", {"low"}),
    "the source": (LEDGER, "source: talk", "source: ours", {"low"}),
    "a scope": (LEDGER, "below: 60", "below: 60\n        scope: every_setting", {"low"}),
    "the question": (LEDGER, "between: [3, 5]", "outside: [3, 5]", {"steep"}),
    "another statistic": (LEDGER, "statistic: slope", "statistic: count", {"steep"}),
    "a statistic": (f"{FOLDER}/counts.py", "shared.scaled(", "1 + shared.scaled(", {"low"}),
    "its kind": (f"{FOLDER}/counts.py", '"share"', '"mean"', {"low"}),
    "what it calls": (f"{FOLDER}/counts.py", 'tables["runs"]', 'tables["walks"]', {"low"}),
    "a number there": (f"{FOLDER}/counts.py", "RANKS = 50", "RANKS = 51", {"low"}),
    "a function of another module": (f"{FOLDER}/shared.py", "FACTOR * values", "FACTOR + values", {"low"}),
    "a number of another module": (f"{FOLDER}/shared.py", "FACTOR = 2", "FACTOR = 3", {"low"}),
    "an imported function": (f"{FOLDER}/registry.py", "return tables", "return -tables", {"steep"}),
    "the decorator": (f"{FOLDER}/registry.py", "return kind", "return str(kind)", {"low", "steep"}),
    "the engine": (f"{FOLDER}/regions.py", "True", "False", {"low", "steep"}),
    "what the engine means by a name": (f"{FOLDER}/verdicts.py", "regions, slopes", "shared as regions, slopes", {"low", "steep"}),
    "the fewest seeds": (f"{FOLDER}/outcomes.py", "5", "3", {"low", "steep"}),
    "the intervals": (INTERVALS, "min", "sum", {"low", "steep"}),
}
NO_CHANGES = {
    "a comment": (LEDGER, "# The ledger", "# Margins:"),
    "the layout": (LEDGER, "{id: slope, asks: as_published,", "{asks: 'as_published',\n         id: slope,"),
    "a statement": (LEDGER, "It is low", "It is very low"),
    "where it is stated": (LEDGER, "page 1", "page 2"),
    "its figure": (LEDGER, "feng2021_fig1", "feng2021_fig2"),
    "where its margin comes from": (LEDGER, "margin_from: talk", "margin_from: pilot"),
    "what was predicted": (LEDGER, "about 40", "40"),
    "the scope that is meant anyway": (LEDGER, "below: 60", "below: 60.0\n        scope: reference"),
    "a test that decides nothing": (
        LEDGER,
        "        margin_from: talk\n",
        "        margin_from: talk\n      - {id: further, asks: context, statistic: slope, predicted: more}\n",
    ),
    "a docstring": (f"{FOLDER}/counts.py", '"""The count."""', '"""A count."""'),
    "the docstring of the engine": (f"{FOLDER}/verdicts.py", '"""Verdicts."""', '"""All."""'),
    "a comment in code": (f"{FOLDER}/counts.py", "  # of all", ""),
    "code that no claim uses": (f"{FOLDER}/counts.py", "return 0", "return 1"),
    "an import that nothing uses": (f"{FOLDER}/counts.py", "import line", "import curve"),
    "a further module of statistics": (f"{FOLDER}/verdicts.py", "counts, regions", "counts, ladders, regions"),
    "a word for an outcome": (f"{FOLDER}/outcomes.py", '"held"', '"stood"'),
    "other files": ("Snakefile", "all", "everything"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_decides_a_claim_counts_for_those_that_it_decides(project, change):
    name, old, new, claims = CHANGES[change]
    project.edit(name, old, new)
    second = project.commit()
    project.write({"README.md": "more\n"})
    project.commit()
    assert project.commits() == {claim: second if claim in claims else project.first for claim in ("low", "steep")}


@pytest.mark.parametrize("change", NO_CHANGES)
def test_what_decides_nothing_does_not_count(project, change):
    project.edit(*NO_CHANGES[change])
    project.commit()
    assert set(project.commits().values()) == {project.first}


def test_a_statistic_may_move_to_another_module(project):
    (project.root / FOLDER / "counts.py").rename(project.root / FOLDER / "ladder.py")
    project.edit(f"{FOLDER}/verdicts.py", "counts", "ladder")
    project.commit()
    assert set(project.commits().values()) == {project.first}


def test_the_last_of_several_changes_counts_also_where_it_leads_back(project):
    project.edit(LEDGER, "below: 60", "below: 61")
    project.commit()
    project.edit(LEDGER, "below: 61", "below: 60")
    third = project.commit()
    assert project.commits() == {"low": third, "steep": project.first}
    assert project.dates()["low"].date == "2023-11-15T00:13:20+00:00"


def test_a_new_claim_is_of_the_commit_that_added_it(project):
    project.edit(LEDGER, "claims:\n", "claims:\n  - {id: new, tests: [{statistic: slope}]}\n")
    second = project.commit()
    assert project.commits() == {"new": second, "low": project.first, "steep": project.first}


def test_a_merge_changes_only_what_it_makes_itself(project):
    project.git("checkout", "--quiet", "-b", "side")
    project.edit(LEDGER, "below: 60", "below: 61")
    side = project.commit()
    project.git("checkout", "--quiet", "main")
    project.edit(LEDGER, "[3, 5]", "[3, 6]")
    main = project.commit()
    project.committed("merge", "--quiet", "--no-edit", "side")
    assert project.commits() == {"low": side, "steep": main}
    project.git("checkout", "--quiet", "side")
    project.edit(f"{FOLDER}/regions.py", "True", "1 > 0")
    project.commit()
    project.git("checkout", "--quiet", "main")
    project.edit(INTERVALS, "max", "sum")
    project.commit()
    merge = project.committed("merge", "--quiet", "--no-edit", "side")
    assert project.commits() == {"low": merge, "steep": merge}


@pytest.mark.parametrize("text", ["claims: [", "- 1\n", "claims: {a: 1}\n", "claims: [1, {tests: 2}]\n"])
def test_a_ledger_that_once_was_none_had_no_rules(project, text):
    project.write({LEDGER: text})
    project.commit()
    project.write({LEDGER: LEDGER_TEXT})
    third = project.commit()
    assert set(project.commits().values()) == {third}


def test_code_that_once_was_no_python_was_another(project):
    project.write({f"{FOLDER}/slopes.py": "def slope(\n"})
    project.commit()
    project.write({f"{FOLDER}/slopes.py": FILES[f"{FOLDER}/slopes.py"]})
    third = project.commit()
    assert project.commits() == {"low": project.first, "steep": third}


@pytest.mark.parametrize(
    ("name", "old", "new", "claims"),
    [(LEDGER, "60", "61", {"low"}), (f"{FOLDER}/regions.py", "True", "False", {"low", "steep"})],
)
def test_a_rule_that_is_not_committed_has_no_commit(project, name, old, new, claims):
    project.edit(name, old, new)
    unknown = rule_dates.RuleDate("not known: not as the commit that is checked out has it")
    known = rule_dates.RuleDate(project.first, "2023-11-14T22:13:20+00:00")
    assert project.dates() == {claim: unknown if claim in claims else known for claim in ("low", "steep")}


def test_a_ledger_that_was_decided_by_earlier_rules_has_no_commit_of_today(project):
    entries = yaml.safe_load(LEDGER_TEXT)["claims"]
    earlier = {INTERVALS: hashlib.sha256(FILES[INTERVALS].encode()).hexdigest()}
    project.edit(LEDGER, "below: 60", "below: 61")
    project.edit(INTERVALS, "(values):", "(values):  # of seeds")
    project.commit()
    found = project.dates(entries, earlier)
    assert found["low"] == rule_dates.RuleDate("not known: not as the commit that is checked out has it")
    assert found["steep"].commit == project.first


def test_code_that_is_nowhere_any_more_has_no_commit(project):
    unknown = rule_dates.RuleDate("not known: decided by code that no commit at hand has")
    assert project.dates(sums={f"{FOLDER}/counts.py": "0" * 64}) == {"low": unknown, "steep": unknown}
    assert set(project.dates(sums={"workflow/lib/sgdphysics/fits.py": "0" * 64}).values()) != {unknown}


def test_without_a_repository_or_a_commit_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    project = Project(tmp_path / "project")
    project.git("update-ref", "-d", "HEAD")
    assert {date.commit.partition(":")[0] for date in project.dates().values()} == {"not known"}
    (project.root / ".git").rename(tmp_path / "elsewhere")
    assert project.dates() == dict.fromkeys(("low", "steep"), rule_dates.RuleDate("not known: no repository here"))


def test_a_project_may_be_a_folder_of_a_repository(tmp_path):
    project = Project(tmp_path, {f"a folder/part/{name}": text for name, text in FILES.items()})
    project.edit(f"a folder/part/{LEDGER}", "below: 60", "below: 61")
    second = project.commit()
    found = {claim: date.commit for claim, date in dates(tmp_path / "a folder" / "part").items()}
    assert found == {"low": second, "steep": project.first}


def test_a_shallow_clone_knows_what_changed_after_its_end(project, tmp_path):
    project.write({"README.md": "more\n"})
    project.commit()
    project.edit(LEDGER, "below: 60", "below: 61")
    third = project.commit()
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=2", project.root.as_uri(), str(tmp_path / "clone")], check=True, capture_output=True
    )
    found = dates(tmp_path / "clone")
    assert found["low"] == project.dates()["low"] == rule_dates.RuleDate(third, found["low"].date)
    assert found["steep"].commit == "not known: this clone is shallow, and the change lies before its first commit"
    assert found["steep"].date == ""


def test_a_clone_without_the_contents_of_its_history_says_so(project, tmp_path):
    project.edit(LEDGER, "below: 60", "below: 61")
    project.commit()
    project.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    subprocess.run(
        ["git", "clone", "--quiet", "--filter=blob:none", project.root.as_uri(), str(clone)], check=True, capture_output=True
    )
    assert {date.commit for date in dates(clone).values()} == {
        "not known: this clone is partial, and nothing is fetched for an audit"
    }


def test_of_this_project_the_engine_and_every_statistic_are_found():
    """They are named by their modules, or looked for by how they are registered: either may have another name one day."""
    root = Path(__file__).parents[2]
    files = {path: (root / path).read_bytes() for path in (INTERVALS, *(f"{FOLDER}/{path.name}" for path in CLAIMS.glob("*.py")))}
    assert {path.removesuffix(".py").rpartition("/")[2] for path in files} >= {*claim_rules.ENGINE, claim_rules.FEWEST_SEEDS[0]}
    code = claim_rules.Code(files)
    engine = code.rule({}).code
    assert ("FEWEST_SEEDS", ast.dump(ast.parse(f"FEWEST_SEEDS = {outcomes.FEWEST_SEEDS}").body[0])) in engine
    assert functions_in(engine) >= {"decide", "over_settings", "region_of"}
    for name in registry.STATISTICS:
        reached = code.rule({"tests": [{"statistic": name}]}).code
        assert functions_in(reached) >= functions_in(engine) | {name, "statistic"}


def functions_in(code):
    return {name for name, text in code if text.startswith("FunctionDef")}


def test_a_long_history_is_read(project):
    """300 commits, each of which changes the ledger: more than are asked for at once."""
    stream = []
    for number in range(300):
        text = LEDGER_TEXT.replace("below: 60", f"below: {number}").encode()
        stream += [f"commit refs/heads/main\ncommitter a <b> {START + 7200 + number} +0000\ndata 1\nx\n".encode()]
        stream += [f"from {project.first}\n".encode()] * (number == 0)
        stream += [f"M 100644 inline {LEDGER}\ndata {len(text)}\n".encode(), text, b"\n"]
    subprocess.run(["git", "fast-import", "--quiet"], cwd=project.root, input=b"".join(stream), check=True)
    project.git("reset", "--quiet", "--hard")
    assert project.commits() == {"low": project.git("rev-parse", "HEAD"), "steep": project.first}
