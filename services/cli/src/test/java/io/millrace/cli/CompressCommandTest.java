package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.events.ArtifactRef;
import io.millrace.events.CompressedModules;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Event;
import io.millrace.events.GgufPartLimit;
import io.millrace.events.GgufTensorTypes;
import io.millrace.events.GgufTensorTypes.PatternType;
import io.millrace.events.Job;
import io.millrace.events.Literature;
import io.millrace.events.ModelName;
import io.millrace.events.Parameters;
import io.millrace.events.Role;
import io.millrace.events.RunId;
import io.millrace.events.wire.Topics;
import io.millrace.quantizer.QuantizeStage;
import io.millrace.store.ClaimKeeper;
import io.millrace.store.MemoryStore;
import io.millrace.store.MonotonicTime;
import io.millrace.store.PartialFolder;
import io.millrace.tensors.format.gguf.GgufReader;
import io.millrace.worker.KafkaSettings;
import io.millrace.worker.Stages;
import io.millrace.worker.WorkerSettings;
import io.millrace.worker.commit.JobProtocol;
import io.millrace.worker.commit.Reports;
import io.millrace.worker.commit.RunningJob;
import io.millrace.worker.commit.StageRun;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class CompressCommandTest {
    @TempDir
    private static Path shared;

    private static Path model = Path.of("");

    @TempDir
    private Path folder;

    @BeforeAll
    static void writeAModel() throws IOException {
        model = RandomModel.write(shared.resolve("model"));
    }

    @Test
    void theFilesAreTheSameBytesThatAWorkerCommits() throws Exception {
        Said said = compress(
                "--to", "gguf:Q4_K_M", "--to", "compressed-tensors:W4A16", "--to", "onnx:int4", "--threads", "1");

        assertThat(said.exitCode()).as(said.err()).isZero();
        assertSameFiles(folder.resolve("out/gguf-Q4_K_M"), ofWorker(new Parameters.Gguf("Q4_K_M")));
        assertSameFiles(
                folder.resolve("out/compressed-tensors-W4A16"), ofWorker(new Parameters.CompressedTensors("W4A16")));
        assertSameFiles(folder.resolve("out/onnx-int4"), ofWorker(new Parameters.Onnx("int4")));
    }

    @Test
    void withTensorTypesPartsAndAnImportanceMatrixTooTheyAreTheSameBytes() throws Exception {
        Path matrix = importances("blk.0.attn_q.weight", 128);
        GgufTensorTypes types = new GgufTensorTypes(
                true, Optional.of("Q8_0"), Optional.of("Q5_1"), List.of(new PatternType("attn_[qk]", "Q4_1")));

        Said said = compress(
                "--to=gguf:Q4_0",
                "--pure",
                "--token-embedding-type=Q8_0",
                "--output-tensor-type=Q5_1",
                "--tensor-type=attn_[qk]=Q4_1",
                "--split-max-tensors=5",
                "--importance=" + matrix);

        assertThat(said.exitCode()).as(said.err()).isZero();
        Path made = folder.resolve("out/gguf-Q4_0");
        Parameters.Gguf asked = new Parameters.Gguf("Q4_0", types, Optional.of(new GgufPartLimit.Tensors(5)));
        assertSameFiles(made, ofWorker(asked, Optional.of(matrix)));
        assertThat(said.out()).contains("out/gguf-Q4_0/model-Q4_0-00001-of-0000");
        assertThat(types(made))
                .containsEntry("model.embed_tokens.weight", "Q8_0")
                .containsEntry("model.layers.0.self_attn.q_proj.weight", "Q4_1")
                .containsEntry("model.layers.0.self_attn.v_proj.weight", "Q4_0");
    }

    @Test
    void modulesWithOtherSchemesAreTheSameBytesAndMergedOnesMustBeAlike() throws Exception {
        Said said = compress("--to=compressed-tensors:W4A16", "--module-scheme=down_proj=W8A16", "--ignore=o_proj");

        assertThat(said.exitCode()).as(said.err()).isZero();
        Path made = folder.resolve("out/compressed-tensors-W4A16");
        CompressedModules modules = new CompressedModules(
                List.of(new CompressedModules.PatternScheme("down_proj", "W8A16")), List.of("o_proj"));
        assertSameFiles(made, ofWorker(new Parameters.CompressedTensors("W4A16", modules, Optional.empty())));
        assertThat(types(made))
                .containsEntry("model.layers.0.mlp.down_proj.weight", "W8A16")
                .containsEntry("model.layers.0.mlp.up_proj.weight", "W4A16")
                .containsEntry("model.layers.0.self_attn.o_proj.weight", "BF16");
        Said torn = compress("--to=compressed-tensors:W8A16", "--ignore=k_proj");
        assertThat(torn.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(torn.err()).contains("'ignore' k_proj leaves dense the second");
        Said slip = compress("--to=gguf:Q4_0", "--tensor-type=atn_v=Q8_0");
        assertThat(slip.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(slip.err())
                .contains("'tensor-type' atn_v is found in none of the model's")
                .contains("near it are 'blk.0.attn_v.weight'");
        assertThat(compress("--to=compressed-tensors:W8A16", "--module-scheme=a=W9")
                        .err())
                .contains("unknown compressed-tensors scheme 'W9'");
    }

    @Test
    void aFolderInShardsIsTheSameBytesToo() throws Exception {
        Said said = compress("--to=compressed-tensors:W8A16", "--split-max-size=200000");

        assertThat(said.exitCode()).as(said.err()).isZero();
        Path made = folder.resolve("out/compressed-tensors-W8A16");
        assertSameFiles(
                made,
                ofWorker(new Parameters.CompressedTensors(
                        "W8A16", CompressedModules.ALIKE, Optional.of(new GgufPartLimit.Size(200_000)))));
        assertThat(names(made)).contains("model.safetensors.index.json", "model-00002-of-00003.safetensors");
        assertThat(Said.to("inspect", made.toString()).out()).contains("361,088 parameters");
    }

    @Test
    void schemesOfTheLiteratureTakeTheirOptionsAndAreTheSameBytes() throws Exception {
        Said said = compress(
                "--to=literature:uniform",
                "--to=literature:ternary",
                "--bits=4",
                "--levels=20",
                "--threshold=0.5",
                "--input-bits=8");

        assertThat(said.exitCode()).as(said.err()).isZero();
        Optional<Literature.Inputs> inputs = Optional.of(new Literature.Inputs(8, OptionalDouble.empty()));
        Path uniform = folder.resolve("out/literature-uniform");
        assertSameFiles(uniform, ofWorker(new Literature.Uniform(4, OptionalDouble.of(20), inputs)));
        assertThat(names(uniform)).contains("model.safetensors", "codes/model.safetensors");
        assertThat(folder.resolve("out/literature-ternary/config.json"))
                .content()
                .contains("\"threshold\": 0.5", "\"inputs\": {");
        assertThat(compress("--to=literature:uniform", "--bits=9").err()).contains("'bits' is 9.0");
        assertThat(compressOther(uniform).err()).contains("'literature_scheme'", "already quantized");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            gguf:Q8_0                | --bits=4                | --bits is for literature:uniform, which no --to asks for
            literature:binary        | --levels=4              | --levels is for literature:uniform, which no --to asks for
            literature:uniform       | --threshold=0.5         | --threshold is for literature:ternary, which no --to asks for
            gguf:Q8_0                | --input-bits=8          | --input-bits is for literature, which no --to asks for
            gguf:Q8_0                | --ignore=o_proj         | --ignore is for compressed-tensors, which no --to asks for
            onnx:int4                | --module-scheme=q=W8A16 | --module-scheme is for compressed-tensors, which no --to asks for
            compressed-tensors:W8A16 | --pure                  | --pure is for gguf, which no --to asks for
            compressed-tensors:W8A16 | --split-max-tensors=5   | --split-max-tensors is for gguf, which no --to asks for
            onnx:int4                | --split-max-size=4G     | --split-max-size is for gguf or compressed-tensors, which no
            onnx:int4                | --tensor-type=q=Q8_0    | --tensor-type is for gguf, which no --to asks for
            gguf:Q8_0                | --length=64             | --length says how to measure, but there is no --evaluate
            gguf:Q8_0                | --sequences=70          | --sequences says how to measure, but there is no --evaluate
            """)
    void anOptionThatWouldChangeNothingIsAUsageError(String target, String option, String message) {
        Said said = compress("--to=" + target, option);

        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.USAGE);
        assertThat(said.err()).contains(message).contains("; leave it out");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void anOptionThatOneOfTheTargetsTakesIsTaken() {
        Said said = compress("--to=gguf:Q8_0", "--to=literature:uniform", "--bits=4", "--pure");

        assertThat(said.exitCode()).as(said.err()).isZero();
    }

    @Test
    void whatATargetCannotBeIsAUsageError() {
        assertThat(compress("--to", "gguf:Q2_K_S")).satisfies(said -> {
            assertThat(said.exitCode()).isEqualTo(ExitCode.USAGE);
            assertThat(said.err()).contains("gguf:Q2_K_S is too coarse without an importance matrix");
        });
        assertThat(compress("--to", "gguf:F16", "--tensor-type", "attn_v=Q8_0")).satisfies(said -> {
            assertThat(said.exitCode()).isEqualTo(ExitCode.USAGE);
            assertThat(said.err()).contains("F16 files hold all matrices in one type");
        });
        assertThat(compress("--to", "gguf:Q8_0", "--output-tensor-type", "Q9").err())
                .contains("unknown tensor type 'Q9'");
        assertThat(compress("--to", "gguf:Q8_0", "--split-max-size", "4T").err())
                .contains("must be a size such as 4G");
        assertThat(compress("--to", "gguf:Q8_0", "--split-max-tensors", "0").err())
                .contains("must be at least 1");
        assertThat(compress("--to", "gguf:Q8_0", "--tensor-type", "attn_v").err())
                .contains("'attn_v' is not PATTERN=TYPE");
    }

    @Test
    void besideEachTargetLiesAPictureAndTheTableSaysWhatWasMade() {
        Said said = compress("--to", "gguf:q8_0", "--to", "gguf:F16");

        assertThat(said.exitCode()).as(said.err()).isZero();
        assertThat(folder.resolve("out/gguf-Q8_0.svg"))
                .content()
                .startsWith("<svg")
                .contains("mlp.down_proj.weight");
        assertThat(said.out().lines().toList()).hasSize(3);
        assertThat(said.out()).contains("BITS/WEIGHT").containsPattern("gguf:Q8_0 .* 8\\.5\\d\\d .*model-Q8_0.gguf");
        assertThat(folder.resolve("out")).isDirectoryNotContaining("glob:**/.*");
    }

    @Test
    void anImportanceMatrixChangesWhatItKnowsAndIsNamedInTheFile() throws Exception {
        Path matrix = importances("blk.0.attn_q.weight", 128);

        Said plain = compress("--to", "gguf:IQ4_NL");
        Said weighed = Said.to(
                "compress",
                model.toString(),
                "-o",
                folder.resolve("weighed").toString(),
                "--to",
                "gguf:IQ4_NL",
                "--importance",
                matrix.toString());

        assertThat(plain.exitCode()).as(plain.err()).isZero();
        assertThat(weighed.exitCode()).as(weighed.err()).isZero();
        try (GgufReader with = GgufReader.open(folder.resolve("weighed/gguf-IQ4_NL/model-IQ4_NL.gguf"))) {
            assertThat(with.header().metadata()).containsKey("quantize.imatrix.file");
        }
        assertThat(folder.resolve("weighed/gguf-IQ4_NL/tensor-report.json"))
                .content()
                .isNotEqualTo(Files.readString(folder.resolve("out/gguf-IQ4_NL/tensor-report.json")));
    }

    @Test
    void anImportanceMatrixOfAnotherModelIsRefused() throws IOException {
        Path matrix = importances("blk.0.attn_q.weight", 64);

        Said said = compress("--to", "gguf:IQ4_NL", "--importance", matrix.toString());

        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.REFUSED);
        assertThat(said.err()).contains("blk.0.attn_q.weight", "64", "128");
        assertThat(compress("--to", "gguf:IQ4_NL", "--importance", "nowhere.dat")
                        .exitCode())
                .isEqualTo(ExitCode.NOT_FOUND);
    }

    /** The older form: entries; per entry name, calls, count and sums of squares. */
    private Path importances(String tensor, int columns) throws IOException {
        byte[] name = tensor.getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(16 + name.length + Float.BYTES * columns)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(1)
                .putInt(name.length)
                .put(name)
                .putInt(1)
                .putInt(columns);
        for (int column = 0; column < columns; column++) {
            bytes.putFloat(column % 7 == 0 ? 100 : 1);
        }
        return Files.write(folder.resolve("imatrix.dat"), bytes.array());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --length 64     | has 1110 bytes, too few for the 133 windows of 64 tokens
            --length 256    | --length is 256, expected 4 to 128, the model's longest context
            --sequences 5   | --sequences is 5, expected 66 or more: so many windows of 128 tokens
            """)
    void whatCannotBeMeasuredIsSaidBeforeAnyWork(String options, String message) throws IOException {
        Path text = Files.writeString(folder.resolve("text"), "The mill turns while the water runs. ".repeat(30));

        Said said = compress(Stream.concat(
                        Stream.of("--to", "gguf:Q8_0", "--evaluate", text.toString()),
                        Stream.of(options.split(" ", -1)))
                .toArray(String[]::new));

        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.USAGE);
        assertThat(said.err()).contains(message);
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void measuredQualityStandsInTheDocument() throws IOException {
        Path text = Files.writeString(folder.resolve("text"), "The mill turns while the water runs. ".repeat(300));

        Said said = compress("--to", "gguf:Q8_0", "--evaluate", text.toString(), "--threads", "1", "--output", "json");

        assertThat(said.exitCode()).as(said.err()).isZero();
        JsonNode quality = new ObjectMapper().readTree(said.out()).at("/made/0/quality");
        assertThat(quality.path("perplexity").asDouble()).isPositive();
        assertThat(quality.path("kl-divergence").asDouble()).isBetween(0.0, 0.1);
        assertThat(quality.path("same-top-token").asDouble()).isBetween(0.8, 1.0);
        assertThat(folder.resolve("out/gguf-Q8_0.quality.json")).content().contains("perplexity");
    }

    /** Of many a model the GGUF file is all that there is. */
    @Test
    void aFolderThatDequantizeMadeIsMeasuredAgainstAndCalledSo() throws IOException {
        Path text = Files.writeString(folder.resolve("text"), "The mill turns while the water runs. ".repeat(300));
        Path dense = folder.resolve("dense");
        assertThat(compress("--to", "gguf:Q8_0").err()).doesNotContain("was made by");
        Said made = Said.to(
                "dequantize", folder.resolve("out/gguf-Q8_0/model-Q8_0.gguf").toString(), "-o", dense.toString());
        assertThat(made.exitCode()).as(made.err()).isZero();

        Said said = Said.to(
                "compress",
                dense.toString(),
                "--to",
                "gguf:Q4_0",
                "--evaluate",
                text.toString(),
                "--threads",
                "1",
                "-o",
                folder.resolve("again").toString(),
                "--output",
                "json");

        assertThat(said.exitCode()).as(said.err()).isZero();
        assertThat(said.err()).contains(dense + " was made by 'dequantize'");
        assertThat(new ObjectMapper()
                        .readTree(said.out())
                        .at("/made/0/quality/perplexity")
                        .asDouble())
                .isPositive();
    }

    @Test
    void anUnknownTargetIsAUsageErrorThatListsAllAndNamesTheNearest() {
        Said said = compress("--to", "gguf:q4km");

        assertThat(said.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(said.err())
                .contains("unknown target 'gguf:q4km', did you mean 'gguf:Q4_K_M'?")
                .contains("W8A16");
        assertThat(compress("--to", "W4A16").err()).contains("did you mean 'compressed-tensors:W4A16'?");
    }

    @Test
    void anOutputThatExistsIsRefusedBeforeAnyWork() throws IOException {
        Files.createDirectories(folder.resolve("out/gguf-Q8_0"));

        Said said = compress("--to", "gguf:F16", "--to", "gguf:Q8_0");

        assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(said.err()).contains("gguf-Q8_0 exists");
        assertThat(folder.resolve("out/gguf-F16")).doesNotExist();
    }

    @Test
    void whatIsNoCheckpointIsRefusedWithTheReason() throws IOException {
        Path file = Files.writeString(folder.resolve("model.gguf"), "GGUF");
        Path empty = Files.createDirectories(folder.resolve("empty"));

        assertThat(compressOther(folder.resolve("nowhere"))).satisfies(said -> {
            assertThat(said.exitCode()).isEqualTo(ExitCode.NOT_FOUND);
            assertThat(said.err()).contains("there is no folder").doesNotContain("hf download");
        });
        assertThat(compressOther(Path.of("Nobody", "SmallModel")).err())
                .contains("hf download Nobody/SmallModel --local-dir FOLDER");
        assertThat(compressOther(file)).satisfies(said -> {
            assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
            assertThat(said.err()).contains("is a file").contains("millrace dequantize");
        });
        assertThat(compressOther(empty)).satisfies(said -> {
            assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
            assertThat(said.err()).contains("has no config.json");
        });
    }

    @Test
    void aLoraAdapterIsCalledSoAndRemarkedBesideAModel() throws IOException {
        Path trained = Files.createDirectory(folder.resolve("checkpoint-20"));
        Files.writeString(trained.resolve("adapter_config.json"), "{}");
        Path both = RandomModel.write(folder.resolve("both"));
        Files.writeString(both.resolve("adapter_model.safetensors"), "");

        assertThat(compressOther(trained)).satisfies(said -> {
            assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
            assertThat(said.err())
                    .contains("is a LoRA adapter (adapter_config.json)")
                    .contains("merge_and_unload()");
        });
        assertThat(compressOther(both)).satisfies(said -> {
            assertThat(said.exitCode()).as(said.err()).isZero();
            assertThat(said.err()).contains("a LoRA adapter lies beside the model (adapter_model.safetensors)");
        });
    }

    @Test
    void aQuantizedCheckpointIsRefusedByName() {
        assertThat(compress("--to", "compressed-tensors:W8A16").exitCode()).isZero();

        Said said = compressOther(folder.resolve("out/compressed-tensors-W8A16"));

        assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(said.err()).contains("already quantized");
    }

    @Test
    void aWeightThatIsNotANumberIsNamedAndNothingIsLeft() throws IOException {
        Path broken = RandomModel.write(folder.resolve("broken"), Float.NaN);

        Said said = compressOther(broken);

        assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(said.err()).contains("tensor 'model.layers.0.mlp.down_proj.weight' holds NaN in row 0, column 0");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void aWorkspaceThatAnotherProcessHoldsIsNotTouched() throws IOException {
        Path out = Files.createDirectory(folder.resolve("out"));
        try (PartialFolder held = PartialFolder.of(out.resolve("gguf-Q8_0")).orElseThrow()) {
            Said said = compress("--to", "gguf:Q8_0");

            assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
            assertThat(said.err()).contains("gguf-Q8_0").contains("wait for it");
            assertThat(held.files()).exists();
        }
    }

    @Test
    void whatAKilledProcessLeftIsNotInTheWay() throws IOException {
        Path left = Files.createDirectories(folder.resolve("out/.gguf-Q8_0.partial/files/output"));
        Files.writeString(left.resolve("model-Q8_0.gguf"), "half");

        Said said = compress("--to", "gguf:Q8_0");

        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.OK);
        assertThat(folder.resolve("out/.gguf-Q8_0.partial")).doesNotExist();
        assertThat(folder.resolve("out/gguf-Q8_0/model-Q8_0.gguf")).exists();
    }

    @Test
    void oneTargetThatDoesNotFitDoesNotStopTheOthers() throws IOException {
        Path large = RandomModel.write(folder.resolve("large"), 1e6f);

        Said said =
                Said.to("compress", large.toString(), "--to", "gguf:F16", "--to", "gguf:F32", "-o", out().toString());

        assertThat(said.exitCode()).isEqualTo(ExitCode.UNSUCCESSFUL);
        assertThat(said.err()).contains("gguf:F16: ").contains("too large for the half-precision numbers of F16");
        assertThat(folder.resolve("out/gguf-F16")).doesNotExist();
        assertThat(folder.resolve("out/gguf-F32/model-F32.gguf")).exists();
    }

    @Test
    void aTokenizerThatOneFormatCannotTakeDoesNotStopTheOthers() throws IOException {
        Path checkpoint = RandomModel.write(folder.resolve("checkpoint"));
        Files.writeString(checkpoint.resolve("tokenizer.json"), "{}");

        for (List<String> order : List.of(List.of("gguf:F32", "onnx:int8"), List.of("onnx:int8", "gguf:F32"))) {
            String out = folder.resolve(order.getFirst().replace(':', '-')).toString();
            Said said = Said.to(
                    "compress", checkpoint.toString(), "--to", order.getFirst(), "--to", order.getLast(), "-o", out);

            assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.UNSUCCESSFUL);
            assertThat(said.err()).contains("gguf:F32: ").contains("tokenizer.json");
            assertThat(Path.of(out, "onnx-int8/model.onnx")).exists();
            assertThat(Path.of(out, "gguf-F32")).doesNotExist();
        }
    }

    @Test
    void anInterruptLeavesNothing() {
        Thread.currentThread().interrupt();

        Said said = compress("--to", "gguf:Q4_K_M");

        assertThat(said.exitCode()).isEqualTo(ExitCode.INTERRUPTED);
        assertThat(said.err()).contains("stopped; nothing was left").doesNotContain("targets");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    private Path out() {
        return folder.resolve("out");
    }

    private Said compress(String... options) {
        return Said.to(
                Stream.concat(Stream.of("compress", model.toString(), "-o", out().toString()), Stream.of(options))
                        .toArray(String[]::new));
    }

    private Said compressOther(Path checkpoint) {
        return Said.to("compress", checkpoint.toString(), "--to", "gguf:Q8_0", "-o", out().toString());
    }

    /** The artifact of a job that ran under the worker's protocol. */
    private Path ofWorker(Parameters parameters) throws Exception {
        return ofWorker(parameters, Optional.empty());
    }

    private Path ofWorker(Parameters parameters, Optional<Path> importance) throws Exception {
        MemoryStore store = new MemoryStore();
        Map<Role, ArtifactRef> inputs = new EnumMap<>(Role.class);
        inputs.put(Role.MODEL, store.publishFolder(model, new TreeMap<>()));
        importance.ifPresent(matrix -> inputs.put(Role.IMPORTANCE, new StoredInputs(store).importance(matrix)));
        Job job = new Job(new ModelName("model"), new RunId(Digest.of("run")), 1, inputs, parameters, Device.CPU, 0);
        Reports reports = new Reports() {
            @Override
            public boolean publish(Event event) {
                return true;
            }

            @Override
            public void announce(Event event) {}
        };
        WorkerSettings settings = new WorkerSettings(
                "quantizer",
                new KafkaSettings("nowhere:1", Map.of(), Topics.DEFAULT),
                "memory:",
                List.of(Device.CPU),
                1,
                folder.resolve("work"),
                OptionalInt.empty(),
                WorkerSettings.Limits.DEFAULT);
        InstantSource clock = InstantSource.system();
        StageRun stageRun = new StageRun(
                new Stages(List.of(new QuantizeStage())),
                store,
                reports,
                _ -> false,
                settings,
                clock,
                System::nanoTime);
        new JobProtocol(
                        store,
                        new ClaimKeeper(store, MonotonicTime.SYSTEM),
                        reports,
                        _ -> false,
                        stageRun,
                        "worker",
                        clock)
                .run(new RunningJob(job, Duration.ofSeconds(10), System::nanoTime));
        Path copy = folder.resolve("worker-" + parameters.name());
        return store.checkOut(store.result(job.key()).orElseThrow().output(), copy);
    }

    /** Each tensor's type, as the report says. */
    private static Map<String, String> types(Path target) throws IOException {
        Map<String, String> types = new TreeMap<>();
        JsonNode report =
                new ObjectMapper().readTree(target.resolve("tensor-report.json").toFile());
        report.path("tensors")
                .forEach(tensor -> types.put(
                        tensor.path("name").asText(), tensor.path("type").asText()));
        return types;
    }

    private static void assertSameFiles(Path found, Path expected) throws IOException {
        assertThat(names(found)).isEqualTo(names(expected)).isNotEmpty();
        for (String name : names(expected)) {
            assertThat(Files.mismatch(found.resolve(name), expected.resolve(name)))
                    .as(name)
                    .isEqualTo(-1);
        }
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> folder.relativize(file).toString())
                    .sorted()
                    .toList();
        }
    }
}
