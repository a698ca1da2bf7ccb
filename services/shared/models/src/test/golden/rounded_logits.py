"""Logits of a compressed-tensors folder as transformers and compressed-tensors compute them, inputs rounded; README.md.

usage: rounded_logits.py FOLDER SEQUENCES OUT
  SEQUENCES  JSON [sequences][length] of tokens
  OUT        the last logits of each sequence, little-endian F32 [sequences][vocabulary]
"""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM


def main():
    folder, sequences, out = sys.argv[1:]
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        rows = [model(torch.tensor([tokens])).logits[0, -1] for tokens in json.loads(sequences)]
    pathlib.Path(out).write_bytes(torch.stack(rows).float().numpy().astype("<f4").tobytes())


main()
