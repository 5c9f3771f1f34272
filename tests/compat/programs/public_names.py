"""The names in each module, by ``dir`` and by ``vars``."""

import medmnist
import medmnist.dataset
import medmnist.evaluator
import medmnist.info
import medmnist.utils

PACKAGE = ["HOMEPAGE", "INFO", "Evaluator", "BreastMNIST", "SynapseMNIST3D", "dataset", "evaluator", "info"]
for name in PACKAGE:
    assert name in dir(medmnist), name
    assert name in vars(medmnist), name

DATASET = ["MedMNIST", "MedMNIST2D", "MedMNIST3D", "OrganMNISTAxial", "INFO", "HOMEPAGE", "DEFAULT_ROOT"]
for name in DATASET:
    assert name in vars(medmnist.dataset), name

EVALUATOR = ["Evaluator", "Metrics", "getAUC", "getACC", "save_results", "INFO", "DEFAULT_ROOT"]
for name in EVALUATOR:
    assert name in vars(medmnist.evaluator), name

INFO_NAMES = ["INFO", "HOMEPAGE", "DEFAULT_ROOT", "get_default_root", "__version__"]
for name in INFO_NAMES:
    assert name in vars(medmnist.info), name

UTILS = ["SPLIT_DICT", "save2d", "save3d", "montage2d", "montage3d", "save_fn", "load_frames", "save_frames_as_gif"]
for name in UTILS:
    assert name in vars(medmnist.utils), name
splits = medmnist.utils.SPLIT_DICT
fields = medmnist.evaluator.Metrics._fields
