"""A small Gemma 3 that sees: with one folder writes it there, with two compares its logits with those of the other."""

import json
import sys

import torch
from transformers import AutoModelForImageTextToText, Gemma3Config, Gemma3ForConditionalGeneration

PICTURE = 511


def write(folder):
    torch.manual_seed(1)
    text = dict(
        vocab_size=512,
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=64,
        query_pre_attn_scalar=64,
        max_position_embeddings=256,
        sliding_window=64,
        initializer_range=0.3,
    )
    vision = dict(
        hidden_size=64, intermediate_size=128, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14
    )
    config = Gemma3Config(
        text_config=text, vision_config=vision, mm_tokens_per_image=4, image_token_index=PICTURE, boi_token_index=509,
        eoi_token_index=510
    )
    model = Gemma3ForConditionalGeneration(config)
    for name, weight in model.named_parameters():
        if name.endswith("mm_input_projection_weight"):
            torch.nn.init.normal_(weight)  # zeros, which would make every picture the same
    model.to(torch.bfloat16).save_pretrained(folder)
    return {}


def logits(model, picture):
    ids = torch.tensor([[2, 509] + [PICTURE] * 4 + [510, 5, 6, 7, 8, 9]])
    with torch.no_grad():
        return model(input_ids=ids, pixel_values=picture, token_type_ids=(ids == PICTURE).long()).logits


def compare(source, compressed):
    expected = AutoModelForImageTextToText.from_pretrained(source, dtype=torch.float32)
    found, info = AutoModelForImageTextToText.from_pretrained(
        compressed, dtype=torch.float32, output_loading_info=True
    )
    torch.manual_seed(2)
    picture, other = torch.randn(2, 1, 3, 28, 28)
    reference = logits(expected, picture)

    def gap(values):
        return ((values - reference).pow(2).mean().sqrt() / reference.std()).item()

    return {
        "missing": sorted(info["missing_keys"]),
        "unexpected": sorted(info["unexpected_keys"]),
        "quantized": sum(getattr(module, "quantization_scheme", None) is not None for module in found.modules()),
        "gap": gap(logits(found, picture)),
        "gapOfAnotherPicture": gap(logits(found, other)),
    }


print(json.dumps(write(*sys.argv[1:]) if len(sys.argv) == 2 else compare(*sys.argv[1:])))
