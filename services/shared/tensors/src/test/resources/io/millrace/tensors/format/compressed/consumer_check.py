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
from compressed_tensors.compressors.pack_quantized.helpers import unpack_from_int32
from compressed_tensors.quantization import QuantizationArgs
from compressed_tensors.quantization.lifecycle.forward import quantize
from compressed_tensors.quantization.utils import calculate_qparams
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


def library_codes(weight, args):
    """Codes, scales and zero points of round to nearest as the library computes it, in the type of the checkpoint."""
    groups = weight.unflatten(-1, (-1, args.group_size or weight.shape[-1]))
    rounded = args.model_copy(update={"scale_dtype": torch.bfloat16})
    scale, zero = calculate_qparams(groups.amin(-1), groups.amax(-1), rounded)
    dtype = torch.float8_e4m3fn if args.type == "float" else torch.int8
    return quantize(weight, scale, zero, args, dtype=dtype).float(), scale, zero.float()


def stored_codes(stored, module, args):
    if module + ".weight" in stored:
        scale = stored[module + ".weight_scale"]
        return stored[module + ".weight"].float(), scale, torch.zeros(scale.shape)
    shape = stored[module + ".weight_shape"].tolist()
    scale = stored[module + ".weight_scale"]
    codes = unpack_from_int32(stored[module + ".weight_packed"], args.num_bits, shape).float()
    if args.symmetric:
        return codes, scale, torch.zeros(scale.shape)
    zero = unpack_from_int32(stored[module + ".weight_zero_point"], args.num_bits, scale.shape, packed_dim=0)
    return codes, scale, zero.float()


def squared_error(weight, codes, scale, zero, args):
    groups = codes.double().unflatten(-1, (-1, args.group_size or codes.shape[-1])) - zero.double().unsqueeze(-1)
    return (groups * scale.double().unsqueeze(-1) - weight.double().view_as(groups)).square().sum().item()


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
        found, expected = stored_codes(stored, module, args), library_codes(weight, args)
        count += found[0].numel()
        differing += (found[0] != expected[0]).sum().item()
        differing_zeros += (found[2] != expected[2]).sum().item()
        scales_equal &= torch.equal(found[1].float(), expected[1].float())
        ours += squared_error(weight, *found, args)
        theirs += squared_error(weight, *expected, args)
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
    if args.symmetric:
        # transformers 5.24 with compressed-tensors 0.20 cannot load packed zero points, of its own folders neither.
        packed = load(compressed)
        report["loadedPacked"] = any(
            name.endswith(".weight_packed") or weight.dtype in (torch.int8, torch.float8_e4m3fn)
            for name, weight in packed.named_parameters()
        )
        # The first forward pass decompresses the weights.
        report["logitGapPacked"] = gap(logits_of(packed, tokens), wanted)
        unequal += unequal_weights(packed, expected)
        as_shipped = AutoModelForCausalLM.from_pretrained(compressed)
        report["shippedType"] = str(as_shipped.dtype)
        report["logitGapAsShipped"] = gap(logits_of(as_shipped, tokens), wanted)
    dequantized = load(compressed, quantization_config=CompressedTensorsConfig(dequantize=True))
    # On this way the library multiplies in the type of the scales.
    rounded = {name: weight.to(torch.bfloat16).float() for name, weight in expected.items()}
    report["logitGapDequantized"] = gap(logits_of(dequantized, tokens), wanted)
    report["unequalWeights"] = unequal + unequal_weights(dequantized, rounded)
    report |= compare_codes(source, compressed, args)
    print(json.dumps(report))


main()
