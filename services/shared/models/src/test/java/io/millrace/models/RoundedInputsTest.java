package io.millrace.models;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.Progress;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.format.compressed.CompressedScheme;
import io.millrace.tensors.format.compressed.CompressedTensorsReader;
import io.millrace.tensors.format.compressed.CompressedTensorsWriter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The forward pass of models whose inputs are rounded, beside logits that transformers computed once. */
class RoundedInputsTest {
    private static final int LENGTH = 3;
    private static final List<int[]> SEQUENCES = sequences();

    @TempDir
    Path folder;

    /**
     * Sums that differ in their last bit now and then give an input the neighbouring code, and what follows in that
     * sequence then differs by as much as rounding itself does. So sequences are short, each is judged by itself, and most
     * must agree.
     */
    @ParameterizedTest
    @EnumSource(names = {"FP8_DYNAMIC", "FP8_BLOCK", "W8A8"})
    void ourLogitsAreThoseOfTransformers(CompressedScheme scheme) throws Exception {
        Path compressed = compressed(scheme);
        String name = scheme.name().toLowerCase(Locale.ROOT);
        writeGolden(name, compressed);
        float[][] expected = golden(name);

        double rounded;
        double weightsAlone;
        try (CompressedTensorsReader source = CompressedTensorsReader.open(compressed)) {
            rounded = medianDeviation(source, expected);
            weightsAlone = medianDeviation(new RoundedInputs(source, _ -> Optional.empty()), expected);
        }

        System.out.printf(
                "%s: logits are %.1e deviations from those of transformers, %.1e without rounding of inputs%n",
                scheme, rounded, weightsAlone);
        assertThat(rounded).isLessThan(1e-4);
        assertThat(weightsAlone).isGreaterThan(5e-3);
    }

    private static List<int[]> sequences() {
        SplittableRandom random = new SplittableRandom(8);
        return Stream.generate(
                        () -> random.ints(LENGTH, 0, TestModels.VOCABULARY).toArray())
                .limit(16)
                .toList();
    }

    /** Of the last logits of all sequences: how far they are from those expected, in deviations of the latter. */
    private static double medianDeviation(WeightSource source, float[][] expected) throws IOException {
        double[] deviations = new double[expected.length];
        try (CausalLanguageModel model = CausalLanguageModel.load(source)) {
            for (int i = 0; i < deviations.length; i++) {
                float[][] last = {model.logits(SEQUENCES.get(i))[LENGTH - 1]};
                deviations[i] = Deviation.of(last, new float[][] {expected[i]});
            }
        }
        Arrays.sort(deviations);
        return deviations[deviations.length / 2];
    }

    private Path compressed(CompressedScheme scheme) throws Exception {
        ObjectNode json = TestModels.llama().json().deepCopy();
        json.put("hidden_size", 128).put("intermediate_size", 256).put("tie_word_embeddings", false);
        ModelConfig config = ModelConfig.of(json, "config.json");
        Path source = folder.resolve("source");
        TestModels.weightsFolder(source, TestModels.weights(config, 4, 0.1));
        Path target = folder.resolve("target");
        try (Checkpoint checkpoint = Checkpoint.openOriginal(source)) {
            CompressedTensorsWriter.plan(checkpoint, scheme).write(target, 1, Progress.NONE);
        }
        return target;
    }

    /** Has transformers compute the logits anew, if this run was asked to. */
    private static void writeGolden(String name, Path model) throws Exception {
        if (!"write".equals(System.getProperty("millrace.golden"))) {
            return;
        }
        ProcessBuilder python = new ProcessBuilder(
                Objects.requireNonNull(System.getenv("MILLRACE_PYTHON"), "MILLRACE_PYTHON names no Python"),
                "src/test/golden/rounded_logits.py",
                model.toString(),
                SEQUENCES.stream().map(Arrays::toString).toList().toString(),
                "src/test/resources/golden-rounded/" + name + ".f32");
        python.environment().put("HF_HUB_OFFLINE", "1");
        python.environment().put("CUDA_VISIBLE_DEVICES", "");
        Process process = python.inheritIO().start();
        boolean ended = process.waitFor(300, TimeUnit.SECONDS);
        process.destroyForcibly();
        assertThat(ended && process.exitValue() == 0).isTrue();
        Assumptions.abort("kept what transformers computed; compare with it in a run of its own");
    }

    private static float[][] golden(String name) throws IOException {
        String file = "/golden-rounded/" + name + ".f32";
        try (InputStream in = Objects.requireNonNull(RoundedInputsTest.class.getResourceAsStream(file), file)) {
            FloatBuffer numbers = ByteBuffer.wrap(in.readAllBytes())
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asFloatBuffer();
            float[][] rows = new float[SEQUENCES.size()][TestModels.VOCABULARY];
            for (float[] row : rows) {
                numbers.get(row);
            }
            return rows;
        }
    }
}
