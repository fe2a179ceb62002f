"""Statistical physics of learning in feed-forward networks: measurements on trained networks.

Import the modules one by one (``from sgdphysics import curvature``): this file imports none of them,
so that a workflow rule depends only on the modules that it uses.

What runs is what the files say: modules of this package are compiled from their source in every process (a fifth of a second for
all of them). Python would take bytecode for that of a source of equal size and time, and an extension before the source beside it.
"""

import sys
from hashlib import sha256
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType

LOADED: dict[str, str] = {}  # sha256 of the source that was compiled, by its file: it may have another one a moment later


class _FromSource(SourceFileLoader):
    """Neither reads nor writes bytecode."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        source = self.get_data(path)
        LOADED[path] = sha256(source).hexdigest()
        return self.source_to_code(source, path)


def _finder_in_this_package(folder: str) -> FileFinder:
    """Find sources only; raises `ImportError` for other folders, so that Python finds modules there as always."""
    if not Path(folder).is_relative_to(Path(__file__).parent):
        raise ImportError
    return FileFinder(folder, (_FromSource, [".py"]))


sys.path_hooks.insert(0, _finder_in_this_package)
