"""Gives a prompt of token ids to two model folders in vLLM for CPUs and compares the log probabilities of its tokens.

usage: vllm_logprobs.py DTYPE FOLDER OTHER

Prints one JSON object on the last line: by how much the log probability of any token differs at most, how far apart
those of the other folder are, the scheme that vLLM gave to each linear layer of the first, and how many tokens there are.
"""

import json
import os
import sys

os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
os.environ["VLLM_CPU_OMP_THREADS_BIND"] = "nobind"
os.environ["VLLM_CPU_KVCACHE_SPACE"] = "1"

from vllm import LLM, SamplingParams
from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

PROMPT = [(7 * i * i + 3 * i + 5) % 500 for i in range(48)]


def layers(model):
    """The scheme that vLLM gave to each linear layer, by its name within the model."""
    return {
        name: type(layer.scheme).__name__ if getattr(layer, "scheme", None) else "dense"
        for name, layer in model.named_modules()
        if name.endswith("_proj")
    }


def run(folder, dtype):
    llm = LLM(
        folder,
        dtype=dtype,
        skip_tokenizer_init=True,
        enforce_eager=True,
        max_model_len=64,
        max_num_batched_tokens=64,
        num_gpu_blocks_override=16,
    )
    model = llm.llm_engine.model_executor.driver_worker.worker.model_runner.model
    sampling = SamplingParams(max_tokens=1, temperature=0, prompt_logprobs=0, detokenize=False)
    answer = llm.generate([{"prompt_token_ids": PROMPT}], sampling, use_tqdm=False)[0]
    found = [entry[token].logprob for token, entry in zip(PROMPT[1:], answer.prompt_logprobs[1:])]
    schemes = layers(model)
    del llm, model
    cleanup_dist_env_and_memory()
    return found, schemes


dtype, folder, other = sys.argv[1:]
found, schemes = run(folder, dtype)
expected, _ = run(other, dtype)
gap = max(abs(one - two) for one, two in zip(found, expected))
print(json.dumps({"gap": gap, "spread": max(expected) - min(expected), "schemes": schemes, "tokens": len(found)}))
