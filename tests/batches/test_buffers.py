"""Memory that is used again: only once nobody can see it any more, however it is held."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from medmnist_np.batches.loader import Buffers

SHAPE, DTYPE = (4, 28, 28), np.dtype(np.float32)


class Subclass(np.ndarray):
    """As a user's own kind of array."""


class Exporter:
    """Shows an array by DLPack alone."""

    def __init__(self, array: np.ndarray) -> None:
        self.capsule = array.__dlpack__()

    def __dlpack__(self, **_: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


class Interface:
    """Shows an array by its array interface, and holds it."""

    def __init__(self, array: np.ndarray) -> None:
        self.held, self.__array_interface__ = array, array.__array_interface__


def cycle(array: np.ndarray) -> list[Any]:
    held: list[Any] = [array]
    held.append(held)
    return held


HOLDERS: dict[str, Callable[[np.ndarray], Any]] = {
    "itself": lambda array: array,
    "a view": lambda array: array[1:],
    "a view of a view": lambda array: array[1:].reshape(-1)[5:].view(np.uint8)[::2],
    "one number": lambda array: array[0, 0, :1],
    "a transposed view": lambda array: array.T,
    "its base": lambda array: array.base,
    "the base of its base": lambda array: array.base.base if array.base is not None else None,
    "a subclass": lambda array: array.view(Subclass)[2:],
    "a memoryview": memoryview,
    "a slice of a memoryview": lambda array: memoryview(array)[1:][1:],
    "an array of a memoryview": lambda array: np.asarray(memoryview(array)),
    "a buffer": lambda array: np.frombuffer(array, np.uint8),
    "DLPack": np.from_dlpack,
    "a view by DLPack": lambda array: np.from_dlpack(array[2:])[..., 1],
    "a capsule": Exporter,
    "an array of a capsule": lambda array: np.from_dlpack(Exporter(array)),
    "the array interface": lambda array: np.asarray(Interface(array)),
    "an iterator": iter,
    "a flat iterator": lambda array: array.flat,
    "an nditer": np.nditer,
    "a broadcast": lambda array: np.broadcast_to(array[0], (9, 28, 28)),
    "a strided trick": lambda array: np.lib.stride_tricks.sliding_window_view(array, 2, axis=0),
    "ctypes": lambda array: array.ctypes.data_as(__import__("ctypes").c_void_p),
    "a ctypes array": lambda array: np.ctypeslib.as_array(np.ctypeslib.as_ctypes(array)),
    "a record": lambda array: array.view(np.recarray),
    "a masked array": np.ma.masked_array,
    "a closure": lambda array: lambda: array[0],
    "a cycle": cycle,
}


def address(array: np.ndarray) -> range:
    start = array.__array_interface__["data"][0]
    return range(start, start + array.nbytes)


@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)
def test_memory_that_somebody_holds_is_given_to_nobody_else(holder: Callable[[np.ndarray], Any]) -> None:
    buffers = Buffers(most=8)
    array = buffers.empty(SHAPE, DTYPE)
    array[...] = 7
    taken = address(array)
    held = holder(array)
    del array
    gc.collect()
    others = [buffers.empty(SHAPE, DTYPE) for _ in range(8)]
    assert all(taken.start not in address(other) for other in others)
    del held
    gc.collect()
    assert address(buffers.empty(SHAPE, DTYPE)) == taken


def test_memory_that_nobody_holds_is_used_again() -> None:
    buffers = Buffers(most=2)
    first = address(buffers.empty(SHAPE, DTYPE))
    assert first == address(buffers.empty(SHAPE, DTYPE))
    # What counts is how many bytes there are.
    assert first == address(buffers.empty((28, 4, 28), np.dtype(">i4")))
    assert first != address(buffers.empty((4, 28, 27), DTYPE))


@pytest.mark.parametrize("dtype", ["u1", "f2", "f4", ">f8", "c16", "i8"])
@pytest.mark.parametrize("shape", [(3, 5), (1,), (7, 1, 3), (0, 4)])
def test_arrays_are_aligned_contiguous_and_writable(shape: tuple[int, ...], dtype: str) -> None:
    array = Buffers(most=2).empty(shape, np.dtype(dtype))
    assert shape == array.shape
    assert np.dtype(dtype) == array.dtype
    assert array.flags.c_contiguous is True
    assert array.flags.writeable is True
    assert array.flags.aligned is True
    assert type(array) is np.ndarray
    assert array.size == 0 or array.ctypes.data % 64 == 0
    array[...] = 1


def test_no_more_is_kept_than_was_said() -> None:
    buffers = Buffers(most=3)
    many = [buffers.empty(SHAPE, DTYPE) for _ in range(10)]
    del many
    gc.collect()
    assert len(buffers._free[int(np.prod(SHAPE)) * 4]) == 3


def test_an_array_that_is_kept_does_not_keep_what_others_left() -> None:
    buffers = Buffers(most=8)
    arrays = [buffers.empty(SHAPE, DTYPE) for _ in range(8)]
    arrays[0][...] = 3
    free = weakref.ref(buffers._free[arrays[0].nbytes])
    one = arrays[0][1:]
    del arrays, buffers
    gc.collect()
    assert free() is None
    assert (one == 3).all()
    del one
    gc.collect()


def test_threads_never_share_memory_that_is_alive() -> None:
    buffers = Buffers(most=16)

    def work(number: int) -> int:
        wrong = 0
        random = np.random.default_rng(number)
        held: list[Any] = []
        for step in range(400):
            value = (number * 1000 + step) % 251
            array = buffers.empty((int(random.integers(1, 4)), 128), np.dtype(np.uint8))
            array[...] = value
            shown = (array, array[:, ::2], np.asarray(memoryview(array)), np.from_dlpack(array))[step % 4]
            del array
            held.append((value, shown))
            if len(held) > 5:
                value, shown = held.pop(int(random.integers(len(held))))
                wrong += int(not (shown == value).all())
        return wrong

    with ThreadPoolExecutor(8) as threads:
        assert [0] * 16 == list(threads.map(work, range(16)))


def test_arrays_may_be_given_back_in_another_thread() -> None:
    buffers = Buffers(most=4)
    with ThreadPoolExecutor(4) as threads:
        for _ in range(200):
            arrays = [buffers.empty(SHAPE, DTYPE) for _ in range(4)]
            assert len({array.ctypes.data for array in arrays}) == 4
            for future in [threads.submit(lambda array: array.fill(1), arrays.pop()) for _ in range(4)]:
                future.result()
