package io.millrace.tensors.format.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import io.millrace.tensors.Progress;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.architecture.Trait;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.ModelFolder;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class OnnxPlanTest {
    @TempDir
    Path parent;

    static Stream<Architecture> architectures() {
        return Architecture.known().stream()
                .filter(architecture -> architecture.expertKeys().isEmpty())
                .filter(architecture -> !architecture.has(Trait.LONG_ROPE));
    }

    @ParameterizedTest
    @MethodSource("architectures")
    void everyTensorComesBackAsTheReportSaysItWasStored(Architecture architecture) throws Exception {
        Path model = TinyModels.write(parent.resolve("model"), TinyModels.of(architecture), DType.BF16, 1);
        Path out = parent.resolve("out");
        List<TensorReport> reports;
        try (Checkpoint source = Checkpoint.open(model)) {
            reports = OnnxPlan.of(source, OnnxType.INT4).write(out, 2, Progress.NONE);
        }

        try (Checkpoint source = Checkpoint.open(model);
                OnnxWeights read = OnnxWeights.open(out)) {
            assertThat(reports).extracting(TensorReport::name).containsExactlyElementsOf(names(source));
            assertThat(read.tensorBytes())
                    .isEqualTo(reports.stream().mapToLong(TensorReport::bytes).sum());
            for (TensorReport report : reports) {
                float[] before = new float[(int) report.shape().elements()];
                float[] after = before.clone();
                source.read(report.name(), 0, report.shape().rows(), MemorySegment.ofArray(before));
                read.read(report.name(), 0, report.shape().rows(), MemorySegment.ofArray(after));
                double largest = 0;
                for (int i = 0; i < before.length; i++) {
                    largest = Math.max(largest, Math.abs(before[i] - after[i]));
                }
                // 1 + a gain, and 1 less again, rounds the gain.
                assertThat(largest).as(report.name()).isBetween(report.maxError(), report.maxError() + 1e-7);
            }
        }
    }

    private static List<String> names(Checkpoint source) {
        return source.rules().stream().map(TensorRule::name).toList();
    }

    @ParameterizedTest
    @EnumSource(OnnxType.class)
    void theBytesDoNotDependOnThreads(OnnxType type) throws Exception {
        Path model = TinyModels.write(parent.resolve("model"), TinyModels.llama(), DType.F32, 2);
        try (Checkpoint source = Checkpoint.open(model)) {
            OnnxPlan plan = OnnxPlan.of(source, type);
            plan.write(parent.resolve("one"), 1, Progress.NONE);
            plan.write(parent.resolve("three"), 3, Progress.NONE);
        }

        for (String file : List.of(OnnxPlan.GRAPH, OnnxPlan.DATA, GenaiConfig.FILE, ModelFolder.CONFIG)) {
            assertThat(parent.resolve("three").resolve(file))
                    .hasSameBinaryContentAs(parent.resolve("one").resolve(file));
        }
        try (Stream<Path> files = Files.list(parent.resolve("one"))) {
            assertThat(files).hasSize(4);
        }
    }

    @ParameterizedTest
    @EnumSource(OnnxType.class)
    void aGraphWhoseInputsAreRoundedSaysSo(OnnxType type) throws Exception {
        Path model = TinyModels.write(parent.resolve("model"), TinyModels.llama(), DType.F32, 2);
        try (Checkpoint source = Checkpoint.open(model)) {
            OnnxPlan.of(source, type).write(parent.resolve("out"), 1, Progress.NONE);
        }

        try (OnnxWeights weights = OnnxWeights.open(parent.resolve("out"));
                OnnxFile file = OnnxFile.open(parent.resolve("out").resolve(OnnxPlan.GRAPH))) {
            assertThat(weights.inputRounding("model.layers.0.mlp.down_proj.weight")
                            .isPresent())
                    .isEqualTo(type == OnnxType.INT8);
            assertThat(weights.inputRounding("model.norm.weight")).isEmpty();
            assertThat(file.metadata()).containsEntry("millrace.accuracy_level", type == OnnxType.INT8 ? "4" : "1");
            assertThat(file.graph().uses().values())
                    .allMatch(use -> use.attribute("accuracy_level") == type.accuracyLevel());
        }
    }

    @Test
    void everyTensorIsAlignedForMapping() throws Exception {
        Path model =
                TinyModels.write(parent.resolve("model"), TinyModels.llama().put("vocab_size", 17_000), DType.F32, 3);
        try (Checkpoint source = Checkpoint.open(model)) {
            OnnxPlan.of(source, OnnxType.INT4).write(parent.resolve("out"), 2, Progress.NONE);
        }

        try (OnnxFile file = OnnxFile.open(parent.resolve("out").resolve(OnnxPlan.GRAPH))) {
            assertThat(file.graph().tensors().values())
                    .hasSizeGreaterThan(20)
                    .allMatch(tensor -> tensor.offset() % (tensor.byteSize() > 1 << 20 ? 1 << 16 : 4096) == 0);
            assertThat(file.metadata())
                    .containsEntry("millrace.made", "quantize")
                    .containsEntry("millrace.type", "int4")
                    .containsEntry("millrace.accuracy_level", "1");
        }
    }

    /** The library finds the graph's inputs by these names, and asks for as many of a cache's heads as it is told. */
    @Test
    void theGenerationLibraryIsToldTheSizesOfTheModelAndTheNamesOfTheGraph() throws Exception {
        ObjectNode config = TinyModels.llama().put("num_key_value_heads", 1);
        Path model = TinyModels.write(parent.resolve("model"), config, DType.F32, 3);
        try (Checkpoint source = Checkpoint.open(model)) {
            OnnxPlan.of(source, OnnxType.INT4).write(parent.resolve("out"), 2, Progress.NONE);
        }

        ObjectNode json = genai("out");
        assertThat(json.at("/model/decoder")).hasToString("""
                {"session_options":{"log_id":"onnxruntime-genai","provider_options":[]},"filename":"model.onnx",\
                "head_size":32,"hidden_size":128,\
                "inputs":{"input_ids":"input_ids","attention_mask":"attention_mask",\
                "past_key_names":"past_key_values.%d.key","past_value_names":"past_key_values.%d.value"},\
                "outputs":{"logits":"logits","present_key_names":"present.%d.key",\
                "present_value_names":"present.%d.value"},\
                "num_attention_heads":4,"num_hidden_layers":2,"num_key_value_heads":1}""");
        assertThat(json.at("/model/type").asText()).isEqualTo("llama");
        assertThat(json.at("/model/vocab_size").asInt()).isEqualTo(96);
        assertThat(json.at("/search/max_length").asInt()).isEqualTo(64);
        try (OnnxFile file = OnnxFile.open(parent.resolve("out").resolve(OnnxPlan.GRAPH))) {
            for (String table : List.of("cos_cache", "sin_cache")) {
                assertThat(file.graph().tensors().get(table))
                        .as("a row for each position")
                        .extracting(ExternalTensor::shape)
                        .isEqualTo(Shape.of(64, 16));
            }
        }
    }

    @Test
    void theGenerationLibraryIsToldTheIdsOfTheGenerationConfig() throws Exception {
        ObjectNode config = TinyModels.llama().put("bos_token_id", 1).put("eos_token_id", 2);
        Path model = TinyModels.write(parent.resolve("model"), config, DType.F32, 3);
        Files.writeString(
                model.resolve("generation_config.json"),
                "{\"eos_token_id\": [5, 6], \"do_sample\": true, \"top_p\": 0.9, \"temperature\": 0.6,"
                        + " \"repetition_penalty\": 1.1}");
        try (Checkpoint source = Checkpoint.open(model)) {
            OnnxPlan.of(source, OnnxType.INT4).write(parent.resolve("out"), 2, Progress.NONE);
        }

        ObjectNode json = genai("out");
        assertThat(json.at("/model/eos_token_id")).hasToString("[5,6]");
        assertThat(json.at("/model/bos_token_id").asInt()).isEqualTo(1);
        assertThat(json.at("/model/pad_token_id").asInt()).isEqualTo(5);
        assertThat(json.at("/search/do_sample").asBoolean()).isTrue();
        assertThat(json.at("/search/top_p").asDouble()).isEqualTo(0.9);
        assertThat(json.at("/search/temperature").asDouble()).isEqualTo(0.6);
        assertThat(json.at("/search/repetition_penalty").asDouble()).isEqualTo(1.1);
        assertThat(json.at("/model/context_length").asInt())
                .isEqualTo(config.path("max_position_embeddings").asInt());
        assertThat(json.at("/model/decoder/num_key_value_heads").asInt())
                .isEqualTo(config.path("num_key_value_heads").asInt());
        assertThat(json.at("/model/decoder/head_size").asInt()).isEqualTo(32);
    }

    /** Without an end the library takes token 0 for one, and a chat model would not stop at its turn's. */
    @Test
    void theGenerationLibraryIsToldTheTokenizersEndToo() throws Exception {
        Path model = TinyModels.write(parent.resolve("model"), TinyModels.llama(), DType.F32, 3);
        Files.writeString(
                model.resolve("tokenizer.json"),
                "{\"added_tokens\": [{\"id\": 7, \"content\": \"<|im_end|>\", \"special\": true}]}");
        Files.writeString(model.resolve("tokenizer_config.json"), "{\"eos_token\": \"<|im_end|>\"}");
        try (Checkpoint source = Checkpoint.open(model)) {
            OnnxPlan.of(source, OnnxType.INT4).write(parent.resolve("alone"), 1, Progress.NONE);
        }
        Files.writeString(
                model.resolve("generation_config.json"),
                "{\"eos_token_id\": [5, 7, 100000, 4294967298], \"bos_token_id\": 4294967299, \"top_k\": 4294967297}");
        try (Checkpoint source = Checkpoint.open(model)) {
            OnnxPlan.of(source, OnnxType.INT4).write(parent.resolve("beside"), 1, Progress.NONE);
        }

        assertThat(genai("alone").at("/model/eos_token_id")).hasToString("7");
        assertThat(genai("beside").at("/model/eos_token_id")).hasToString("[5,7]");
        assertThat(genai("beside").at("/model").has("bos_token_id")).isFalse();
        assertThat(genai("beside").at("/search/top_k")).hasToString("2147483647");
    }

    /** Base models are configured without a turn's end, and 0 is a letter in most vocabularies, at which padding would begin. */
    @Test
    void theGenerationLibraryIsToldTheEndOfATurnAndThePaddingOfTheTokenizer() throws Exception {
        ObjectNode config = TinyModels.llama().put("eos_token_id", 5);
        Path model = TinyModels.write(parent.resolve("model"), config, DType.F32, 3);
        Files.writeString(model.resolve("tokenizer.json"), """
                {"added_tokens": [{"id": 5, "content": "</s>", "special": true}, {"id": 6, "content": "<pad>"},
                 {"id": 7, "content": "<|im_end|>", "special": true}, {"id": 100000, "content": "<|eot_id|>"}]}
                """);
        Files.writeString(
                model.resolve("tokenizer_config.json"),
                "{\"eos_token\": \"</s>\", \"pad_token\": {\"content\": \"<pad>\"}}");
        Files.writeString(model.resolve("generation_config.json"), "{\"top_k\": -1}");
        try (Checkpoint source = Checkpoint.open(model)) {
            OnnxPlan.of(source, OnnxType.INT4).write(parent.resolve("base"), 1, Progress.NONE);
            Files.writeString(model.resolve("chat_template.jinja"), "{{ messages }}");
            OnnxPlan.of(source, OnnxType.INT4).write(parent.resolve("chat"), 1, Progress.NONE);
        }

        assertThat(genai("base").at("/model/eos_token_id")).hasToString("5");
        assertThat(genai("base").at("/model/pad_token_id")).hasToString("6");
        assertThat(genai("base").at("/search/top_k")).hasToString("0");
        assertThat(genai("chat").at("/model/eos_token_id")).hasToString("[5,7]");
    }

    @Test
    void aTokenizerThatTheGenerationLibraryCannotOpenIsRefused() throws Exception {
        Path model = TinyModels.write(parent.resolve("model"), TinyModels.llama(), DType.F32, 3);
        Files.writeString(model.resolve("vocab.json"), "{}");
        try (Checkpoint source = Checkpoint.open(model)) {
            assertThatThrownBy(() -> OnnxPlan.of(source, OnnxType.INT4))
                    .hasMessageContaining("tokenizer.json: missing, found vocab.json; expected both")
                    .hasMessageContaining("save_pretrained");
            Files.writeString(model.resolve("tokenizer.json"), "{}");
            assertThatThrownBy(() -> OnnxPlan.of(source, OnnxType.INT4))
                    .hasMessageContaining("tokenizer_config.json: missing, found tokenizer.json, vocab.json");
            Files.delete(model.resolve("vocab.json"));
            Files.move(model.resolve("tokenizer.json"), model.resolve("tekken.json"));
            assertThatThrownBy(() -> OnnxPlan.of(source, OnnxType.INT4))
                    .hasMessageContaining("tokenizer.json: missing, found tekken.json; expected both")
                    .hasMessageContaining("mistral-common");
        }
    }

    @Test
    void ofChatTemplatesTheOneThatTransformersTakesGoesAlong() throws Exception {
        Path model = TinyModels.write(parent.resolve("model"), TinyModels.llama(), DType.F32, 3);
        Files.writeString(model.resolve("tokenizer.json"), "{}");
        String config = """
                {"model_max_length": 1000000000000000019884624838656, "chat_template": [
                 {"name": "tool_use", "template": "{{ tools }}"}, {"name": "%s", "template": "{{ messages }}"}]}""";
        try (Checkpoint source = Checkpoint.open(model)) {
            for (String name : List.of("default", "rag")) {
                Files.writeString(model.resolve("tokenizer_config.json"), config.formatted(name));
                OnnxPlan.of(source, OnnxType.INT4).write(parent.resolve(name), 1, Progress.NONE);
            }
        }

        Files.writeString(model.resolve("chat_template.jinja"), "{{ messages }}");
        try (Checkpoint source = Checkpoint.open(model)) {
            for (String settings : List.of("[]", "\"{{ old }}\"")) {
                Files.writeString(model.resolve("tokenizer_config.json"), "{\"chat_template\": " + settings + "}");
                OnnxPlan.of(source, OnnxType.INT4).write(parent.resolve("own" + settings.length()), 1, Progress.NONE);
            }
        }

        for (String own : List.of("own2", "own11")) {
            assertThat(json(own, "tokenizer_config.json").has("chat_template")).isFalse();
            assertThat(parent.resolve(own).resolve("chat_template.jinja")).hasContent("{{ messages }}");
        }
        ObjectNode one = json("default", "tokenizer_config.json");
        assertThat(one.path("chat_template")).hasToString("\"{{ messages }}\"");
        assertThat(one.path("model_max_length")).hasToString("1000000000000000019884624838656");
        assertThat(json("rag", "tokenizer_config.json").has("chat_template")).isFalse();
    }

    private ObjectNode genai(String folder) throws IOException {
        return json(folder, GenaiConfig.FILE);
    }

    private ObjectNode json(String folder, String file) throws IOException {
        return StrictJson.readFile(parent.resolve(folder).resolve(file), 1 << 20);
    }

    @Test
    void whatAGraphCannotSayIsRefusedByName() throws Exception {
        for (Architecture architecture : Architecture.known()) {
            if (architecture.expertKeys().isPresent()) {
                assertRefused(TinyModels.of(architecture), Kind.UNSUPPORTED, "is a mixture of experts");
            } else if (architecture.has(Trait.LONG_ROPE)) {
                assertRefused(TinyModels.of(architecture), Kind.UNSUPPORTED, "turns by long rope");
                ObjectNode partial =
                        TinyModels.of(architecture).put("head_dim", 32).put("partial_rotary_factor", 0.75);
                partial.remove("rope_scaling");
                assertRefused(partial, Kind.UNSUITABLE_SHAPE, "has heads of 32 of which 24 are turned");
            }
        }
        assertRefused(
                TinyModels.llama().put("head_dim", 24),
                Kind.UNSUITABLE_SHAPE,
                "has heads of 24 of which 24 are turned, expected multiples of 16");
        assertRefused(
                TinyModels.llama().put("max_position_embeddings", Integer.MAX_VALUE),
                Kind.UNSUITABLE_SHAPE,
                "'max_position_embeddings' is 2147483647, for which the graph's tables of cosines and sines would take"
                        + " 274877906816 bytes, expected at most 2147483648; lower it to at most 16777216 positions");
        assertRefused(
                TinyModels.llama().put("intermediate_size", 250),
                Kind.UNSUITABLE_SHAPE,
                "'model.layers.0.mlp.down_proj' with 250 inputs, expected a multiple of 32");
    }

    private void assertRefused(ObjectNode config, Kind kind, String what) throws IOException {
        Path model = TinyModels.write(Files.createTempDirectory(parent, "model"), config, DType.F32, 1);
        try (Checkpoint source = Checkpoint.open(model)) {
            assertThatThrownBy(() -> OnnxPlan.of(source, OnnxType.INT4))
                    .hasMessageContaining(what)
                    .isInstanceOfSatisfying(
                            MalformedFileException.class,
                            problem -> assertThat(problem.kind()).isEqualTo(kind));
        }
    }

    @Test
    void aWriteThatFailsLeavesNoModelBehind() throws Exception {
        ObjectNode config = TinyModels.llama();
        Path model = TinyModels.write(parent.resolve("model"), config, DType.F32, 1);
        Path out = Files.createDirectory(parent.resolve("out"));
        Progress interrupting = (done, total, what) -> {
            if (done > total / 2) {
                throw new IllegalStateException("planted");
            }
        };

        try (Checkpoint source = Checkpoint.open(model)) {
            assertThatThrownBy(() -> OnnxPlan.of(source, OnnxType.INT4).write(out, 2, interrupting))
                    .hasMessage("planted");
        }
        assertThat(out).isEmptyDirectory();
    }
}
