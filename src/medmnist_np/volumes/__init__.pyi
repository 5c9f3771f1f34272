from .nifti import write_nifti
from .volume_dataset import VolumeDataset
from .window_dataset import WindowDataset

__all__ = ["VolumeDataset", "WindowDataset", "write_nifti"]
