"""Train a small convolutional network with PyTorch on images and on volumes, and score it.

    pip install 'medmnist-np[interop]'

The first run downloads 4 MB; later ones read the cache.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader

import medmnist_np as mm
from medmnist_np.interop import to_torch, to_torch_iterable

N_EPOCHS = 5


def network(record: mm.DatasetInfo) -> nn.Module:
    """Make two convolutions and a linear layer, in two or three dimensions."""
    convolution = {2: nn.Conv2d, 3: nn.Conv3d}[record.ndim]
    pooling = {2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}[record.ndim]
    return nn.Sequential(
        convolution(record.n_channels, 8, 5, stride=2),
        nn.ReLU(),
        convolution(8, 16, 3, stride=2),
        nn.ReLU(),
        pooling(3),
        nn.Flatten(),
        nn.Linear(16 * 3**record.ndim, record.n_classes),
    )


def train(model: nn.Module, ds: mm.Dataset) -> None:
    """Fit the network: the loader shuffles, and each batch is read in one go."""
    data = to_torch(ds, channels="first", scale=1 / 255)
    loader = DataLoader(data, batch_size=64, shuffle=True, collate_fn=data.collate)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(N_EPOCHS):
        for images, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels[:, 0]).backward()
            optimizer.step()


@torch.no_grad()
def predict(model: nn.Module, ds: mm.Dataset) -> torch.Tensor:
    """Return the scores of all samples, in their order."""
    batches = to_torch_iterable(ds, 256, channels="first", scale=1 / 255)
    return torch.cat([model(images).softmax(dim=1) for images, _ in batches])


def main() -> None:
    """Print AUC and accuracy on the test splits of RetinaMNIST and AdrenalMNIST3D."""
    for name in ("retinamnist", "adrenalmnist3d"):
        torch.manual_seed(0)
        model = network(mm.info(name))
        train(model, mm.Dataset(name, "train"))
        auc, acc = mm.Evaluator(name, "test").evaluate(predict(model, mm.Dataset(name, "test")))
        print(f"{name}: AUC {auc:.3f}, ACC {acc:.3f}")


if __name__ == "__main__":
    main()
