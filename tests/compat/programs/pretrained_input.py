"""Images as networks for natural images take them: three channels, larger, normalised."""

from medmnist import BreastMNIST, RetinaMNIST
from torch.utils.data import DataLoader
from torchvision import transforms

prepare = transforms.Compose([
    transforms.Resize((56, 56)),
    transforms.Grayscale(num_output_channels=3),
    transforms.ToTensor(),
    transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
])  # fmt: skip
x, y = next(iter(DataLoader(BreastMNIST("val", transform=prepare, as_rgb=True, download=True), batch_size=5)))
z, _ = RetinaMNIST("val", transform=prepare)[0]
by_lambda = transforms.Lambda(lambda image: image.convert("RGB"))
image, _ = BreastMNIST("val", transform=by_lambda)[0]
