package io.millrace.events;

import java.util.Map;

/**
 * Identifies the result of a job: SHA-256 over everything that shapes it. The same key is never computed twice.
 *
 * <p>Encoding, fixed by a golden vector: UTF-8 lines, each ended by a line feed: {@code millrace-job/1}, {@code stage=},
 * {@code name=}, {@code version=}, {@code parameters=} (canonical JSON), {@code seed=}, then {@code engine=} where the
 * result is not weight-only, {@code device=} where it depends on the device class, and one {@code input=role:digest}
 * per input, sorted.
 */
public record JobKey(Digest digest) implements Comparable<JobKey> {
    /** The tensor engine that stages run on; another version may round otherwise. */
    public static final String ENGINE = "djl-0.36.0+pytorch-2.7.1";

    static JobKey of(Map<Role, ArtifactRef> inputs, Parameters parameters, Device device, long seed) {
        StringBuilder text = new StringBuilder("millrace-job/1\n");
        text.append("stage=").append(parameters.stage().wireName()).append('\n');
        text.append("name=").append(parameters.name()).append('\n');
        text.append("version=").append(parameters.version()).append('\n');
        text.append("parameters=").append(parameters.canonicalJson()).append('\n');
        text.append("seed=").append(seed).append('\n');
        if (!parameters.weightOnly()) {
            text.append("engine=").append(ENGINE).append('\n');
        }
        if (parameters.dependsOnDevice()) {
            text.append("device=").append(device.name()).append('\n');
        }
        inputs.entrySet().stream()
                .map(input -> "input=" + input.getKey().wireName() + ":"
                        + input.getValue().manifest().hex() + "\n")
                .sorted()
                .forEach(text::append);
        return new JobKey(Digest.of(text.toString()));
    }

    public static JobKey parse(String hex) {
        return new JobKey(new Digest(hex));
    }

    @Override
    public int compareTo(JobKey other) {
        return digest.compareTo(other.digest);
    }

    @Override
    public String toString() {
        return digest.hex();
    }
}
