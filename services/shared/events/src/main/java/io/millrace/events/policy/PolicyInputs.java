package io.millrace.events.policy;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import java.nio.file.Path;

/** Gives the files that a policy names their place in the store. */
public interface PolicyInputs {
    /** A text, whose name does not matter. */
    ArtifactRef text(Path file);

    /** An importance matrix. It keeps its name, which GGUF files that are made with it repeat. */
    ArtifactRef importance(Path file);

    /** Names without a store behind them, where a policy is only looked at. */
    PolicyInputs UNSTORED = new PolicyInputs() {
        @Override
        public ArtifactRef text(Path file) {
            return ArtifactRef.inStore(Digest.of(file.toString()));
        }

        @Override
        public ArtifactRef importance(Path file) {
            return ArtifactRef.inStore(Digest.of(file.toString()));
        }
    };
}
