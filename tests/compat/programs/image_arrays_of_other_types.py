"""Images are replaced by enlarged, inverted or single-channel arrays."""

import numpy as np
from medmnist import BreastMNIST, NoduleMNIST3D, RetinaMNIST

gray = BreastMNIST("val")
gray.imgs = np.stack([gray.imgs] * 3, axis=-1)
colored = gray[2][0]
gray.imgs = gray.imgs[..., 0].repeat(2, axis=1).repeat(2, axis=2)
larger = gray[2][0]
gray.imgs = gray.imgs.astype(np.float32) / 255
floats = gray[2][0]
retina = RetinaMNIST("val", as_rgb=True)
retina.imgs = retina.imgs.mean(axis=-1).astype(np.uint8)
single = retina[0][0]
retina.imgs = [image for image in retina.imgs]
try:
    of_list = retina[0][0]
except AttributeError as error:
    of_list = type(error).__name__
volumes = NoduleMNIST3D("val")
volumes.imgs = np.flip(volumes.imgs, axis=3)
flipped = volumes[1][0]
volumes.imgs = volumes.imgs[:, ::2, ::2, ::2]
smaller = volumes[1][0]
