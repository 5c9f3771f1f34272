"""Images and captions for a vision-language model."""

import base64
import io
import json

from medmnist import INFO, RetinaMNIST

dataset = RetinaMNIST("val", download=True)
names = INFO[dataset.flag]["label"]
with open("captions.jsonl", "w") as stream:
    for number in range(5):
        image, label = dataset[number]
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        text = f"A fundus photograph with grade {names[str(label[0])]}."
        line = {"image": base64.b64encode(buffer.getvalue()).decode()[:40], "text": text, "label": int(label[0])}
        stream.write(json.dumps(line) + "\n")
