package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.Candidate;
import io.millrace.events.Device;
import io.millrace.events.Job;
import io.millrace.events.JobEvent;
import io.millrace.events.Limit;
import io.millrace.events.Metric;
import io.millrace.events.ModelNumbers;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.Recipe;
import io.millrace.events.Role;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.Step;
import io.millrace.events.StepDone;
import io.millrace.events.Target;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Which jobs a run asks for, where, with which inputs, and what becomes of their outputs. */
class JobsOfARunTest extends RunFixture {
    @Test
    void eachStepWorksOnTheOutputOfTheStepBefore() {
        Target target = Given.target("phone", Given.recipe(Given.neurons(), Given.distill(), Given.gguf("Q4_K_M")));
        start(target);

        Job prune = succeed();
        Job distill = succeed();
        Job quantize = succeed();
        Job quality = succeed();
        Job speed = succeed();

        assertThat(prune.inputs()).containsOnlyKeys(Role.MODEL);
        assertThat(distill.inputs()).containsOnlyKeys(Role.MODEL, Role.ORIGINAL, Role.CALIBRATION_TEXT);
        assertThat(distill.inputs()).containsEntry(Role.MODEL, Given.artifact("output of " + prune.key()));
        assertThat(distill.seed()).isEqualTo(7);
        assertThat(quantize.inputs()).containsOnlyKeys(Role.MODEL);
        assertThat(quality.inputs()).containsOnlyKeys(Role.MODEL, Role.ORIGINAL, Role.EVALUATION_TEXT);
        assertThat(quality.inputs()).containsEntry(Role.MODEL, Given.artifact("output of " + quantize.key()));
        assertThat(quality.inputs())
                .containsEntry(Role.EVALUATION_TEXT, target.evaluation().text());
        assertThat(quality.parameters())
                .isEqualTo(new Parameters.Quality(
                        target.evaluation().sequences(), target.evaluation().length()));
        assertThat(distill.inputs())
                .containsEntry(
                        Role.CALIBRATION_TEXT,
                        target.calibration().orElseThrow().text());
        assertThat(speed.inputs()).containsOnlyKeys(Role.MODEL, Role.ORIGINAL);
        assertThat(world.published(ModelPublished.class)).singleElement().satisfies(model -> {
            assertThat(model.artifact()).isEqualTo(Given.artifact("output of " + quantize.key()));
            assertThat(model.format() + " " + model.type()).isEqualTo("gguf Q4_K_M");
            assertThat(model.sizeBytes()).as("what the last step made").isEqualTo(1000);
            assertThat(model.originalBytes()).as("two bytes a parameter").isEqualTo(4_000_000);
        });
    }

    @Test
    void importanceMatrixOfAStepIsAnInputOfItsJobAndPartOfTheKey() {
        Parameters gguf = Given.gguf("Q4_K_M");
        Step weighed = new Step(gguf, Device.CPU, Optional.of(Given.artifact("matrix")));
        start(Given.target("phone", new Recipe(List.of(weighed))));
        Job with = succeed();

        start(Given.target("laptop", Given.recipe(gguf)));
        Job without = succeed();

        assertThat(with.inputs()).containsOnlyKeys(Role.MODEL, Role.IMPORTANCE);
        assertThat(with.inputs()).containsEntry(Role.IMPORTANCE, Given.artifact("matrix"));
        assertThat(without.inputs()).containsOnlyKeys(Role.MODEL);
        assertThat(with.key()).isNotEqualTo(without.key());
    }

    @Test
    void neuronsThatAreRankedByActivationsGetTheCalibrationTextAndItsSeed() {
        start(Given.target("phone", Given.recipe(byActivations(), Given.gguf("Q4_K_M"))));

        Job prune = succeed();

        assertThat(prune.inputs()).containsOnlyKeys(Role.MODEL, Role.CALIBRATION_TEXT);
        assertThat(prune.inputs()).containsEntry(Role.CALIBRATION_TEXT, Given.artifact("calibration"));
        assertThat(prune.seed()).isEqualTo(7);
    }

    @Test
    void qualityIsMeasuredWhereTheWorkIsDoneAndSpeedOnTheTargetsDevice() {
        start(Given.target("cloud", Given.H100, List.of(Given.quality()), Given.recipe(Given.gguf("Q4_K_M"))));
        succeed();

        assertThat(succeed().device()).isEqualTo(Given.CPU);
        assertThat(succeed().device()).isEqualTo(Given.H100);
        assertThat(world.published(ModelPublished.class))
                .singleElement()
                .extracting(ModelPublished::device)
                .as("the device that the model is for")
                .isEqualTo(Given.H100);
    }

    @Test
    void aRunTellsWhichStepsWereInTheStoreAlready() {
        RunId run = start(PHONE);
        Job quantize = world.lastJob();
        JobEvent.JobSucceeded computed = (JobEvent.JobSucceeded) Answers.succeeded(quantize, world.now(), 0.01);
        world.hear(new JobEvent.JobSucceeded(
                computed.job(),
                computed.at(),
                computed.output(),
                computed.sizeBytes(),
                computed.measurements(),
                computed.cost(),
                true));
        succeed();

        assertThat(world.run(run).finished()).extracting(StepDone::fromStore).containsExactly(true, false);
    }

    @Test
    void speedIsMeasuredWithinThePositionsOfTheModel() {
        for (int positions : List.of(512, 160, 16, 1)) {
            Plan plan = Plan.of(PHONE, 0, new ModelNumbers("LlamaForCausalLM", 1, 1, 1, 1, 1, 1, 1, positions, "BF16"));

            assertThat(plan.step(2).parameters())
                    .isEqualTo(
                            switch (positions) {
                                case 1 -> new Parameters.Speed(1, 1, 5);
                                case 16 -> new Parameters.Speed(8, 8, 5);
                                case 160 -> new Parameters.Speed(80, 64, 5);
                                default -> new Parameters.Speed(128, 64, 5);
                            });
        }
    }

    @Test
    void aModelThatIsNotQuantizedIsPublishedInTheTypeOfItsCheckpoint() {
        start(Given.target("phone", Given.recipe(Given.neurons())));
        succeed();
        succeed();
        succeed();

        assertThat(world.published(ModelPublished.class))
                .extracting(model -> model.format() + " " + model.type())
                .containsExactly("safetensors BF16");
    }

    @Test
    void twoTargetsThatNeedTheSameJobShareIt() {
        world.apply(Given.policy(
                Given.target("phone", Given.recipe(Given.gguf("Q4_K_M"))),
                Given.target("laptop", Given.recipe(Given.gguf("Q4_K_M")), Given.recipe(Given.gguf("Q8_0")))));

        world.publish(Given.checkpoint("v1"));

        assertThat(world.jobs()).hasSize(1);
        succeed();
        succeed();
        succeed();
        assertThat(world.jobs()).hasSize(3);
        assertThat(world.published(ModelPublished.class))
                .extracting(ModelPublished::target)
                .containsExactlyInAnyOrder("phone", "laptop");
    }

    /** Weight-only steps make the same bytes on every device. */
    @Test
    void aRungThatMakesTheSameModelIsMeasuredLikeAnyOther() {
        start(Given.target(
                "phone", Given.recipe(Given.gguf("Q4_K_M")), Given.recipe(Given.H100, Given.gguf("Q4_K_M"))));
        succeed();
        Job quality = world.lastJob();

        world.hear(Answers.succeeded(quality, world.now(), 0.3));

        assertThat(world.jobs())
                .extracting(job -> job.parameters().name())
                .containsExactly("gguf", "quality", "quality");
        assertThat(world.lastJob().key()).isEqualTo(quality.key());
    }

    @Test
    void aRungThatSharesItsBeginningWithTheOneBeforeTakesWhatIsDone() {
        start(Given.target(
                "phone",
                Given.recipe(Given.neurons(), Given.gguf("Q4_K_M")),
                Given.recipe(Given.neurons(), Given.gguf("Q6_K"))));
        succeed();
        succeed();
        world.hear(Answers.succeeded(world.lastJob(), world.now(), 0.3));

        assertThat(world.jobs())
                .extracting(job -> job.parameters().name())
                .containsExactly("neurons", "gguf", "quality", "gguf");
    }

    @Test
    void aRungThatNeedsATextWhichTheTargetLacksIsPassedOver() {
        Target target = Given.target("phone", Given.recipe(byActivations()), Given.recipe(Given.gguf("Q6_K")));
        start(withoutCalibrationText(target));

        assertThat(world.jobs()).singleElement().extracting(Job::parameters).isEqualTo(new Parameters.Gguf("Q6_K"));
    }

    @Test
    void aRungThatDistillsWithoutATextIsPassedOver() {
        Target target = Given.target("phone", Given.recipe(Given.distill()), Given.recipe(Given.gguf("Q6_K")));
        RunId run = start(withoutCalibrationText(target));

        assertThat(world.lastJob().parameters()).isEqualTo(new Parameters.Gguf("Q6_K"));
        assertThat(world.run(run).tried())
                .singleElement()
                .extracting(Candidate::outcome)
                .extracting(
                        outcome -> ((Candidate.StepFailed) outcome).failure().reason())
                .isEqualTo(Reason.IMPOSSIBLE_RUNG);
    }

    @Test
    void aRungThatIsTooLargeIsPassedOverAndNoOther() {
        Limit half = new Limit(Metric.SIZE_RATIO, Limit.Comparison.AT_MOST, 0.5);

        RunId run = start(Given.target(
                "watch",
                Given.CPU,
                List.of(half),
                Given.recipe(Given.gguf("F16")),
                Given.recipe(Given.gguf("Q4_K_M"))));

        assertThat(world.lastJob().parameters()).isEqualTo(new Parameters.Gguf("Q4_K_M"));
        assertThat(world.run(run).tried())
                .singleElement()
                .satisfies(tried -> assertThat(tried.rung()).isZero());
    }

    @Test
    void aTargetWhoseEveryRungIsTooLargeIsRejectedWithoutAJob() {
        Limit small = new Limit(Metric.SIZE_RATIO, Limit.Comparison.AT_MOST, 0.1);

        RunId run = start(Given.target("watch", Given.CPU, List.of(small), Given.recipe(Given.gguf("F16"))));

        assertThat(world.jobs()).isEmpty();
        assertThat(world.run(run).status()).isEqualTo(RunStatus.REJECTED);
        assertThat(world.run(run).message()).startsWith("every rung was refused: ");
        assertThat(world.published(ModelRejected.class)).hasSize(1);
    }

    private static Target withoutCalibrationText(Target target) {
        return new Target(
                target.name(),
                target.device(),
                target.workOn(),
                target.evaluation(),
                Optional.empty(),
                target.ladder(),
                target.gate());
    }

    private static Parameters byActivations() {
        return new Parameters.Neurons(0.25, 256, Optional.of(new Parameters.Neurons.Activations(16, 128)));
    }
}
