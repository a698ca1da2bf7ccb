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
import io.millrace.tensors.format.gguf.GgufReader;
import io.millrace.worker.KafkaSettings;
import io.millrace.worker.Stages;
import io.millrace.worker.WorkerSettings;
import io.millrace.worker.commit.JobProtocol;
import io.millrace.worker.commit.Reports;
import io.millrace.worker.commit.RunningJob;
import io.millrace.worker.commit.StageRun;
import java.io.IOException;
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
import org.junit.jupiter.api.Test;

/** What compress makes: the bytes that a worker commits, and what it says of them. */
final class CompressCommandTest extends CompressFixture {
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
