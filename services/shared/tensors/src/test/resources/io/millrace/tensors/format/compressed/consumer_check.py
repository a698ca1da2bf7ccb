"""Loads a compressed-tensors folder with transformers and compares it with what Millrace says about it.

usage: consumer_check.py SOURCE COMPRESSED DENSE
  SOURCE      the checkpoint that was compressed
  COMPRESSED  the folder that Millrace wrote
  DENSE       its weights as Millrace reads them back, an ordinary F32 model folder

Prints one JSON object on the last line. Weights and logits are computed in F32 on the processor.
"""

import json
import sys

import torch
from compressed_tensors.compressors.nvfp4.helpers import unpack_fp4_from_uint8
from compressed_tensors.compressors.pack_quantized.helpers import unpack_from_int32
from compressed_tensors.quantization import QuantizationArgs
from compressed_tensors.quantization.lifecycle.forward import quantize
from compressed_tensors.quantization.utils import calculate_qparams, maybe_pad_tensor_for_block_quant
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, CompressedTensorsConfig


def load(folder, **options):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options)


def logits_of(model, tokens):
    with torch.no_grad():
        return model(tokens).logits.double()


def gap(found, expected):
    return ((found - expected).abs().max() / expected.std()).item()


def unequal_weights(model, expected):
    state = model.state_dict()
    return sorted(name for name, weight in expected.items() if not torch.equal(state[name].float(), weight))


def extremes(weight, args):
    """The least and largest weight behind each scale."""
    if args.strategy == "block":
        rows, columns = args.block_structure
        padded = maybe_pad_tensor_for_block_quant(weight, args.block_structure)
        blocks = padded.unflatten(1, (-1, columns)).unflatten(0, (-1, rows)).transpose(1, 2)
        return blocks.amin((-1, -2)), blocks.amax((-1, -2))
    groups = weight.unflatten(-1, (-1, args.group_size or weight.shape[-1]))
    return groups.amin(-1), groups.amax(-1)


def library_codes(weight, args, global_scale):
    """Codes, scales and zero points of round to nearest as the library computes it, in the type of the checkpoint."""
    rounded = args if args.scale_dtype else args.model_copy(update={"scale_dtype": torch.bfloat16})
    scale, zero = calculate_qparams(*extremes(weight, args), rounded, global_scale=global_scale)
    small_float = args.type == "float" and args.num_bits == 4
    codes = quantize(weight, scale, None if small_float else zero, args, global_scale=global_scale)
    return codes.float(), scale, zero.float()


def stored_codes(stored, module, args):
    scale = stored[module + ".weight_scale"]
    no_zeros = torch.zeros(scale.shape)
    if module + ".weight" in stored:
        return stored[module + ".weight"].float(), scale, no_zeros
    packed = stored[module + ".weight_packed"]
    if args.type == "float":
        scale = torch.ldexp(torch.ones(scale.shape), scale.int() - 127) if scale.dtype == torch.uint8 else scale.float()
        return unpack_fp4_from_uint8(packed, packed.shape[0], 2 * packed.shape[1]).float(), scale, no_zeros
    codes = unpack_from_int32(packed, args.num_bits, stored[module + ".weight_shape"].tolist()).float()
    if args.symmetric:
        return codes, scale, no_zeros
    zero = unpack_from_int32(stored[module + ".weight_zero_point"], args.num_bits, scale.shape, packed_dim=0)
    return codes, scale, zero.float()


def spread(values, weight, args):
    """One number per scale as one per weight."""
    if args.strategy == "block":
        rows, columns = args.block_structure
        spread = values.repeat_interleave(rows, 0).repeat_interleave(columns, 1)
        return spread[: weight.shape[0], : weight.shape[1]]
    return values.repeat_interleave(weight.shape[1] // values.shape[1], 1)


def squared_error(weight, codes, scale, zero, args, global_scale):
    steps = scale.double() / (1 if global_scale is None else global_scale.double())
    read = (codes.double() - spread(zero.double(), weight, args)) * spread(steps, weight, args)
    return (read - weight.double()).square().sum().item()


def compare_codes(source, compressed, args):
    weights, stored = load_file(f"{source}/model.safetensors"), load_file(f"{compressed}/model.safetensors")
    count = differing = differing_zeros = 0
    ours = theirs = 0.0
    scales_equal = True
    for name in stored:
        if not name.endswith(".weight_scale"):
            continue
        module = name.removesuffix(".weight_scale")
        weight = weights[module + ".weight"]
        global_scale = stored.get(module + ".weight_global_scale")
        found, expected = stored_codes(stored, module, args), library_codes(weight, args, global_scale)
        count += found[0].numel()
        differing += (found[0] != expected[0]).sum().item()
        differing_zeros += (found[2] != expected[2]).sum().item()
        scales_equal &= torch.equal(found[1].float(), expected[1].float())
        ours += squared_error(weight, *found, args, global_scale)
        theirs += squared_error(weight, *expected, args, global_scale)
    return {
        "codes": count,
        "differingCodes": differing,
        "differingZeroPoints": differing_zeros,
        "scalesEqual": scales_equal,
        "squaredError": ours,
        "librarySquaredError": theirs,
    }


def main():
    source, compressed, dense = sys.argv[1:]
    torch.set_num_threads(1)
    torch.manual_seed(1)
    reference = load(dense)
    expected = load_file(f"{dense}/model.safetensors")
    tokens = torch.randint(reference.config.vocab_size, (2, 32))
    wanted = logits_of(reference, tokens)
    with open(f"{compressed}/config.json") as file:
        group = json.load(file)["quantization_config"]["config_groups"]["group_0"]
    args = QuantizationArgs(**group["weights"])
    report = {"logitGapOriginal": gap(logits_of(load(source), tokens), wanted)}
    unequal = []
    small_float = args.type == "float" and args.num_bits == 4
    rounded = {name: weight.to(torch.bfloat16).float() for name, weight in expected.items()}
    if args.symmetric:
        # transformers 5.24 with compressed-tensors 0.20 cannot load packed zero points, of its own folders neither.
        as_shipped = AutoModelForCausalLM.from_pretrained(compressed)
        report["loadedPacked"] = any(
            name.endswith(".weight_packed") or weight.dtype in (torch.int8, torch.float8_e4m3fn)
            for name, weight in as_shipped.named_parameters()
        )
        report["shippedType"] = str(as_shipped.dtype)
        # The first forward pass decompresses the weights.
        report["logitGapAsShipped"] = gap(logits_of(as_shipped, tokens), wanted)
        if small_float:
            # 4-bit floats are decompressed to BF16, whatever the model's type is.
            unequal += unequal_weights(as_shipped, rounded)
        else:
            packed = load(compressed)
            report["logitGapPacked"] = gap(logits_of(packed, tokens), wanted)
            unequal += unequal_weights(packed, expected)
    dequantized = load(compressed, quantization_config=CompressedTensorsConfig(dequantize=True))
    # On this way the library multiplies in the type of the scales.
    report["logitGapDequantized"] = gap(logits_of(dequantized, tokens), wanted)
    report["unequalWeights"] = unequal + unequal_weights(dequantized, rounded)
    report |= compare_codes(source, compressed, args)
    print(json.dumps(report))


main()
