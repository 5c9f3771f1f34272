"""Train a small network with TensorFlow and tf.data on images and on volumes, and score it.

    pip install 'medmnist-np[interop]'

The first run downloads 4 MB; later ones read the cache. For Keras models see keras_classifier.py.
"""

from __future__ import annotations

import tensorflow as tf

import medmnist_np as mm
from medmnist_np.interop import to_tensorflow

N_EPOCHS = 10


class Network(tf.Module):
    """One hidden layer."""

    def __init__(self, n_values: int, n_classes: int, width: int = 64) -> None:
        super().__init__()
        self.first = tf.Variable(tf.random.stateless_normal((n_values, width), seed=(0, 1)) / n_values**0.5)
        self.bias = tf.Variable(tf.zeros(width))
        self.second = tf.Variable(tf.zeros((width, n_classes)))

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Return a score for each class, before softmax."""
        rows = tf.reshape(images, (tf.shape(images)[0], -1))
        return tf.nn.relu(rows @ self.first + self.bias) @ self.second


@tf.function
def step(model: Network, rate: float, images: tf.Tensor, labels: tf.Tensor) -> None:
    """Descend along the gradient."""
    with tf.GradientTape() as tape:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels[:, 0], model(images))
        loss = tf.reduce_mean(losses)
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        variable.assign_sub(rate * gradient)


def main() -> None:
    """Print AUC and accuracy on the test splits of RetinaMNIST and AdrenalMNIST3D."""
    for name in ("retinamnist", "adrenalmnist3d"):
        train = to_tensorflow(mm.Dataset(name, "train"), 32, shuffle=True, scale=1 / 255)
        images, _ = train.element_spec
        model = Network(images.shape[1:].num_elements(), mm.info(name).n_classes)
        for _ in range(N_EPOCHS):
            for images, labels in train:
                step(model, 0.02, images, labels)

        test = to_tensorflow(mm.Dataset(name, "test"), 256, scale=1 / 255)
        scores = tf.concat([tf.nn.softmax(model(images)) for images, _ in test], axis=0)
        auc, acc = mm.Evaluator(name, "test").evaluate(scores)
        print(f"{name}: AUC {auc:.3f}, ACC {acc:.3f}")


if __name__ == "__main__":
    main()
