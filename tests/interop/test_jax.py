"""JAX: batches on the device."""

from __future__ import annotations

import json
import os
import pickle
import socket
import subprocess
import sys

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.interop import to_jax
from tests.interop.cases import CASES, expected

jax = pytest.importorskip("jax", reason="needs JAX: pip install 'medmnist-np[interop]'")
pytestmark = [pytest.mark.framework, pytest.mark.usefixtures("fakes")]


@pytest.mark.parametrize("case", CASES)
def test_batches_are_those_of_the_data_set(case: str) -> None:
    ds = CASES[case]()
    images, labels = expected(ds)
    found = list(to_jax(ds, 4))
    assert all(isinstance(part, jax.Array) for batch in found for part in batch)
    assert np.array_equal(images, np.concatenate([batch.images for batch in found]))
    assert np.array_equal(labels, np.concatenate([batch.labels for batch in found]))


@pytest.mark.parametrize("ahead", [0, 1, 3, 99])
def test_reading_ahead_changes_nothing(ahead: int) -> None:
    ds = mm.Dataset("breastmnist")
    found, batches = to_jax(ds, 8, shuffle=True, ahead=ahead), ds.batches(8, shuffle=True)
    assert len(batches) == len(found)
    for _ in range(2):
        assert [batch.indices.tolist() for batch in batches] == [batch.indices.tolist() for batch in found]


def test_a_jitted_step_compiles_once_for_padded_batches() -> None:
    compiled = []

    @jax.jit
    def brightness(batch):
        compiled.append(batch.images.shape)
        return (batch.images.mean(axis=(1, 2)) * batch.mask).sum()

    ds = mm.Dataset("breastmnist")
    total = sum(float(brightness(batch)) for batch in to_jax(ds, 8, last="pad"))
    assert compiled == [(8, 28, 28)]
    np.testing.assert_allclose(np.array(ds.images).mean(axis=(1, 2)).sum(), total, rtol=1e-5)


DIVIDED = """
import pickle, sys, jax, numpy as np
from medmnist_np.interop import to_jax
ds = pickle.loads(bytes.fromhex(sys.argv[1]))
mesh = jax.sharding.Mesh(np.array(jax.devices()), "x")
sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("x"))
for batch in to_jax(ds, 8, sharding=sharding, last="pad"):
    pieces = batch.images.addressable_shards
    print(batch.images.shape, len({piece.device for piece in pieces}), {piece.data.shape for piece in pieces})
"""

NOT_DIVIDED = """
import pickle, sys, jax, numpy as np
from medmnist_np.interop import to_jax
ds = pickle.loads(bytes.fromhex(sys.argv[1]))
mesh = jax.sharding.Mesh(np.array(jax.devices()), "x")
sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("x"))
for size, last in (8, "keep"), (6, "pad"), (8, "drop"):
    try:
        print(sum(len(batch.images) for batch in to_jax(ds, size, sharding=sharding, last=last)))
    except ValueError as error:
        print(str(error).partition(",")[0])
"""

ONE_OF_TWO = """
import json, pickle, sys, jax
jax.distributed.initialize(f"127.0.0.1:{sys.argv[3]}", 2, int(sys.argv[2]))
from medmnist_np.interop import to_jax
found = list(to_jax(pickle.loads(bytes.fromhex(sys.argv[1])), 8, shuffle=True))
real = [index for batch in found for index in batch.indices[batch.mask].tolist()]
print(json.dumps([[len(batch.images) for batch in found], real]))
"""


def start(code: str, *arguments: object, **variables: str) -> subprocess.Popen[str]:
    """Start a process that gets a data set, as the fakes are registered in this one only."""
    ds = pickle.dumps(mm.Dataset("breastmnist")).hex()
    command = [sys.executable, "-c", code, ds, *map(str, arguments)]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", **variables}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603


def test_arrays_may_be_divided_among_devices() -> None:
    process = start(DIVIDED, XLA_FLAGS="--xla_force_host_platform_device_count=4")
    printed, _ = process.communicate(timeout=120)
    assert ["(8, 28, 28) 4 {(2, 28, 28)}"] * 5 == printed.splitlines()


def test_batches_that_devices_cannot_share_are_refused_at_once() -> None:
    process = start(NOT_DIVIDED, XLA_FLAGS="--xla_force_host_platform_device_count=4")
    printed, _ = process.communicate(timeout=120)
    assert printed.splitlines() == ["The last batch has 5 samples", "A batch has 6 samples", "32"]


def test_processes_divide_the_set_and_make_as_many_steps() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    processes = [start(ONE_OF_TWO, number, port) for number in range(2)]
    printed = [process.communicate(timeout=120)[0] for process in processes]
    (sizes, mine), (other_sizes, others) = map(json.loads, printed)
    assert [8, 8, 8] == sizes == other_sizes
    assert list(range(37)) == sorted(mine + others)


def test_a_dtype_that_jax_does_not_have_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="not a valid JAX array type"):
        to_jax(mm.Dataset("breastmnist"), 8, dtype=">f4")


def test_an_empty_selection_gives_no_batch() -> None:
    assert list(to_jax(mm.Dataset("breastmnist")[:0], 8)) == []


@pytest.mark.parametrize("ahead", [-1, 1.5, True])
def test_a_wrong_number_of_batches_ahead_is_refused(ahead: object) -> None:
    with pytest.raises(ValueError, match="ahead must be an integer of 0 or more"):
        to_jax(mm.Dataset("breastmnist"), 8, ahead=ahead)
