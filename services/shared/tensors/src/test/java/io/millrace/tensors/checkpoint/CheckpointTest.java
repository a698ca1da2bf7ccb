package io.millrace.tensors.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.format.safetensors.SafetensorsWriter;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The tensors of a checkpoint: which there must be, of what type and shape, and with which numbers. */
class CheckpointTest {
    private static final String EMBEDDING = "model.embed_tokens.weight";

    @TempDir
    Path folder;

    @Test
    void writtenModelIsReadBackInEveryTypeOfWeights() throws IOException {
        for (DType type : new DType[] {DType.F32, DType.F16, DType.BF16}) {
            Path model = TinyModels.write(folder.resolve(type.name()), TinyModels.llama(), type, 1);

            try (Checkpoint checkpoint = Checkpoint.openOriginal(model)) {
                assertThat(checkpoint.type()).isEqualTo(type);
                assertThat(checkpoint.parameters())
                        .isEqualTo(2L * 96 * 128 + 2 * (3 * 128 * 256 + 3 * 128 * 128) + 5 * 128);
                float[] row = new float[128];
                checkpoint.read(EMBEDDING, 95, 96, MemorySegment.ofArray(row));
                assertThat(row[0]).isNotZero();
                assertThatThrownBy(() -> checkpoint.read(EMBEDDING, 95, 97, MemorySegment.ofArray(row)))
                        .isInstanceOf(IndexOutOfBoundsException.class);
            }
            assertThat(StrictJson.readFile(model.resolve("config.json"), 10_000)
                            .path("torch_dtype")
                            .asText())
                    .isEqualTo(DenseWriter.torchName(type));
        }
    }

    @Test
    void unknownTensorIsListed() throws IOException {
        write(plus(specs(false), TensorSpec.plain("model.layers.0.extra.weight", DType.F32, Shape.of(1))), false);

        assertThatThrownBy(() -> Checkpoint.open(folder))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("has unknown tensor 'model.layers.0.extra.weight'");
    }

    @Test
    void rotaryFrequenciesOfOldExportersAreIgnored() throws IOException {
        String name = "model.layers.0.self_attn.rotary_emb.inv_freq";
        write(plus(specs(false), TensorSpec.plain(name, DType.F32, Shape.of(16))), false);

        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.tensors()).extracting(TensorSpec::name).doesNotContain(name);
        }
    }

    @Test
    void missingTensorsAreListed() throws IOException {
        List<TensorSpec> specs = new ArrayList<>(specs(false));
        specs.removeIf(spec -> spec.name().contains("layers.1."));
        write(specs, false);

        assertThatThrownBy(() -> Checkpoint.open(folder))
                .hasMessageContaining("lacks tensor 'model.layers.1.input_layernorm.weight', ")
                .hasMessageContaining("and 4 more");
    }

    @Test
    void theWrapperOfATrainerIsNamed() throws IOException {
        List<TensorSpec> specs = specs(false).stream()
                .map(spec -> TensorSpec.plain("_orig_mod." + spec.name(), DType.F32, spec.shape()))
                .toList();
        write(specs, false);

        assertThatThrownBy(() -> Checkpoint.open(folder))
                .hasMessageContaining("found '_orig_mod.model.embed_tokens.weight': '_orig_mod.' is what torch.compile")
                .hasMessageContaining("save the model that they wrap");
    }

    @Test
    void shapeThatContradictsTheConfigIsRefused() throws IOException {
        List<TensorSpec> specs = new ArrayList<>(specs(false));
        specs.set(0, TensorSpec.plain(EMBEDDING, DType.F32, Shape.of(128, 96)));
        write(specs, false);

        assertThatThrownBy(() -> Checkpoint.open(folder))
                .hasMessage("model.safetensors: tensor '" + EMBEDDING
                        + "' has shape [128, 96], expected [96, 128] by config.json; save weights and config.json"
                        + " together");
    }

    @Test
    void integerWeightsAreRefused() throws IOException {
        List<TensorSpec> specs = new ArrayList<>(specs(false));
        specs.set(0, TensorSpec.plain(EMBEDDING, DType.I8, Shape.of(96, 128)));
        write(specs, false);

        assertThatThrownBy(() -> Checkpoint.open(folder))
                .hasMessageContaining("has dtype I8, expected F32, F16 or BF16");
    }

    @Test
    void storedHeadThatRepeatsATiedEmbeddingIsDropped() throws IOException {
        write(specs(false), true);

        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.tensors()).extracting(TensorSpec::name).doesNotContain("lm_head.weight");
        }
    }

    @Test
    void storedHeadThatDiffersFromATiedEmbeddingIsRefused() throws IOException {
        write(specs(false), true);
        Path file = folder.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 1] ^= 1;
        Files.write(file, bytes);

        assertThatThrownBy(() -> Checkpoint.open(folder))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("although config.json says tie_word_embeddings: true");
    }

    /** All of these are zeros, so that their bytes are the embedding's as far as they go. */
    @Test
    void storedHeadOfAnotherShapeOrTypeDiffersFromATiedEmbedding() throws IOException {
        List<TensorSpec> specs = new ArrayList<>(specs(true));
        specs.set(0, TensorSpec.plain(EMBEDDING, DType.F16, Shape.of(96, 128)));
        for (TensorSpec head : List.of(
                TensorSpec.plain("lm_head.weight", DType.F16, Shape.of(95, 128)),
                TensorSpec.plain("lm_head.weight", DType.BF16, Shape.of(96, 128)))) {
            write(plus(specs, head), true);

            assertThatThrownBy(() -> Checkpoint.open(folder))
                    .isInstanceOf(MalformedFileException.class)
                    .hasMessageContaining("although config.json says tie_word_embeddings: true");
        }
    }

    @Test
    void theEmbeddingsTypeStandsForTheCheckpoint() throws IOException {
        List<TensorSpec> specs = new ArrayList<>(specs(true));
        specs.set(0, TensorSpec.plain(EMBEDDING, DType.BF16, Shape.of(96, 128)));
        write(specs, true);

        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.type()).isEqualTo(DType.BF16);
        }
    }

    @Test
    void nonFiniteWeightIsNamedByRowAndColumn() throws IOException {
        TinyModels.write(folder, TinyModels.llama(), DType.F32, 1);
        float[] rows = new float[3 * 128];
        rows[130] = Float.NEGATIVE_INFINITY;

        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThatThrownBy(() -> checkpoint.requireFinite(EMBEDDING, 10, MemorySegment.ofArray(rows)))
                    .hasMessageContaining("holds -Infinity in row 11, column 2, expected finite numbers");
        }
    }

    /** Of rows of 128 weights 8192 are looked at together. */
    @Test
    void everyBlockOfATensorIsLookedAtForNumbers() throws IOException {
        Path model = TinyModels.write(folder, TinyModels.llama().put("vocab_size", 8200), DType.F16, 1);
        Path file = model.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        long header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        int weight = Math.toIntExact(Long.BYTES + header + (8195 * 128 + 3) * 2);
        bytes[weight + 1] = 0x7E;
        Files.write(file, bytes);

        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            assertThatThrownBy(checkpoint::requireFinite)
                    .hasMessageContaining("'" + EMBEDDING + "' holds NaN in row 8195, column 3");
        }
    }

    @Test
    void storiesModelOpens() throws IOException {
        Path stories = Path.of("../../../../shared/models/stories260K");
        boolean present = Files.isDirectory(stories);
        if (!present) {
            System.out.println("skipped: no stories260K in shared/models beside the repository");
        }
        Assumptions.assumeTrue(present, "no stories260K in shared/models");

        try (Checkpoint full = Checkpoint.openOriginal(stories);
                Checkpoint half = Checkpoint.openOriginal(stories.resolve("bf16"))) {
            assertThat(full.parameters()).isEqualTo(260_032);
            assertThat(half.type()).isEqualTo(DType.BF16);
            for (TensorSpec tensor : full.tensors()) {
                float[] wide = new float[(int) tensor.shape().elements()];
                float[] narrow = new float[wide.length];
                full.read(tensor.name(), 0, tensor.shape().rows(), MemorySegment.ofArray(wide));
                half.read(tensor.name(), 0, tensor.shape().rows(), MemorySegment.ofArray(narrow));
                full.requireFinite(tensor.name(), 0, MemorySegment.ofArray(wide));
                for (int i = 0; i < wide.length; i++) {
                    assertThat(Math.abs(wide[i] - narrow[i])).isLessThanOrEqualTo(Math.abs(wide[i]) / 256);
                }
            }
        }
    }

    private static List<TensorSpec> specs(boolean tied) throws IOException {
        ObjectNode json = TinyModels.llama().put("tie_word_embeddings", tied);
        ModelConfig config = ModelConfig.of(json, "config.json");
        return config.architecture().tensors(config).stream()
                .map(rule -> TensorSpec.plain(rule.name(), DType.F32, rule.shape()))
                .toList();
    }

    private static List<TensorSpec> plus(List<TensorSpec> specs, TensorSpec more) {
        List<TensorSpec> all = new ArrayList<>(specs);
        all.add(more);
        return all;
    }

    /** A folder with these tensors, all zero, and a config that fits but for the head's tie. */
    private void write(List<TensorSpec> specs, boolean tied) throws IOException {
        Files.writeString(
                folder.resolve("config.json"),
                StrictJson.print(TinyModels.llama().put("tie_word_embeddings", tied)));
        try (SafetensorsWriter writer = SafetensorsWriter.open(folder, specs, Map.of(), Long.MAX_VALUE)) {
            for (TensorSpec spec : specs) {
                writer.append(MemorySegment.ofArray(new byte[(int) spec.byteSize()]));
            }
            writer.finish();
        }
    }
}
