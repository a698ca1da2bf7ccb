"""Loads two model folders with transformers and compares every weight.

usage: equal_models.py FOLDER OTHER

Prints one JSON object on the last line: how many tensors there are, and the names of those that differ.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM


def weights(folder):
    model, loading = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    assert not loading["missing_keys"] and not loading["unexpected_keys"], loading
    with torch.no_grad():
        model(torch.tensor([[1, 2, 3]]))  # the first forward pass decompresses the weights
    return {name: weight for name, weight in model.state_dict().items() if name.endswith(".weight")}


found, expected = weights(sys.argv[1]), weights(sys.argv[2])
assert found.keys() == expected.keys()
unequal = sorted(name for name, weight in expected.items() if not torch.equal(found[name].float(), weight.float()))
print(json.dumps({"tensors": len(expected), "unequal": unequal}))
