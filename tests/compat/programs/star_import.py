"""All names at once, as old notebooks do."""

from medmnist import *  # noqa: F403
from medmnist.dataset import *  # noqa: F403
from medmnist.evaluator import *  # noqa: F403
from medmnist.info import *  # noqa: F403

# Dataset and Image are of the packages that the official modules import.
_of_others = {"Dataset", "Image"}
names = sorted(name for name in {*globals()} - _of_others if name[:1].isupper() or name.startswith(("get", "save")))
globals().pop("Dataset", None), globals().pop("Image", None)
for _name in ("accuracy_score", "expanduser", "namedtuple", "np", "os", "pd", "roc_auc_score", "warnings"):
    globals().pop(_name, None)
train = BreastMNIST("train")  # noqa: F405
print(len(train), len(INFO))  # noqa: F405
