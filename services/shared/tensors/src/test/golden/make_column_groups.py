"""Makes the golden folder column_groups_f32: groups of columns that are no neighbours, as GPTQ's activation order has them.

The newest compressed-tensors neither writes nor reads weight_g_idx, so this needs 0.9.4; README.md says how to run it.
"""

import argparse
import hashlib
import json
import pathlib

import torch
from compressed_tensors.compressors import PackedQuantizationCompressor
from compressed_tensors.quantization import QuantizationArgs
from compressed_tensors.quantization.lifecycle.forward import dequantize, quantize
from compressed_tensors.quantization.utils import calculate_qparams
from safetensors.torch import save_file

GROUP = 32
HIDDEN, FEED_FORWARD, HEAD, VOCABULARY = 128, 256, 64, 8
ARGS = QuantizationArgs(num_bits=4, symmetric=False, strategy="group", group_size=GROUP, actorder="group")


def digest(weight):
    return hashlib.sha256(weight.to(torch.float32).contiguous().numpy().tobytes()).hexdigest()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path, help="the folder of the golden folders")
    folder = parser.parse_args().folder
    config = json.loads((folder / "w4a16_asym" / "config.json").read_text())
    weights = config["quantization_config"]["config_groups"]["group_0"]["weights"]
    weights.update(group_size=GROUP, actorder="group")
    config["quantization_config"]["version"] = "0.9.4"
    target = folder / "column_groups_f32"
    target.mkdir(exist_ok=True)
    random = torch.Generator().manual_seed(17)
    tensors, digests = {}, {}

    def dense(name, *shape):
        tensors[name] = torch.randn(*shape, generator=random)
        digests[name] = digest(tensors[name])

    def linear(module, rows, columns):
        weight = torch.randn(rows, columns, generator=random) * torch.rand(columns, generator=random)
        group_of = torch.arange(columns // GROUP, dtype=torch.int32).repeat_interleave(GROUP)
        group_of = group_of[torch.randperm(columns, generator=random)]
        groups = weight[:, torch.argsort(group_of)].reshape(rows, -1, GROUP)
        scale, zero = calculate_qparams(groups.amin(-1), groups.amax(-1), ARGS)
        made = PackedQuantizationCompressor().compress_weight(
            weight=weight, scale=scale, zero_point=zero, quantization_args=ARGS, g_idx=group_of
        )
        for key, value in made.items():
            tensors[f"{module}.{key}"] = value
        tensors[f"{module}.weight_scale"] = scale
        tensors[f"{module}.weight_g_idx"] = group_of
        codes = quantize(x=weight, scale=scale, zero_point=zero, g_idx=group_of, args=ARGS, dtype=torch.int8)
        digests[f"{module}.weight"] = digest(dequantize(codes, scale, zero, args=ARGS, g_idx=group_of))

    dense("model.embed_tokens.weight", VOCABULARY, HIDDEN)
    layer = "model.layers.0."
    dense(layer + "input_layernorm.weight", HIDDEN)
    for name, rows in {"q_proj": 2 * HEAD, "k_proj": HEAD, "v_proj": HEAD}.items():
        linear(layer + "self_attn." + name, rows, HIDDEN)
    linear(layer + "self_attn.o_proj", HIDDEN, 2 * HEAD)
    dense(layer + "post_attention_layernorm.weight", HIDDEN)
    linear(layer + "mlp.gate_proj", FEED_FORWARD, HIDDEN)
    linear(layer + "mlp.up_proj", FEED_FORWARD, HIDDEN)
    linear(layer + "mlp.down_proj", HIDDEN, FEED_FORWARD)
    dense("model.norm.weight", HIDDEN)
    dense("lm_head.weight", VOCABULARY, HIDDEN)
    save_file(tensors, target / "model.safetensors")
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (target / "weights.json").write_text(json.dumps(digests, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
