"""Train a linear classifier with scikit-learn on images and on volumes, and score it.

    pip install 'medmnist-np[interop]'

The first run downloads 4 MB; later ones read the cache.
"""

from __future__ import annotations

from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import medmnist_np as mm
from medmnist_np.interop import to_sklearn


def main() -> None:
    """Print AUC and accuracy on the test splits of RetinaMNIST and AdrenalMNIST3D."""
    for name in ("retinamnist", "adrenalmnist3d"):
        rows, labels = to_sklearn(mm.Dataset(name, "train"), scale=1 / 255)
        model = make_pipeline(PCA(20, random_state=0), LogisticRegression(max_iter=1000)).fit(rows, labels)

        test_rows, _ = to_sklearn(mm.Dataset(name, "test"), scale=1 / 255)
        auc, acc = mm.Evaluator(name, "test").evaluate(model.predict_proba(test_rows))
        print(f"{name}: {len(rows)} rows of {rows.shape[1]} values, AUC {auc:.3f}, ACC {acc:.3f}")


if __name__ == "__main__":
    main()
