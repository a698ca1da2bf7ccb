package io.millrace.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.lang.foreign.Linker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Of what a thread freed, glibc keeps whatever lies below something that is still in use. */
class NativeHeapTest {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final int TENSORS = 2000;
    private static final int FLOATS = 16 << 10; // 64 KiB: small enough for an arena
    private static final long FREED = (long) TENSORS * FLOATS * Float.BYTES;

    @BeforeAll
    static void needsGlibc() {
        assumeThat(STATUS).exists();
        assumeThat(Linker.nativeLinker().defaultLookup().find("malloc_trim")).isPresent();
    }

    @Test
    void aModelThatIsClosedGivesBackWhatWasFreed() throws Exception {
        CausalLanguageModel model = CausalLanguageModel.random(TestModels.llama(), 1);

        assertGivesBack(model);
    }

    @Test
    void aTokenizerThatIsClosedGivesBackWhatWasFreed(@TempDir Path folder) throws Exception {
        assertGivesBack(Tokenizer.open(TestModels.tokenizer(folder, true)));
    }

    private static void assertGivesBack(AutoCloseable closed) throws Exception {
        TensorRuntime runtime = TensorRuntime.start();
        try (NDManager kept = runtime.scope()) {
            try (NDManager freed = runtime.scope()) {
                for (int i = 0; i < TENSORS; i++) {
                    freed.ones(new Shape(FLOATS));
                }
                kept.ones(new Shape(FLOATS));
            }
            long before = resident();

            closed.close();

            assertThat(before - resident()).isGreaterThan(FREED / 2);
        }
    }

    private static long resident() throws IOException {
        try (Stream<String> lines = Files.lines(STATUS)) {
            String line =
                    lines.filter(text -> text.startsWith("VmRSS:")).findFirst().orElseThrow();
            return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
        }
    }
}
