"""Asks ONNX Runtime's generation library for the most likely tokens of GreedyTokensTest's models, once.

    pip install onnxruntime-genai==0.18.0 onnxruntime==1.32.0
    mvn test -pl services/shared/models -am -Dtest=GreedyTokensTest -Dsurefire.failIfNoSpecifiedTests=false \
        -Dmillrace.golden=write
    python make_greedy_tokens.py ../../../target/greedy-models > ../resources/greedy-tokens.json
"""

import json
import pathlib
import sys

import onnxruntime
import onnxruntime_genai

PROMPT = [
    142, 146, 209, 0, 225, 42, 47, 74, 95, 200, 54, 116, 212, 27, 101, 39, 243, 172, 169, 210,
    62, 166, 81, 10, 197, 217, 44, 57, 259, 159, 195, 247, 59, 257, 124, 166, 99, 172, 234, 172,
    219, 209, 43, 234,
]
TOKENS = 24


def greedy(folder):
    model = onnxruntime_genai.Model(str(folder))
    parameters = onnxruntime_genai.GeneratorParams(model)
    parameters.set_search_options(do_sample=False, max_length=len(PROMPT) + TOKENS)
    generator = onnxruntime_genai.Generator(model, parameters)
    generator.append_tokens(PROMPT)
    while not generator.is_done():
        generator.generate_next_token()
    return [int(token) for token in generator.get_sequence(0)][len(PROMPT) :]


def main(parent):
    folders = sorted(parent.glob("*-int4"))
    golden = {
        "onnxruntime-genai": onnxruntime_genai.__version__,
        "onnxruntime": onnxruntime.__version__,
        "prompt": PROMPT,
        "greedy": {folder.name.removesuffix("-int4"): greedy(folder) for folder in folders},
    }
    print(json.dumps(golden))


main(pathlib.Path(sys.argv[1]))
