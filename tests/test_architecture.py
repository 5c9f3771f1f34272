"""Imports point one way: the list of rooms, held by reading every import, also those inside functions.

Two places import by a name made at run time, the face and the program; both stand at the bottom of the list.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import medmnist_np

SOURCE = Path(medmnist_np.__file__).parent

# A file imports only what stands on a line above its own.
ROOMS = """
    _controls _version errors missing numbering registry.markup
    cache
    cache.progress cache.settings spread
    registry.archives registry.papers
    registry.records
    registry.volumes
    registry.own registry.reading
    registry.lookup registry.recipes
    registry
    registry.corruptions registry.known_sets
    registry.selection
    metrics.distributions metrics.frames metrics.ranks metrics.records
    metrics.inputs
    metrics.averaging metrics.curves metrics.decisions metrics.masks metrics.resampling metrics.runs metrics.tables
    metrics.calibration metrics.confusion metrics.delong metrics.overlap metrics.ranking metrics.significance
    metrics.surfaces
    metrics.catalogue metrics.distances metrics.formulas metrics.official
    metrics.bootstrap
    metrics.comparison metrics.intervals
    metrics.segmentation
    metrics.cases
    metrics
    images.blocks images.channels images.corruptions.shape images.encoders images.grid images.scaling
    images.corruptions.blur images.corruptions.digital images.corruptions.noise images.corruptions.occlusion
    images.corruptions.tone
    images.corruptions.catalogue
    images.corruptions
    images.captions images.hashing images.picture images.steps images.volumes
    images.overlays
    images.corruption_figure images.montages images.perceptual images.recipes
    images
    pages.files pages.markup pages.naming
    pages.audit_data pages.card_data pages.charts pages.frame
    pages.card_code pages.card_examples pages.card_labels pages.card_masks pages.card_values pages.curves pages.measured
    pages.mistakes pages.performance
    pages.audit pages.card pages.evaluation pages.robustness
    pages
    cache.answers cache.manifest
    cache.digests cache.disk cache.locks cache.readahead
    cache.binarising cache.zips
    cache.http cache.npz cache.part
    cache.foreign cache.ranges cache.transport
    cache.store
    cache.search
    cache.archives cache.contents cache.members
    cache.nested
    cache.prepare
    cache.unproven
    items joined
    batches.ahead batches.buffers batches.layout batches.order
    batches.making
    batches
    volumes volumes.files volumes.flat volumes.left_out
    volumes.nifti
    volumes.exporting volumes.layouts volumes.voxels
    volumes.survey
    volumes.decoding
    volumes.publishing
    volumes.preparing
    statistics subsets
    corruption.augmenting corruption.computed identifiers loading registering scheme
    corruption.storing
    builder.labels builder.signatures
    builder.reading
    builder.choices builder.pairs builder.rows
    builder.tables
    builder.sources
    builder.preparing builder.splitting
    builder.writing
    builder.describing
    builder.building
    builder
    export.blocks export.plan
    export.pairs
    export.files
    export.saving
    export.saving_pairs
    export
    notebook
    samples
    dataset
    volumes.ragged
    volumes.labelled volumes.windows
    volumes.cutting
    volumes.cases volumes.saving
    volumes.windowed
    volumes.dataset
    compat corruption.published
    corruption
    interop.needs interop.reading
    interop.dask interop.grain interop.huggingface interop.jax interop.keras
    interop.pandas interop.sklearn interop.tensorflow interop.torch
    interop
    evaluation.files evaluation.names evaluation.result
    evaluation.comparison evaluation.evaluator evaluation.published evaluation.reporting
    evaluation
    robustness.result robustness.runs
    robustness.summary
    robustness.measuring
    robustness
    cards integrity
    auditing.findings
    auditing.words
    auditing.showing
    auditing.archive auditing.result
    auditing.source
    auditing.grouping auditing.likeness auditing.scanning
    auditing.examining
    auditing
    testing.cases testing.server
    testing.volumes
    testing.fakes
    testing
    cli.threads
    cli.completing cli.examining cli.output cli.reaching
    cli.display
    cli.jobs
    cli.auditing cli.building cli.carding cli.cataloguing cli.corrupting cli.demo cli.doctoring cli.evaluating
    cli.exporting cli.fetching cli.keeping cli.listing cli.mirroring cli.picturing cli.reporting
    cli
    __init__ __main__
"""

LINES = {module: number for number, line in enumerate(ROOMS.split("\n")) for module in line.split()}
FILES = sorted(SOURCE.rglob("*.py"))


def module_of(file: Path) -> str:
    """Return ``"cache.store"`` of ``cache/store.py``, and ``"cache"`` of ``cache/__init__.py``."""
    return ".".join(file.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


def imported(file: Path) -> Iterator[str]:
    """Yield the modules of the package that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name.removeprefix("medmnist_np.") in LINES else str(node.module) for name in inner]
        else:
            continue
        for name in names:
            if name.partition(".")[0] == "medmnist_np":
                yield name.removeprefix("medmnist_np.").replace("medmnist_np", "__init__")


def test_every_file_has_its_place() -> None:
    assert sorted(LINES) == sorted(map(module_of, FILES))


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_a_file_imports_only_from_above_its_line(file: Path) -> None:
    own_line = LINES[module_of(file)]
    assert [] == [name for name in imported(file) if LINES.get(name, own_line) >= own_line]


def test_imports_inside_functions_are_seen() -> None:
    assert "cache.prepare" in set(imported(SOURCE / "data/arrays.py"))
    assert "cache.disk" in set(imported(SOURCE / "cache" / "store.py"))
