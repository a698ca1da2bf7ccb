package io.millrace.models;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.GradientCollector;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The tensor engine of this process, and the one place that knows where it bites:
 *
 * <ul>
 *   <li>libgomp spins by default against the very thread that it waits for: {@code GOMP_SPINCOUNT=0} is set before the
 *       library loads (2 threads on a shared 2-core machine: 247 → 1787 tokens/s).
 *   <li>Engine and tokenizer would call home and download: both are switched off.
 *   <li>The engine turns gradients off only in the thread that loaded it; any other thread would record a graph and
 *       keep its memory. {@link #scope()} turns them off for the calling thread, so all work starts with a scope.
 *   <li>One gradient collector may exist per process: {@link #withGradients} holds a lock.
 *   <li>Operations with Java numbers leave the graph pointing to freed memory: {@link #scalar}.
 *   <li>BFLOAT16, INT16, UINT16 and UINT32 kill the JVM in native code: {@link #allocate} refuses them.
 * </ul>
 *
 * Settings, environment variables or system properties of the same name: {@code MILLRACE_TENSOR_THREADS} (default 1) and
 * {@code MILLRACE_TENSOR_DEVICE}: {@code cpu} (default) or {@code cuda}, which needs CUDA natives on the class path and
 * has not been run on a GPU yet.
 */
public final class TensorRuntime {
    private static final Set<DataType> SAFE_TYPES = EnumSet.of(
            DataType.FLOAT32, DataType.FLOAT16, DataType.INT64, DataType.INT32, DataType.UINT8, DataType.BOOLEAN);
    private static final ReentrantLock GRADIENTS = new ReentrantLock();
    private static final String THREADS = "MILLRACE_TENSOR_THREADS";

    private static @Nullable TensorRuntime started;

    private final Device device;
    private final int threads;

    private TensorRuntime(Device device, int threads) {
        this.device = device;
        this.threads = threads;
    }

    /** Loads the engine at the first call (seconds; the first time on a machine it unpacks 430 MB of natives). */
    public static synchronized TensorRuntime start() {
        TensorRuntime ready = started;
        if (ready == null) {
            ready = load();
            started = ready;
        }
        return ready;
    }

    /** What results computed here depend on besides their inputs, e.g. {@code PyTorch 2.7.1 cpu}. */
    public String description() {
        Engine engine = Engine.getInstance();
        return engine.getEngineName() + " " + engine.getVersion() + " " + device.getDeviceType();
    }

    /** Bytes that tensors may still take: of main memory. What a GPU has is not asked, so there it is without end. */
    public long availableMemory() {
        return device.isGpu() ? Long.MAX_VALUE : AvailableMemory.bytes();
    }

    /** How many threads an operation takes if no setting says it; counts for an engine that is not loaded yet. */
    public static void takeThreads(int threads) {
        System.setProperty(THREADS, setting(THREADS, Integer.toString(threads)));
    }

    /** Threads of one operation; several operations of this process do not run at once. */
    public int threads() {
        return threads;
    }

    /**
     * A fresh scope for tensors, freed when closed; from now on the calling thread records no gradients, so open it
     * before {@link #withGradients} and not inside.
     */
    public NDManager scope() {
        JniUtils.setGradMode(false);
        return NDManager.newBaseManager(device);
    }

    /** An uninitialised tensor; refuses the element types that abort the process in native code. */
    public static NDArray allocate(NDManager scope, DataType type, Shape shape) {
        requireSafe(type);
        return scope.create(shape, type);
    }

    static void requireSafe(DataType type) {
        if (!SAFE_TYPES.contains(type)) {
            throw new IllegalArgumentException(
                    "the tensor engine aborts the process on " + type + " tensors; widen to FLOAT32 first");
        }
    }

    /**
     * A number as a tensor that owns its memory. Wherever gradients are recorded use this instead of the engine's
     * operations on Java numbers: those wrap a Java buffer and let it go at once, while the graph still points to it, and
     * a garbage collection before the backward pass then spoils gradients silently.
     */
    public static NDArray scalar(NDManager scope, double value) {
        return scope.full(new Shape(), (float) value, DataType.FLOAT32);
    }

    /** What is done while gradients are recorded. */
    @FunctionalInterface
    public interface Recorded<E extends Exception> {
        void with(GradientCollector collector) throws E;
    }

    /** Runs {@code body} with gradients recorded; waits for any other thread of this process that does the same. */
    public <E extends Exception> void withGradients(Recorded<E> body) throws E {
        GRADIENTS.lock();
        try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
            body.with(collector);
        } finally {
            GRADIENTS.unlock();
            JniUtils.setGradMode(false);
        }
    }

    /** Adds to all gradients what follows from that of {@code target}; called while gradients are recorded. */
    public static void backward(NDArray target, NDArray gradient) {
        JniUtils.backward((PtNDArray) target, (PtNDArray) gradient, false, false);
    }

    /** Forgets the accumulated gradient of a weight. */
    public static void zeroGradient(NDArray weight) {
        JniUtils.zeroGrad((PtNDArray) weight);
    }

    static String setting(String name, String otherwise) {
        String property = System.getProperty(name);
        if (property != null) {
            return property;
        }
        String variable = System.getenv(name);
        return variable == null ? otherwise : variable;
    }

    private static TensorRuntime load() {
        int threads = parseThreads(setting(THREADS, "1"));
        String wanted = setting("MILLRACE_TENSOR_DEVICE", "cpu");
        setEnvironment("GOMP_SPINCOUNT", "0");
        stayOffline();
        System.setProperty("ai.djl.pytorch.num_threads", Integer.toString(threads));
        System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
        // In a thread of its own: the engine changes the gradient mode of the thread that loads it.
        CompletableFuture<Engine> engine = new CompletableFuture<>();
        Thread.ofPlatform().name("tensor-engine-load").daemon().start(() -> {
            try {
                engine.complete(Engine.getInstance());
            } catch (Throwable problem) {
                engine.completeExceptionally(problem);
            }
        });
        try {
            return new TensorRuntime(device(wanted, engine.join()), threads);
        } catch (CompletionException problem) {
            throw new IllegalStateException(
                    "the tensor engine does not start: " + problem.getCause()
                            + "; is its native library in the class path"
                            + " and is the cache folder (DJL_CACHE_DIR) writable?",
                    problem.getCause());
        }
    }

    /** Neither the engine nor the tokenizer may reach out: no download, no telemetry. */
    static void stayOffline() {
        System.setProperty("DJL_OFFLINE", "true");
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("OPT_OUT_TRACKING", "true");
    }

    static int parseThreads(String text) {
        if (!text.matches("[1-9][0-9]{0,3}")) {
            throw new IllegalArgumentException(
                    "MILLRACE_TENSOR_THREADS is '" + text + "'; expected a whole number of threads from 1 to 9999");
        }
        return Integer.parseInt(text);
    }

    private static Device device(String wanted, Engine engine) {
        return switch (wanted) {
            case "cpu" -> Device.cpu();
            case "cuda" -> {
                if (engine.getGpuCount() == 0) {
                    throw new IllegalStateException("MILLRACE_TENSOR_DEVICE is 'cuda' but " + engine
                            + " sees no GPU; put the CUDA natives on the class path or use 'cpu'");
                }
                yield Device.gpu();
            }
            default ->
                throw new IllegalArgumentException(
                        "MILLRACE_TENSOR_DEVICE is '" + wanted + "'; expected 'cpu' or 'cuda'");
        };
    }

    /** A variable of this process's native environment, unless it is set already: libgomp reads it when it loads. */
    private static void setEnvironment(String name, String value) {
        Linker linker = Linker.nativeLinker();
        linker.defaultLookup().find("setenv").ifPresent(address -> {
            var setenv = linker.downcallHandle(
                    address,
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
            try (Arena arena = Arena.ofConfined()) {
                int answer = (int) setenv.invokeExact(arena.allocateFrom(name), arena.allocateFrom(value), 0);
                if (answer != 0) {
                    throw new IllegalStateException("setenv(" + name + ") answered " + answer);
                }
            } catch (RuntimeException | Error problem) {
                throw problem;
            } catch (Throwable problem) {
                throw new IllegalStateException("cannot set " + name, problem);
            }
        });
    }
}
