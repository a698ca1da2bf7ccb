package io.millrace.models;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import io.millrace.tensors.Shape;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Between the engine's memory and ours, in blocks of rows: the engine shows less than 2 GiB at a time. */
public final class EngineTensors {
    private static final long BLOCK_BYTES = 256L << 20;

    private EngineTensors() {}

    /** What is done with the bytes of rows [from, to) of an F32 tensor, in native byte order. */
    @FunctionalInterface
    public interface Rows<E extends Exception> {
        void use(long from, long to, MemorySegment bytes) throws E;
    }

    public static Shape shape(NDArray tensor) {
        return new Shape(Arrays.stream(tensor.getShape().getShape()).boxed().toList());
    }

    static ai.djl.ndarray.types.Shape shape(Shape shape) {
        return new ai.djl.ndarray.types.Shape(shape.extents());
    }

    /** Shows all rows of a contiguous tensor, block by block. */
    public static <E extends Exception> void read(NDArray tensor, Rows<E> rows) throws E {
        read(tensor, 0, shape(tensor).rows(), rows);
    }

    static <E extends Exception> void read(NDArray tensor, long from, long to, Rows<E> rows) throws E {
        try (NDManager work = tensor.getManager().newSubManager()) {
            show(host(tensor, work), from, to, rows);
        }
    }

    /** Lets {@code rows} fill a contiguous tensor, block by block. */
    public static <E extends Exception> void write(NDArray tensor, Rows<E> rows) throws E {
        try (NDManager work = tensor.getManager().newSubManager()) {
            NDArray host = host(tensor, work);
            show(host, 0, shape(tensor).rows(), rows);
            if (!inMainMemory(tensor)) {
                host.copyTo(tensor);
            }
        }
    }

    /** The tensor itself where it lies in main memory, else a copy there. */
    private static NDArray host(NDArray tensor, NDManager work) {
        if (inMainMemory(tensor)) {
            return tensor;
        }
        NDArray host = tensor.toDevice(Device.cpu(), true);
        host.attach(work);
        return host;
    }

    private static boolean inMainMemory(NDArray tensor) {
        return Device.cpu().equals(tensor.getDevice());
    }

    private static <E extends Exception> void show(NDArray host, long from, long to, Rows<E> rows) throws E {
        Shape shape = shape(host);
        if (shape.elements() == 0) {
            return;
        }
        long step = Math.max(1, BLOCK_BYTES / (shape.rowLength() * Float.BYTES));
        for (long block = from; block < to; block += step) {
            long end = Math.min(to, block + step);
            try (NDManager views = host.getManager().newSubManager()) {
                NDArray flat = host.reshape(shape.rows(), shape.rowLength());
                flat.attach(views);
                NDArray part = flat.get(new NDIndex().addSliceDim(block, end));
                part.attach(views);
                rows.use(block, end, MemorySegment.ofBuffer(part.toByteBuffer(true)));
            }
        }
    }
}
