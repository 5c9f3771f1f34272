"""``LightningDataModule.from_datasets``, which treats sequences of data sets as such."""

import lightning
from medmnist import BreastMNIST
from torchvision import transforms

parts = [BreastMNIST(split, transform=transforms.ToTensor()) for split in ("train", "val", "test")]
module = lightning.LightningDataModule.from_datasets(*parts, batch_size=12)
x, y = next(iter(module.val_dataloader()))
number = len(module.train_dataloader())
