"""Small things done to rows."""

from typing import Any

import numpy as np

from kg.graph import FloatArray


def unit_rows(vectors: Any) -> FloatArray:
    """Rows of length 1, float32; rows of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
