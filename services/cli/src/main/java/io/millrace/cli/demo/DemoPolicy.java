package io.millrace.cli.demo;

import java.util.List;

/**
 * The demo's policy, as a person would write it.
 *
 * <p>Its gates were set once, from what every rung measured over the seeds 1 to 5 and the three checkpoints of each:
 *
 * <pre>
 *                perplexity-increase, % kl-divergence, nat            same-top-token, %    size-ratio
 *                range          worst   range               worst     range         worst
 * pruned Q4_K_M  -0.66 .. 0.50   0.90   0.00388 .. 0.01597  0.01773   95.2 .. 97.0  94.6   0.250
 * Q4_K_M         -0.31 .. 1.30   1.56   0.00244 .. 0.00579  0.00635   96.9 .. 98.1  96.4   0.307
 * Q6_K           -0.20 .. 0.21   0.32   0.00016 .. 0.00040  0.00046   99.0 .. 99.5  98.7   0.414
 * Q8_0           -0.05 .. 0.04   0.06   0.00002 .. 0.00003  0.00004   99.6 .. 99.9  99.5   0.535
 * W4A16          -0.40 .. 0.41   0.68   0.00231 .. 0.00577  0.00663   96.9 .. 98.2  96.5   0.308
 * W8A16          -0.03 .. 0.05   0.07   0.00001 .. 0.00002  0.00002   99.8 .. 100.0  99.6   0.542
 * </pre>
 *
 * <p>"Worst" has 1.645 standard errors against it, as the gate counts. The rule: a target's limit is twice the worst
 * increase, twice the worst divergence and twice the worst share of unequal top tokens of all its rungs, rounded outward
 * (whole percents, 0.005 nat); the size does not vary, so a tenth more than the largest of the phone's rungs. The
 * impossible target's limit is less than a hundredth of the smallest divergence seen. To measure again, in about
 * twenty minutes:
 *
 * <pre>
 * mvn -pl services/cli -am test -Dtest=DemoGatesTest -Dsurefire.failIfNoSpecifiedTests=false \
 *     -Dmillrace.demo.seeds=1,2,3,4,5
 * </pre>
 */
final class DemoPolicy {
    static final String NAME = "demo";
    static final String MODEL = "stories";
    static final String EVALUATION_FILE = "evaluation.txt";
    static final String DISTILL_FILE = "distill.txt";

    /** Targets that must get a model. */
    static final List<String> HONEST = List.of("phone", "laptop", "gpu-server");

    /** A target that no recipe can reach: a hundredth of the divergence that eight bits leave. */
    static final String IMPOSSIBLE = "impossible";

    private DemoPolicy() {}

    static String yaml() {
        return """
            # Four targets for each checkpoint of models named stories*.
            policy: %s
            models: "%s*"
            work-on: cpu
            evaluate: {text: %s, sequences: 80, length: 128}
            calibrate: {text: %s, seed: 0}
            on-newer-checkpoint: keep
            targets:
              - name: phone
                device: cpu
                recipes:
                  - [prune: {method: neurons, fraction: 0.25}, distill: {steps: 60}, quantize: {format: gguf, type: Q4_K_M}]
                  - [quantize: {format: gguf, type: Q4_K_M}]
                gate: {perplexity-increase: "<= 4%%", size-ratio: "<= 0.34", same-top-token: ">= 89%%"}
              - name: laptop
                device: cpu
                recipes:
                  - [quantize: {format: gguf, type: Q4_K_M}]
                  - [quantize: {format: gguf, type: Q6_K}]
                  - [quantize: {format: gguf, type: Q8_0}]
                gate: {perplexity-increase: "<= 4%%", kl-divergence: "<= 0.015", same-top-token: ">= 92%%"}
              - name: gpu-server
                device: cpu
                recipes:
                  - [quantize: {format: compressed-tensors, scheme: W4A16}]
                  - [quantize: {format: compressed-tensors, scheme: W8A16}]
                gate: {perplexity-increase: "<= 2%%", same-top-token: ">= 93%%"}
              - name: %s
                device: cpu
                recipes:
                  - [quantize: {format: gguf, type: Q4_K_M}]
                  - [quantize: {format: gguf, type: Q8_0}]
                gate: {kl-divergence: "<= 0.0000001"}
            """.formatted(NAME, MODEL, EVALUATION_FILE, DISTILL_FILE, IMPOSSIBLE);
    }
}
