"""Parameters, their order and their defaults."""

import inspect

import medmnist
from medmnist import dataset, evaluator, utils


def signature(function):
    parameters = inspect.signature(function).parameters.values()
    return [(one.name, one.kind.name, one.default is inspect.Parameter.empty, str(one.default)) for one in parameters]


functions = [
    dataset.MedMNIST,
    dataset.MedMNIST2D,
    dataset.BreastMNIST,
    dataset.OrganMNIST3D,
    dataset.MedMNIST2D.save,
    dataset.MedMNIST3D.save,
    dataset.MedMNIST2D.montage,
    dataset.MedMNIST3D.montage,
    dataset.MedMNIST.download,
    medmnist.Evaluator,
    evaluator.Evaluator.evaluate,
    evaluator.Evaluator.parse_and_evaluate,
    evaluator.Evaluator.get_dummy_prediction,
    evaluator.Evaluator.get_standard_evaluation_filename,
    evaluator.getAUC,
    evaluator.getACC,
    evaluator.save_results,
    utils.save2d,
    utils.save3d,
    utils.montage2d,
    utils.montage3d,
    utils.save_fn,
    utils.load_frames,
    utils.save_frames_as_gif,
]
found = {function.__qualname__: signature(function) for function in functions}
