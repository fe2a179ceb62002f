"""Text is read and written as UTF-8, not in the encoding of whoever runs the code."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = sorted((ROOT / "workflow").rglob("*.py"))
# Functions whose text is in the encoding of the locale where they are told none; of `open`, methods and function.
OF_TEXT = {"open", "read_text", "write_text", "to_csv", "read_csv", "fdopen"}
OF_BYTES = {"os.open", "gzip.open"}
OF_PACKAGES = {"package.read_text"}  # by importlib.metadata, always UTF-8


def without_encoding(source):
    """Numbers of lines that read or write text and do not say in which encoding."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [call.lineno for call in calls if is_of_text(call) and "encoding" not in {word.arg for word in call.keywords}]


def is_of_text(call):
    name = ast.unparse(call.func)
    if any(word.arg in ("text", "universal_newlines") for word in call.keywords):
        return True
    return (
        name.split(".")[-1] in OF_TEXT and name not in OF_BYTES | OF_PACKAGES and not (name.endswith("open") and opens_bytes(call))
    )


def opens_bytes(call):
    values = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
    return any(isinstance(value, ast.Constant) and value.value in ("rb", "wb", "ab", "xb", "r+b") for value in values)


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT / "workflow").as_posix())
def test_code_says_in_which_encoding(path):
    assert without_encoding(path.read_text(encoding="utf-8")) == []


def test_rules_say_it_too():
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        text = path.read_text(encoding="utf-8")
        assert text.count("read_text(") == text.count('read_text(encoding="utf-8")'), path.name
        assert "open(" not in text
        assert "write_text(" not in text


@pytest.mark.parametrize(
    "source",
    [
        "open(path)",
        "open(path, 'w')",
        "path.open('w', buffering=1)",
        "Path(path).read_text()",
        "temporary.write_text('b')",
        "table.to_csv(path, index=False)",
        "subprocess.run(command, text=True)",
    ],
)
def test_what_says_none_is_noticed(source):
    assert without_encoding(source) == [1]


@pytest.mark.parametrize("source", ["open(path, 'rb')", "path.open(mode='wb')", "os.open(path, flags)", "path.read_bytes()"])
def test_bytes_need_none(source):
    assert without_encoding(source) == []
