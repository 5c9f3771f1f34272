"""A Lightning data module and module, trained for an epoch."""

import logging
import warnings

import lightning
import torch
from medmnist import INFO, BreastMNIST, Evaluator
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

warnings.simplefilter("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Data(lightning.LightningDataModule):
    def prepare_data(self):
        BreastMNIST("train", download=True)

    def setup(self, stage):
        self.sets = {split: BreastMNIST(split, transform=transforms.ToTensor()) for split in ("train", "val", "test")}

    def train_dataloader(self):
        return DataLoader(self.sets["train"], batch_size=20, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.sets["val"], batch_size=20)

    def predict_dataloader(self):
        return DataLoader(self.sets["test"], batch_size=20)


class Model(lightning.LightningModule):
    def __init__(self, n_classes):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(784, n_classes))

    def training_step(self, batch, batch_idx):
        x, y = batch
        return nn.functional.cross_entropy(self.net(x), y.squeeze(1))

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.training_step(batch, batch_idx))

    def predict_step(self, batch, batch_idx):
        return self.net(batch[0]).softmax(dim=1)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)


lightning.seed_everything(0, verbose=False)
quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
trainer = lightning.Trainer(max_epochs=1, accelerator="cpu", **quiet)
model = Model(len(INFO["breastmnist"]["label"]))
trainer.fit(model, datamodule=Data())
loss = trainer.callback_metrics["val_loss"]
scores = torch.cat(trainer.predict(model, datamodule=Data()))
metrics = Evaluator("breastmnist", "test").evaluate(scores.numpy())
