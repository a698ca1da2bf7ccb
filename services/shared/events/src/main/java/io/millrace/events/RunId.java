package io.millrace.events;

/**
 * Identifies a run: the digest of model, version, checkpoint, policy and the target with its texts by digest. Publishing
 * the same checkpoint twice is therefore one run.
 */
public record RunId(Digest digest) {
    public static RunId of(CheckpointPublished checkpoint, String policy, Target target) {
        return new RunId(Digest.of(String.join(
                "\n",
                "millrace-run/1",
                "model=" + checkpoint.model(),
                "version=" + checkpoint.version(),
                "checkpoint=" + checkpoint.artifact().manifest(),
                "policy=" + policy,
                "target=" + target.canonicalJson(),
                "")));
    }

    public static RunId parse(String hex) {
        return new RunId(new Digest(hex));
    }

    @Override
    public String toString() {
        return digest.hex();
    }
}
