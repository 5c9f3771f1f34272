"""The functions of ``medmnist.utils`` on a program's own arrays."""

import os

import numpy as np
from medmnist.utils import SPLIT_DICT, load_frames, montage2d, montage3d, save2d, save3d, save_fn

images = np.random.randint(0, 256, (9, 12, 12, 3), np.uint8)
volumes = np.random.randint(0, 256, (4, 5, 12, 12), np.uint8)
labels = np.arange(9).reshape(9, 1) % 3
grid = montage2d(images, n_channels=3, sel=np.arange(4))
gray = montage2d(images[..., 0], 1, [0, 3, 5, 7])
frames = montage3d(volumes, n_channels=1, sel=[0, 1, 2, 3])
os.makedirs("out")
save2d(images, labels, "out/flat", "train", "png", "out/flat.csv")
save3d(volumes, labels[:4], "out/deep", "val", "gif", None)


def write_mean(mean, path):
    with open(path, "w") as stream:
        stream.write(f"{mean:.3f}")


save_fn(images, labels, "out/text", "test", "txt", "out/text.csv", lambda array: array.mean(), write_mean)
pictures = load_frames(volumes[0])
words = [SPLIT_DICT[name] for name in ("train", "val", "test")]
