"""Montages of volumes are lists of frames, saved as a GIF."""

from medmnist import AdrenalMNIST3D
from medmnist.utils import save_frames_as_gif

test = AdrenalMNIST3D("test")
frames = test.montage(length=2, save_folder="pictures")
number = len(frames)
save_frames_as_gif(frames, "pictures/mine.gif", duration=100)
frame = frames[14]
