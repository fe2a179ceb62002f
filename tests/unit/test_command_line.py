import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

import hostile_environment
import small_study as small
from sgdphysics import command_line
from sgdphysics.files import sha256_of
from small_study import CRATE, FIGURE, PAGE, answer

LIBRARY = Path(command_line.__file__).parents[1]


@pytest.fixture
def study(tmp_path):
    return small.finish(tmp_path / "project")


def damage(study, name=small.READ):
    (study / name).write_text("other")


@pytest.mark.parametrize("question", [[FIGURE], [small.DATA], [CRATE], [PAGE], ["--claim", "first"], ["--all"]], ids=" ".join)
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_the_exit_code_is_0_where_all_is_intact_and_1_where_it_is_not(study, question, form):
    code, out, err = answer(study, "audit", *question, *form)
    assert (code, err) == (0, "")
    damage(study)
    damage(study, small.DATA)
    code, changed, err = answer(study, "audit", *question, *form)
    assert (code, err) == (1, "")
    assert changed != out
    assert "tampered" in changed


def test_a_file_that_is_not_behind_another_does_not_count(study):
    damage(study, small.UNREAD)
    assert answer(study, "audit", FIGURE)[0] == 0
    assert answer(study, "audit", small.UNREAD)[0] == 1


def test_exit_codes_are_documented(study):
    for arguments in (["--help"], ["audit", "--help"], ["compare", "--help"]):
        code, out, _ = answer(study, *arguments)
        assert code == 0
        text = " ".join(out.split())
        assert all(said in text for said in ("0 all that was asked for is intact", "1 something is", "2 the question cannot be"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["figures/small/nothing.svg"], "figures/small/nothing.svg: there is no such file, and no record of one"),
        (["nothing"], "nothing: there is no such file, and no record of one"),
        (["figures/large/fig.svg"], "results/large/provenance/ro-crate-metadata.json: there is no record of study 'large'"),
        (["--all", "--study", "large"], "--study: found 'large', expected one of small"),
        (["--all", "--study", "../small"], "--study: found '../small', expected one of small"),
        (["--claim", "third"], "--claim: found 'third', expected one of first, second"),
        (["/etc/passwd"], "/etc/passwd: expected a file of the project in "),
        (["../elsewhere"], "../elsewhere: expected a file of the project in "),
    ],
)
def test_what_cannot_be_answered_is_one_line_and_exit_code_2(study, arguments, message):
    code, out, err = answer(study, "audit", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"sgdphysics: {message}")


@pytest.mark.parametrize("arguments", [[], ["audit"], ["audit", "x", "--all"], ["audit", "--all", "--claim", "first"], ["audti"]])
def test_wrong_arguments_end_with_exit_code_2(study, arguments):
    code, out, err = answer(study, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: sgdphysics")


def test_a_study_without_a_record_says_when_it_is_written(study):
    (study / CRATE).unlink()
    (study / PAGE).unlink()
    for arguments in ([FIGURE], ["--all", "--study", "small"], ["--all"], [small.DATA]):
        code, out, err = answer(study, "audit", *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "it is written when a study finishes" in err


def test_a_section_that_no_plan_has_is_one_line(study):
    code, out, err = answer(study, "plan", "--section", "feng2022")
    assert (code, out) == (2, "")
    assert err == "sgdphysics: --section: found 'feng2022', expected one of feng2021, yang2023, feng2023\n"


def test_an_option_of_snakemake_is_not_taken_for_another_one(study):
    code, out, err = answer(study, "plan", "--config", "mirror=folder")
    assert (code, out) == (2, "")
    assert "unrecognized arguments: --config" in err


def test_bad_settings_cannot_be_planned(study):
    shutil.copytree(LIBRARY.parent / "schemas", study / "workflow" / "schemas")
    for name in ("costs.yaml", "datasets.yaml"):
        shutil.copy(LIBRARY.parents[1] / "config" / name, study / "config")
    code, out, err = answer(study, "plan")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "studies.base" in err
    (study / "config" / "config.yaml").unlink()
    assert answer(study, "plan")[2].startswith("sgdphysics: config/config.yaml: [Errno 2] No such file")


def test_outside_of_a_project_there_is_no_answer(tmp_path):
    for arguments in (["--all"], ["fig.svg"]):
        code, out, err = answer(tmp_path, "audit", *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "neither this nor a folder above it is the project" in err


def test_a_file_is_found_from_any_folder(study, tmp_path):
    expected = answer(study, "audit", FIGURE)
    assert expected[0] == 0
    assert answer(study / "figures/small", "audit", "fig.svg") == expected
    assert answer(study / "results/small/tables", "audit", "../../../figures/small/fig.svg") == expected
    assert answer(tmp_path, "audit", f"project/{FIGURE}") == expected
    assert answer(tmp_path, "audit", str(study / FIGURE)) == expected
    assert answer(study / "workflow", "audit", "--all") == answer(study, "audit", "--all")


def test_results_may_lie_on_another_disk(study, tmp_path):
    shutil.move(study / "results", tmp_path / "disk")
    (study / "results").symlink_to(tmp_path / "disk")
    assert answer(study, "audit", small.READ)[0] == 0
    (tmp_path / "link").symlink_to(study)
    assert answer(tmp_path / "link", "audit", FIGURE)[0] == answer(tmp_path, "audit", f"link/{FIGURE}")[0] == 0
    assert answer(study, "audit", str(tmp_path / "link" / FIGURE))[0] == 0


def test_a_file_that_no_record_knows_is_unknown(study):
    small.write(study, {"figures/small/new.svg": "x"})
    code, out, _ = answer(study, "audit", "figures/small/new.svg")
    assert code == 1
    assert out.startswith("figures/small/new.svg  unknown: no record\n")


def test_an_audit_names_what_was_set_where_jobs_ran(study):
    records = small.records_of(study)
    for record in records.values():
        record["variables"] = {}
    quiet = "jobs ran with"
    small.publish(study, small.crate.build(small.described(study, records), records))
    assert quiet not in answer(study, "audit", FIGURE)[1]
    next(iter(records.values()))["variables"] = {"LD_PRELOAD": "libfast.so"}
    small.publish(study, small.crate.build(small.described(study, records), records))
    assert "jobs ran with LD_PRELOAD=libfast.so" in answer(study, "audit", FIGURE)[1].splitlines()


def test_the_chain_as_text_names_rules_data_machine_and_record(study):
    _, out, _ = answer(study, "audit", FIGURE)
    lines = out.splitlines()
    assert lines[0].startswith(f"{FIGURE}  intact  <- draw, 20")
    assert lines[1] == f"  {small.SCRIPTS}/draw.py  intact"
    assert lines[2].startswith(f"  {small.READ}  intact  <- tabulate_a, 20")
    assert f"record {CRATE}, sha256 {sha256_of(study / CRATE)}" in lines
    assert "commit " + "a" * 40 + ", unchanged when it ran" in lines
    assert f"data {small.DATA}: Digits; here; free" in lines
    assert any(line.startswith("machine ") for line in lines)


def test_the_chain_as_json_holds_every_file_with_its_job(study):
    _, out, _ = answer(study, "audit", FIGURE, "--json")
    told = json.loads(out)
    assert (told["study"], told["file"], told["state"], told["reason"]) == ("small", FIGURE, "intact", "")
    scripts = {f"{small.SCRIPTS}/{rule}.py" for rule in ("draw", "tabulate_a", "prepare")}
    assert set(told["files"]) == {FIGURE, small.READ, small.DATA, *scripts}
    table = told["files"][small.READ]
    assert table["sha256"] == sha256_of(study / small.READ)
    assert set(table["made_from"]) == small.MADE_FROM[small.READ]
    assert table["job"]["parameters"] == {"rate": 0.5, "seeds": [1, 2]}
    assert table["job"]["code"] == {name: sha256_of(study / name) for name in (small.LIBRARY, f"{small.SCRIPTS}/tabulate_a.py")}
    assert {"threads", "machine", "packages"} <= table["job"]["environment"].keys()
    assert told["record"]["settings"] == {"dataset": "digits", "part": {"rate": 0.5, "seeds": [1, 2]}}
    damage(study)
    told = json.loads(answer(study, "audit", FIGURE, "--json")[1])
    assert {name for name, file in told["files"].items() if file["state"] != "intact"} == {FIGURE, small.READ}


def test_the_row_of_a_claim_is_told(study):
    assert answer(study, "audit", "--claim", "first")[1].startswith("claim first: replicated, slope -1.0 [-1.5, -0.5], 5 seeds\n")
    told = json.loads(answer(study, "audit", "--claim", "second", "--json")[1])
    assert told["claim"]["verdict"] == "partly"
    assert {small.LEDGER, small.READ, small.UNREAD, small.DATA} <= set(told["files"])
    assert small.UNREAD not in json.loads(answer(study, "audit", "--claim", "first", "--json")[1])["files"]


def test_all_as_text_counts_the_files_of_each_state(study):
    assert answer(study, "audit", "--all")[1].splitlines()[0] == "study small: 22 files, 22 intact, 0 stale, 0 tampered, 0 unknown"
    damage(study)
    lines = answer(study, "audit", "--all")[1].splitlines()
    assert sum("  tampered: " in line for line in lines) == 1
    assert "22 files, 15 intact, 6 stale, 1 tampered, 0 unknown" in lines[7]


def test_one_of_several_studies_is_asked_for_by_name_or_by_its_file(study):
    other = "results/other/provenance/ro-crate-metadata.json"
    small.write(study, {other: (study / CRATE).read_text().replace("digits.bin", "images.bin"), "data/images.bin": "x"})
    assert (
        answer(study, "audit", "--all")[1].splitlines()[-1:]
        == answer(study, "audit", "--all", "--study", "small")[1].splitlines()[-1:]
    )
    text = (study / small.CONFIGURATION).read_text()
    (study / small.CONFIGURATION).write_text(text.replace("study: small", "study: base"))
    code, out, err = answer(study, "audit", "--all")
    assert (code, out) == (2, "")
    assert err.startswith(
        "sgdphysics: --study: several studies have a record, but not that of config/config.yaml; expected one of other, "
    )
    (study / small.CONFIGURATION).write_text(text)
    assert answer(study, "audit", "--all")[0] == 0
    assert answer(study, "audit", "--all", "--study", "small")[0] == 0  # images.bin is of the other one
    assert answer(study, "audit", FIGURE)[0] == 0
    assert f"record {CRATE}" in answer(study, "audit", small.DATA)[1]
    assert f"record {other}" in answer(study, "audit", "data/images.bin")[1]


@pytest.mark.parametrize("content", ["{", "{}", '{"@graph": [1]}'])
def test_a_broken_record_of_another_study_is_told_and_does_not_count(study, content):
    other = "results/other/provenance/ro-crate-metadata.json"
    small.write(study, {other: content, "data/images.bin": "x"})
    code, out, err = answer(study, "audit", "--all", "--study", "small")
    assert (code, err) == (1, "")
    assert out.startswith("data/images.bin  unknown: no record\nstudy small: 23 files, 22 intact")
    assert f"\nnot read, so files of study other alone count as unknown: {other}: not a" in out
    (study / "data/images.bin").unlink()
    assert answer(study, "audit", "--all", "--study", "small")[0] == 0
    assert answer(study, "audit", small.DATA)[0] == 0


@pytest.mark.parametrize("question", ["plan", "runs"])
@pytest.mark.parametrize("between", [[], ["--configfile"], ["--configfiles"]], ids=["one option", "two", "two names"])
def test_several_files_of_settings_are_laid_one_over_another(tmp_path, capsys, monkeypatch, question, between):
    twin = tmp_path / "twin.yaml"
    twin.write_text("study: twin\nstudies: {twin: {like: smoke, feng2021: {seeds: [100]}}}\n")
    monkeypatch.chdir(LIBRARY.parents[1])
    assert command_line.main([question, "--configfile", "config/smoke.yaml", *between, str(twin)]) == 0
    lines = capsys.readouterr().out.splitlines()
    if question == "plan":
        assert lines[0].startswith("study twin, if nothing of it is there yet: ")
    else:
        seeds = {line.split()[0].split("_s")[1][:3] for line in lines if " feng2021 " in line}
        assert seeds == {"100"}


def run(study, *arguments):
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=study, capture_output=True, text=True, timeout=60, check=False, env={"PYTHONPATH": str(LIBRARY), "PATH": ""}
    )


def test_the_command_runs_as_a_module_and_its_exit_code_is_that_of_the_process(study):
    module = ("-m", "sgdphysics.command_line", "audit")
    assert run(study, *module, "--all").returncode == 0
    damage(study)
    assert run(study, *module, "--all").returncode == 1
    failed = run(study, *module, "nothing")
    assert (failed.returncode, failed.stdout, failed.stderr.count("\n")) == (2, "", 1)


def test_a_reader_that_wants_no_more_is_no_error(study):
    command = f"{sys.executable} -m sgdphysics.command_line audit --all --json | true"
    shell = {"cwd": study, "capture_output": True, "text": True, "timeout": 60, "check": True}
    done = subprocess.run(["sh", "-c", command], env={"PYTHONPATH": str(LIBRARY), "PATH": os.environ["PATH"]}, **shell)
    assert done.stderr == ""


def test_the_command_is_quick_because_it_loads_no_large_package(study):
    code = "import sys; from sgdphysics import command_line; command_line.main(['audit', '--all']); print(*sys.modules)"
    loaded = set(run(study, "-c", code).stdout.splitlines()[-1].split())
    assert "sgdphysics.provenance.audit" in loaded
    assert not {"torch", "scipy", "sklearn", "matplotlib.pyplot", "snakemake"} & loaded


def test_a_terminal_that_lacks_signs_and_a_look_of_the_users_own_stop_no_comparison(tmp_path):
    for name, sign, level in (("one", "−", 0.0), ("two", "×", 1.0)):
        tables, figures = tmp_path / "results" / name / "tables", tmp_path / "figures" / name
        for folder in (tables, figures):
            folder.mkdir(parents=True)
        (tables / "table.csv").write_text(f"sign\n{sign}\n", encoding="utf-8")
        matplotlib.image.imsave(figures / "figure.png", np.full((2, 2, 3), level))
    (tmp_path / "elsewhere").mkdir()
    planted = hostile_environment.plant(tmp_path / "home", tmp_path / "elsewhere")
    # Which modules Python finds, and whether it waits at the end for what is typed, is none of the command's.
    own = {"PYTHONPATH": str(LIBRARY), "PYTHONINSPECT": ""}
    # The script of the command has no modules of the working folder, and so -P.
    command = [sys.executable, "-P", "-m", "sgdphysics.command_line", "compare", "one", "two"]
    environment = hostile_environment.clean() | planted | own
    done = subprocess.run(command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"'\\u2212' and '\xd7'" in done.stdout
    assert b"root mean square difference 255 of 255 levels" in done.stdout
