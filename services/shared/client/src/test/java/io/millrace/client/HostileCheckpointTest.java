package io.millrace.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Reason;
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

/** Checkpoints that lie, are damaged, or lead out of their folder. */
class HostileCheckpointTest extends CheckpointFolderFixture {
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
    void aSymbolicLinkIsRefused() throws IOException {
        for (String name : List.of("config.json", "model.safetensors", "tokenizer.json")) {
            Path folder = Checkpoints.small(temp.resolve("link " + name));
            Path elsewhere = Files.move(folder.resolve(name), temp.resolve("elsewhere " + name));
            Files.createSymbolicLink(folder.resolve(name), elsewhere);

            refused(folder, Reason.MALFORMED_CHECKPOINT, "symbolic link");
        }
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
}
