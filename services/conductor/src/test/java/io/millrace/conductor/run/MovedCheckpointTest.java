package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Job;
import io.millrace.events.ModelPublished;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.events.RunFailed;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.Target;
import java.net.URI;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The place of a checkpoint is no part of what it is. */
class MovedCheckpointTest {
    private static final Target PHONE = Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")));
    private static final ArtifactRef WEIGHTS = Given.artifact("weights");

    private final World world = new World();
    private final RunId run = RunId.of(checkpoint("v1", "/old"), "chat-models", PHONE);

    @BeforeEach
    void published() {
        world.apply(Given.policy(PHONE));
        world.publish(checkpoint("v1", "/old"));
    }

    @ParameterizedTest
    @EnumSource(
            value = OperatorRequest.Kind.class,
            names = {"RETRY", "RECOMPUTE"})
    void anEndedRunGoesOnWhereTheCheckpointWasPublishedLast(OperatorRequest.Kind kind) {
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.CHECKPOINT_MISSING));
        world.publish(checkpoint("v1", "/new"));
        assertThat(world.run(run).status()).isEqualTo(RunStatus.FAILED);

        world.ask(kind, run);

        assertThat(model(world.lastJob())).isEqualTo(at("/new"));
        world.hear(Answers.succeeded(world.lastJob(), world.now(), 0.01));
        assertThat(world.lastJob().inputs()).containsEntry(Role.ORIGINAL, at("/new"));
        world.hear(Answers.succeeded(world.lastJob(), world.now(), 0.01));
        world.hear(Answers.succeeded(world.lastJob(), world.now(), 0.01));
        assertThat(world.published(ModelPublished.class))
                .singleElement()
                .extracting(model -> model.source().artifact())
                .isEqualTo(at("/new"));
    }

    @Test
    void anOpenRunReadsItThereFromItsNextJobOn() {
        world.publish(checkpoint("v1", "/new"));

        assertThat(world.jobs()).hasSize(1);
        world.hear(Answers.succeeded(world.lastJob(), world.now(), 0.01));

        assertThat(world.lastJob().inputs()).containsEntry(Role.ORIGINAL, at("/new"));
    }

    @Test
    void aJobThatWasIssuedBeforeIsIssuedOnceMoreIfItFindsNothing() {
        Job before = world.lastJob();
        world.publish(checkpoint("v1", "/new"));

        world.hear(Answers.failed(before, world.now(), Reason.CHECKPOINT_MISSING));
        world.hear(Answers.failed(before, world.now(), Reason.CHECKPOINT_MISSING));

        assertThat(world.run(run).status()).isEqualTo(RunStatus.REQUESTED);
        assertThat(world.lastJob().key()).isEqualTo(before.key());
        assertThat(model(world.lastJob())).isEqualTo(at("/new"));
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.CHECKPOINT_MISSING));
        assertThat(world.run(run).status()).isEqualTo(RunStatus.FAILED);
        assertThat(world.jobs()).hasSize(2);
    }

    @Test
    void laterPoliciesMeetItWhereItLiesNow() {
        world.publish(checkpoint("v1", "/new"));

        world.apply(Given.policy(Given.target("laptop", Given.recipe(Given.gguf("Q6_K")))));

        assertThat(model(world.lastJob())).isEqualTo(at("/new"));
    }

    @ParameterizedTest
    @EnumSource(names = {"CHECKPOINT_MISSING", "CHECKPOINT_CHANGED"})
    void aVersionWithTheSameWeightsAsksAtItsOwnPlace(Reason gone) {
        world.publish(checkpoint("final", "/final"));
        assertThat(world.jobs()).hasSize(1);

        world.hear(Answers.failed(world.lastJob(), world.now(), gone));

        assertThat(world.run(run).status()).isEqualTo(RunStatus.FAILED);
        assertThat(world.jobs()).hasSize(2);
        assertThat(model(world.lastJob())).isEqualTo(at("/final"));
        world.hear(Answers.failed(world.lastJob(), world.now(), gone));
        assertThat(world.openRuns()).isEmpty();
        assertThat(world.published(RunFailed.class)).hasSize(2);
    }

    /** The weights are the same wherever they lie. */
    @Test
    void aFaultOfTheWeightsEndsTheRunsOfEachVersionThatHasThem() {
        world.publish(checkpoint("final", "/final"));

        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.MALFORMED_CHECKPOINT));

        assertThat(world.openRuns()).isEmpty();
        assertThat(world.published(RunFailed.class)).hasSize(2);
        assertThat(world.jobs()).hasSize(1);
    }

    private static ArtifactRef model(Job job) {
        return job.inputs().get(Role.MODEL);
    }

    private static ArtifactRef at(String folder) {
        return new ArtifactRef(WEIGHTS.manifest(), URI.create("file:" + folder));
    }

    private static CheckpointPublished checkpoint(String version, String folder) {
        return Moved.at(at(folder), Given.withWeights(Given.checkpoint(version), "weights"));
    }
}
