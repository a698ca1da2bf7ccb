package io.millrace.tensors.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.format.safetensors.SafetensorsWriter;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

    /** As transformers 5 saves them with save_original_format=False. */
    @ParameterizedTest
    @ValueSource(strings = {"mixtral", "qwen3_moe"})
    void expertsInOneTensorAreReadOneByOne(String type) throws IOException {
        Path apart = TinyModels.write(folder.resolve("apart"), expertsConfig(type), DType.BF16, 3);
        Path stacked = folder.resolve("stacked");
        writeStacked(apart, stacked, 3, false);

        requireSame(apart, stacked);
    }

    /** Likewise of a model without the prefix of the body. */
    @ParameterizedTest
    @ValueSource(strings = {"mixtral", "qwen3_moe"})
    void expertsInOneTensorAreFoundWithoutThePrefix(String type) throws IOException {
        Path apart = TinyModels.write(folder.resolve("apart"), expertsConfig(type), DType.BF16, 3);
        Path stacked = folder.resolve("stacked");
        writeStacked(apart, stacked, 3, true);

        requireSame(apart, stacked);
        try (Checkpoint found = Checkpoint.open(stacked)) {
            String expert = found.architecture().matrix(1, 2, Projection.EXPERT_UP);
            assertThat(found.storedName(expert)).isEqualTo(BareModels.name(expert));
        }
    }

    private static void requireSame(Path apart, Path stacked) throws IOException {
        try (Checkpoint expected = Checkpoint.open(apart);
                Checkpoint found = Checkpoint.open(stacked)) {
            assertThat(found.tensors()).isEqualTo(expected.tensors());
            for (TensorRule rule : expected.rules()) {
                long rows = rule.shape().rows();
                assertThat(found.reader()
                                .rows(rule.name(), 0, rows)
                                .mismatch(expected.reader().rows(rule.name(), 0, rows)))
                        .as(rule.name())
                        .isEqualTo(-1);
            }
        }
    }

    @Test
    void aStackOfTooFewExpertsIsRefused() throws IOException {
        Path apart = TinyModels.write(folder.resolve("apart"), expertsConfig("mixtral"), DType.BF16, 3);
        writeStacked(apart, folder.resolve("stacked"), 2, false);

        assertThatThrownBy(() -> Checkpoint.open(folder.resolve("stacked")))
                .hasMessageContaining("experts.gate_up_proj' has shape [2, ")
                .hasMessageContaining(", expected [3, ");
    }

    private static ObjectNode expertsConfig(String type) throws IOException {
        return TinyModels.each().stream()
                .filter(json -> json.path("model_type").asText().equals(type))
                .findFirst()
                .orElseThrow();
    }

    /** Gate above up of each expert in one tensor of a layer, down in another, and the router under a common name. */
    private static void writeStacked(Path apart, Path stacked, int experts, boolean bare) throws IOException {
        try (Checkpoint source = Checkpoint.open(apart)) {
            Map<String, List<String>> parts = new LinkedHashMap<>();
            for (TensorRule rule : source.rules()) {
                String block = "model.layers." + rule.layer().orElse(-1) + ".mlp.";
                if (rule.role() instanceof TensorRole.Router) {
                    parts.put(block + "gate.weight", List.of(rule.name()));
                } else if (rule.expert().isEmpty()) {
                    parts.put(rule.name(), List.of(rule.name()));
                } else if (rule.role().equals(new TensorRole.Linear(Projection.EXPERT_GATE))
                        && rule.expert().getAsInt() == 0) {
                    List<String> gateUp = new ArrayList<>();
                    List<String> down = new ArrayList<>();
                    for (int e = 0; e < experts; e++) {
                        int layer = rule.layer().getAsInt();
                        gateUp.add(source.architecture().matrix(layer, e, Projection.EXPERT_GATE));
                        gateUp.add(source.architecture().matrix(layer, e, Projection.EXPERT_UP));
                        down.add(source.architecture().matrix(layer, e, Projection.EXPERT_DOWN));
                    }
                    parts.put(block + "experts.gate_up_proj", gateUp);
                    parts.put(block + "experts.down_proj", down);
                }
            }
            List<TensorSpec> specs = new ArrayList<>();
            parts.forEach((name, names) -> specs.add(
                    TensorSpec.plain(bare ? BareModels.name(name) : name, DType.BF16, stack(source, names, experts))));
            try (DenseWriter writer =
                    DenseWriter.original(stacked, source.config().json(), specs)) {
                for (String part : parts.values().stream().flatMap(List::stream).toList()) {
                    writer.append(source.reader()
                            .rows(part, 0, source.spec(part).shape().rows()));
                }
                writer.finish();
            }
        }
    }

    private static Shape stack(Checkpoint source, List<String> names, int experts) {
        Shape each = source.spec(names.getFirst()).shape();
        return names.size() == 1 ? each : Shape.of(experts, names.size() / experts * each.rows(), each.rowLength());
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

    @ParameterizedTest
    @ValueSource(strings = {"pytorch_model.bin", "model.pt", "Model.PTH", "optimizer.pkl"})
    @Tag("promise-6")
    @DisplayName("Promise 6: a folder of pickles alone is refused because they execute code")
    void folderOfPicklesAloneIsRefusedBecauseTheyExecuteCode(String name) throws IOException {
        TinyModels.write(folder, TinyModels.llama(), DType.F32, 1);
        Files.delete(folder.resolve("model.safetensors"));
        Files.write(folder.resolve(name), new byte[] {1});

        assertThatThrownBy(() -> Checkpoint.open(folder))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageStartingWith(name + ": found a pickle file, which executes code")
                .hasMessageContaining("save_pretrained");
    }

    @Test
    void weightsOfAnOpenVinoGraphAreNotCalledAPickle() throws IOException {
        TinyModels.write(folder, TinyModels.llama(), DType.F32, 1);
        Files.delete(folder.resolve("model.safetensors"));
        Files.write(folder.resolve("openvino_model.bin"), new byte[] {1});
        Files.writeString(folder.resolve("openvino_model.xml"), "<net/>");

        assertThatThrownBy(() -> Checkpoint.open(folder))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("found neither model.safetensors nor model.safetensors.index.json");
    }

    /** DESIGN.md promise 6: a pickle is neither read (these links lead nowhere) nor handed on. */
    @Test
    @Tag("promise-6")
    @DisplayName("Promise 6: pickles beside safetensors are neither read nor copied")
    void picklesOfATrainerBesideSafetensorsAreNeitherReadNorCopied() throws IOException {
        Path model = TinyModels.write(folder.resolve("model"), TinyModels.llama(), DType.F32, 1);
        List<String> pickles = List.of("training_args.bin", "optimizer.pt", "rng_state.pth", "pytorch_model.bin");
        for (String pickle : pickles) {
            Files.createSymbolicLink(model.resolve(pickle), model.resolve("nowhere"));
        }
        Path copied = Files.createDirectories(folder.resolve("copied"));

        try (Checkpoint checkpoint = Checkpoint.openOriginal(model)) {
            checkpoint.copyCompanions(copied);

            assertThat(checkpoint.parameters()).isPositive();
        }

        assertThat(copied).isEmptyDirectory();
    }

    /** A loader of GPT-2's form opens an empty tokenizer where its files are missing, and says nothing. */
    @Test
    void aTokenizerOfAnyFormGoesAlong() throws IOException {
        Path model = TinyModels.write(folder.resolve("model"), TinyModels.llama(), DType.F32, 1);
        Files.createDirectory(model.resolve("additional_chat_templates"));
        List<String> names = List.of(
                "vocab.json",
                "merges.txt",
                "added_tokens.json",
                "tokenizer.model",
                "tekken.json",
                "additional_chat_templates/tool_use.jinja");
        for (String name : names) {
            Files.writeString(model.resolve(name), name);
        }
        Path copied = Files.createDirectories(folder.resolve("copied"));

        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            checkpoint.copyCompanions(copied);
        }

        assertThat(names).allSatisfy(name -> assertThat(copied.resolve(name)).hasContent(name));
    }

    @Test
    void folderWithoutConfigOrWeightsIsRefused() throws IOException {
        assertThatThrownBy(() -> Checkpoint.open(folder))
                .hasMessage("config.json: the file is missing; copy the folder again");

        Files.writeString(folder.resolve("config.json"), StrictJson.print(TinyModels.llama()));

        assertThatThrownBy(() -> Checkpoint.open(folder)).hasMessageContaining("found neither model.safetensors nor");
    }

    @Test
    @Tag("promise-6")
    @DisplayName("Promise 6: a config and a tokenizer that are links out of the folder are refused")
    void linkedConfigAndTokenizerOutsideTheFolderAreRefused(@TempDir Path elsewhere) throws IOException {
        Path model = TinyModels.write(folder.resolve("model"), TinyModels.llama(), DType.F32, 1);
        Path secret = Files.writeString(elsewhere.resolve("secret"), "{}");
        Files.createSymbolicLink(model.resolve("tokenizer.json"), secret);
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            assertThatThrownBy(() -> checkpoint.copyCompanions(elsewhere))
                    .hasMessageContaining("tokenizer.json: the file is a link that leads outside its folder");
        }

        Files.delete(model.resolve("config.json"));
        Files.createSymbolicLink(model.resolve("config.json"), secret);

        assertThatThrownBy(() -> Checkpoint.open(model))
                .hasMessageContaining("config.json: the file is a link that leads outside its folder");
    }

    @Test
    void whatAStageMadeIsNotAnOriginal() throws IOException {
        Path model = TinyModels.write(folder.resolve("model"), TinyModels.llama(), DType.BF16, 1);
        Files.writeString(model.resolve("generation_config.json"), "{}");
        Path pruned = folder.resolve("pruned");
        try (Checkpoint source = Checkpoint.openOriginal(model);
                DenseWriter writer =
                        DenseWriter.derived(pruned, source, source.config().json(), source.tensors(), "prune")) {
            for (TensorSpec tensor : source.tensors()) {
                writer.append(
                        source.reader().rows(tensor.name(), 0, tensor.shape().rows()));
            }
            writer.finish();
        }

        assertThatThrownBy(() -> Checkpoint.openOriginal(pruned))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("'millrace.made' = 'prune'");
        try (Checkpoint copy = Checkpoint.open(pruned)) {
            assertThat(copy.metadata()).containsEntry("millrace.made", "prune");
        }
        assertThat(pruned.resolve("generation_config.json")).exists();
    }

    @Test
    void aWrittenFolderNamesNoPythonFilesThatItDoesNotHave() throws IOException {
        ObjectNode config = TinyModels.llama();
        config.putObject("auto_map").put("AutoConfig", "configuration_phi3.Phi3Config");
        Path written = folder.resolve("written");
        TinyModels.write(written, config, DType.F32, 1);

        assertThat(StrictJson.readFile(written.resolve("config.json"), 10_000).has("auto_map"))
                .isFalse();
    }

    @Test
    void bothNamesOfTheTypeSayWhatIsThere() throws IOException {
        Path written = folder.resolve("written");
        TinyModels.write(written, TinyModels.llama().put("dtype", "float16"), DType.F32, 1);

        ObjectNode config = StrictJson.readFile(written.resolve("config.json"), 10_000);
        assertThat(config.path("torch_dtype").asText()).isEqualTo("float32");
        assertThat(config.path("dtype").asText()).isEqualTo("float32");
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
