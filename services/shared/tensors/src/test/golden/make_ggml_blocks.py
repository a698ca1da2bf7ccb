"""Quantizes a few rows with llama.cpp's own library, once, for GoldenBlocksTest.

    npm pack @node-llama-cpp/linux-x64@3.22.1 && tar xf node-llama-cpp-linux-x64-3.22.1.tgz
    python make_ggml_blocks.py package/bins/linux-x64/libggml-base.so \
        > ../resources/io/millrace/tensors/kernel/gguf/golden-blocks.json

Python 3 alone, on Linux on x86-64. The rows are those of the test classes Rows and GoldenBlocksTest.
"""

import ctypes
import hashlib
import json
import math
import struct
import sys

LENGTH = 512
# Numbers of ggml_type, and whether the type heeds importances.
TYPES = {
    "Q4_0": (2, True), "Q4_1": (3, True), "Q5_0": (6, True), "Q5_1": (7, True), "Q8_0": (8, False),
    "Q2_K": (10, True), "Q3_K": (11, True), "Q4_K": (12, True), "Q5_K": (13, True), "Q6_K": (14, True),
    "IQ4_NL": (20, True), "IQ4_XS": (23, True), "TQ2_0": (35, False), "MXFP4": (39, False),
}
# Beside and on the edges between two exponents of MXFP4, and below what an exponent of 8 bits reaches.
EDGES = [1.0, 1.9999998807907104, 127.99999237060547, 128.0, 0.03125, 0.03124999813735485, 6.0, 7.0, 0.75, 2.5,
         -2.5, 5.0, 9.999999350456404e-39, 2.0000004306106665e-39]


class InitParams(ctypes.Structure):
    _fields_ = [("mem_size", ctypes.c_size_t), ("mem_buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool)]


class TypeTraits(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("block", ctypes.c_int64), ("interleave", ctypes.c_int64),
                ("block_bytes", ctypes.c_size_t), ("quantized", ctypes.c_bool), ("to_float", ctypes.c_void_p)]


def library(path):
    ggml = ctypes.CDLL(path)
    ggml.ggml_init.argtypes = [InitParams]
    ggml.ggml_init.restype = ctypes.c_void_p
    ggml.ggml_get_type_traits.restype = ctypes.POINTER(TypeTraits)
    ggml.ggml_quantize_chunk.argtypes = [
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    ggml.ggml_commit.restype = ctypes.c_char_p
    ggml.ggml_version.restype = ctypes.c_char_p
    ggml.ggml_init(InitParams(1 << 20, None, False))  # fills the tables of half precision
    return ggml


def floats(values):
    return (ctypes.c_float * len(values))(*values)


def rounded(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def pseudo_random(state):
    for _ in range(LENGTH):
        state = (state * 1664525 + 1013904223) % 2**32
        yield state >> 8 & 0xFFFF


ROW = [(bits - 32768) / 32768 for bits in pseudo_random(1)]
IMPORTANCE = [(bits + 1) / 65536 for bits in pseudo_random(2)]
TIES = [(i % 7 - 3) / 8 for i in range(LENGTH)]  # exact ties and zeros
CUBED = [rounded(rounded(x * x) * x) for x in ROW]  # a heavy centre and small tails


def quantize(ggml, kind, values, importance=None):
    traits = ggml.ggml_get_type_traits(kind).contents
    size = len(values) // traits.block * traits.block_bytes
    out = ctypes.create_string_buffer(size)
    weights = None if importance is None else floats(importance)
    written = ggml.ggml_quantize_chunk(kind, floats(values), out, 0, 1, len(values), weights)
    assert written == size, (kind, written, size)
    return out.raw


def dequantize(ggml, kind, blocks, count):
    to_float = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int64)(
        ggml.ggml_get_type_traits(kind).contents.to_float)
    out = (ctypes.c_float * count)()
    to_float(blocks, out, count)
    return out


def sha256(content):
    return hashlib.sha256(bytes(content)).hexdigest()


def described(ggml, kind, importance=None):
    blocks = quantize(ggml, kind, ROW, importance)
    back = dequantize(ggml, kind, blocks, LENGTH)
    return {
        "sha256": sha256(blocks),
        "first-block": blocks[: ggml.ggml_get_type_traits(kind).contents.block_bytes].hex(),
        "dequantized-sha256": sha256(back),
        "root-mean-square-error": round(math.sqrt(sum((x - y) ** 2 for x, y in zip(ROW, back)) / LENGTH), 7),
    }


def main():
    ggml = library(sys.argv[1])
    kinds = {name: kind for name, (kind, _) in TYPES.items()}
    golden = {
        "library": f"ggml {ggml.ggml_version().decode()}, commit {ggml.ggml_commit().decode()}",
        "plain": {name: described(ggml, kind) for name, kind in kinds.items()},
        "importance": {name: described(ggml, kind, IMPORTANCE) for name, (kind, heeds) in TYPES.items() if heeds},
        "ties": {name: sha256(quantize(ggml, kind, TIES)) for name, kind in kinds.items()},
        "cubed": {name: sha256(quantize(ggml, kind, CUBED)) for name, kind in kinds.items()},
        "zeros": {
            name: quantize(ggml, kind, [0.0] * ggml.ggml_get_type_traits(kind).contents.block).hex()
            for name, kind in kinds.items()
        },
        "mxfp4-edges": [
            [repr(edge), quantize(ggml, kinds["MXFP4"], [edge] + [0.0] * 31)[:2].hex()] for edge in EDGES
        ],
    }
    json.dump(golden, sys.stdout, indent=1)
    print()


main()
