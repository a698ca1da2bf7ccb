package io.millrace.events.policy;

import static io.millrace.events.policy.SmallPolicy.SMALL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Mistakes in a policy, each told with its line, and what is remarked though it may be meant. */
class PolicyMistakesTest {
    /** One thing is changed in the small policy; the message has the line and what was meant. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            models: "*"           | model: "*"            | policy:1: 'models' is missing; found 'model', did you mean 'models'?
            policy: p             | policy: p/q           | policy:1: 'p/q' is not a name
            models: "*"           | models: "a b"         | policy:2: 'a b' is not a pattern of model names
            models: "*"           | models: *             | policy:2:
            models: "*"           | models: *x            | policy:2: '*x' is an alias in YAML
            evaluate:             | evalute:              | policy:1: 'evaluate' is missing; found 'evalute', did you mean 'evaluate'?
            evaluate: {           | work-no: cpu\\nevaluate: { | policy:3: unknown key 'work-no'; did you mean 'work-on'?
            {text: e.txt}         | {txt: e.txt}          | policy:3: 'text' is missing; found 'txt', did you mean 'text'?
            {text: e.txt}         | {text: e.txt, size: 3} | policy:3: unknown key 'size'; known: length, sequences, text
            {text: e.txt}         | {text: e.txt, length: long} | policy:3: 'length' is 'long' but must be a whole number
            {text: e.txt}         | {text: e.txt, sequences: 0} | policy:3: 'sequences' is 0 but must be at least 1
            {text: e.txt}         | {text: e.txt, length: 3} | policy:3: 'length' is 3 but must be at least 4
            {text: e.txt}         | {text: e.txt}\\ncalibrate: {text: c.txt, sequences: 0} | policy:4: 'sequences' is 0 but must be at least 1
            {text: e.txt}         | {text: e.txt}\\ncalibrate: {text: c.txt, length: 1} | policy:4: 'length' is 1 but must be at least 2
            {text: e.txt}         | {text: e.txt}\\ncalibrate: {text: c.txt, sede: 1} | policy:4: unknown key 'sede'; did you mean 'seed'?
            {text: e.txt}         | e.txt                 | policy:3: 'evaluate' must be a map, found 'e.txt'
            name: t               | name: t\\n    devise: cpu | policy:6: unknown key 'devise'; did you mean 'device'?
            name: t               | name: t\\n    device: CPU | policy:6: 'CPU' is not a device class
            [quantize             | [quantise             | policy:7: unknown stage 'quantise'; did you mean 'quantize'?
            format: gguf          | format: ggml          | policy:7: unknown format 'ggml'; did you mean 'gguf'?
            type: Q8_0            | type: Q4_K            | policy:7: unknown type 'Q4_K'; did you mean 'Q4_K_M'?
            type: Q8_0            | type: Q8_0, method: gptq | policy:7: unknown method 'gptq'; known: round-to-nearest
            type: Q8_0            | type: Q2_K_S          | policy:7: Q2_K_S is too coarse without an importance matrix; add 'importance: FILE'
            type: Q8_0            | type: F16, tensor-type: {attn_v: Q8_0} | policy:7: quantize: F16 files hold all matrices in one type, but attn_v=Q8_0 is asked for
            type: Q8_0            | type: Q8_0, tensor-type: {attn_v: Q9_0} | policy:7: unknown attn_v 'Q9_0'; did you mean
            type: Q8_0            | type: Q8_0, tensor-type: {"attn_(": Q8_0} | policy:7: 'attn_(' is not a pattern of tensor names: Unclosed group
            type: Q8_0            | type: Q8_0, tensor-type: attn_v=Q8_0 | policy:7: 'tensor-type' must be a map, found 'attn_v=Q8_0'
            type: Q8_0            | type: Q8_0, output-tensor-type: Q4_K_M | policy:7: unknown output-tensor-type 'Q4_K_M'; did you mean 'Q4_K'?
            type: Q8_0            | type: Q8_0, split-max-size: 4T | policy:7: quantize: 'split-max-size' is '4T' but must be a size such as 4G or 500M
            type: Q8_0            | type: Q8_0, split-max-tensors: 0 | policy:7: 'split-max-tensors' is 0 but must be at least 1
            type: Q8_0            | type: Q8_0, split-max-tensors: 9, split-max-size: 4G | policy:7: 'split-max-size' and 'split-max-tensors' exclude each other
            type: Q8_0            | type: Q8_0, pure: yes | policy:7: unknown pure 'yes'; known: false, true
            type: Q8_0            | type: Q8_0, output-type: Q6_K | policy:7: unknown key 'output-type'; known: device
            format: gguf, type: Q8_0 | format: compressed-tensors, scheme: W4A16, importance: i.dat | policy:7: unknown key 'importance'
            type: Q8_0}           | type: Q8_0}, prune: {method: neurons, fraction: 0.1} | policy:7: nothing can follow a quantize step
            type: Q8_0}           | type: Q8_0}, quantize: {format: gguf, type: Q6_K} | policy:7: nothing can follow a quantize step
            [quantize             | [distill: {}, quantize | policy:7: distill needs a text
            [quantize             | [distill: {learning-rate: 0}, quantize | policy:7: distill: 'learning-rate' is 0 but must lie above 0
            [quantize             | [prune: {method: neurons}, quantize | policy:7: 'fraction' is missing
            [quantize             | [prune: {method: neurons, fraction: 0.5, importance: activations}, quantize | policy:7: prune by activations needs a text; add 'calibrate: {text: FILE}'
            [quantize             | [prune: {method: neurons, fraction: 0.5, importance: activation}, quantize | policy:7: unknown importance 'activation'; did you mean 'activations'?
            [quantize             | [prune: {method: neurons, fraction: 0.5, sequences: 4}, quantize | policy:7: unknown key 'sequences'; known:
            [quantize             | [prune: {method: neurons, fraction: 0.5, importance: activations, sequences: 0}, quantize | policy:7: prune: 'sequences' is 0.0
            [quantize             | [prune: {method: magnitude, fraction: 0.5, importance: activations}, quantize | policy:7: unknown key 'importance'
            [quantize             | [prune: {method: neurons, fraction: 2}, quantize | policy:7: prune: 'fraction' is 2.0
            [quantize             | [prune: {method: magnitude}, quantize | policy:7: prune: magnitude pruning takes either
            {size-ratio: 0.6}     | {}                    | policy:8: a gate has at least one limit
            {size-ratio: 0.6}     | {size: "<= 5%"}       | policy:8: 'size' is no ratio
            {size-ratio: 0.6}     | {sise-ratio: 0.6}     | policy:8: unknown metric 'sise-ratio'; did you mean 'size-ratio'?
            {size-ratio: 0.6}     | {size-ratio: "< 1"}   | policy:8: limit of 'size-ratio' is '< 1'
            {size-ratio: 0.6}     | {size-ratio: "<= e"}  | policy:8: 'e' is not a number
            {size-ratio: 0.6}     | {size-ratio: 1e999}   | policy:8: '1e999' is not a number
            {size-ratio: 0.6}     | {size-ratio: 1e-2147483647%} | policy:8: '1e-2147483647' is not a number
            {size-ratio: 0.6}     | {same-top-token: ">= 90"} | policy:8: 'same-top-token' is a share and never above 1; did you mean '90.0%'?
            {size-ratio: 0.6}     | {size: "<= 4G"}       | policy:8: limit of 'size' is '<= 4G'; write "<= NUMBER" or ">= NUMBER", a plain number in the unit byte
            {size-ratio: 0.6}     | {size-ratio: >= 1}    | policy:8: not YAML: while scanning for the next token, found character '>' that cannot start any token; values that start with > or * need quotes
            models:               | \\tmodels:            | policy:2: not YAML: while scanning for the next token, found character '\\t(TAB)' that cannot start any token. (Do not use \\t(TAB) for indentation)
            {text: e.txt}         | []                    | policy:3: 'evaluate' must be a map, found an empty list
            {size-ratio: 0.6}     | {size-ratio: 1, size-ratio: 2} | policy:8: 'size-ratio' is there twice
            {size-ratio: 0.6}     | {size-ratio: }        | policy:8: a value is missing
            """)
    void mistakesAreNamedWithTheirLine(String right, String wrong, String message) {
        String yaml = SMALL.replace(right, wrong.replace("\\n", "\n").replace("\\t", "\t"));
        assertThat(yaml).isNotEqualTo(SMALL);

        assertThatThrownBy(() -> PolicyFile.parse(yaml))
                .isInstanceOf(PolicyException.class)
                .hasMessageStartingWith(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {text: e.txt}                    | {text: "e\\0"}                                               | 3 | text
            {text: e.txt}                    | {text: e.txt}\\ncalibrate: {text: "e\\0"}                    | 4 | text
            {format: gguf, type: Q8_0}       | {format: gguf, type: Q8_0, importance: "e\\0"}               | 7 | importance
            """)
    void aNameThatNoFileCanHaveIsToldWithItsLine(String sound, String broken, int line, String key) {
        assertThatThrownBy(() -> PolicyFile.parse(SMALL.replace(sound, broken.replace("\\n", "\n"))))
                .isInstanceOf(PolicyException.class)
                .hasMessageStartingWith("policy:" + line + ": '" + key + "' is 'e\0', which no file can be called")
                .hasMessageEndingWith("name a file beside the policy");
    }

    @Test
    void targetsAndRungsAreNotRepeated() {
        String rung = "      - [quantize: {format: gguf, type: Q8_0}]\n";

        assertThatThrownBy(() -> PolicyFile.parse(SMALL.replace(rung, rung + rung)))
                .hasMessage("policy:8: recipe 'gguf Q8_0' is on the ladder already");
        assertThatThrownBy(() -> PolicyFile.parse(SMALL + SMALL.substring(SMALL.indexOf("  - name"))))
                .hasMessage("policy:9: target 't' is there twice");
    }

    /** A run's state holds what each of them measured, and is one event. */
    @Test
    void aLadderWithoutEndIsRefused() {
        String rungs = IntStream.rangeClosed(1, 65)
                .mapToObj(steps -> "      - [distill: {steps: " + steps + "}, quantize: {format: gguf, type: Q8_0}]\n")
                .collect(Collectors.joining());
        String policy = """
                policy: long
                models: "*"
                evaluate: {text: e.txt}
                calibrate: {text: c.txt}
                targets:
                  - name: t
                    recipes:
                %s    gate: {size-ratio: "<= 0.9"}
                """;

        assertThatThrownBy(() -> PolicyFile.parse(policy.formatted(rungs)))
                .hasMessageContaining("a ladder has at most 64 recipes");
    }

    @Test
    void whatIsNotAPolicyAtAllIsSaidSo(@TempDir Path folder) throws Exception {
        Path binary = Files.write(folder.resolve("p.yaml"), new byte[] {(byte) 0xff, (byte) 0xfe});

        assertThatThrownBy(() -> PolicyFile.parse("")).hasMessageContaining("starts with 'policy: NAME'");
        assertThatThrownBy(() -> PolicyFile.parse("- a")).hasMessageContaining("starts with 'policy: NAME'");
        assertThatThrownBy(() -> PolicyFile.parse(SMALL + "---\npolicy: q\n"))
                .hasMessageContaining("a second document");
        assertThatThrownBy(() -> PolicyFile.parse(binary)).hasMessage(binary + ": is not UTF-8 text; save it as UTF-8");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            same-top-token: <= 90%       | policy:8: 'same-top-token <= 0.9' lets the worse candidates pass, since more is better here; did you mean '>='?
            'kl-divergence: ">= 0.01"'   | policy:8: 'kl-divergence >= 0.01' lets the worse candidates pass, since less is better here; did you mean '<='?
            same-top-token: <= 90        | policy:8: 'same-top-token <= 90.0' lets the worse candidates pass, since more is better here; did you mean '>='?
            perplexity-increase: 1       | policy:8: 'perplexity-increase <= 1.0' allows 100.0 %; did you mean '1.0%'?
            perplexity-increase: <= 5    | policy:8: 'perplexity-increase <= 5.0' allows 500.0 %; did you mean '5.0%'?
            size-ratio: 45               | policy:8: 'size-ratio <= 45.0' allows 4500.0 %; did you mean '45.0%'?
            """)
    void aLimitThatLetsTheWorsePassIsRemarked(String limit, String remark) throws PolicyException {
        assertThat(PolicyFile.parse(SMALL.replace("size-ratio: 0.6", limit)).remarks())
                .containsExactly(remark);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "perplexity-increase: <= 500%",
                "perplexity-increase: <= -0.05",
                "size-ratio: 1.1",
                "perplexity: <= 12",
                "generation-speedup: 2",
                "same-top-token: 90%"
            })
    void aLimitThatMayBeMeantIsNotRemarked(String limit) throws PolicyException {
        assertThat(PolicyFile.parse(SMALL.replace("size-ratio: 0.6", limit)).remarks())
                .isEmpty();
    }
}
