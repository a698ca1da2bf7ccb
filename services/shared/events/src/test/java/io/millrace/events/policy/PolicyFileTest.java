package io.millrace.events.policy;

import static io.millrace.events.policy.SmallPolicy.SMALL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Limit;
import io.millrace.events.Metric;
import io.millrace.events.ModelName;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Recipe;
import io.millrace.events.Step;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A policy's name, texts, targets and gates, and what is taken for what it leaves out. */
class PolicyFileTest {
    private static final String FULL = """
            policy: chat-models
            models: "chat-*"
            work-on: cpu                          # a comment
            evaluate:  {text: eval.txt, sequences: 64, length: 512}
            calibrate: {text: calibration.txt, sequences: 100, length: 256, seed: 3}
            on-newer-checkpoint: supersede
            targets:
              - name: phone
                device: jetson
                recipes:
                  - [prune: {method: neurons, fraction: 0.25}, distill: {steps: 60, device: h100}, quantize: {format: gguf, type: Q4_K_M}]
                  - {prune: {method: magnitude, fraction: 0.5}, quantize: {format: compressed-tensors, scheme: W4A16}}
                  - - prune: {method: magnitude, threshold: 1e-3, global: true}
                    - distill: {}
                gate: {perplexity-increase: "<= 5%", size-ratio: 0.45, same-top-token: ">= 90%", generation-rate: ">=20"}
              - name: laptop
                recipes:
                  - quantize: {format: gguf, type: Q8_0}
                gate: {kl-divergence: <= 0.01}
            """;

    @Test
    void fullPolicyIsReadAsWritten() throws PolicyException {
        PolicyDraft draft = PolicyFile.parse(FULL);

        assertThat(draft.name()).isEqualTo("chat-models");
        assertThat(draft.models()).isEqualTo("chat-*");
        assertThat(draft.onNewer()).isEqualTo(Policy.OnNewer.SUPERSEDE);
        assertThat(draft.evaluation()).isEqualTo(new TextDraft(Path.of("eval.txt"), 64, 512, 0));
        assertThat(draft.calibration()).contains(new TextDraft(Path.of("calibration.txt"), 100, 256, 3));
        assertThat(draft.targets()).extracting(TargetDraft::name).containsExactly("phone", "laptop");
        assertThat(draft.targets().getFirst().device()).isEqualTo(new Device("jetson"));
        assertThat(draft.targets().getLast().device()).isEqualTo(Device.CPU);
        assertThat(draft.targets().getFirst().gate().limits())
                .containsExactly(
                        new Limit(Metric.PERPLEXITY_INCREASE, Limit.Comparison.AT_MOST, 0.05),
                        new Limit(Metric.SIZE_RATIO, Limit.Comparison.AT_MOST, 0.45),
                        new Limit(Metric.SAME_TOP_TOKEN, Limit.Comparison.AT_LEAST, 0.9),
                        new Limit(Metric.GENERATION_RATE, Limit.Comparison.AT_LEAST, 20));
    }

    @Test
    void recipesMayBeListsOrMapsAndDefaultsFollowTheStepsAfter() throws PolicyException {
        List<RecipeDraft> ladder = PolicyFile.parse(FULL).targets().getFirst().ladder();

        assertThat(ladder.stream().map(recipe -> recipe.resolve(PolicyInputs.UNSTORED)))
                .containsExactly(
                        new Recipe(List.of(
                                new Step(new Parameters.Neurons(0.25, 256), Device.CPU),
                                new Step(new Parameters.Distill(60, 8, 128, 2, 0, 5e-4, false), new Device("h100")),
                                new Step(new Parameters.Gguf("Q4_K_M"), Device.CPU))),
                        new Recipe(List.of(
                                new Step(
                                        new Parameters.Magnitude(OptionalDouble.of(0.5), OptionalDouble.empty(), false),
                                        Device.CPU),
                                new Step(new Parameters.CompressedTensors("W4A16"), Device.CPU))),
                        new Recipe(List.of(
                                new Step(
                                        new Parameters.Magnitude(OptionalDouble.empty(), OptionalDouble.of(1e-3), true),
                                        Device.CPU),
                                new Step(new Parameters.Distill(300, 8, 128, 2, 0, 5e-4, true), Device.CPU))));
    }

    @Test
    void smallPolicyTakesTheDefaults() throws PolicyException {
        PolicyDraft draft = PolicyFile.parse(SMALL);

        assertThat(draft.workOn()).isEqualTo(Device.CPU);
        assertThat(draft.onNewer()).isEqualTo(Policy.OnNewer.KEEP);
        assertThat(draft.evaluation()).isEqualTo(new TextDraft(Path.of("e.txt"), 64, 512, 0));
        assertThat(draft.calibration()).isEmpty();
    }

    @Test
    void workIsDoneAndSpeedMeasuredWhereThePolicySaysUnlessItSaysOtherwise() throws PolicyException {
        TargetDraft target = PolicyFile.parse(SMALL.replace("evaluate:", "work-on: h100\nevaluate:"))
                .targets()
                .getFirst();

        assertThat(target.device()).isEqualTo(new Device("h100"));
        assertThat(target.ladder().getFirst().steps())
                .extracting(StepDraft::device)
                .containsExactly(new Device("h100"));
    }

    @Test
    void leastAndLongestValuesAreTaken() throws PolicyException {
        String name = "p".repeat(128);
        PolicyDraft draft = PolicyFile.parse(SMALL.replace("policy: p", "policy: " + name)
                .replace("{text: e.txt}", "{text: e.txt, sequences: 1, length: 4}"));

        assertThat(draft.name()).isEqualTo(name);
        assertThat(draft.evaluation()).isEqualTo(new TextDraft(Path.of("e.txt"), 1, 4, 0));
        assertThatThrownBy(() -> PolicyFile.parse(SMALL.replace("policy: p", "policy: p" + name)))
                .hasMessageContaining("is not a name");
    }

    @Test
    void aPatternFitsWholeNamesAndStarsAloneStandForOtherCharacters() throws PolicyException {
        assertThat(matched("*")).containsExactly("chat", "chat-7b", "my-chat", "chat.7b");
        assertThat(matched("chat-*")).containsExactly("chat-7b");
        assertThat(matched("*chat")).containsExactly("chat", "my-chat");
        assertThat(matched("chat.7b")).containsExactly("chat.7b");
        assertThat(matched("c*t*b")).containsExactly("chat-7b", "chat.7b");
    }

    @Test
    void textsLieBesideTheFile(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("policy.yaml"), SMALL);

        assertThat(PolicyFile.parse(file).evaluation().text()).isEqualTo(folder.resolve("e.txt"));
    }

    @Test
    void draftBecomesAPolicyOnceItsTextsHaveDigests() throws PolicyException {
        Policy policy = PolicyFile.parse(FULL).resolve(PolicyInputs.UNSTORED, 4, 2);

        assertThat(policy.revision()).isEqualTo(4);
        assertThat(policy.backfill()).isEqualTo(2);
        assertThat(policy.targets()).hasSize(2).allSatisfy(target -> {
            assertThat(target.evaluation().text()).isEqualTo(ArtifactRef.inStore(Digest.of("eval.txt")));
            assertThat(target.calibration().orElseThrow().seed()).isEqualTo(3);
            assertThat(target.workOn()).isEqualTo(Device.CPU);
        });
    }

    @Test
    void whatChangesNothingIsRemarkedWithItsLine() throws PolicyException {
        assertThat(PolicyFile.parse(FULL).remarks())
                .hasSize(2)
                .allSatisfy(remark -> assertThat(remark).contains("5", "'calibrate' changes nothing", "'steps'"))
                .satisfiesExactly(
                        first -> assertThat(first).contains("'sequences'"),
                        second -> assertThat(second).contains("'length' under"));
        assertThat(PolicyFile.parse(FULL.replace("sequences: 100, length: 256, ", ""))
                        .remarks())
                .isEmpty();
        assertThat(PolicyFile.parse(SMALL).remarks()).isEmpty();
    }

    private static List<String> matched(String pattern) throws PolicyException {
        Policy policy = PolicyFile.parse(SMALL.replace("models: \"*\"", "models: \"" + pattern + "\""))
                .resolve(PolicyInputs.UNSTORED, 1, 1);
        return Stream.of("chat", "chat-7b", "my-chat", "chat.7b")
                .filter(name -> policy.matches(new ModelName(name)))
                .toList();
    }
}
