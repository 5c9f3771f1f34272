"""A subclass of the evaluator with metrics of its own."""

import numpy as np
from medmnist.evaluator import Evaluator, getACC, getAUC
from sklearn.metrics import f1_score


class MoreMetrics(Evaluator):
    def evaluate(self, y_score, save_folder=None, run=None):
        assert y_score.shape[0] == self.labels.shape[0]
        metrics = super().evaluate(y_score, save_folder, run)
        return {**metrics._asdict(), "F1": f1_score(self.labels.ravel(), y_score.argmax(axis=1), average="macro")}


evaluator = MoreMetrics("dermamnist", "test")
scores = np.random.rand(len(evaluator.labels), 7)
results = evaluator.evaluate(scores)
same = getAUC(evaluator.labels, scores, evaluator.info["task"]), getACC(evaluator.labels, scores, "multi-class")
evaluator.labels = evaluator.labels[:20]
part = evaluator.evaluate(scores[:20])
