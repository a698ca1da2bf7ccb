package io.millrace.models.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.models.CausalLanguageModel;
import io.millrace.models.Deviation;
import io.millrace.models.GoldenLogits;
import io.millrace.models.TestModels;
import io.millrace.models.TinyModel;
import io.millrace.models.Tokenizer;
import io.millrace.models.speed.SpeedPlan;
import io.millrace.models.speed.SpeedReport;
import io.millrace.tensors.Progress;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.format.gguf.GgufCompressor;
import io.millrace.tensors.format.gguf.GgufFileType;
import io.millrace.tensors.format.gguf.GgufOptions;
import io.millrace.tensors.format.gguf.GgufPlan;
import io.millrace.tensors.format.gguf.GgufSplit;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** llama.cpp as a judge of our GGUF files and our forward pass, and the manners of the process that calls it. */
class LlamaTest {
    private static final int[] TOKENS = GoldenLogits.TOKENS;
    /** Of the deviation of the logits; llama.cpp in F32 is within 1e-5 of a correct pass. */
    private static final double TOLERANCE = 1e-3;

    /**
     * What only the newer library judges: b4916 does not know qwen3, qwen3moe and smollm3, aborts on a gemma2 of a size
     * that was not published, has one rotary base for gemma3, and wants a window of phi3.
     */
    private static final Set<String> SINCE_B4916 = Set.of("qwen3", "qwen3moe", "smollm3", "gemma2", "gemma3", "phi3");

    private static final LlamaProcess LLAMA = new LlamaProcess(Duration.ofSeconds(60));

    @TempDir
    Path folder;

    @BeforeAll
    static void skipWhereThereIsNoLibrary() throws IOException {
        LlamaPresence.require();
    }

    static Stream<TinyModel> models() {
        return TinyModel.all();
    }

    @ParameterizedTest
    @MethodSource("models")
    void ourLogitsAreThoseOfLlamaCpp(TinyModel model) throws Exception {
        skipWhatTheLibraryDoesNotKnow(model);
        Path gguf = gguf(model.weights(), GgufFileType.F32);

        float[][] theirs = LLAMA.logits(gguf, TOKENS, 1, true);

        GoldenLogits.write(model, theirs);
        assertThat(Deviation.of(ours(model.weights()), theirs)).isLessThan(TOLERANCE);
    }

    @Test
    void aModelInSeveralFilesIsTheSameModel() throws Exception {
        Path single = gguf(TestModels.weights(TestModels.llama(), 21), GgufFileType.F32);
        float[][] whole = LLAMA.logits(single, TOKENS, 1, true);
        Path file = folder.resolve("parts.gguf");
        Path first;

        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            GgufPlan plan = GgufCompressor.plan(
                    checkpoint,
                    GgufOptions.of(GgufFileType.F32).withSplit(new GgufSplit.AtTensors(5)),
                    Optional.empty());
            plan.write(file, 1, Progress.NONE);
            assertThat(plan.files(file)).hasSizeGreaterThan(2);
            first = plan.files(file).getFirst();
        }

        assertThat(LLAMA.logits(first, TOKENS, 1, true)).isDeepEqualTo(whole);
    }

    private static void skipWhatTheLibraryDoesNotKnow(TinyModel model) throws IOException {
        String architecture = model.config().architecture().ggufName();
        if (LlamaLibrary.open().build() == LlamaBuild.B4916 && SINCE_B4916.contains(architecture)) {
            String reason = "skipped: " + LlamaBuild.B4916.description + " cannot judge a tiny " + architecture
                    + "; set " + LlamaLibrary.PATH_SETTING + " to " + LlamaBuild.V0_5_0.description;
            System.out.println(reason);
            Assumptions.abort(reason);
        }
    }

    @Test
    void aForgottenPermutationAndAWrongRotaryBaseAreSeen() throws Exception {
        TestModels.Weights weights = TestModels.weights(TestModels.llama(), 21);
        float[][] theirs = LLAMA.logits(gguf(weights, GgufFileType.F32), TOKENS, 1, true);

        TestModels.Weights permuted = weights.with(
                "model.layers.1.self_attn.q_proj.weight",
                interleaved(weights.of("model.layers.1.self_attn.q_proj.weight"), 4, 4, 16));
        TestModels.Weights otherBase = new TestModels.Weights(
                TestModels.config(
                        "LlamaForCausalLM", "llama", "\"tie_word_embeddings\": true, \"rope_theta\": 11000.0"),
                weights.values());

        assertThat(Deviation.of(ours(permuted), theirs)).isGreaterThan(TOLERANCE);
        assertThat(Deviation.of(ours(otherBase), theirs)).isGreaterThan(TOLERANCE);
    }

    @Test
    void aQuantizedFileIsNearAndNotEqual() throws Exception {
        TestModels.Weights weights = TestModels.weights(TestModels.config("LlamaForCausalLM", "llama", """
                        "tie_word_embeddings": true, "hidden_size": 32, "intermediate_size": 64
                        """), 21);
        float[][] theirs = LLAMA.logits(gguf(weights, GgufFileType.Q8_0), TOKENS, 1, true);

        assertThat(Deviation.of(ours(weights), theirs)).isBetween(TOLERANCE, 0.5);
    }

    @Test
    void bothTokenizersAgree() throws Exception {
        Path gguf = gguf(TestModels.weights(TestModels.llama(), 21), GgufFileType.F32);
        String text = "the other mill: naïve 水";

        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            assertThat(LLAMA.tokenize(gguf, text, false)).isEqualTo(tokenizer.encode(text));
            assertThat(LLAMA.tokenize(gguf, text, true)[0])
                    .isEqualTo(tokenizer.beginToken().orElseThrow());
        }
    }

    @Test
    void speedComesInPairs() throws Exception {
        Path gguf = gguf(TestModels.weights(TestModels.llama(), 21), GgufFileType.F32);

        List<String> told = new ArrayList<>();

        SpeedReport report = LLAMA.speed(
                gguf, gguf, new SpeedPlan(1, 16, 4, 3), (done, total, what) -> told.add(what + ", of " + total));

        assertThat(told).as("the child speaks at once").startsWith("original loaded, of 160");

        assertThat(report.runtime()).startsWith("llama.cpp");
        assertThat(report.original()).hasSize(3);
        assertThat(report.candidateGeneration().lowest()).isPositive();
    }

    /** What is told of either tells them apart: exchanged, a better candidate would count as a worse one. */
    @Test
    void speedIsThatOfTheOriginalFirstAndOfTheCandidateSecond() throws Exception {
        Path gguf = gguf(TestModels.weights(TestModels.llama(), 21), GgufFileType.F32);
        Path none = gguf.resolveSibling("none.gguf");
        List<String> told = new ArrayList<>();

        assertThatThrownBy(() ->
                        LLAMA.speed(gguf, none, new SpeedPlan(1, 16, 4, 1), (done, total, what) -> told.add(what)))
                .isInstanceOf(LlamaFailedException.class)
                .hasMessageContaining("none.gguf");
        assertThat(told).containsExactly("original loaded");
        told.clear();
        assertThatThrownBy(() ->
                        LLAMA.speed(none, gguf, new SpeedPlan(1, 16, 4, 1), (done, total, what) -> told.add(what)))
                .isInstanceOf(LlamaFailedException.class)
                .hasMessageContaining("none.gguf");
        assertThat(told).isEmpty();
    }

    @Test
    void aFileThatIsNoGgufIsRefusedByName() throws Exception {
        Path file = Files.writeString(folder.resolve("broken.gguf"), "GGUF and nothing behind it");

        assertThatThrownBy(() -> LLAMA.logits(file, TOKENS, 1, true))
                .isInstanceOf(LlamaFailedException.class)
                .hasMessageContaining("broken.gguf")
                .hasMessageContaining("cannot load this file");
    }

    @Test
    void anAbortOfTheLibraryIsAnErrorAndNotOurEnd() throws Exception {
        Path gguf = gguf(TestModels.weights(TestModels.llama(), 21), GgufFileType.F32);
        byte[] bytes = Files.readAllBytes(gguf);
        // A model without layers: the library asserts instead of refusing.
        byte[] key = "llama.block_count".getBytes(StandardCharsets.US_ASCII);
        int valueAfterType = indexOf(bytes, key) + key.length + Integer.BYTES;
        bytes[valueAfterType] = 0;
        Files.write(gguf, bytes);

        assertThatThrownBy(() -> LLAMA.logits(gguf, TOKENS, 1, true))
                .isInstanceOf(LlamaFailedException.class)
                .hasMessageContaining("aborted")
                .hasMessageContaining("exit code 134")
                .as("the source line of the assertion; which file it is in depends on the build")
                .hasMessageMatching(".*llama-[a-z]+\\.cpp:[0-9]+.*");
    }

    @Test
    void noAnswerInTimeIsAnError() throws Exception {
        Path gguf = gguf(TestModels.weights(TestModels.llama(), 21), GgufFileType.F32);

        assertThatThrownBy(() -> new LlamaProcess(Duration.ofMillis(20)).logits(gguf, TOKENS, 1, true))
                .isInstanceOf(LlamaFailedException.class)
                .hasMessageContaining("no answer within PT0.02S, asked for 'logits ");
    }

    @Test
    void anUnknownLibraryIsRefusedBeforeItIsCalled() throws Exception {
        Path gguf = gguf(TestModels.weights(TestModels.llama(), 21), GgufFileType.F32);
        Path notLlama = Files.writeString(folder.resolve("libllama.so"), "no library");
        System.setProperty(LlamaLibrary.PATH_SETTING, notLlama.toString());
        try {
            assertThatThrownBy(() -> LLAMA.logits(gguf, TOKENS, 1, true))
                    .isInstanceOf(LlamaUnusableException.class)
                    .hasMessageContaining("libllama.so: cannot be loaded: ")
                    .as("the loader's own words")
                    .hasMessageContaining("file too short");
        } finally {
            System.clearProperty(LlamaLibrary.PATH_SETTING);
        }
    }

    @Test
    void aJavaThatWasRemovedMeanwhileIsNamedWithItsRemedy() {
        String java = System.getProperty("java.home");
        System.setProperty("java.home", folder.resolve("removed").toString());
        try {
            assertThatThrownBy(LLAMA::runtime)
                    .isInstanceOf(LlamaUnusableException.class)
                    .hasMessageStartingWith(folder.resolve("removed/bin/java") + ": cannot be started")
                    .hasMessageContaining("start this process again")
                    .hasMessageNotContaining("\n");
        } finally {
            System.setProperty("java.home", java);
        }
    }

    @Test
    void itSaysWhichBuildItIs() throws Exception {
        assertThat(LLAMA.runtime()).contains("llama.cpp");
    }

    @Test
    void theLibraryIsUnpackedIntoOurTemporaryFolder() throws Exception {
        Assumptions.assumeTrue(System.getenv(LlamaLibrary.PATH_SETTING) == null, "nothing is unpacked");
        Path gguf = gguf(TestModels.weights(TestModels.llama(), 21), GgufFileType.F32);
        String ours = System.getProperty("java.io.tmpdir");
        System.setProperty("java.io.tmpdir", folder.resolve("absent").toString());
        try {
            // This process has looked its own up before; the child finds none.
            assertThatThrownBy(() -> LLAMA.logits(gguf, TOKENS, 1, true))
                    .isInstanceOf(LlamaUnusableException.class)
                    .hasMessageContaining("unpacked into the temporary folder " + folder.resolve("absent"));
        } finally {
            System.setProperty("java.io.tmpdir", ours);
        }
    }

    private static float[][] ours(TestModels.Weights weights) throws IOException {
        try (CausalLanguageModel model = CausalLanguageModel.load(weights)) {
            return model.logits(TOKENS);
        }
    }

    private Path gguf(TestModels.Weights weights, GgufFileType type) throws IOException, InterruptedException {
        TestModels.folder(folder, weights);
        Path file = folder.resolve("model.gguf");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            GgufCompressor.plan(checkpoint, type).write(file, 1, Progress.NONE);
        }
        return file;
    }

    /** The row order of GGUF: halves of each head interleaved. */
    private static float[] interleaved(float[] rows, int heads, int size, int rowLength) {
        float[] out = new float[rows.length];
        for (int h = 0; h < heads; h++) {
            for (int i = 0; i < size; i++) {
                int from = h * size + i;
                int to = h * size + (i % (size / 2)) * 2 + i / (size / 2);
                System.arraycopy(rows, from * rowLength, out, to * rowLength, rowLength);
            }
        }
        return out;
    }

    private static int indexOf(byte[] bytes, byte[] wanted) {
        for (int i = 0; i + wanted.length <= bytes.length; i++) {
            if (java.util.Arrays.equals(bytes, i, i + wanted.length, wanted, 0, wanted.length)) {
                return i;
            }
        }
        throw new IllegalStateException("the key is not in the file");
    }
}
