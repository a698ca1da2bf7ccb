package io.millrace.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TensorRuntimeTest {
    @ParameterizedTest
    @EnumSource(names = {"BFLOAT16", "INT16", "UINT16", "UINT32", "UINT64"})
    void typesThatWouldEndTheProcessAreRefused(DataType type) {
        try (NDManager scope = TensorRuntime.start().scope()) {
            assertThatThrownBy(() -> TensorRuntime.allocate(scope, type, new Shape(1)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(type.toString());
        }
    }

    @Test
    void aScopeTurnsGradientsOffInItsThread() {
        TensorRuntime runtime = TensorRuntime.start();
        CompletableFuture<boolean[]> modes = new CompletableFuture<>();

        Thread.ofPlatform().start(() -> {
            boolean before = JniUtils.isGradMode();
            try (NDManager scope = runtime.scope()) {
                modes.complete(new boolean[] {before, JniUtils.isGradMode() && scope.isOpen()});
            }
        });

        assertThat(modes.join()).containsExactly(true, false);
    }

    @Test
    void twoThreadsRecordGradientsOneAfterTheOther() throws InterruptedException {
        TensorRuntime runtime = TensorRuntime.start();
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Runnable work = () -> {
            for (int i = 0; i < 20; i++) {
                runtime.withGradients(collector -> {
                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                    Thread.onSpinWait();
                    inside.decrementAndGet();
                });
            }
        };

        Thread one = Thread.ofPlatform().start(work);
        Thread two = Thread.ofPlatform().start(work);
        one.join();
        two.join();

        assertThat(most).hasValue(1);
        assertThat(inside).hasValue(0);
    }

    @Test
    @ResourceLock(Resources.SYSTEM_PROPERTIES)
    void aCommandsNumberOfThreadsGivesWayToWhatIsSet() {
        String name = "MILLRACE_TENSOR_THREADS";
        assumeThat(System.getenv(name)).isNull();
        String before = System.getProperty(name);
        try {
            System.clearProperty(name);
            TensorRuntime.takeThreads(3);
            assertThat(System.getProperty(name)).isEqualTo("3");
            TensorRuntime.takeThreads(5);
            assertThat(System.getProperty(name)).isEqualTo("3");
        } finally {
            System.clearProperty(name);
            if (before != null) {
                System.setProperty(name, before);
            }
        }
    }

    @Test
    void threadsMustBeAPositiveNumber() {
        assertThatThrownBy(() -> TensorRuntime.parseThreads("0"))
                .hasMessageContaining("MILLRACE_TENSOR_THREADS is '0'");
        assertThatThrownBy(() -> TensorRuntime.parseThreads("many")).hasMessageContaining("'many'");
    }
}
