package io.millrace.models.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.millrace.models.TestModels;
import io.millrace.models.TokenStream;
import io.millrace.models.WorkProgress;
import io.millrace.tensors.WeightSource;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DistillationTest {
    private static final TokenStream TEXT =
            new TokenStream(new SplittableRandom(4).ints(3000, 0, 60).toArray(), OptionalInt.empty());
    private static final TrainingSettings TRAINING = new TrainingSettings(40, 4, 17, OptimizerSettings.of(5e-3, 4), 7);
    private static final String MATRIX = "model.layers.0.mlp.up_proj.weight";
    private static final TestModels.Weights TEACHER = TestModels.weights(TestModels.llama(), 1);

    private static Distillation begin(
            WeightSource teacher, WeightSource student, TokenStream text, DistillationSettings settings)
            throws IOException, InterruptedException {
        return Distillation.begin(teacher, student, text, settings, WorkProgress.NONE);
    }

    @Test
    void theStudentComesCloserToItsTeacher() throws Exception {
        try (Distillation distillation =
                begin(TEACHER, coarse(1), TEXT, new DistillationSettings(TRAINING, 2, 0, KeptZeros.NONE))) {
            List<StepReport> reports = new ArrayList<>();

            distillation.run(reports::add, WorkProgress.NONE);

            double first = reports.getFirst().divergence().orElseThrow();
            assertThat(reports.getLast().divergence().orElseThrow()).isBetween(0.0, first / 2);
            assertThat(reports.getLast().crossEntropy()).isEmpty();
            assertThat(reports.getLast().loss())
                    .isEqualTo(reports.getLast().divergence().orElseThrow());
        }
    }

    @Test
    void aStudentEqualToItsTeacherHasNothingToLearn() throws Exception {
        try (Distillation distillation =
                begin(TEACHER, TEACHER, TEXT, new DistillationSettings(TRAINING, 3, 0, KeptZeros.NONE))) {
            assertThat(distillation.next().loss()).isCloseTo(0, within(1e-5));
        }
    }

    @Test
    void theLossIsTheWeightedSumOfItsParts() throws Exception {
        try (Distillation distillation =
                begin(TEACHER, coarse(0.25f), TEXT, new DistillationSettings(TRAINING, 2, 0.25, KeptZeros.NONE))) {
            StepReport report = distillation.next();

            assertThat(report.loss())
                    .isCloseTo(
                            0.75 * report.divergence().orElseThrow()
                                    + 0.25 * report.crossEntropy().orElseThrow(),
                            within(1e-5));
        }
    }

    /** Four sequences of 16 positions, of which the teacher's must be those that the student's are compared with. */
    @Test
    void aStepInBlocksIsTheStepAtOnce() throws Exception {
        DistillationSettings settings = new DistillationSettings(TRAINING, 2, 0.25, KeptZeros.NONE);
        try (Distillation whole = new Distillation(
                        TEACHER, coarse(0.25f), TEXT, settings, new StepMemory(64, false, 0), () -> {});
                Distillation blocks = new Distillation(
                        TEACHER, coarse(0.25f), TEXT, settings, new StepMemory(7, true, 0), () -> {})) {
            StepReport expected = whole.next();

            StepReport found = blocks.next();

            assertThat(found.loss()).isCloseTo(expected.loss(), within(1e-5));
            assertThat(found.divergence().orElseThrow())
                    .isCloseTo(expected.divergence().orElseThrow(), within(1e-5));
            assertThat(found.crossEntropy().orElseThrow())
                    .isCloseTo(expected.crossEntropy().orElseThrow(), within(1e-5));
            assertThat(found.gradientNorm()).isCloseTo(expected.gradientNorm(), within(1e-4));
        }
    }

    @Test
    void zerosOfAPrunedMatrixStayAndFewZerosAreNoPruning() throws Exception {
        float[] pruned = TEACHER.of(MATRIX).clone();
        for (int i = 0; i < pruned.length; i += 2) {
            pruned[i] = 0;
        }
        String other = "model.layers.0.mlp.gate_proj.weight";
        float[] few = TEACHER.of(other).clone();
        few[5] = 0;
        WeightSource student = TEACHER.with(MATRIX, pruned).with(other, few);
        try (Distillation distillation =
                begin(TEACHER, student, TEXT, new DistillationSettings(TRAINING, 1, 0, KeptZeros.OF_SPARSE_MATRICES))) {
            distillation.run(report -> {}, WorkProgress.NONE);

            float[] trained = values(distillation.student().weights(), MATRIX, pruned.length);
            assertThat(distillation.maskedMatrices()).isEqualTo(1);
            for (int i = 0; i < trained.length; i++) {
                assertThat(trained[i] == 0).isEqualTo(i % 2 == 0);
            }
            assertThat(values(distillation.student().weights(), other, few.length)[5])
                    .isNotZero();
        }
    }

    @Test
    void withoutTheMaskPrunedWeightsGrowBack() throws Exception {
        float[] pruned = new float[TEACHER.of(MATRIX).length];
        try (Distillation distillation = begin(
                TEACHER,
                TEACHER.with(MATRIX, pruned),
                TEXT,
                new DistillationSettings(TRAINING, 1, 0, KeptZeros.NONE))) {
            distillation.next();

            assertThat(values(distillation.student().weights(), MATRIX, pruned.length))
                    .doesNotContain(0f);
        }
    }

    @Test
    void anInterruptedDistillationContinuesAsIfNothingHadHappened(@TempDir Path state) throws Exception {
        DistillationSettings settings = new DistillationSettings(TRAINING, 2, 0.1, KeptZeros.OF_SPARSE_MATRICES);
        try (Distillation whole = begin(TEACHER, coarse(0.25f), TEXT, settings);
                Distillation before = begin(TEACHER, coarse(0.25f), TEXT, settings)) {
            whole.run(report -> {}, WorkProgress.NONE);
            for (int i = 0; i < 11; i++) {
                before.next();
            }
            before.saveState(state);
            // The student as it was at first, as after a restart.
            try (Distillation after = begin(TEACHER, coarse(0.25f), TEXT, settings)) {
                after.resume(state);
                after.run(report -> {}, WorkProgress.NONE);

                assertThat(after.student().logits(new int[] {1, 2, 3}))
                        .isDeepEqualTo(whole.student().logits(new int[] {1, 2, 3}));
            }
        }
    }

    @Test
    void layersAreProgressAndAnInterruptInsideAStepLeavesNothingOfIt() throws Exception {
        DistillationSettings settings = new DistillationSettings(TRAINING, 2, 0, KeptZeros.NONE);
        List<String> told = new ArrayList<>();
        WorkProgress interrupting = (done, total, what) -> {
            told.add(what + ", " + done + " of " + total);
            if (what.equals("steps; student at layer 1 of 2") && done == 1) {
                Thread.currentThread().interrupt();
            }
        };
        try (Distillation whole = begin(TEACHER, coarse(0.25f), TEXT, settings);
                Distillation cut = begin(TEACHER, coarse(0.25f), TEXT, settings)) {
            assertThatThrownBy(() -> cut.run(report -> {}, interrupting)).isInstanceOf(InterruptedException.class);
            whole.run(report -> {}, WorkProgress.NONE);

            assertThat(told)
                    .startsWith("steps; windows through layers of the teacher, 1 of 32, 0 of 40")
                    .endsWith(
                            "steps; windows through layers of the teacher, 32 of 32, 0 of 40",
                            "steps; student at layer 1 of 2, 0 of 40",
                            "steps; student at layer 2 of 2, 0 of 40",
                            "steps, 1 of 40",
                            "steps; student at layer 1 of 2, 1 of 40")
                    .hasSize(32 + 4);
            assertThat(cut.done()).isEqualTo(1);
            cut.run(report -> {}, WorkProgress.NONE);
            assertThat(cut.student().logits(new int[] {1, 2, 3}))
                    .isDeepEqualTo(whole.student().logits(new int[] {1, 2, 3}));
        }
    }

    @Test
    void aTeacherWithOtherTokensIsRefused() {
        TestModels.Weights larger = TestModels.weights(
                TestModels.config("LlamaForCausalLM", "llama", "\"tie_word_embeddings\": true, \"vocab_size\": 300"),
                1);

        assertThatThrownBy(() -> begin(larger, TEACHER, TEXT, new DistillationSettings(TRAINING, 1, 0, KeptZeros.NONE)))
                .hasMessageContaining("vocabulary of 300, the student one of 260");
    }

    private static TestModels.Weights coarse(float grid) {
        TestModels.Weights student = TEACHER;
        for (String name : List.of(MATRIX, "model.layers.1.self_attn.v_proj.weight")) {
            float[] rounded = TEACHER.of(name).clone();
            for (int i = 0; i < rounded.length; i++) {
                rounded[i] = Math.round(rounded[i] / grid) * grid;
            }
            student = student.with(name, rounded);
        }
        return student;
    }

    private static float[] values(WeightSource source, String name, int count) throws IOException {
        long rows = source.tensors().stream()
                .filter(spec -> spec.name().equals(name))
                .findFirst()
                .orElseThrow()
                .shape()
                .rows();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(ValueLayout.JAVA_FLOAT, count);
            source.read(name, 0, rows, memory);
            return memory.toArray(ValueLayout.JAVA_FLOAT);
        }
    }
}
