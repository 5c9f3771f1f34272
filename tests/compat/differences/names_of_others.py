"""Names that the official modules import from other packages, such as `Image`, are not in the modules here."""

import medmnist.dataset
import medmnist.evaluator

print(hasattr(medmnist.dataset, "Image"), hasattr(medmnist.evaluator, "roc_auc_score"))
# Here it prints: False False
# There it prints: True True
