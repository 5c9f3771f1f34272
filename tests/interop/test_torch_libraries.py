"""Libraries that decide by ``isinstance(ds, torch.utils.data.Dataset)``: Lightning and skorch."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.interop import to_torch

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'medmnist-np[interop]'")
pytestmark = [pytest.mark.framework, pytest.mark.usefixtures("fakes")]

KINDS: dict[str, Callable[..., Any]] = {
    "official class": lambda split: mm.BreastMNIST(split, transform=scaled),
    "Dataset": lambda split: mm.Dataset("breastmnist", split, transform=scaled),
    "to_torch": lambda split: to_torch(mm.Dataset("breastmnist", split), channels="first", scale=1 / 255),
    "to_torch with a transform": lambda split: to_torch(mm.BreastMNIST(split, transform=scaled)),
}


def scaled(image: Any) -> np.ndarray:
    return np.asarray(image, np.float32)[np.newaxis] / 255


class Linear(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 2), torch.nn.Softmax(dim=-1))

    def forward(self, images):
        return self.layers(images)


# The base class


@pytest.mark.parametrize("kind", KINDS)
def test_every_data_set_is_a_dataset_of_pytorch(kind: str) -> None:
    assert isinstance(KINDS[kind]("train"), torch.utils.data.Dataset)


def test_a_part_and_a_pickled_data_set_are_datasets_of_pytorch() -> None:
    ds = mm.Dataset("breastmnist")
    assert isinstance(ds[3:5], torch.utils.data.Dataset)
    assert isinstance(pickle.loads(pickle.dumps(ds)), torch.utils.data.Dataset)


def test_to_torch_returns_no_sequence() -> None:
    from collections.abc import Sequence

    assert not isinstance(to_torch(mm.Dataset("breastmnist")), Sequence)


def test_a_class_that_names_pytorchs_class_first_leaves_the_others_as_they_are() -> None:
    program = """
import medmnist_np as mm
from medmnist_np import testing
import tempfile, pathlib
with testing.fake_datasets(pathlib.Path(tempfile.mkdtemp()), "breastmnist"):
    ds = mm.Dataset("breastmnist", download=True)
    import torch
    class Both(torch.utils.data.Dataset, mm.Dataset):
        def __getitem__(self, index):
            return mm.Dataset.__getitem__(self, index)
    both = Both("breastmnist")
    print(len(ds[:]) == len(both), isinstance(both, torch.utils.data.Dataset))
"""
    assert run(program) == "True True\n"


def test_a_data_set_made_before_pytorch_was_imported_is_one_after_the_next_was_made() -> None:
    program = """
import sys, tempfile, pathlib
import medmnist_np as mm
from medmnist_np import testing
with testing.fake_datasets(pathlib.Path(tempfile.mkdtemp()), "breastmnist"):
    ds = mm.BreastMNIST("train", download=True)
    print("torch" in sys.modules)
    import torch
    ds[:3]
    print(isinstance(ds, torch.utils.data.Dataset), issubclass(mm.AdrenalMNIST3D, torch.utils.data.Dataset))
"""
    assert run(program) == "False\nTrue True\n"


def run(program: str) -> str:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


# Lightning


@pytest.fixture
def lightning() -> Any:
    return pytest.importorskip("lightning", reason="needs Lightning: pip install lightning")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_lightning_trains_on_a_data_module_of_data_sets(kind: str, lightning: Any, tmp_path: Path) -> None:
    class Model(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.seen = Linear(), []

        def training_step(self, batch, _):
            images, labels = batch
            self.seen.append((tuple(images.shape), tuple(labels.shape)))
            return torch.nn.functional.cross_entropy(self.net(images), labels[:, 0])

        def validation_step(self, batch, _):
            self.log("loss", torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1][:, 0]))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    make = KINDS[kind]
    data = lightning.LightningDataModule.from_datasets(make("train"), [make("val")], batch_size=16)
    trainer = lightning.Trainer(
        max_steps=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    model = Model()
    trainer.fit(model, data)
    assert model.seen == [((16, 1, 28, 28), (16, 1))] * 2


# skorch


@pytest.mark.parametrize("kind", KINDS)
def test_skorch_trains_on_a_data_set_and_scores_another(kind: str) -> None:
    skorch = pytest.importorskip("skorch", reason="needs skorch: pip install skorch")
    train, test = KINDS[kind]("train"), KINDS[kind]("test")
    net = skorch.NeuralNetClassifier(
        Linear, max_epochs=1, batch_size=16, classes=[0, 1], verbose=0, train_split=None, criterion=FirstColumn
    )
    net.fit(train, y=None)
    assert net.predict_proba(test).shape == (10, 2)


class FirstColumn(torch.nn.NLLLoss):
    """The loss of labels ``(n, 1)``."""

    def forward(self, scores, labels):
        return super().forward(torch.log(scores), labels[:, 0])
