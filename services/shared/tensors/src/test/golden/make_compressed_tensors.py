"""Makes the golden folders of compressed-tensors with the library of that name; README.md says how to run it.

The checkpoint is not stored: its weights follow from the rule in weights(), of which ReferenceWeights.java is the twin.
"""

import argparse
import hashlib
import json
import pathlib
import tempfile

import numpy as np
import torch
from compressed_tensors import ModelCompressor
from compressed_tensors.quantization import (
    QuantizationArgs,
    QuantizationConfig,
    QuantizationScheme,
    apply_quantization_config,
)
from compressed_tensors.quantization.lifecycle.forward import fake_quantize, quantize
from compressed_tensors.quantization.quant_scheme import preset_name_to_scheme
from compressed_tensors.quantization.utils import (
    calculate_qparams,
    compute_dynamic_scales_and_zp,
    generate_gparam,
    maybe_pad_tensor_for_block_quant,
)
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

GROUP = 128
# What Millrace writes: the folders must be equal.
SCHEMES = {
    "w4a16": dict(num_bits=4, symmetric=True),
    "w8a16": dict(num_bits=8, symmetric=True),
    "w4a16_asym": dict(num_bits=4, symmetric=False),
}
# The same, for modules whose inputs are rounded as well, each token by itself: the type of weights and inputs.
TOKEN_SCHEMES = {"fp8_dynamic": "float", "w8a8": "int"}
# Integers with one scale per row, packed.
CHANNEL_SCHEMES = {
    "w4a16_channel": dict(num_bits=4, symmetric=True),
    "w8a16_channel": dict(num_bits=8, symmetric=True),
    "w4a16_asym_channel": dict(num_bits=4, symmetric=False),
}
# The library's own definitions; those whose scales span many rows have tame weights, else one row would decide all.
PRESETS = {"fp8_block": True, "mxfp4": False, "mxfp4a16": False, "nvfp4a16": True}
# Modules that consumers merge into one: they share their global scale.
MERGED = [("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj")]
# How inputs are rounded as they come.
INPUTS = {
    "int8_token": dict(num_bits=8, type="int", strategy="token"),
    "e4m3_token": dict(num_bits=8, type="float", strategy="token"),
    "e4m3_group128": dict(num_bits=8, type="float", strategy="group", group_size=128),
    "e2m1_group32": dict(
        num_bits=4, type="float", strategy="group", group_size=32, scale_dtype=torch.uint8, zp_dtype=torch.uint8
    ),
}
# What others write: the weights that Millrace reads must have the digests in weights.json.
FOREIGN = {
    "group32_f32": dict(num_bits=4, symmetric=False, strategy="group", group_size=32),
    "channel_f32": dict(num_bits=8, symmetric=True, strategy="channel"),
    "o_proj_dense": dict(num_bits=4, symmetric=True, strategy="group", group_size=16),
}


def splitmix(first: int, count: int) -> np.ndarray:
    """Numbers first .. first + count - 1 of the sequence of splitmix64 with seed 0."""
    with np.errstate(over="ignore"):
        z = (np.arange(first + 1, first + count + 1, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def weights(first: int, rows: int, columns: int, tame: bool = False) -> np.ndarray:
    """[rows, columns] f32: whole 24-bit numbers times powers of two, and rows that a quantizer may stumble over.

    Tame ones are not further from each other than two floats of 8 bits can be.
    """
    bits = splitmix(first, rows * columns)
    mantissa = (bits >> np.uint64(40)).astype(np.int64) - (1 << 23)
    exponent = (bits & np.uint64(3)).astype(np.int32)
    w = np.ldexp(mantissa.astype(np.float32), -26 - exponent).reshape(rows, columns)
    j = np.arange(columns)
    last = j % GROUP == GROUP - 1
    for row in range(rows):
        match row % 32:
            case 0:
                w[row] = 0
            case 1:
                w[row] = np.float32(0.3)
            case 2:
                w[row] = np.ldexp(w[row], -6 if tame else -100)
            case 3:
                w[row] = np.ldexp(w[row], -12 if tame else -130)
            case 4:
                w[row] = np.ldexp(w[row], 3 if tame else 120)
            case 5:  # every weight lies half-way between two codes of 4 bits
                w[row] = np.where(last, 7.5, j % 16 - 7.5) / 16
            case 6:  # of 8 bits
                w[row] = np.where(last, -127.5, j % 256 - 127.5) / 256
            case 7:
                w[row] = -np.abs(w[row])
            case 8:
                w[row] = np.abs(w[row]) + np.float32(0.5)
            case 9:
                w[row] = np.where(last, w[row], np.float32(-0.0))
            case 10:  # an outlier per group
                w[row] = np.where(last, 64 * w[row], w[row])
    return w


def checkpoint(hidden: int, intermediate: int, tame: bool = False) -> LlamaForCausalLM:
    config = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        vocab_size=8,
        max_position_embeddings=64,
        rms_norm_eps=1e-5,
        tie_word_embeddings=False,
        dtype="float32",
    )
    model = LlamaForCausalLM(config)
    first = 0
    with torch.no_grad():
        for _, parameter in sorted(model.named_parameters()):
            rows, columns = (1, *parameter.shape)[-2:]
            parameter.copy_(torch.from_numpy(weights(first, rows, columns, tame)).reshape(parameter.shape))
            first += parameter.numel()
    return model


def quantized(
    model: LlamaForCausalLM,
    args: QuantizationArgs,
    scale_dtype: torch.dtype,
    ignore: list[str],
    inputs: QuantizationArgs | None = None,
):
    """Rounds to nearest and packs; returns the library's compressor."""
    scheme = QuantizationScheme(targets=["Linear"], weights=args, input_activations=inputs)
    apply_quantization_config(model, QuantizationConfig(config_groups={"group_0": scheme}, ignore=ignore))
    # The library rounds scales to what will be stored first, then divides by that.
    rounded = args.model_copy(update={"scale_dtype": scale_dtype})
    for module in model.modules():
        if hasattr(module, "weight_scale"):
            groups = module.weight.unflatten(-1, (-1, args.group_size or module.in_features))
            scale, zero = calculate_qparams(groups.amin(-1), groups.amax(-1), rounded)
            module.weight_scale.data.copy_(scale)
            if not args.symmetric:
                module.weight_zero_point.data.copy_(zero)
    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    return compressor


def save(model: LlamaForCausalLM, compressor: ModelCompressor, target: pathlib.Path, dtype: str) -> None:
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        model.save_pretrained(scratch)
        compressor.update_config(scratch)
        config = json.loads((pathlib.Path(scratch) / "config.json").read_text())
        config["dtype"] = dtype
        (target / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
        save_file(load_file(f"{scratch}/model.safetensors"), target / "model.safetensors", {"format": "pt"})


def make_equal(target: pathlib.Path, num_bits: int, symmetric: bool) -> None:
    model = checkpoint(128, 128 if symmetric else 256)
    args = QuantizationArgs(num_bits=num_bits, symmetric=symmetric, strategy="group", group_size=GROUP)
    save_equal(model, quantized(model, args, torch.bfloat16, ["lm_head"]), target)


def make_token(target: pathlib.Path, type: str) -> None:
    model = checkpoint(128, 128)
    args = QuantizationArgs(num_bits=8, type=type, symmetric=True, strategy="channel")
    inputs = QuantizationArgs(num_bits=8, type=type, symmetric=True, strategy="token", dynamic=True)
    save_equal(model, quantized(model, args, torch.bfloat16, ["lm_head"], inputs), target)


def make_channel(target: pathlib.Path, num_bits: int, symmetric: bool) -> None:
    model = checkpoint(128, 128 if symmetric else 256)
    args = QuantizationArgs(num_bits=num_bits, symmetric=symmetric, strategy="channel")
    save_equal(model, quantized(model, args, torch.bfloat16, ["lm_head"]), target)


def extremes(weight: torch.Tensor, args: QuantizationArgs) -> tuple[torch.Tensor, torch.Tensor]:
    """The least and largest weight behind each scale."""
    if args.strategy == "block":
        rows, columns = args.block_structure
        padded = maybe_pad_tensor_for_block_quant(weight, args.block_structure)
        blocks = padded.unflatten(1, (-1, columns)).unflatten(0, (-1, rows)).transpose(1, 2)
        return blocks.amin((-1, -2)), blocks.amax((-1, -2))
    groups = weight.unflatten(-1, (-1, args.group_size))
    return groups.amin(-1), groups.amax(-1)


def make_preset(target: pathlib.Path, tame: bool) -> None:
    model = checkpoint(128, 128, tame)
    scheme = preset_name_to_scheme(target.name.upper(), ["Linear"])
    apply_quantization_config(model, QuantizationConfig(config_groups={"group_0": scheme}, ignore=["lm_head"]))
    args = scheme.weights
    rounded = args if args.scale_dtype else args.model_copy(update={"scale_dtype": torch.bfloat16})
    modules = {name: module for name, module in model.named_modules() if hasattr(module, "weight_scale")}
    for name, module in modules.items():
        parent, _, own = name.rpartition(".")
        merged = next((names for names in MERGED if own in names), (own,))
        global_scale = None
        if args.strategy == "tensor_group":
            global_scale = global_scale_of([modules[f"{parent}.{other}"].weight for other in merged])
            module.weight_global_scale.data.copy_(global_scale)
        scale, _ = calculate_qparams(*extremes(module.weight, args), rounded, global_scale=global_scale)
        module.weight_scale.data.copy_(scale)
    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    save_equal(model, compressor, target)


def save_equal(model: LlamaForCausalLM, compressor: ModelCompressor, target: pathlib.Path) -> None:
    for name, parameter in model.named_parameters():
        if parameter.dtype == torch.float32 and not name.endswith("_global_scale"):
            parameter.data = parameter.data.to(torch.bfloat16)
    save(model, compressor, target, "bfloat16")


def make_foreign(target: pathlib.Path, **args) -> None:
    model = checkpoint(32, 32)
    ignore = ["lm_head"]
    if target.name == "o_proj_dense":
        ignore.append("model.layers.0.self_attn.o_proj")
    save_foreign(model, quantized(model, QuantizationArgs(**args), torch.float32, ignore), target)


def make_mixed(target: pathlib.Path) -> None:
    """Different formats for different modules, which patterns and names choose."""
    model = checkpoint(64, 64)
    groups = {
        "attention": QuantizationScheme(
            targets=["re:.*self_attn.(q|k|v)_proj$"],
            weights=QuantizationArgs(num_bits=4, symmetric=False, strategy="group", group_size=32),
        ),
        "down": QuantizationScheme(
            targets=["model.layers.0.mlp.down_proj"],
            weights=QuantizationArgs(num_bits=8, type="float", symmetric=True, strategy="channel"),
            input_activations=QuantizationArgs(num_bits=8, type="float", symmetric=True, strategy="token", dynamic=True),
        ),
        "others": QuantizationScheme(
            targets=["Linear"],
            weights=QuantizationArgs(num_bits=8, type="float", symmetric=True, strategy="tensor"),
            input_activations=QuantizationArgs(
                num_bits=8, type="float", symmetric=True, strategy="group", group_size=16, dynamic=True
            ),
        ),
    }
    config = QuantizationConfig(config_groups=groups, ignore=["re:lm_.*", "model.layers.0.self_attn.o_proj"])
    apply_quantization_config(model, config)
    for module in model.modules():
        if hasattr(module, "weight_scale"):
            args = module.quantization_scheme.weights
            size = module.weight.numel() if args.strategy == "tensor" else args.group_size or module.in_features
            values = module.weight.reshape(module.weight_scale.numel(), size)
            scale, zero = calculate_qparams(values.amin(-1), values.amax(-1), args)
            module.weight_scale.data.copy_(scale.reshape(module.weight_scale.shape))
            if not args.symmetric:
                module.weight_zero_point.data.copy_(zero.reshape(module.weight_scale.shape))
    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    save_foreign(model, compressor, target)


# Groups of Millrace's: the folder must be equal. Written as Millrace names modules, in the order of the model.
LAYERS = "re:.*layers\\.\\d+\\."
GROUPED = {
    "w8a16": [LAYERS + rf"self_attn\.{own}_proj$" for own in "qkv"],
    "w4a16": [LAYERS + rf"mlp\.{own}_proj$" for own in ("gate", "up")],
    "fp8_dynamic": [LAYERS + r"mlp\.down_proj$"],
}


def make_grouped(target: pathlib.Path) -> None:
    """Several schemes in one folder, and a dense module."""
    model = checkpoint(128, 128)
    groups = {name: preset_name_to_scheme(name.upper(), targets) for name, targets in GROUPED.items()}
    config = QuantizationConfig(config_groups=groups, ignore=["lm_head", "model.layers.0.self_attn.o_proj"])
    apply_quantization_config(model, config)
    for module in model.modules():
        if hasattr(module, "weight_scale"):
            args = module.quantization_scheme.weights
            size = args.group_size or module.in_features
            rounded = args.model_copy(update={"scale_dtype": torch.bfloat16})
            scale, _ = calculate_qparams(*extremes(module.weight, args.model_copy(update={"group_size": size})), rounded)
            module.weight_scale.data.copy_(scale)
    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    save_equal(model, compressor, target)


def save_foreign(model: LlamaForCausalLM, compressor: ModelCompressor, target: pathlib.Path) -> None:
    save(model, compressor, target, "float32")
    compressor.decompress_model(model)
    digests = {
        name: digest(parameter)
        for name, parameter in sorted(model.named_parameters())
        if not name.endswith(("_scale", "_zero_point", "_shape"))
    }
    (target / "weights.json").write_text(json.dumps(digests, indent=2) + "\n")


def digest(tensor: torch.Tensor) -> str:
    return hashlib.sha256(tensor.detach().contiguous().numpy().tobytes()).hexdigest()


def make_inputs(target: pathlib.Path) -> None:
    """Digests of inputs [32, 256] f32 after each way of rounding them; a -0 counts as 0."""
    value = torch.from_numpy(weights(0, 32, 256)).unsqueeze(0)
    digests = {}
    for name, more in INPUTS.items():
        args = QuantizationArgs(symmetric=True, dynamic=True, **more)
        scale, zero = compute_dynamic_scales_and_zp(value, args, torch.nn.Module())
        rounded = fake_quantize(value, scale, zero if args.num_bits == 8 else None, args)
        digests[name] = digest(rounded[0] + 0.0)
    target.write_text(json.dumps(digests, indent=2) + "\n")


def global_scale_of(weights: list[torch.Tensor]) -> torch.Tensor:
    largest = torch.stack([weight.abs().amax() for weight in weights]).amax()
    return generate_gparam(-largest, largest)


def loss(weight: torch.Tensor, args: QuantizationArgs, global_scale: torch.Tensor | None):
    """Codes of a weight in the type that it has, and their squared error."""
    rounded = args if args.scale_dtype else args.model_copy(update={"scale_dtype": torch.bfloat16})
    size = args.group_size or weight.shape[1]
    least, most = extremes(weight, args.model_copy(update={"group_size": size}))
    scale, zero = calculate_qparams(least, most, rounded, global_scale=global_scale)
    zero = zero if args.num_bits == 8 or args.type == "int" else None
    codes = quantize(weight, scale, zero, args, global_scale=global_scale).double()
    steps = scale.double() / (1 if global_scale is None else global_scale.double())
    zeros = torch.zeros_like(steps) if zero is None else zero.double()
    if args.strategy == "block":
        rows, columns = args.block_structure
        steps = steps.repeat_interleave(rows, 0).repeat_interleave(columns, 1)[: weight.shape[0], : weight.shape[1]]
        zeros = torch.zeros_like(steps)
    else:
        steps, zeros = (values.repeat_interleave(size, 1) for values in (steps, zeros))
    return codes, ((codes - zeros) * steps - weight.double()).square().sum().item()


def make_bf16(target: pathlib.Path) -> None:
    """What computing in BF16 costs: of a BF16 checkpoint, codes that the library computes in F32, as Millrace does, and
    those that it computes in BF16, as it does when it is given such a checkpoint."""
    channel = {
        name: QuantizationArgs(strategy="channel", **scheme) for name, scheme in CHANNEL_SCHEMES.items()
    }
    presets = [*SCHEMES, *TOKEN_SCHEMES, *PRESETS]
    all_args = {name: preset_name_to_scheme(name.upper(), []).weights for name in presets} | channel
    model = checkpoint(128, 256, True)
    modules = {name: module for name, module in model.model.named_modules() if isinstance(module, torch.nn.Linear)}
    found = {}
    for scheme, args in all_args.items():
        count = differing = 0
        errors = [0.0, 0.0]
        for name, module in modules.items():
            parent, _, own = name.rpartition(".")
            merged = next((names for names in MERGED if own in names), (own,))
            codes = []
            for i, dtype in enumerate((torch.float32, torch.bfloat16)):
                global_scale = None
                if args.strategy == "tensor_group":
                    others = [modules[f"{parent}.{other}"].weight.data.to(torch.bfloat16).to(dtype) for other in merged]
                    global_scale = global_scale_of(others)
                result, error = loss(module.weight.data.to(torch.bfloat16).to(dtype), args, global_scale)
                codes.append(result)
                errors[i] += error
            count += codes[0].numel()
            differing += (codes[0] != codes[1]).sum().item()
        found[scheme] = {
            "codes": count,
            "differingCodes": differing,
            "squaredError": errors[0],
            "librarySquaredError": errors[1],
        }
    target.write_text(json.dumps(found, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="where the golden folders go")
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    for name, scheme in SCHEMES.items():
        make_equal(folder / name, **scheme)
    for name, type in TOKEN_SCHEMES.items():
        make_token(folder / name, type)
    for name, scheme in CHANNEL_SCHEMES.items():
        make_channel(folder / name, **scheme)
    for name, tame in PRESETS.items():
        make_preset(folder / name, tame)
    for name, args in FOREIGN.items():
        make_foreign(folder / name, **args)
    make_mixed(folder / "mixed")
    make_grouped(folder / "grouped")
    make_bf16(folder / "bf16.json")
    make_inputs(folder / "inputs.json")


main()
