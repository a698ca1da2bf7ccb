"""Builds tiny decoders with the model builder of onnxruntime-genai and with ONNX Runtime's quantizer, once, for ForeignOnnxTest.

    pip install onnxruntime==1.32.0 onnxruntime-genai==0.18.0 onnx==1.23.2 onnx-ir torch==2.15.0 transformers==5.24.0
    CUDA_VISIBLE_DEVICES= python make_foreign_onnx.py ../resources/io/millrace/tensors/format/onnx [NAME ...]

Beside each graph lies digests.json: the SHA-256 of the F32 numbers of every tensor of the Hugging Face checkpoint, as ONNX
Runtime itself reads them, by multiplying the identity with each matrix.
"""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
import torch
import transformers
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

# The builder takes every Linear of vocab_size outputs for the head, so no projection may have that many.
SIZES = dict(
    vocab_size=48,
    hidden_size=64,
    intermediate_size=96,
    num_hidden_layers=1,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=16,
    max_position_embeddings=16,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)
KEPT = {"config.json", "model.onnx", "model.onnx.data"}


def model(kind, **more):
    config = getattr(transformers, kind + "Config")(**{**SIZES, **more})
    torch.manual_seed(11)
    made = getattr(transformers, kind + "ForCausalLM")(config).float()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return made


def build(made, out, precision, *options):
    with tempfile.TemporaryDirectory() as parent:
        checkpoint = pathlib.Path(parent) / "checkpoint"
        made.save_pretrained(checkpoint)
        # The builder copies a tokenizer; its content does not matter.
        from tokenizers import Tokenizer, models

        words = Tokenizer(models.WordLevel({str(i): i for i in range(SIZES["vocab_size"])}, unk_token="0"))
        transformers.PreTrainedTokenizerFast(tokenizer_object=words, unk_token="0").save_pretrained(checkpoint)
        command = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", checkpoint, "-o", out, "-p", precision]
        command += ["-e", "cpu", "-c", parent]
        subprocess.run(command + (["--extra_options", *options] if options else []), check=True)
        shutil.copy(checkpoint / "config.json", out)


def requantize(folder, bits, block_size, symmetric):
    quantizer = MatMulNBitsQuantizer(
        onnx.load(folder / "model.onnx"), block_size=block_size, is_symmetric=symmetric, accuracy_level=4, bits=bits
    )
    quantizer.process()
    for name in ("model.onnx", "model.onnx.data"):
        (folder / name).unlink()
    onnx.save_model(
        quantizer.model.model,
        folder / "model.onnx",
        save_as_external_data=True,
        location="model.onnx.data",
        size_threshold=0,
    )


class Graph:
    def __init__(self, folder):
        self.model = onnx.load(folder / "model.onnx")
        self.constants = {each.name: each for each in self.model.graph.initializer}

    def array(self, name):
        return numpy_helper.to_array(self.constants[name]).astype(np.float32)

    def node(self, start):
        found = [node for node in self.model.graph.node if node.name.startswith(start) and "MatMul" in node.op_type]
        return found[0] if found else None

    def lookup(self):
        """What the node that looks up rows of codes makes of all tokens."""
        node = next(node for node in self.model.graph.node if node.op_type == "GatherBlockQuantized")
        weights = [self.constants[name] for name in [node.input[0], *node.input[2:]] if name]
        element = self.constants[node.input[2]].data_type
        tokens = SIZES["vocab_size"]
        alone = helper.make_node(
            node.op_type, [node.input[0], "x", *node.input[2:]], ["y"], domain=node.domain, name=node.name
        )
        alone.attribute.extend(node.attribute)
        graph = helper.make_graph(
            [alone],
            "one",
            [helper.make_tensor_value_info("x", TensorProto.INT64, [tokens])],
            [helper.make_tensor_value_info("y", element, None)],
            weights,
        )
        return run(graph, np.arange(tokens)).astype(np.float32)

    def matrix(self, start):
        """What the node makes of the identity: the matrix [out, in]."""
        node = self.node(start)
        weights = [self.constants[name] for name in node.input[1:] if name]
        scales = self.constants[node.input[2] if len(node.input) > 2 else node.input[1]]
        inner = next((a.i for a in node.attribute if a.name == "K"), scales.dims[0])
        exact = helper.make_node(
            node.op_type, ["x"] + list(node.input[1:]), ["y"], domain=node.domain, name=node.name
        )
        exact.attribute.extend(a for a in node.attribute if a.name != "accuracy_level")
        element = scales.data_type
        graph = helper.make_graph(
            [exact],
            "one",
            [helper.make_tensor_value_info("x", element, [inner, inner])],
            [helper.make_tensor_value_info("y", element, None)],
            weights,
        )
        identity = np.eye(inner, dtype=helper.tensor_dtype_to_np_dtype(element))
        return run(graph, identity).astype(np.float32).T


def run(graph, x):
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    one = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    session = onnxruntime.InferenceSession(one.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def rows(config):
    queries = config.num_attention_heads * config.head_dim
    keys = config.num_key_value_heads * config.head_dim
    return {"q": (0, queries), "k": (queries, queries + keys), "v": (queries + keys, queries + 2 * keys)}


def read(folder, made):
    """Every tensor of the checkpoint as the graph holds it."""
    graph = Graph(folder)
    tensors = {}
    for name in made.state_dict():
        parts = name.split(".")
        short = parts[-2] if parts[-1] in ("weight", "bias") else ""
        packed = "/model/layers.0/attn/qkv_proj/MatMul"
        if name == "model.embed_tokens.weight":
            if name in graph.constants:
                tensors[name] = graph.array(name)
            elif "lm_head.MatMul.weight" in graph.constants:  # looked up by a Gather behind a Transpose
                tensors[name] = graph.array("lm_head.MatMul.weight").T
            elif made.config.tie_word_embeddings:
                tensors[name] = graph.matrix("/lm_head/MatMul")
            else:
                tensors[name] = graph.lookup()
        elif name == "lm_head.weight":
            tensors[name] = graph.matrix("/lm_head/MatMul")
        elif name == "model.norm.weight":
            tensors[name] = graph.array("model.layers.1.final_norm_layernorm.weight")
        elif short in ("q_norm", "k_norm"):
            tensors[name] = graph.array(f"model.layers.0.attn.{short}.layernorm.weight")
        elif "layernorm" in short:
            tensors[name] = graph.array(name)
        elif short[1:] == "_proj" and short[0] in "qkv" and graph.node(packed):
            start, end = rows(made.config)[short[0]]
            whole = graph.array("model.layers.0.attn.qkv_proj.Add.bias") if parts[-1] == "bias" else graph.matrix(packed)
            tensors[name] = whole[start:end]
        elif short == "gate_up_proj" and not graph.node("/model/layers.0/mlp/gate_up_proj/MatMul"):
            tensors[name] = np.vstack([graph.matrix(f"/model/layers.0/mlp/{half}_proj/MatMul") for half in ("gate", "up")])
        elif parts[-1] == "bias":
            tensors[name] = graph.array(f"model.layers.0.attn.{short}.Add.bias")
        else:
            tensors[name] = graph.matrix("/" + "/".join(["model", "layers.0"] + parts[3:-1]).replace("self_attn", "attn") + "/MatMul")
    return tensors


def finish(out, made):
    for path in out.iterdir():
        if path.name not in KEPT:
            path.unlink()
    digests = {
        name: hashlib.sha256(np.ascontiguousarray(tensor + np.float32(0)).astype("<f4").tobytes()).hexdigest()
        for name, tensor in sorted(read(out, made).items())
    }
    (out / "digests.json").write_text(json.dumps(digests, indent=1) + "\n")


def main(parent):
    packed = model("Qwen2", tie_word_embeddings=False)
    # The round-to-nearest quantizer fails at an odd number of blocks.
    shared = model("Llama", tie_word_embeddings=True, intermediate_size=128)
    normed = model("Qwen3", tie_word_embeddings=True)
    fused = model("Phi3", tie_word_embeddings=False, original_max_position_embeddings=16)
    ragged = model("Llama", tie_word_embeddings=False, hidden_size=80)
    looked_up = "op_types_to_quantize=MatMul/Gather"
    for name, made, precision, options in (
        ("packed", packed, "int4", []),
        ("zero_points", shared, "int4", ["is_symmetric=false", "algo_config=rtn"]),
        ("eight", normed, "int8", []),
        ("mixed", fused, "int4", ["algo_config=k_quant_mixed"]),
        ("half", packed, "fp16", []),
        ("requantized", normed, "fp32", []),
        ("ragged", ragged, "int4", ["is_symmetric=false"]),
        ("gathered", packed, "int4", [looked_up]),
        ("gathered_zero_points", ragged, "int4", [looked_up, "is_symmetric=false"]),
    ):
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        out = parent / name
        shutil.rmtree(out, ignore_errors=True)
        build(made, out, precision, *options)
        if name == "requantized":
            requantize(out, 4, 16, False)
        finish(out, made)


main(pathlib.Path(sys.argv[1]))
