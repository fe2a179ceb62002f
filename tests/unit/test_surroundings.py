"""Altered packages and variables of jobs: in every answer of an audit, and the former by its exit code."""

import json

import pytest

import small_study as small
from sgdphysics.provenance import audit, surroundings
from sgdphysics.provenance.reading import load

OLD = "altered since installation: "


@pytest.fixture
def root(tmp_path):
    return small.finish(tmp_path)


def change(root, environment=(), rules=tuple(small.RULES), description=None):
    """Publish the record with other words on the surroundings of some jobs, or of the study as a whole."""
    content = json.loads((root / small.CRATE).read_text())
    graph = {entity["@id"]: entity for entity in content["@graph"]}
    for rule in rules:
        job = f"#job/results/small/logs/{rule}"
        packages = graph[f"{job}/environment/packages"]
        packages["value"] = json.dumps({**json.loads(packages["value"]), "numpy": "2"}, sort_keys=True)
        for name, value in dict(environment).items():
            entity = {"@id": f"{job}/environment/{name}", "@type": "PropertyValue", "name": name, "value": json.dumps(value)}
            if entity["@id"] not in graph:
                content["@graph"].append(entity)
                graph[job]["environment"].append({"@id": entity["@id"]})
            graph.setdefault(entity["@id"], entity)["value"] = entity["value"]
    if description is not None:
        (package,) = [entity for entity in content["@graph"] if entity.get("name") == "numpy"]
        package["description"] = description
    small.publish(root, content)


QUESTIONS = [("--all",), (small.FIGURE,), ("--claim", "first")]


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_an_altered_package_is_shown_and_is_exit_1(root, question):
    assert small.answer(root, "audit", *question)[0] == 0
    change(root, {"altered_packages": {"numpy": ["numpy/b.py", "numpy/a.py"]}})
    code, out, _ = small.answer(root, "audit", *question)
    assert code == 1
    assert "package numpy 2, altered since installation: numpy/a.py, numpy/b.py" in out.splitlines()


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_so_it_is_where_only_an_earlier_record_as_a_whole_says_it(root, question):
    change(root, description=f"{OLD}numpy/b.py, numpy/a.py")
    code, out, _ = small.answer(root, "audit", *question)
    assert code == 1
    assert "package numpy 2, altered since installation: numpy/a.py, numpy/b.py" in out.splitlines()


@pytest.mark.parametrize(
    ("environment", "description", "line"),
    [
        ({"altered_packages": {}}, None, None),
        ({"altered_packages": {}}, f"{OLD}numpy/a.py", None),  # a job says more than the study as a whole
        ({}, f"{OLD}nothing", None),
        ({}, "another version is installed now", None),
        ({}, f"{OLD}not known, it has no list of its files", f"{OLD}not known, it has no list of its files"),
        ({"altered_packages": {"numpy": ["not known: conda"]}}, None, f"{OLD}not known: conda"),
        ({"altered_packages": ["numpy"]}, None, None),  # what this version does not write
        ({"altered_packages": {"numpy": "all"}}, None, None),
    ],
)
def test_what_is_not_altered_or_not_known_is_no_accusation(root, environment, description, line):
    change(root, environment, description=description)
    code, out, _ = small.answer(root, "audit", "--all")
    assert code == 0
    found = [printed for printed in out.splitlines() if "altered since" in printed]
    assert found == ([f"package numpy 2, {line}"] if line else [])


def test_a_file_stands_on_the_packages_of_its_own_jobs_alone(root):
    change(root, {"altered_packages": {"numpy": ["numpy/a.py"]}}, rules=["tabulate_b"])
    assert small.answer(root, "audit", small.FIGURE)[0] == 0
    assert small.answer(root, "audit", small.UNREAD)[0] == 1
    assert small.answer(root, "audit", "--claim", "first")[0] == 0
    assert small.answer(root, "audit", "--claim", "second")[0] == 1
    assert small.answer(root, "audit", "--all")[0] == 1


def test_other_doubts_are_not_hidden_by_it(root):
    change(root, {"altered_packages": {"numpy": ["numpy/a.py"]}})
    (root / small.FIGURE).write_text("other")
    assert small.states(root)[small.FIGURE][0] == audit.TAMPERED


def test_variables_are_shown_by_name_and_value(root):
    change(root, {"variables": {"MKL_CBWR": "COMPATIBLE"}}, rules=["draw"])
    code, out, _ = small.answer(root, "audit", "--all")
    assert code == 0
    assert "jobs ran with MKL_CBWR=COMPATIBLE" in out.splitlines()
    record = load(root, "small")
    assert surroundings.variables(record.jobs) == ["MKL_CBWR=COMPATIBLE"]
    assert surroundings.variables(job for job in record.jobs if job.rule != "draw") == []
