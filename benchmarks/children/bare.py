"""The least that runs a model: import transformers, load it, run it, look at one head of the result.

    python bare.py FOLDER TEXT

Prints one JSON line: seconds since this script began, after the imports, after the load and after the run.
"""

from __future__ import annotations

import json
import sys
from time import perf_counter

began = perf_counter()

import torch  # noqa: E402
from transformers import AutoModel, AutoTokenizer  # noqa: E402

imported = perf_counter()
folder, text = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModel.from_pretrained(folder, attn_implementation="sdpa").eval()
loaded = perf_counter()
with torch.inference_mode():
    hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state
ran = perf_counter()
print(json.dumps({"imports": imported - began, "load": loaded - imported, "run": ran - loaded}), flush=True)
