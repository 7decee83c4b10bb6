"""Arrays on disk: written to a temporary name, then renamed, so that no reader meets half a file."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

Array = npt.NDArray[Any]


def write_tensors(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write a safetensors file, atomically; missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        save_file({key: np.asarray(array, order="C") for key, array in arrays.items()}, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
