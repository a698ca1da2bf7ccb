package io.millrace.pruner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Measurement;
import io.millrace.events.Parameters.Neurons;
import io.millrace.events.Parameters.Prune;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.pruner.method.ActivationImportance;
import io.millrace.tensors.DType;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.worker.StageException;
import io.millrace.worker.StageInput;
import io.millrace.worker.StageOutput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NeuronActivationsTest {
    private static final String TEXT = "a b c d e f g h i j k l ".repeat(8) + "c a b";
    private static final int[] ALIVE = {1, 2, 4, 7, 8, 11, 13, 14};
    private static final int ROW = TinyCheckpoint.HIDDEN;

    @TempDir
    Path temp;

    private long done;

    /** Half of the neurons have large weights and never answer, since their row of up is zero; the others carry all. */
    @Test
    void neuronsThatAnswerStayWhereTheirWeightsAreSmall() throws Exception {
        Path source = TinyCheckpoint.write(temp.resolve("source"), DType.F32, planted());
        TinyCheckpoint.writeTokenizer(source);

        Path byWeights = prune(source, Optional.empty()).folder();
        Path byActivations =
                prune(source, Optional.of(new Neurons.Activations(4, 16))).folder();

        for (int layer = 0; layer < 2; layer++) {
            String gate = "model.layers." + layer + ".mlp.gate_proj.weight";
            assertThat(kept(source, byActivations, gate)).containsExactly(ALIVE);
            assertThat(kept(source, byWeights, gate)).doesNotContain(ALIVE);
        }
    }

    /** By hand: x is the embedding alone, since attention puts out zeros; then gate, up and SiLU in plain doubles. */
    @Test
    void theImportanceIsTheSumOfTheSquaresOfWhatGoesIntoDown() throws Exception {
        TinyCheckpoint.Weights some = planted();
        Path source = TinyCheckpoint.write(
                temp.resolve("source"), DType.F32, (tensor, i) -> tensor.contains("o_proj") ? 0 : some.at(tensor, i));
        int[][] windows = {{3, 1, 4}, {1, 5, 9}};
        List<Long> visits = new ArrayList<>();
        double[] found;
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            ActivationImportance importance = new ActivationImportance(checkpoint, windows);
            found = importance.ofLayers((weights, what) -> visits.add(weights)).getFirst();
            assertThat(visits).hasSize(2 * 2);
            assertThat(visits.stream().mapToLong(Long::longValue).sum()).isEqualTo(importance.visits());
        }

        float[] embedding = floats(source, "model.embed_tokens.weight");
        float[] gate = floats(source, "model.layers.0.mlp.gate_proj.weight");
        float[] up = floats(source, "model.layers.0.mlp.up_proj.weight");
        for (int neuron = 0; neuron < TinyCheckpoint.NEURONS; neuron++) {
            double squares = 0;
            for (int token : new int[] {3, 1, 4, 1, 5, 9}) {
                double norm = 0;
                for (int i = 0; i < ROW; i++) {
                    norm += Math.pow(embedding[token * ROW + i], 2) / ROW;
                }
                double g = 0;
                double u = 0;
                for (int i = 0; i < ROW; i++) {
                    double x = embedding[token * ROW + i] / Math.sqrt(norm + 1e-5);
                    g += gate[neuron * ROW + i] * x;
                    u += up[neuron * ROW + i] * x;
                }
                squares += Math.pow(g / (1 + Math.exp(-g)) * u, 2);
            }
            assertThat(found[neuron]).isCloseTo(squares, withinPercentage(0.01));
        }
    }

    @Test
    void inAFusedMatrixUpIsTheSecondHalf() throws Exception {
        String fused = "model.layers.0.mlp.gate_up_proj.weight";
        Path source = TinyCheckpoint.write(temp.resolve("source"), "Phi3ForCausalLM", "phi3", DType.F32, planted());
        TinyCheckpoint.writeTokenizer(source);

        Path output = prune(source, Optional.of(new Neurons.Activations(4, 16))).folder();

        assertThat(kept(source, output, fused))
                .containsExactly(IntStream.concat(
                                Arrays.stream(ALIVE), Arrays.stream(ALIVE).map(i -> TinyCheckpoint.NEURONS + i))
                        .toArray());
    }

    @Test
    void theReportSaysWhatTheRankingSaw() throws Exception {
        Path source = TinyCheckpoint.write(temp.resolve("source"), DType.F32, planted());
        TinyCheckpoint.writeTokenizer(source);

        StageOutput output = prune(source, Optional.of(new Neurons.Activations(2, 32)));

        JsonNode report = new ObjectMapper()
                .readTree(output.folder().resolve(NeuronReport.FILE).toFile());
        assertThat(report.get("importance").asText()).isEqualTo("activations");
        assertThat(report.get("text").asText()).isEqualTo(Digest.of(TEXT).hex());
        assertThat(report.get("tokens").asInt()).isEqualTo(64);
        assertThat(report.get("seed").asInt()).isEqualTo(7);
        assertThat(report.get("engine").asText()).startsWith("PyTorch");
        assertThat(report.get("neurons").asInt()).isEqualTo(16);
        assertThat(report.get("kept").asInt()).isEqualTo(8);
        assertThat(report.get("layers"))
                .hasSize(2)
                .allSatisfy(layer ->
                        assertThat(layer.get("importance-kept").asDouble()).isEqualTo(1));
        Measurement kept = output.measurements().getFirst();
        assertThat(kept.metric()).isEqualTo("neuron-importance-kept");
        assertThat(kept.value()).hasValue(1);
        assertThat(kept.runtime()).startsWith("PyTorch");
        assertThat(kept.samples()).isEqualTo(64);
        assertThat(kept.dataset()).contains(Digest.of(TEXT));
        assertThat(output.measurements().getLast().metric()).isEqualTo("parameters");
    }

    @Test
    void theReportHasTheMeanOfTheLayersAndTheOneThatLosesMost() {
        NeuronReport report = new NeuronReport(
                Digest.of(TEXT), new Neurons.Activations(4, 16), 7, "engine", 16, 8, List.of(1.0, 0.25, 0.75));

        assertThat(report.mean()).isCloseTo(2.0 / 3, within(1e-12));
        assertThat(report.least()).isEqualTo(0.25);
    }

    @Test
    void aRankingByWeightsLeavesNoReport() throws Exception {
        Path source = TinyCheckpoint.write(temp.resolve("source"), DType.F32, planted());

        StageOutput output = prune(source, Optional.empty());

        assertThat(output.folder().resolve(NeuronReport.FILE)).doesNotExist();
        assertThat(output.measurements()).singleElement().satisfies(parameters -> {
            assertThat(parameters.metric()).isEqualTo("parameters");
            assertThat(parameters.baseline().orElseThrow() - parameters.value().orElseThrow())
                    .as("8 neurons of both layers, a row of gate and of up and a column of down each")
                    .isEqualTo(8 * 2 * 3 * ROW);
        });
    }

    @Test
    void theSameSeedDrawsTheSameWindowsAndAnotherOneOthers() throws Exception {
        Path source = TinyCheckpoint.write(temp.resolve("source"), DType.F32, (tensor, i) -> (i * 37 % 101 - 50) / 50f);
        TinyCheckpoint.writeTokenizer(source);
        Optional<Neurons.Activations> windows = Optional.of(new Neurons.Activations(2, 8));

        Path first = prune(source, windows).folder();
        byte[] weights = Files.readAllBytes(first.resolve("model.safetensors"));
        byte[] report = Files.readAllBytes(first.resolve(NeuronReport.FILE));
        Path second = prune(source, windows).folder();

        assertThat(second.resolve("model.safetensors")).hasBinaryContent(weights);
        assertThat(second.resolve(NeuronReport.FILE)).hasBinaryContent(report);
        Measurement other = prune(source, windows, TEXT, 8).measurements().getFirst();
        assertThat(other.value())
                .isNotEqualTo(prune(source, windows).measurements().getFirst().value());
    }

    @Test
    void whatCannotBeRankedIsToldBeforeAnyWork() throws Exception {
        Path source = TinyCheckpoint.write(temp.resolve("source"), DType.F32, planted());
        TinyCheckpoint.writeTokenizer(source);

        refused(source, null, 16, Reason.TEXT_MISSING, "a prune step by activations needs a text");
        refused(source, "a b c", 16, Reason.TEXT_TOO_SHORT, "has 3 tokens, but one sequence takes 16");
        TinyCheckpoint.writeTokenizer(source, 13);
        refused(source, TEXT + " m", 16, Reason.MALFORMED_CHECKPOINT, "turns the text into token 12");
        refused(source, TEXT, 33, Reason.UNSUITABLE_SHAPE, "windows of 33 tokens, but the model has 32 positions");
    }

    @Test
    void aModelWhoseNumbersOverflowIsTold() throws Exception {
        TinyCheckpoint.Weights sound = planted();
        Path source = TinyCheckpoint.write(
                temp.resolve("source"),
                DType.F32,
                (tensor, i) -> tensor.contains("layers.1.mlp.up_proj") ? Float.MAX_VALUE : sound.at(tensor, i));
        TinyCheckpoint.writeTokenizer(source);

        refused(source, TEXT, 16, Reason.NOT_FINITE, "layer 1 of the model computes numbers that are not finite");
        Path made = prune(source, Optional.empty()).folder();
        refused(made, TEXT, 16, Reason.CANDIDATE_NOT_FINITE, "layer 1 of the model computes numbers");
    }

    /** Else the activations would be told, which are not what is wrong. */
    @Test
    void aWeightThatIsNoNumberIsToldByItsName() throws Exception {
        Path source = TinyCheckpoint.write(
                temp.resolve("source"), DType.F32, (tensor, i) -> tensor.contains("0.mlp.up") ? Float.NaN : 1);
        TinyCheckpoint.writeTokenizer(source);

        refused(source, TEXT, 16, Reason.NOT_FINITE, "tensor 'model.layers.0.mlp.up_proj.weight' holds NaN");
    }

    private void refused(Path source, String text, int length, Reason reason, String message) {
        done = 0;
        assertThatThrownBy(() -> prune(source, Optional.of(new Neurons.Activations(4, length)), text, 7))
                .isInstanceOfSatisfying(
                        StageException.class,
                        e -> assertThat(e.failure().reason()).isEqualTo(reason))
                .hasMessageContaining(message);
        assertThat(message.startsWith("layer") || done == 0).isTrue();
    }

    private static TinyCheckpoint.Weights planted() {
        long seed = 3;
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        return (tensor, i) -> {
            float some = (float) random.nextGaussian();
            if (!tensor.contains("mlp")) {
                return tensor.contains("norm") ? 1 : some;
            }
            int neuron = tensor.contains("down_proj") ? i % TinyCheckpoint.NEURONS : i / ROW % TinyCheckpoint.NEURONS;
            boolean up = tensor.contains("gate_up") ? i / ROW >= TinyCheckpoint.NEURONS : tensor.contains("up_proj");
            boolean alive = Arrays.binarySearch(ALIVE, neuron) >= 0;
            return alive ? 0.1f * some : up ? 0 : 10 * some;
        };
    }

    /** Which rows of a matrix are left, by what they hold. */
    private static int[] kept(Path source, Path output, String matrix) throws IOException {
        Map<String, Integer> rows = new HashMap<>();
        float[] before = floats(source, matrix);
        for (int row = 0; row < before.length / ROW; row++) {
            // Rows of zeros are all alike: those of dead neurons in up.
            rows.put(Arrays.toString(Arrays.copyOfRange(before, row * ROW, (row + 1) * ROW)), row);
        }
        float[] after = floats(output, matrix);
        return IntStream.range(0, after.length / ROW)
                .map(row -> rows.get(Arrays.toString(Arrays.copyOfRange(after, row * ROW, (row + 1) * ROW))))
                .toArray();
    }

    private static float[] floats(Path folder, String name) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            float[] values = new float[(int) checkpoint.spec(name).shape().elements()];
            checkpoint.read(name, 0, checkpoint.spec(name).shape().rows(), MemorySegment.ofArray(values));
            return values;
        }
    }

    private StageOutput prune(Path source, Optional<Neurons.Activations> activations) throws Exception {
        return prune(source, activations, TEXT, 7);
    }

    private StageOutput prune(Path source, Optional<Neurons.Activations> activations, String text, long seed)
            throws Exception {
        Path work = Files.createTempDirectory(temp, "work");
        Map<Role, Path> inputs = new HashMap<>(Map.of(Role.MODEL, source));
        if (text != null) {
            Path calibration = Files.createTempDirectory(temp, "text");
            Files.writeString(calibration.resolve("text.txt"), text);
            inputs.put(Role.CALIBRATION_TEXT, calibration);
        }
        done = 0;
        Workspace workspace = new Workspace() {
            @Override
            public Path folder() {
                return work;
            }

            @Override
            public void progress(long now, long total, String message) {
                assertThat(now).isBetween(done, total);
                done = now;
            }
        };
        Prune parameters = new Neurons(0.5, 1, activations);
        return new PruneStage().run(new StageInput<>(inputs, parameters, seed, Device.CPU), workspace);
    }
}
