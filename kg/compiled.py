"""Loops over arrays as machine code, by Numba.

Compiled functions run without the interpreter's lock, so that threads compute at the same time. The machine
code is kept on disk, beside the source or in the user's cache, and is made again for another processor.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba

Given = ParamSpec("Given")
Found = TypeVar("Found")


def compiled(function: Callable[Given, Found]) -> Callable[Given, Found]:
    """The function as machine code, compiled at its first call; it takes arrays and numbers alone.

    Division by zero gives infinity or NaN, as in NumPy. Sums are computed in the order of the source.
    """
    return _compiled(function, fastmath=False)


def vectorized(function: Callable[Given, Found]) -> Callable[Given, Found]:
    """As `compiled`, but sums may be computed in another order, several terms at a time.

    The order depends on the processor alone, so the same machine gives the same sums.
    """
    return _compiled(function, fastmath={"reassoc"})


def _compiled(function: Callable[Given, Found], fastmath: Any) -> Callable[Given, Found]:
    options = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
    try:
        made = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder to keep machine code in
        made = numba.njit(**options)(function)
    return cast("Callable[Given, Found]", made)
