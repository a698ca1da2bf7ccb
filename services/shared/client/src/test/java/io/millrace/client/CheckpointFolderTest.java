package io.millrace.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.events.ArtifactRef;
import io.millrace.events.ModelNumbers;
import io.millrace.events.Reason;
import io.millrace.store.ArtifactStore;
import io.millrace.store.ChangedFileException;
import io.millrace.store.Manifest;
import io.millrace.store.MemoryStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointFolderTest {
    @TempDir
    Path temp;

    @Test
    void numbersComeFromTheConfigAndTheHeaders() throws IOException {
        CheckpointFolder checkpoint = CheckpointFolder.open(Checkpoints.small(temp.resolve("c")));

        assertThat(checkpoint.numbers())
                .isEqualTo(new ModelNumbers("LlamaForCausalLM", 8, 4, 2, 6, 1, 2, 1, 32, "BF16"));
        assertThat(checkpoint.files()).containsExactly("config.json", "model.safetensors", "tokenizer.json");
    }

    @Test
    void aRealCheckpointIsCountedRight() throws IOException {
        Path folder = Path.of("../../../../shared/models/stories260K");
        assumeTrue(Files.isDirectory(folder), "skipped: there is no shared/models/stories260K beside the repository");

        CheckpointFolder checkpoint = CheckpointFolder.open(folder);

        // 5 layers of 64 wide, 172 feed-forward, 8 and 4 heads of 8; 512 tokens, tied.
        long layer = 64 * 64 + 2 * 32 * 64 + 64 * 64 + 3 * 172 * 64 + 2 * 64;
        assertThat(checkpoint.numbers())
                .isEqualTo(new ModelNumbers(
                        "LlamaForCausalLM", 512 * 64 + 5 * layer + 64, 512, 64, 172, 5, 8, 4, 512, "F32"));
    }

    @Test
    void aRegisteredCheckpointStaysInPlaceUnderItsRealPath() throws IOException {
        Path folder = Checkpoints.small(temp.resolve("step-1"));
        Files.writeString(folder.resolve("trainer_state.json"), "{}");
        Path latest = Files.createSymbolicLink(temp.resolve("latest"), folder);
        ArtifactStore store = new MemoryStore();

        ArtifactRef artifact = CheckpointFolder.open(latest).register(store, ByteProgress.UNWATCHED);

        assertThat(Path.of(artifact.location())).isEqualTo(folder.toRealPath());
        assertThat(store.manifest(artifact).files())
                .extracting(Manifest.Entry::name)
                .containsExactly("config.json", "model.safetensors", "tokenizer.json");
        assertThat(store.checkOut(artifact, temp.resolve("out"))).isEqualTo(folder.toRealPath());
        Files.writeString(folder.resolve("tokenizer.json"), "[]");
        assertThatThrownBy(() -> store.checkOut(artifact, temp.resolve("out")))
                .isInstanceOf(ChangedFileException.class)
                .hasMessageContaining("tokenizer.json");
    }

    @Test
    void chatTemplatesInAFolderOfTheirOwnBelongToIt() throws IOException {
        Path folder = Checkpoints.small(temp.resolve("c"));
        Path templates = Files.createDirectory(folder.resolve("additional_chat_templates"));
        Files.writeString(templates.resolve("tool_use.jinja"), "{{ messages }}");
        Files.writeString(templates.resolve("notes.txt"), "none of it");

        CheckpointFolder checkpoint = CheckpointFolder.open(folder);

        assertThat(checkpoint.files())
                .containsExactly(
                        "additional_chat_templates/tool_use.jinja",
                        "config.json",
                        "model.safetensors",
                        "tokenizer.json");
        assertThat(checkpoint.leftOut()).isEmpty();

        Files.createSymbolicLink(templates.resolve("rag.jinja"), templates.resolve("tool_use.jinja"));

        refused(folder, Reason.MALFORMED_CHECKPOINT, "rag.jinja: is a symbolic link");
    }

    /** Without them sentence-transformers takes the mean of all tokens, whatever the model was trained with. */
    @Test
    void theModulesOfAnEmbeddingModelBelongToItWithoutTheirWeights() throws IOException {
        Path folder = Checkpoints.small(temp.resolve("c"));
        Files.writeString(folder.resolve("modules.json"), """
                [{"path": ""}, {"path": "1_Pooling"}, {"path": "2_Dense"}, {"path": "3_Normalize"}]
                """);
        Files.writeString(folder.resolve("config_sentence_transformers.json"), "{}");
        Files.writeString(folder.resolve("sentence_bert_config.json"), "{}");
        for (String inner : List.of("1_Pooling", "2_Dense", "4_Unnamed")) {
            Files.createDirectory(folder.resolve(inner));
            Files.writeString(folder.resolve(inner + "/config.json"), "{}");
        }
        Files.writeString(folder.resolve("2_Dense/model.safetensors"), "");

        CheckpointFolder checkpoint = CheckpointFolder.open(folder);

        assertThat(checkpoint.files())
                .containsExactly(
                        "1_Pooling/config.json",
                        "2_Dense/config.json",
                        "config.json",
                        "config_sentence_transformers.json",
                        "model.safetensors",
                        "modules.json",
                        "sentence_bert_config.json",
                        "tokenizer.json");
        assertThat(checkpoint.leftOut()).containsExactly("2_Dense/model.safetensors", "4_Unnamed/");
    }

    @Test
    @Tag("promise-6")
    @DisplayName("Promise 6: a checkpoint whose modules leave its folder is not published")
    void modulesThatLeaveTheFolderAreRefused() throws IOException {
        Path elsewhere = Files.createDirectory(temp.resolve("elsewhere"));
        Files.writeString(elsewhere.resolve("config.json"), "{}");
        Path folder = Checkpoints.small(temp.resolve("c"));
        Path modules = folder.resolve("modules.json");
        for (String path : List.of("\"../elsewhere\"", "\"" + elsewhere + "\"", "\"a/../b\"", "\"..\"", "1", "null")) {
            Files.writeString(modules, "[{\"path\": " + path + "}]");

            refused(folder, Reason.MALFORMED_CHECKPOINT, "modules.json: a module's 'path' is " + path);
        }
        Files.writeString(modules, "[{}]");
        refused(folder, Reason.MALFORMED_CHECKPOINT, "'path' is missing");
        Files.writeString(modules, "{}");
        refused(folder, Reason.MALFORMED_CHECKPOINT, "modules.json: holds no JSON list");
        Files.writeString(modules, "[{\"path\": \"1_Pooling\"}]");
        Files.createSymbolicLink(folder.resolve("1_Pooling"), elsewhere);
        refused(folder, Reason.MALFORMED_CHECKPOINT, "1_Pooling: is a symbolic link");
        Files.delete(folder.resolve("1_Pooling"));
        Files.createDirectory(folder.resolve("1_Pooling"));
        Files.createSymbolicLink(folder.resolve("1_Pooling/config.json"), elsewhere.resolve("config.json"));
        refused(folder, Reason.MALFORMED_CHECKPOINT, "config.json: is a symbolic link");
    }

    @Test
    void shardsAreReadByTheirIndex() throws IOException {
        Path folder = sharded(Map.of("a", "model-1.safetensors", "b", "model-2.safetensors"));

        CheckpointFolder checkpoint = CheckpointFolder.open(folder);

        assertThat(checkpoint.numbers().parameters()).isEqualTo(4);
        assertThat(checkpoint.files()).contains("model-1.safetensors", "model-2.safetensors", Weights.INDEX);
    }

    @Test
    @Tag("promise-6")
    @DisplayName("Promise 6: a checkpoint whose index leaves its folder is not published")
    void anIndexThatLeavesTheFolderIsRefused() throws IOException {
        Checkpoints.safetensors(
                temp.resolve("x.safetensors"), "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4);
        for (String shard : List.of(
                "../x.safetensors", temp.resolve("x.safetensors").toString(), "..", "", "a\\\\x.safetensors", "x.pt")) {
            Path folder = sharded(Map.of("a", shard));

            refused(folder, Reason.MALFORMED_CHECKPOINT, "same folder");
        }
    }

    @Test
    void anIndexThatContradictsTheShardsIsRefused() throws IOException {
        refused(
                sharded(Map.of("a", "model-2.safetensors", "b", "model-1.safetensors")),
                Reason.MALFORMED_CHECKPOINT,
                "expected it in");
        refused(
                sharded(Map.of("a", "model-1.safetensors", "b", "model-2.safetensors", "c", "model-2.safetensors")),
                Reason.MALFORMED_CHECKPOINT,
                "tensor 'c' should be in 'model-2.safetensors'");
        refused(
                sharded(Map.of("a", "model-1.safetensors", "b", "model-3.safetensors")),
                Reason.MALFORMED_CHECKPOINT,
                "model-3.safetensors: is missing");
    }

    @Test
    void whatIsMissingIsNamed() throws IOException {
        for (String name : List.of("config.json", "model.safetensors")) {
            Path folder = Checkpoints.small(temp.resolve("without " + name));
            Files.delete(folder.resolve(name));

            refused(folder, Reason.MALFORMED_CHECKPOINT, name + ": is missing");
        }
        assertThatThrownBy(() -> CheckpointFolder.open(temp.resolve("nowhere"))).hasMessageContaining("nowhere");
    }

    @Test
    void weightsThatAreOnlyThereAsAPickleAreRefusedWithTheRemedy() throws IOException {
        for (String name : List.of("pytorch_model.bin", "model.PT", "x.pkl", "consolidated.00.pth")) {
            Path folder = Checkpoints.small(temp.resolve("with " + name));
            Files.delete(folder.resolve("model.safetensors"));
            Files.writeString(folder.resolve(name), "");

            refused(folder, Reason.MALFORMED_CHECKPOINT, name + ": is a pickle, which executes code");
            refused(folder, Reason.MALFORMED_CHECKPOINT, "save_pretrained('NEW-FOLDER')");
        }
    }

    /** DESIGN.md promise 6. */
    @Test
    void picklesOfATrainerStayOutOfTheCheckpointAndAreNamed() throws IOException {
        Path folder = Checkpoints.small(temp.resolve("checkpoint-500"));
        List<String> trainersOwn = List.of(
                "optimizer.pt",
                "pytorch_model.bin",
                "rng_state.pth",
                "scheduler.pt",
                "trainer_state.json",
                "training_args.bin");
        for (String name : trainersOwn) {
            Files.createSymbolicLink(folder.resolve(name), temp.resolve("nowhere"));
        }
        Files.createDirectory(folder.resolve("global_step500"));
        MemoryStore store = new MemoryStore();

        CheckpointFolder checkpoint = CheckpointFolder.open(folder);
        Manifest manifest = store.manifest(checkpoint.register(store, ByteProgress.UNWATCHED));

        assertThat(checkpoint.leftOut())
                .contains("global_step500/")
                .containsAll(trainersOwn)
                .hasSize(7);
        assertThat(manifest.files())
                .extracting(Manifest.Entry::name)
                .containsExactly("config.json", "model.safetensors", "tokenizer.json");
    }

    @Test
    void aLoraAdapterIsCalledSoWhereItIsAloneAndLeftOutBesideAModel() throws IOException {
        Path trained = Files.createDirectory(temp.resolve("checkpoint-20"));
        Files.writeString(trained.resolve("adapter_config.json"), "{}");
        Files.writeString(trained.resolve("optimizer.pt"), "");
        Path model = Checkpoints.small(temp.resolve("model"));
        Files.writeString(model.resolve("adapter_model.safetensors"), "");

        refused(trained, Reason.MALFORMED_CHECKPOINT, "is a LoRA adapter (adapter_config.json)");
        refused(trained, Reason.MALFORMED_CHECKPOINT, ".merge_and_unload().save_pretrained('NEW-FOLDER')");
        Files.copy(model.resolve("config.json"), trained.resolve("config.json"));
        refused(trained, Reason.MALFORMED_CHECKPOINT, "is a LoRA adapter");
        assertThat(CheckpointFolder.open(model).leftOut()).containsExactly("adapter_model.safetensors");
    }

    @Test
    void aSymbolicLinkIsRefused() throws IOException {
        for (String name : List.of("config.json", "model.safetensors", "tokenizer.json")) {
            Path folder = Checkpoints.small(temp.resolve("link " + name));
            Path elsewhere = Files.move(folder.resolve(name), temp.resolve("elsewhere " + name));
            Files.createSymbolicLink(folder.resolve(name), elsewhere);

            refused(folder, Reason.MALFORMED_CHECKPOINT, "symbolic link");
        }
    }

    @Test
    void quantizedAndOwnModelsAreRefused() throws IOException {
        Path quantized = Checkpoints.small(temp.resolve("quantized"));
        Files.writeString(
                quantized.resolve("config.json"),
                Checkpoints.CONFIG.replaceFirst("\\{", "{\"quantization_config\":{},"));
        refused(quantized, Reason.ALREADY_QUANTIZED, "quantization_config");

        Path bytes = Checkpoints.small(temp.resolve("bytes"));
        Checkpoints.safetensors(
                bytes.resolve("model.safetensors"),
                "{\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
                4);
        refused(bytes, Reason.ALREADY_QUANTIZED, "most weights are I8");

        Path own = Checkpoints.small(temp.resolve("own"));
        Checkpoints.safetensors(
                own.resolve("model.safetensors"),
                "{\"__metadata__\":{\"millrace.made\":\"prune\"},"
                        + "\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}",
                4);
        refused(own, Reason.MADE_BY_MILLRACE, "'millrace.made' = 'prune'");
    }

    /** As Gemma 3 is published, without what equals the defaults of transformers. */
    @Test
    void theNumbersOfAMultimodalModelAreThoseOfItsTextModel() throws IOException {
        Path folder = Checkpoints.small(temp.resolve("c"));
        Files.writeString(folder.resolve("preprocessor_config.json"), "{}");
        Files.writeString(folder.resolve("config.json"), """
                {"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "tie_word_embeddings": true,
                 "text_config":
                 {"hidden_size": 2, "intermediate_size": 6, "num_hidden_layers": 1, "num_key_value_heads": 2}}
                """);

        CheckpointFolder checkpoint = CheckpointFolder.open(folder);

        assertThat(checkpoint.numbers())
                .isEqualTo(
                        new ModelNumbers("Gemma3ForConditionalGeneration", 8, 262_208, 2, 6, 1, 8, 2, 131_072, "BF16"));
        assertThat(checkpoint.files()).contains("preprocessor_config.json");
    }

    @Test
    void aConfigThatLacksANumberNamesIt() throws IOException {
        for (String field : List.of("vocab_size", "hidden_size", "num_hidden_layers", "max_position_embeddings")) {
            for (String value : List.of("0", "-1", "1.5", "\"4\"", "null", "4000000000")) {
                Path folder = Checkpoints.small(temp.resolve("config"));
                Files.writeString(
                        folder.resolve("config.json"),
                        Checkpoints.CONFIG.replaceFirst("\"" + field + "\": \\d+", "\"" + field + "\": " + value));

                refused(folder, Reason.MALFORMED_CHECKPOINT, "'" + field + "' is '");
            }
        }
    }

    @Test
    void jsonBeyondTheLimitsOfTheParserIsRefused() throws IOException {
        Path folder = Checkpoints.small(temp.resolve("nested"));
        Files.writeString(folder.resolve("config.json"), "[".repeat(100_000));
        refused(folder, Reason.MALFORMED_CHECKPOINT, "config.json: no JSON");
        Files.writeString(folder.resolve("config.json"), "{");
        refused(
                folder,
                Reason.MALFORMED_CHECKPOINT,
                "config.json: no JSON at line 1 (Unexpected end-of-input: expected close marker for Object); copy the file"
                        + " again");

        Path named = Checkpoints.small(temp.resolve("named"));
        Checkpoints.safetensors(
                named.resolve("model.safetensors"),
                "{\"" + "a".repeat(100_000) + "\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}",
                4);
        refused(named, Reason.MALFORMED_CHECKPOINT, "model.safetensors: the header is no JSON");
        refused(named, Reason.MALFORMED_CHECKPOINT, "; copy the file again");
    }

    /** A stage would refuse it later. */
    @Test
    void aTypeThatNoStageReadsIsRefusedBeforeItTravels() throws IOException {
        for (String type : List.of("F64", "U64", "U32", "U16")) {
            Path folder = Checkpoints.small(temp.resolve(type));
            Checkpoints.safetensors(
                    folder.resolve("model.safetensors"),
                    "{\"a\":{\"dtype\":\"" + type + "\",\"shape\":[1],\"data_offsets\":[0,8]}}",
                    8);

            refused(folder, Reason.MALFORMED_CHECKPOINT, "tensor 'a' has dtype '" + type + "', expected one of [BF16");
        }
    }

    @Test
    void aHeaderThatLiesIsRefused() throws IOException {
        String good = "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}";
        for (String header : List.of(
                good.replace("[0,4]", "[0,8]"),
                good.replace("[0,4]", "[4,0]"),
                good.replace("[0,4]", "[0,-4]"),
                good.replace("[0,4]", "[0,4,4]"),
                good.replace("[0,4]", "[1,5]"),
                good.replace("[0,4]", "[0,99999999999999999999]"),
                good.replace("[2]", "[4611686018427387904,4]"),
                good.replace("[2]", "[3]"),
                good.replace("[2]", "2"),
                good.replace("F16", "F17"),
                good.replace("\"dtype\":\"F16\",", ""),
                good.replace("}}", "},\"a\":{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[4,4]}}"),
                good.replace("}}", "},\"b\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[2,4]}}"),
                good.replace("}}", ",\"more\":1}}"),
                good + "{}",
                "[]",
                "{",
                "{\"__metadata__\":{\"n\":1}}",
                "{}")) {
            Path folder = Checkpoints.small(temp.resolve("lies"));
            Checkpoints.safetensors(folder.resolve("model.safetensors"), header, 4);

            refused(folder, Reason.MALFORMED_CHECKPOINT, "model.safetensors");
        }
        for (long headerBytes :
                new long[] {-1, 0, 1, Long.MIN_VALUE, Long.MAX_VALUE, 100_000_001L, good.length() + 5}) {
            Path folder = Checkpoints.small(temp.resolve("length"));
            Checkpoints.file(
                    folder.resolve("model.safetensors"), headerBytes, good.getBytes(StandardCharsets.UTF_8), 4);

            refused(folder, Reason.MALFORMED_CHECKPOINT, "model.safetensors");
        }
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        Path folder = Checkpoints.small(temp.resolve("cut"));
        Path file = folder.resolve("model.safetensors");
        byte[] whole = Files.readAllBytes(file);
        for (int length = 0; length < whole.length; length++) {
            Files.write(file, Arrays.copyOf(whole, length));

            refused(folder, Reason.MALFORMED_CHECKPOINT, "model.safetensors");
        }
    }

    @Test
    void anyDamagedByteIsRefusedOrHarmless() throws IOException {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        Path folder = Checkpoints.small(temp.resolve("damaged"));
        Path file = folder.resolve("model.safetensors");
        byte[] whole = Files.readAllBytes(file);
        for (int i = 0; i < 500; i++) {
            byte[] bad = whole.clone();
            bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
            Files.write(file, bad);
            try {
                assertThat(CheckpointFolder.open(folder).numbers().parameters()).isBetween(0L, 16L);
            } catch (RefusedCheckpointException e) {
                assertThat(e).hasMessageContaining("damaged");
            }
        }
    }

    private Path sharded(Map<String, String> weightMap) throws IOException {
        Path folder = Checkpoints.small(temp.resolve("sharded"));
        Files.deleteIfExists(folder.resolve("model.safetensors"));
        Checkpoints.safetensors(
                folder.resolve("model-1.safetensors"),
                "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}",
                4);
        Checkpoints.safetensors(
                folder.resolve("model-2.safetensors"),
                "{\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}",
                4);
        StringBuilder map = new StringBuilder();
        weightMap.forEach(
                (tensor, file) -> map.append(map.isEmpty() ? "" : ",").append("\"" + tensor + "\":\"" + file + "\""));
        Files.writeString(folder.resolve(Weights.INDEX), "{\"weight_map\":{" + map + "}}");
        return folder;
    }

    private static void refused(Path folder, Reason reason, String message) {
        assertThatThrownBy(() -> CheckpointFolder.open(folder))
                .isInstanceOfSatisfying(
                        RefusedCheckpointException.class,
                        e -> assertThat(e.reason()).isEqualTo(reason))
                .hasMessageContaining(message)
                .hasMessageContaining(String.valueOf(folder.getFileName()));
    }
}
