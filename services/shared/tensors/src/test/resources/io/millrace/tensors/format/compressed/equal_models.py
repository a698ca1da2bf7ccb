"""Loads two model folders with transformers and compares every weight.

usage: equal_models.py FOLDER OTHER

Prints one JSON object on the last line: how many tensors there are, and the names of those that differ.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM


def weights(folder):
    config = None
    quantized = json.load(open(f"{folder}/config.json")).get("quantization_config")
    if quantized:
        from transformers import CompressedTensorsConfig

        config = CompressedTensorsConfig(run_compressed=False)
    model, loading = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, quantization_config=config, output_loading_info=True
    )
    assert not loading["missing_keys"] and not loading["unexpected_keys"], loading
    return model.state_dict()


found, expected = weights(sys.argv[1]), weights(sys.argv[2])
assert found.keys() == expected.keys()
unequal = sorted(name for name, weight in expected.items() if not torch.equal(found[name], weight))
print(json.dumps({"tensors": len(expected), "unequal": unequal}))
