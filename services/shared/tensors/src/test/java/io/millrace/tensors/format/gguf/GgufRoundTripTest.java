package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.RopeScaling;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.format.safetensors.SafetensorsReader;
import io.millrace.tensors.kernel.gguf.Deviation;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufRoundTripTest {
    @TempDir
    Path parent;

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "Q2_K_S")
    void weightsComeBackAsFarFromTheOriginalAsTheReportSays(GgufFileType type) throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.llama());
        Path file = parent.resolve("model.gguf");

        List<TensorReport> reports = GgufModels.write(folder, type, file, 2);

        try (Checkpoint original = Checkpoint.open(folder);
                GgufWeights weights = GgufWeights.open(file)) {
            assertThat(weights.config()).isEqualTo(original.config());
            assertThat(reports).hasSize(original.rules().size());
            for (TensorReport report : reports) {
                float[] before = read(original, report.name());
                float[] after = read(weights, report.name());
                Deviation deviation = Deviation.measure(before, after, before.length);
                // The report sums permuted rows in GGUF's order, so only the last digits may differ.
                assertThat(deviation.relativeError())
                        .as(report.name())
                        .isCloseTo(report.relativeError(), within(1e-12));
                assertThat(deviation.zerosAfter()).isEqualTo(report.zerosAfter());
                assertThat(report.relativeError()).isLessThan(type == GgufFileType.TQ2_0 ? 1 : 0.4);
            }
        }
    }

    /** llama.cpp's quantizer makes an infinity or, where squares overflow, zeros of them. */
    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"F32", "BF16", "Q2_K_S"})
    void weightsBeyondAllHalvesAreRefusedByName(GgufFileType type) throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.llama());
        for (float huge : new float[] {1e10f, -1e20f, 1e36f}) {
            putFirst(folder.resolve("model.safetensors"), "model.layers.1.mlp.down_proj.weight", huge);

            assertThatThrownBy(() -> GgufModels.write(folder, type, parent.resolve("model.gguf"), 1))
                    .as("%s", huge)
                    .isInstanceOf(MalformedFileException.class)
                    .hasMessageContaining("tensor 'model.layers.1.mlp.down_proj.weight' holds " + huge
                            + ", too large for the half-precision numbers of ")
                    .hasMessageEndingWith("; choose F32");
        }
    }

    /** Overwrites a tensor's first number. */
    private static void putFirst(Path file, String tensor, float number) throws IOException {
        long at = Files.size(file);
        try (SafetensorsReader reader = SafetensorsReader.open(file)) {
            for (TensorSpec stored : reader.tensors().reversed()) {
                at -= stored.byteSize();
                if (stored.name().equals(tensor)) {
                    break;
                }
            }
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(
                    ByteBuffer.allocate(Float.BYTES)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putFloat(number)
                            .flip(),
                    at);
        }
    }

    @Test
    void rowsReadOneByOneEqualRowsReadTogether() throws Exception {
        // Embedding and head have more weights than are dequantized in one step.
        Path folder = GgufModels.folder(parent, GgufModels.llama().put("vocab_size", 1100));
        Path file = parent.resolve("model.gguf");
        GgufModels.write(folder, GgufFileType.F32, file, 1);

        try (Checkpoint original = Checkpoint.open(folder);
                GgufWeights weights = GgufWeights.open(file)) {
            for (TensorSpec spec : original.tensors()) {
                float[] expected = read(original, spec.name());
                assertThat(read(weights, spec.name())).as(spec.name()).isEqualTo(expected);
                int rowLength = (int) spec.shape().rowLength();
                for (int row = 0; row < spec.shape().rows(); row++) {
                    float[] found = new float[rowLength];
                    weights.read(spec.name(), row, row + 1, MemorySegment.ofArray(found));
                    assertThat(found)
                            .as(spec.name() + " row " + row)
                            .isEqualTo(java.util.Arrays.copyOfRange(expected, row * rowLength, (row + 1) * rowLength));
                }
            }
        }
    }

    @Test
    void queriesOfLlamaAreInterleavedAndThoseOfQwenAreNot() throws Exception {
        Path llama = GgufModels.folder(parent.resolve("l"), GgufModels.llama());
        Path qwen = GgufModels.folder(parent.resolve("q"), GgufModels.config("Qwen2ForCausalLM", "qwen2"));
        GgufModels.write(llama, GgufFileType.F32, parent.resolve("l.gguf"), 1);
        GgufModels.write(qwen, GgufFileType.F32, parent.resolve("q.gguf"), 1);

        // Head size 64: GGUF's row 1 is Hugging Face's row 32, the other half of the first rotary pair.
        assertThat(storedRow(parent.resolve("l.gguf"), 1)).isEqualTo(sourceRow(llama, 32));
        assertThat(storedRow(parent.resolve("l.gguf"), 65)).isEqualTo(sourceRow(llama, 96));
        assertThat(storedRow(parent.resolve("q.gguf"), 1)).isEqualTo(sourceRow(qwen, 1));
    }

    @Test
    void biasesAndNormsStayF32InEveryFile() throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.config("Qwen2ForCausalLM", "qwen2"));

        List<TensorReport> reports = GgufModels.write(folder, GgufFileType.Q4_0, parent.resolve("model.gguf"), 1);

        assertThat(reports)
                .filteredOn(report ->
                        report.name().endsWith(".bias") || report.name().contains("norm"))
                .hasSize(2 * (3 + 2) + 1)
                .allMatch(report -> report.type().equals("F32") && report.maxError() == 0);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 8})
    @Tag("promise-4")
    @DisplayName("Promise 4: the bytes of a GGUF file do not depend on the number of threads")
    void bytesDoNotDependOnTheNumberOfThreads(int threads) throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.llama().put("vocab_size", 9000));
        GgufModels.write(folder, GgufFileType.Q4_0, parent.resolve("one.gguf"), 1);

        GgufModels.write(folder, GgufFileType.Q4_0, parent.resolve("many.gguf"), threads);

        assertThat(Files.mismatch(parent.resolve("one.gguf"), parent.resolve("many.gguf")))
                .isEqualTo(-1);
    }

    @Test
    void planKnowsTheSizeOfTheFile() throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.llama());
        Path file = parent.resolve("model.gguf");

        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            GgufPlan plan = GgufCompressor.plan(checkpoint, GgufFileType.Q5_K_M);
            plan.write(file, 1, Progress.NONE);

            assertThat(Files.size(file)).isEqualTo(plan.fileBytes());
        }
    }

    @Test
    void scaledRotaryAnglesTravelAsDivisors() throws Exception {
        ObjectNode config = GgufModels.llama();
        config.putObject("rope_scaling")
                .put("rope_type", "llama3")
                .put("factor", 8.0)
                .put("low_freq_factor", 1.0)
                .put("high_freq_factor", 4.0)
                .put("original_max_position_embeddings", 32);
        Path folder = GgufModels.folder(parent, config);
        Path file = parent.resolve("model.gguf");

        List<TensorReport> reports = GgufModels.write(folder, GgufFileType.Q8_0, file, 1);

        assertThat(reports).noneMatch(report -> report.name().contains("rope"));
        try (GgufWeights weights = GgufWeights.open(file);
                GgufReader reader = GgufReader.open(file)) {
            assertThat(weights.config().ropeScaling()).contains(new RopeScaling.Llama3(8, 1, 4, 32));
            float[] divisors = reader.rows("rope_freqs.weight", 0, 1).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
            // Wavelength 2π is below 32 / 4: kept. The longest is far above 32 / 1: divided by the factor.
            assertThat(divisors).hasSize(32).startsWith(1f).endsWith(8f);
        }
    }

    @Test
    void aFileWithoutOurOwnKeysIsReadByTheCommonOnes() throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.llama());
        Path file = parent.resolve("model.gguf");
        GgufModels.write(folder, GgufFileType.Q8_0, file, 1);
        byte[] foreign = Files.readAllBytes(file);
        byte[] key = "millrace.config".getBytes(java.nio.charset.StandardCharsets.UTF_8);
        foreign[indexOf(foreign, key)] = 'x';

        try (Checkpoint original = Checkpoint.open(folder);
                GgufWeights weights = GgufWeights.of(GgufReader.over("foreign.gguf", MemorySegment.ofArray(foreign)))) {
            assertThat(weights.config().headSize()).isEqualTo(64);
            assertThat(weights.config().normEpsilon()).isEqualTo(1e-5);
            assertThat(weights.config().tiedHead()).isFalse();
            assertThat(weights.tensors())
                    .extracting(TensorSpec::name)
                    .containsExactlyElementsOf(
                            original.tensors().stream().map(TensorSpec::name).toList());
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, 1e30f})
    void aWeightThatCannotBeStoredIsNamedAndNothingIsLeftBehind(float bad) throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.llama());
        overwriteLastWeight(folder, bad);
        Path output = Files.createDirectory(parent.resolve("output"));

        assertThatThrownBy(() -> GgufModels.write(folder, GgufFileType.Q8_0, output.resolve("model.gguf"), 2))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("tensor 'lm_head.weight' holds " + bad);

        try (var files = Files.list(output)) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void theFileCarriesTheMarkOfItsMaker() throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.llama());
        Path file = parent.resolve("model.gguf");
        GgufModels.write(folder, GgufFileType.F16, file, 1);

        try (GgufReader reader = GgufReader.open(file)) {
            assertThat(reader.header().metadata())
                    .containsEntry("millrace.made", new GgufValue.Flag(true))
                    .containsEntry("general.file_type", GgufValue.u32(1));
        }
    }

    private static void overwriteLastWeight(Path folder, float value) throws IOException {
        Path file = folder.resolve("model.safetensors");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            ByteBuffer bytes =
                    ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(0, value);
            channel.write(bytes, channel.size() - 4);
        }
    }

    private static int indexOf(byte[] bytes, byte[] wanted) {
        for (int i = 0; i <= bytes.length - wanted.length; i++) {
            if (java.util.Arrays.equals(bytes, i, i + wanted.length, wanted, 0, wanted.length)) {
                return i;
            }
        }
        throw new AssertionError("not found");
    }

    private static float[] storedRow(Path file, int row) throws IOException {
        try (GgufReader reader = GgufReader.open(file)) {
            return reader.rows("blk.0.attn_q.weight", row, row + 1).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
        }
    }

    private static float[] sourceRow(Path folder, int row) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            float[] values = new float[256];
            checkpoint.read("model.layers.0.self_attn.q_proj.weight", row, row + 1, MemorySegment.ofArray(values));
            return values;
        }
    }

    private static float[] read(WeightSource weights, String name) throws IOException {
        Map<String, TensorSpec> specs = weights.tensors().stream().collect(Collectors.toMap(TensorSpec::name, s -> s));
        TensorSpec spec = java.util.Objects.requireNonNull(specs.get(name));
        float[] values = new float[Math.toIntExact(spec.shape().elements())];
        weights.read(name, 0, spec.shape().rows(), MemorySegment.ofArray(values));
        return values;
    }
}
