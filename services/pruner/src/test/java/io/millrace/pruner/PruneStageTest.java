package io.millrace.pruner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.millrace.events.Device;
import io.millrace.events.Parameters.Magnitude;
import io.millrace.events.Parameters.Neurons;
import io.millrace.events.Parameters.Prune;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.pruner.method.WeightImportance;
import io.millrace.tensors.DType;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.worker.StageException;
import io.millrace.worker.StageInput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

class PruneStageTest {
    private static final String GATE = "model.layers.0.mlp.gate_proj.weight";
    private static final String UP = "model.layers.0.mlp.up_proj.weight";
    private static final String DOWN = "model.layers.0.mlp.down_proj.weight";
    private static final String EMBEDDING = "model.embed_tokens.weight";
    private static final String QUERY = "model.layers.0.self_attn.q_proj.weight";

    @TempDir
    Path temp;

    @Test
    void theWeakestNeuronsLeaveFromAllThreeMatrices() throws Exception {
        // Neuron 3 is weakest in gate and up and strong in down; 5 and 6 are weak everywhere, in layer 1 they are 8 and
        // 9.
        Path source = TinyCheckpoint.write(temp.resolve("source"), DType.F32, (tensor, i) -> {
            int neuron = tensor.contains("down_proj") ? i % TinyCheckpoint.NEURONS : i / TinyCheckpoint.HIDDEN;
            boolean feedForward = tensor.contains("mlp");
            int weak = tensor.contains("layers.1") ? 8 : 5;
            if (feedForward && (neuron == weak || neuron == weak + 1)) {
                return 0.001f;
            }
            if (feedForward && neuron == 3) {
                return tensor.contains("down_proj") ? 50 : 0.0001f;
            }
            return 1 + i;
        });

        Path output = prune(source, new Neurons(0.125, 2));

        try (Checkpoint before = Checkpoint.open(source);
                Checkpoint after = Checkpoint.open(output)) {
            assertThat(after.config().feedForwardSize()).isEqualTo(14);
            float[] up = floats(before, UP);
            float[] kept = floats(after, UP);
            assertThat(Arrays.copyOfRange(kept, 0, 5 * 8)).containsExactly(Arrays.copyOfRange(up, 0, 5 * 8));
            assertThat(Arrays.copyOfRange(kept, 5 * 8, 6 * 8)).containsExactly(Arrays.copyOfRange(up, 7 * 8, 8 * 8));
            float[] down = floats(before, DOWN);
            assertThat(floats(after, DOWN)[5]).isEqualTo(down[7]);
            assertThat(floats(after, DOWN)[14 + 4]).isEqualTo(down[16 + 4]);
            assertThat(floats(after, "model.layers.1.mlp.up_proj.weight")[7 * 8])
                    .isEqualTo(up[7 * 8]);
            assertThat(floats(after, "model.layers.1.mlp.down_proj.weight")[7]).isEqualTo(down[7]);
            assertThat(floats(after, QUERY)).containsExactly(floats(before, QUERY));
            assertThat(after.metadata()).containsEntry(Checkpoint.MADE, "prune");
        }
    }

    @Test
    void aNeuronIsAsImportantAsTheSquaresOfItsWeights() throws Exception {
        Path source = TinyCheckpoint.write(
                temp.resolve("source"), DType.F32, (tensor, i) -> (i * 37 % 101 - 50 + tensor.length()) / 8f);

        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            double[] found = new WeightImportance(checkpoint)
                    .ofLayers((weights, what) -> {})
                    .getFirst();

            double[] expected = new double[TinyCheckpoint.NEURONS];
            for (String matrix : List.of(GATE, UP, DOWN)) {
                float[] weights = floats(checkpoint, matrix);
                for (int i = 0; i < weights.length; i++) {
                    int neuron = matrix.equals(DOWN) ? i % TinyCheckpoint.NEURONS : i / TinyCheckpoint.HIDDEN;
                    expected[neuron] += Math.pow(weights[i], 2);
                }
            }
            assertThat(found).containsExactly(expected, within(1e-9));
        }
    }

    /** Of rows of eight weights 131,072 are read at once. */
    @Test
    void whatIsReadInSeveralBlocksIsWhole() throws Exception {
        int inOneBlock = 1 << 17;
        int count = inOneBlock + 8;
        Path source = TinyCheckpoint.writeWide(temp.resolve("source"), count, count, DType.BF16, (tensor, i) -> {
            int row = i / TinyCheckpoint.HIDDEN;
            return tensor.contains("embed") ? row % 120 : row >= inOneBlock ? 2 : 1;
        });

        Path output = prune(source, new Neurons(1 - 8.0 / count, 1));

        try (Checkpoint before = Checkpoint.open(source);
                Checkpoint after = Checkpoint.open(output)) {
            assertThat(floats(after, GATE)).hasSize(8 * 8).containsOnly(2);
            assertThat(floats(after, EMBEDDING)).isEqualTo(floats(before, EMBEDDING));
        }
    }

    @Test
    void neuronsLeaveFromBothHalvesOfAFusedMatrix() throws Exception {
        String fused = "model.layers.0.mlp.gate_up_proj.weight";
        int row = TinyCheckpoint.HIDDEN;
        // Neuron 3's row of gate is weak and so is neuron 5's, but up keeps 5.
        Path source =
                TinyCheckpoint.write(temp.resolve("source"), "Phi3ForCausalLM", "phi3", DType.F32, (tensor, i) -> {
                    if (!tensor.equals(fused)) {
                        return 1;
                    }
                    int neuron = i / row % TinyCheckpoint.NEURONS;
                    boolean gate = i / row < TinyCheckpoint.NEURONS;
                    return neuron == 3 || (neuron == 5 && gate) ? 0.001f : 1 + i / row;
                });

        Path output = prune(source, new Neurons(1.0 / TinyCheckpoint.NEURONS, 1));

        try (Checkpoint before = Checkpoint.open(source);
                Checkpoint after = Checkpoint.open(output)) {
            assertThat(after.config().feedForwardSize()).isEqualTo(15);
            float[] was = floats(before, fused);
            float[] is = floats(after, fused);
            assertThat(is).hasSize(2 * 15 * row);
            assertThat(is[3 * row]).isEqualTo(was[4 * row]);
            assertThat(is[(15 + 3) * row]).isEqualTo(was[(16 + 4) * row]);
            assertThat(is[(15 + 2) * row]).isEqualTo(was[(16 + 2) * row]);
        }
    }

    @Test
    void neuronsOfExpertsAreRefusedWithTheRemedy() throws Exception {
        Path source = TinyCheckpoint.write(
                temp.resolve("source"), "MixtralForCausalLM", "mixtral", DType.F32, (tensor, i) -> i % 7);

        assertThatThrownBy(() -> prune(source, new Neurons(0.5, 1)))
                .isInstanceOfSatisfying(
                        StageException.class,
                        e -> assertThat(e.failure().reason()).isEqualTo(Reason.UNSUITABLE_SHAPE))
                .hasMessageContaining("MixtralForCausalLM")
                .hasMessageContaining("prune it by magnitude");

        Path output = prune(source, new Magnitude(OptionalDouble.of(0.5), OptionalDouble.empty(), false));
        try (Checkpoint after = Checkpoint.open(output)) {
            for (float weight : floats(after, "model.layers.1.block_sparse_moe.experts.3.w2.weight")) {
                assertThat(weight == 0 || weight >= 3).isTrue();
            }
        }
    }

    @Test
    void theWidthThatStaysIsRoundedUpToWhatQuantizingNeeds() throws Exception {
        Path source = TinyCheckpoint.write(temp.resolve("source"), DType.BF16, (tensor, i) -> i % 7);

        Path output = prune(source, new Neurons(0.4, 4));

        try (Checkpoint after = Checkpoint.open(output)) {
            assertThat(after.config().feedForwardSize()).isEqualTo(12);
        }
    }

    @Test
    void aFractionThatRemovesNothingIsTheRecipesFault() throws Exception {
        Path source = TinyCheckpoint.write(temp.resolve("source"), DType.F32, (tensor, i) -> i);

        assertThatThrownBy(() -> prune(source, new Neurons(0.25, 16)))
                .isInstanceOfSatisfying(
                        StageException.class,
                        e -> assertThat(e.failure().reason()).isEqualTo(Reason.UNSUITABLE_SHAPE))
                .hasMessageContaining("larger fraction");
    }

    @Test
    void ofAMultimodalModelTheTextModelAloneIsLeftAndTheLogSaysSo() throws Exception {
        Path source = TinyCheckpoint.writeMultimodal(temp.resolve("source"));
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        Logger logger = (Logger) LoggerFactory.getLogger(PruneStage.class);
        logger.addAppender(log);

        try {
            Path output = prune(source, new Neurons(0.5, 1));
            try (Checkpoint after = Checkpoint.open(output)) {
                assertThat(after.architecture().className()).isEqualTo("Gemma3ForCausalLM");
                assertThat(after.seeing()).isEmpty();
                assertThat(after.leftOut()).isEmpty();
            }
        } finally {
            logger.detachAppender(log);
        }

        assertThat(log.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .containsExactly(
                        "the text model alone is written: 1 tensors with which a multimodal model sees are left out");
    }

    @Test
    void exactlyTheAskedShareOfEachMatrixBecomesZero() throws Exception {
        long seed = 42;
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        Path source = TinyCheckpoint.write(
                temp.resolve("source"),
                DType.F32,
                (tensor, i) -> (float) random.nextGaussian() + 10f * (i % 2) + 0.01f);

        Path output = prune(source, new Magnitude(OptionalDouble.of(0.5), OptionalDouble.empty(), false));

        try (Checkpoint before = Checkpoint.open(source);
                Checkpoint after = Checkpoint.open(output)) {
            for (String name : new String[] {GATE, UP, DOWN, QUERY}) {
                float[] was = floats(before, name);
                float[] is = floats(after, name);
                float largestGone = 0;
                float smallestKept = Float.MAX_VALUE;
                int zeros = 0;
                for (int i = 0; i < was.length; i++) {
                    if (is[i] == 0) {
                        zeros++;
                        largestGone = Math.max(largestGone, Math.abs(was[i]));
                    } else {
                        assertThat(is[i]).isEqualTo(was[i]);
                        smallestKept = Math.min(smallestKept, Math.abs(was[i]));
                    }
                }
                assertThat(zeros).as(name).isEqualTo(was.length / 2);
                assertThat(largestGone).isLessThanOrEqualTo(smallestKept);
            }
            assertThat(floats(after, EMBEDDING)).containsExactly(floats(before, EMBEDDING));
        }
    }

    @Test
    void ofEqualWeightsTheFirstOnesGoUntilTheShareIsReached() throws Exception {
        Path source = TinyCheckpoint.write(temp.resolve("source"), DType.F16, (tensor, i) -> i % 2 == 0 ? 1 : -1);

        Path output = prune(source, new Magnitude(OptionalDouble.of(0.25), OptionalDouble.empty(), false));

        try (Checkpoint after = Checkpoint.open(output)) {
            float[] gate = floats(after, GATE);
            assertThat(Arrays.copyOfRange(gate, 0, 32)).containsOnly(0);
            assertThat(Arrays.copyOfRange(gate, 32, gate.length)).doesNotContain(0);
            assertThat(after.type(GATE)).isEqualTo(DType.F16);
        }
    }

    @Test
    void aGlobalRankingTakesFromTheWeakMatricesFirst() throws Exception {
        Path source = TinyCheckpoint.write(
                temp.resolve("source"), DType.F32, (tensor, i) -> tensor.equals(GATE) ? 0.001f * (i + 1) : 1 + i);

        Path output = prune(source, new Magnitude(OptionalDouble.of(0.01), OptionalDouble.empty(), true));

        try (Checkpoint after = Checkpoint.open(output)) {
            assertThat(floats(after, GATE)).contains(0);
            assertThat(floats(after, UP)).doesNotContain(0);
        }
    }

    @Test
    void aThresholdZeroesWhatLiesBelowItAndNothingElse() throws Exception {
        Path source = TinyCheckpoint.write(temp.resolve("source"), DType.F32, (tensor, i) -> i * 0.25f - 3);

        Path output = prune(source, new Magnitude(OptionalDouble.empty(), OptionalDouble.of(0.5), false));

        try (Checkpoint before = Checkpoint.open(source);
                Checkpoint after = Checkpoint.open(output)) {
            float[] was = floats(before, GATE);
            float[] is = floats(after, GATE);
            for (int i = 0; i < was.length; i++) {
                assertThat(is[i]).isEqualTo(Math.abs(was[i]) < 0.5f ? 0 : was[i]);
            }
        }
    }

    @Test
    void aWeightThatIsNotANumberIsTheCheckpointsFault() throws Exception {
        Path source = TinyCheckpoint.write(
                temp.resolve("source"), DType.F32, (tensor, i) -> tensor.equals(UP) && i == 9 ? Float.NaN : 1 + i);

        assertThatThrownBy(() -> prune(source, new Neurons(0.5, 1)))
                .isInstanceOfSatisfying(
                        StageException.class,
                        e -> assertThat(e.failure().reason()).isEqualTo(Reason.NOT_FINITE))
                .hasMessageContaining(UP)
                .hasMessageContaining("row 1, column 1");
    }

    private Path prune(Path source, Prune parameters) throws Exception {
        Path folder = temp.resolve("work");
        Workspace workspace = new Workspace() {
            @Override
            public Path folder() {
                return folder;
            }

            @Override
            public void progress(long done, long total, String message) {
                assertThat(done).isBetween(0L, total);
            }
        };
        return new PruneStage()
                .run(new StageInput<>(Map.of(Role.MODEL, source), parameters, 0, Device.CPU), workspace)
                .folder();
    }

    private static float[] floats(Checkpoint checkpoint, String name) throws IOException {
        float[] values = new float[(int) checkpoint.spec(name).shape().elements()];
        checkpoint.read(name, 0, checkpoint.spec(name).shape().rows(), MemorySegment.ofArray(values));
        return values;
    }
}
