"""``get_dummy_prediction``, of the shape of the labels where each column is a question of its own."""

import medmnist

evaluator = medmnist.Evaluator("chestmnist", "val")
scores = evaluator.get_dummy_prediction()
metrics = evaluator.evaluate(scores)
binary = medmnist.Evaluator("breastmnist", "val").get_dummy_prediction()
print(metrics.AUC, metrics.ACC)
