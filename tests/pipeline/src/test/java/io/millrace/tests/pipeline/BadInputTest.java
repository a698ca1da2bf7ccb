package io.millrace.tests.pipeline;

import static io.millrace.tests.pipeline.BadInputFolders.CONFIG;
import static io.millrace.tests.pipeline.BadInputFolders.TOKENIZER;
import static io.millrace.tests.pipeline.BadInputFolders.WEIGHTS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.benchmarker.BenchmarkStage;
import io.millrace.client.CheckpointFolder;
import io.millrace.client.RefusedCheckpointException;
import io.millrace.distiller.DistillStage;
import io.millrace.events.Blame;
import io.millrace.events.Device;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.pruner.PruneStage;
import io.millrace.quantizer.QuantizeStage;
import io.millrace.worker.Stage;
import io.millrace.worker.StageException;
import io.millrace.worker.StageInput;
import io.millrace.worker.StageOutput;
import io.millrace.worker.Workspace;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a user reads who gives bad input: refused when it is published, or, where only a stage can see it, a failure with
 * a reason that no attempt is wasted on. Each message names the file.
 */
class BadInputTest {
    private static final Parameters.Gguf GGUF = new Parameters.Gguf("Q8_0");
    private static final Parameters.Quality QUALITY = new Parameters.Quality(80, 128);
    private static final Parameters.Distill DISTILL = new Parameters.Distill(2, 1, 16, 2, 0, 1e-3, false);
    private static final String DOWN = "model.layers.1.mlp.down_proj.weight";

    @TempDir
    Path temp;

    private Path checkpoint;
    private Path text;

    @BeforeEach
    void makeInput() throws Exception {
        checkpoint = SmallCheckpoint.write(temp.resolve("checkpoint"), 1);
        text = Files.createDirectories(temp.resolve("text"));
        SmallCheckpoint.writeText(text.resolve("text.txt"), 2);
    }

    @Test
    void aFolderWithoutConfigIsRefused() throws Exception {
        Files.delete(checkpoint.resolve(CONFIG));

        refused(Reason.MALFORMED_CHECKPOINT, CONFIG, "missing");
    }

    @Test
    void aFolderWithoutWeightsOrWithoutAShardIsRefused() throws Exception {
        Files.delete(checkpoint.resolve(WEIGHTS));
        refused(Reason.MALFORMED_CHECKPOINT, WEIGHTS);

        BadInputFolders.writeIndex(checkpoint, "model-00001-of-00002.safetensors");
        refused(Reason.MALFORMED_CHECKPOINT, "model-00001-of-00002.safetensors", "missing");
    }

    @Test
    @Tag("promise-6")
    @DisplayName("Promise 6: an index that leaves the folder is refused when it is published, and by each stage")
    void anIndexThatLeavesTheFolderIsRefused() throws Exception {
        BadInputFolders.writeIndex(checkpoint, "../elsewhere.safetensors");

        refused(Reason.MALFORMED_CHECKPOINT, "index.json", "'../elsewhere.safetensors'", "same folder");
    }

    @Test
    @Tag("promise-6")
    @DisplayName("Promise 6: a link out of the folder is refused when it is published, and by each stage")
    void aLinkOutOfTheFolderIsRefused() throws Exception {
        Path elsewhere = temp.resolve("elsewhere");
        Files.move(checkpoint.resolve(WEIGHTS), elsewhere);
        Files.createSymbolicLink(checkpoint.resolve(WEIGHTS), elsewhere);

        refused(Reason.MALFORMED_CHECKPOINT, WEIGHTS, "link", "the file itself");
    }

    @Test
    void aTruncatedFileIsRefused() throws Exception {
        BadInputFolders.truncate(checkpoint.resolve(WEIGHTS), 100);

        refused(Reason.MALFORMED_CHECKPOINT, WEIGHTS, "copy the file again");
    }

    @Test
    void aHeaderThatIsHugeIsRefused() throws Exception {
        BadInputFolders.sayHeaderBytes(checkpoint.resolve(WEIGHTS), Long.MAX_VALUE);

        refused(Reason.MALFORMED_CHECKPOINT, WEIGHTS, String.valueOf(Long.MAX_VALUE));
    }

    @Test
    void aHeaderThatLiesAboutLengthsOrOverlapsIsRefused() throws Exception {
        BadInputFolders.editHeader(
                checkpoint.resolve(WEIGHTS),
                header -> header.withArray("/" + DOWN + "/shape").set(0, 65));
        refused(Reason.MALFORMED_CHECKPOINT, WEIGHTS, DOWN, "65", "copy the file again");

        checkpoint = SmallCheckpoint.write(temp.resolve("overlapping"), 1);
        BadInputFolders.editHeader(
                checkpoint.resolve(WEIGHTS),
                header -> header.withObject("/" + DOWN)
                        .set("data_offsets", header.at("/model.layers.0.mlp.down_proj.weight/data_offsets")));
        refused(Reason.MALFORMED_CHECKPOINT, WEIGHTS, "one after the other", "copy the file again");
    }

    @Test
    @Tag("promise-6")
    @DisplayName("Promise 6: weights that are only a pickle are refused when they are published, and by each stage")
    void weightsThatAreOnlyAPickleAreRefused() throws Exception {
        Files.delete(checkpoint.resolve(WEIGHTS));
        Files.writeString(checkpoint.resolve("pytorch_model.bin"), "code");

        refused(Reason.MALFORMED_CHECKPOINT, "pytorch_model.bin", "executes code", ".safetensors");
    }

    @Test
    void picklesOfATrainerBesideSafetensorsHarmNoStage() throws Exception {
        Files.writeString(checkpoint.resolve("training_args.bin"), "code");
        Files.writeString(checkpoint.resolve("optimizer.pt"), "code");

        Path pruned = run(new PruneStage(), magnitude(false), model()).folder();

        assertThat(pruned.resolve(WEIGHTS)).exists();
        assertThat(pruned.resolve("training_args.bin")).doesNotExist();
        assertThat(pruned.resolve("optimizer.pt")).doesNotExist();
    }

    @Test
    void anAlreadyQuantizedModelIsRefused() throws Exception {
        BadInputFolders.edit(
                checkpoint.resolve(CONFIG),
                config -> config.putObject("quantization_config").put("bits", 4));

        refused(Reason.ALREADY_QUANTIZED, CONFIG, "'quantization_config'");
    }

    @Test
    void aModelThatMillraceMadeIsRefused() throws Exception {
        checkpoint = run(new PruneStage(), magnitude(false), model()).folder();

        assertThatThrownBy(() -> CheckpointFolder.open(checkpoint))
                .isInstanceOfSatisfying(
                        RefusedCheckpointException.class,
                        e -> assertThat(e.reason()).isEqualTo(Reason.MADE_BY_MILLRACE))
                .hasMessageContaining("publish the checkpoint that it came from");
    }

    @Test
    void anUnknownArchitectureEndsTheRun() throws Exception {
        BadInputFolders.edit(checkpoint.resolve(CONFIG), config -> {
            config.putArray("architectures").add("MambaForCausalLM");
            config.put("model_type", "mamba");
        });

        stagesFail(Reason.UNKNOWN_ARCHITECTURE, Blame.CHECKPOINT, CONFIG, "'MambaForCausalLM'", "LlamaForCausalLM");
    }

    @Test
    void aVariantThatNothingHereComputesEndsTheRun() throws Exception {
        BadInputFolders.edit(
                checkpoint.resolve(CONFIG),
                config -> config.putObject("rope_scaling")
                        .put("rope_type", "dynamic")
                        .put("factor", 4.0));

        stagesFail(Reason.UNKNOWN_ARCHITECTURE, Blame.CHECKPOINT, CONFIG, "'dynamic'");
    }

    @Test
    void shapesThatContradictTheConfigEndTheRun() throws Exception {
        BadInputFolders.edit(checkpoint.resolve(CONFIG), config -> config.put("intermediate_size", 256));

        stagesFail(
                Reason.MALFORMED_CHECKPOINT,
                Blame.CHECKPOINT,
                WEIGHTS,
                "mlp",
                "[128, 64]",
                "[256, 64]",
                CONFIG,
                "save weights and");
    }

    @Test
    void aNumberThatIsNoneInTheWeightsEndsTheRunAtEachStage() throws Exception {
        BadInputFolders.poison(checkpoint.resolve(WEIGHTS), DOWN);

        fails(new QuantizeStage(), GGUF, model(), Reason.NOT_FINITE, WEIGHTS, DOWN, "NaN in row 0, column 0", "take a");
        fails(new PruneStage(), new Parameters.Neurons(0.5, 32), model(), Reason.NOT_FINITE, WEIGHTS, DOWN);
        fails(new PruneStage(), magnitude(true), model(), Reason.NOT_FINITE, WEIGHTS, DOWN);
        fails(new PruneStage(), magnitude(false), model(), Reason.NOT_FINITE, WEIGHTS, DOWN);
        fails(new DistillStage(), DISTILL, all(), Reason.NOT_FINITE, WEIGHTS, DOWN);
    }

    @Test
    void withoutTokenizerNothingCanBeMeasuredOrLearned() throws Exception {
        Path candidate = run(new QuantizeStage(), GGUF, model()).folder();
        Files.delete(checkpoint.resolve(TOKENIZER));

        fails(new QuantizeStage(), GGUF, model(), Reason.MALFORMED_CHECKPOINT, TOKENIZER, "missing");
        fails(new DistillStage(), DISTILL, all(), Reason.MALFORMED_CHECKPOINT, TOKENIZER, "missing", "publish");
        fails(new BenchmarkStage(), QUALITY, all(candidate), Reason.MALFORMED_CHECKPOINT, TOKENIZER, "missing");
    }

    @Test
    void aTokenizerThatNobodyCanReadEndsTheRun() throws Exception {
        Path candidate = run(new QuantizeStage(), GGUF, model()).folder();
        Files.writeString(checkpoint.resolve(TOKENIZER), "{\"model\": {\"type\": \"BPE\"}}");

        fails(new BenchmarkStage(), QUALITY, all(candidate), Reason.MALFORMED_CHECKPOINT, TOKENIZER, "copy the file");
    }

    @Test
    void aTokenizerOfAnotherModelIsNamed() throws Exception {
        BadInputFolders.edit(
                checkpoint.resolve(TOKENIZER),
                tokenizer -> tokenizer.withObject("/model/vocab").put("e", 1000));

        fails(new DistillStage(), DISTILL, all(), Reason.MALFORMED_CHECKPOINT, TOKENIZER, "1000", "256 tokens");
        fails(new QuantizeStage(), GGUF, model(), Reason.MALFORMED_CHECKPOINT, TOKENIZER, "1000", "256 rows");
    }

    @Test
    void aTokenizerThatGgufCannotSayIsTheRecipesFaultAndAnotherFormatKeepsIt() throws Exception {
        checkpoint = SmallCheckpoint.write(temp.resolve("wide"), 1, 128, 128, 1);
        BadInputFolders.edit(
                checkpoint.resolve(TOKENIZER),
                tokenizer -> tokenizer.withObject("/pre_tokenizer").removeAll().put("type", "Whitespace"));

        fails(new QuantizeStage(), GGUF, model(), Reason.UNSUPPORTED, TOKENIZER, "Whitespace", "compressed-tensors");
        assertThat(Reason.UNSUPPORTED.blame()).isEqualTo(Blame.RECIPE);
        assertThatCode(() -> run(new QuantizeStage(), new Parameters.CompressedTensors("W4A16"), model()))
                .doesNotThrowAnyException();
    }

    @Test
    void aShapeThatTheSchemeCannotHoldIsTheRecipesFault() throws Exception {
        fails(
                new QuantizeStage(),
                new Parameters.CompressedTensors("W4A16"),
                model(),
                Reason.UNSUITABLE_SHAPE,
                "has 64 inputs",
                "multiple of 128");
    }

    @Test
    void aTextThatIsTooShortOrTooLongOrNoTextIsThePolicysFault() throws Exception {
        Path candidate = run(new QuantizeStage(), GGUF, model()).folder();

        Files.writeString(text.resolve("text.txt"), "");
        fails(new BenchmarkStage(), QUALITY, all(candidate), Reason.TEXT_TOO_SHORT, "0 tokens", "longer text");
        fails(new DistillStage(), DISTILL, all(), Reason.TEXT_TOO_SHORT, "0 tokens", "longer text");

        Files.write(text.resolve("text.txt"), new byte[] {'a', (byte) 0xC3, 'b'});
        fails(new BenchmarkStage(), QUALITY, all(candidate), Reason.TEXT_MALFORMED, "UTF-8");
        fails(new DistillStage(), DISTILL, all(), Reason.TEXT_MALFORMED, "UTF-8");
        assertThat(Reason.TEXT_MALFORMED.blame()).isEqualTo(Blame.POLICY);

        Files.delete(text.resolve("text.txt"));
        try (var sparse = new RandomAccessFile(text.resolve("text.txt").toFile(), "rw")) {
            sparse.setLength(540_000_000);
        }
        fails(
                new BenchmarkStage(),
                QUALITY,
                all(candidate),
                Reason.TEXT_TOO_LONG,
                "540000000 bytes",
                "33554432",
                "cut it");
        fails(new DistillStage(), DISTILL, all(), Reason.TEXT_TOO_LONG, "'calibrate'", "540000000 bytes", "cut it");
        assertThat(Reason.TEXT_TOO_LONG.blame()).isEqualTo(Blame.POLICY);
    }

    /** Publishing refuses it; and so does a stage, should it come in by another door. */
    private void refused(Reason reason, String... parts) throws Exception {
        assertThatThrownBy(() -> CheckpointFolder.open(checkpoint))
                .isInstanceOfSatisfying(
                        RefusedCheckpointException.class,
                        e -> assertThat(e.reason()).isEqualTo(reason))
                .hasMessageContainingAll(parts)
                .hasMessageNotContaining("\n");
        fails(new QuantizeStage(), GGUF, model(), reason, ": ");
        fails(new PruneStage(), new Parameters.Neurons(0.5, 32), model(), reason, ": ");
    }

    private void stagesFail(Reason reason, Blame blame, String... parts) throws Exception {
        assertThatCode(() -> CheckpointFolder.open(checkpoint))
                .as("publishing reads headers only")
                .doesNotThrowAnyException();
        assertThat(reason.blame()).isEqualTo(blame);
        fails(new QuantizeStage(), GGUF, model(), reason, parts);
        fails(new PruneStage(), new Parameters.Neurons(0.5, 32), model(), reason, parts);
        fails(new BenchmarkStage(), new Parameters.Speed(8, 8, 1), all(checkpoint), reason, parts);
    }

    private <P extends Parameters> void fails(
            Stage<? super P> stage, P parameters, Map<Role, Path> inputs, Reason reason, String... parts) {
        assertThatThrownBy(() -> run(stage, parameters, inputs))
                .isInstanceOfSatisfying(
                        StageException.class,
                        e -> assertThat(e.failure().reason()).as(e.getMessage()).isEqualTo(reason))
                .hasMessageContainingAll(parts)
                .hasMessageNotContaining("\n");
    }

    private static Parameters.Magnitude magnitude(boolean global) {
        return new Parameters.Magnitude(OptionalDouble.of(0.5), OptionalDouble.empty(), global);
    }

    private Map<Role, Path> model() {
        return Map.of(Role.MODEL, checkpoint);
    }

    private Map<Role, Path> all() {
        return all(checkpoint);
    }

    private Map<Role, Path> all(Path candidate) {
        return Map.of(
                Role.MODEL, candidate,
                Role.ORIGINAL, checkpoint,
                Role.EVALUATION_TEXT, text,
                Role.CALIBRATION_TEXT, text);
    }

    private <P extends Parameters> StageOutput run(Stage<? super P> stage, P parameters, Map<Role, Path> inputs)
            throws Exception {
        Path work = Files.createTempDirectory(temp, "work");
        Workspace workspace = new Workspace() {
            @Override
            public Path folder() {
                return work;
            }

            @Override
            public void progress(long done, long total, String message) {}
        };
        @SuppressWarnings("unchecked")
        Stage<P> typed = (Stage<P>) stage;
        return typed.run(new StageInput<>(inputs, parameters, 0, Device.CPU), workspace);
    }
}
