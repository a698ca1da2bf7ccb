package io.millrace.events.policy;

/** The least that a policy says; tests replace what they are about. */
final class SmallPolicy {
    static final String SMALL = """
            policy: p
            models: "*"
            evaluate: {text: e.txt}
            targets:
              - name: t
                recipes:
                  - [quantize: {format: gguf, type: Q8_0}]
                gate: {size-ratio: 0.6}
            """;

    private SmallPolicy() {}
}
