package io.millrace.models;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AttentionMaskTest {
    /** A window of 0 is none. */
    @ParameterizedTest
    @CsvSource({
        "0,0,1", "0,0,2", "0,0,9", "0,7,5", "0,7,1", "3,0,9", "3,7,5", "3,7,1", "3,2,1", "3,3,1", "9,0,9", "1,0,4"
    })
    void eachQuerySeesWhatTheRuleSays(int window, int past, int length) {
        try (NDManager scope = TensorRuntime.start().scope()) {
            NDArray mask =
                    AttentionMask.of(scope, window == 0 ? OptionalInt.empty() : OptionalInt.of(window), past, length);

            float[] expected = new float[length * (past + length)];
            boolean hides = false;
            for (int i = 0; i < expected.length; i++) {
                int position = past + i / (past + length);
                int other = i % (past + length);
                boolean visible = other <= position && (window == 0 || position - other < window);
                expected[i] = visible ? 0 : Float.NEGATIVE_INFINITY;
                hides |= !visible;
            }
            if (mask == null) {
                assertThat(hides).isFalse();
            } else {
                assertThat(mask.getShape()).isEqualTo(new Shape(length, past + length));
                assertThat(mask.toFloatArray()).isEqualTo(expected);
            }
        }
    }

    @Test
    void itIsMadeInTheEngineAndNotOnTheHeap() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (NDManager scope = TensorRuntime.start().scope()) {
            long before = threads.getCurrentThreadAllocatedBytes();

            NDArray mask = AttentionMask.of(scope, OptionalInt.of(100), 0, 2048);

            assertThat(threads.getCurrentThreadAllocatedBytes() - before)
                    .as("of a mask of 16 MiB")
                    .isLessThan(1 << 20);
            assertThat(mask).isNotNull();
            assertThat(scope.getManagedArrays())
                    .as("what it was made of is gone")
                    .hasSize(1);
        }
    }
}
