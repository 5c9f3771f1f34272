"""Transforms of PIL images and tensors."""

import random

import numpy as np
import torch
from PIL import Image


class Compose:
    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, image):
        for transform in self.transforms:
            image = transform(image)
        return image


class ToTensor:
    def __call__(self, image):
        if isinstance(image, np.ndarray):
            array = image if image.ndim == 3 else image[..., None]
        else:
            assert isinstance(image, Image.Image), type(image)
            array = np.array(image).reshape(image.height, image.width, -1)
        tensor = torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
        return tensor.float().div(255) if tensor.dtype == torch.uint8 else tensor


class PILToTensor:
    def __call__(self, image):
        array = np.array(image).reshape(image.height, image.width, -1)
        return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))


class Normalize:
    def __init__(self, mean, std):
        self.mean, self.std = (torch.tensor(values).reshape(-1, 1, 1) for values in (mean, std))

    def __call__(self, tensor):
        return (tensor - self.mean) / self.std


class Resize:
    def __init__(self, size):
        self.size = (size, size) if isinstance(size, int) else tuple(size)

    def __call__(self, image):
        return image.resize(self.size, Image.Resampling.BILINEAR)


class Grayscale:
    def __init__(self, num_output_channels=1):
        self.mode = "L" if num_output_channels == 1 else "RGB"

    def __call__(self, image):
        return image.convert("L").convert(self.mode)


class RandomHorizontalFlip:
    def __init__(self, p=0.5):
        self.p = p

    def __call__(self, image):
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < self.p else image


class RandomRotation:
    def __init__(self, degrees):
        self.degrees = degrees

    def __call__(self, image):
        return image.rotate(random.uniform(-self.degrees, self.degrees))


class RandomCrop:
    def __init__(self, size, padding=0):
        self.size, self.padding = size, padding

    def __call__(self, image):
        wide = Image.new(image.mode, (image.width + 2 * self.padding, image.height + 2 * self.padding))
        wide.paste(image, (self.padding, self.padding))
        left, top = random.randint(0, wide.width - self.size), random.randint(0, wide.height - self.size)
        return wide.crop((left, top, left + self.size, top + self.size))


class Lambda:
    def __init__(self, function):
        self.function = function

    def __call__(self, image):
        return self.function(image)
