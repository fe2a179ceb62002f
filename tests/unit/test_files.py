import hashlib
import os
import stat

import pandas as pd
import pytest
import torch

from sgdphysics.files import sha256_of, write_atomically
from sgdphysics.tables import save_table
from sgdphysics.tensors import save_tensors


def test_the_sum_is_that_of_all_bytes(tmp_path):
    content = bytes(range(256)) * 5000  # more than is read at once
    (tmp_path / "file").write_bytes(content)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(content).hexdigest()
    (tmp_path / "file").write_bytes(content[:-1] + b"\0")
    assert sha256_of(tmp_path / "file") != hashlib.sha256(content).hexdigest()


def test_what_cannot_be_read_has_no_sum(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(OSError, match=path.name):
            sha256_of(path)


def test_a_written_file_replaces_the_old_one_at_once(tmp_path):
    path = tmp_path / "new" / "folder" / "figure.png"
    seen = []

    def write(temporary):
        seen.append((temporary.parent, temporary.suffix, path.exists()))
        temporary.write_text("all")

    write_atomically(path, write)
    assert seen == [(path.parent, ".png", False)]
    assert path.read_text() == "all"
    assert os.listdir(path.parent) == ["figure.png"]  # noqa: PTH208  (hidden files too)


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077], ids=oct)
def test_who_may_read_a_file_is_what_the_umask_says_whatever_writes_it(tmp_path, umask):
    before = os.umask(umask)
    try:
        save_tensors(tmp_path / "weights.safetensors", {"w": torch.zeros(2)}, {})
        save_table(tmp_path / "table.csv", pd.DataFrame({"x": [1]}))
        write_atomically(tmp_path / "text.txt", lambda path: path.write_text("all"))
    finally:
        os.umask(before)
    modes = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys((".safetensors", ".csv", ".txt"), 0o666 & ~umask)
