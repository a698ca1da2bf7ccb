"""Quantizes blocks of 32 weights with ONNX Runtime's own symmetric quantizer, once, for NBitsBlocksTest.

    pip install onnxruntime==1.32.0 numpy
    python make_onnx_blocks.py > ../resources/io/millrace/tensors/kernel/onnx/golden.json
"""

import json

import numpy as np
import onnxruntime
from onnxruntime.capi._pybind_state import quantize_matmul_4bits, quantize_matmul_8bits

BLOCK = 32
ROWS, LENGTH = 24, 64


def weights():
    random = np.random.default_rng(7)
    rows = random.standard_normal((ROWS, LENGTH)).astype(np.float32)
    rows[0:4] = np.round(rows[0:4] * 4) / 4  # ties, and extremes of both signs
    rows[4] = 0
    rows[5] = 0.375
    rows[6] *= 1e-30
    rows[7] *= 1e30
    rows[8] = random.standard_t(2, LENGTH).astype(np.float32)
    rows[9] = random.uniform(-1, 1, LENGTH).astype(np.float32)
    rows[10] = random.uniform(0, 1, LENGTH).astype(np.float32)
    rows[11] = -random.uniform(0, 1, LENGTH).astype(np.float32)
    return rows


def quantized(rows, bits):
    blocks = LENGTH // BLOCK
    codes = np.zeros((ROWS, blocks, BLOCK * bits // 8), np.uint8)
    scales = np.zeros((ROWS, blocks), np.float32)
    unused = np.zeros((ROWS, (blocks * bits + 7) // 8), np.uint8)
    function = quantize_matmul_4bits if bits == 4 else quantize_matmul_8bits
    function(codes, np.ascontiguousarray(rows.T), scales, unused, BLOCK, ROWS, LENGTH, True)
    return codes, scales


def main():
    rows = weights()
    golden = {"onnxruntime": onnxruntime.__version__, "weights": rows.astype("<f4").tobytes().hex()}
    for bits in (4, 8):
        codes, scales = quantized(rows, bits)
        golden[f"codes{bits}"] = codes.tobytes().hex()
        golden[f"scales{bits}"] = scales.astype("<f4").tobytes().hex()
    print(json.dumps(golden, indent=1))


main()
