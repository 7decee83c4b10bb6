"""Arrays on disk, written to a temporary file and renamed, so that a reader never sees a partial file."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

Array = npt.NDArray[Any]


def part_of(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    """The arrays whose names begin with `prefix` and a dot, without it."""
    start = f"{prefix}."
    return {name.removeprefix(start): own for name, own in arrays.items() if name.startswith(start)}


def write_tensors(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write a safetensors file atomically; missing folders are created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        save_file({key: np.asarray(array, order="C") for key, array in arrays.items()}, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
