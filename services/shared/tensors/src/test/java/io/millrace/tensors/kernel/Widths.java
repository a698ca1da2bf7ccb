package io.millrace.tensors.kernel;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.function.Supplier;

/** Runs a computation with the kernels compiled for another vector width: its classes are loaded anew. */
public final class Widths {
    public static final List<Integer> BITS = List.of(128, 256, 512);

    private static final String PROPERTY = "millrace.vector-bits";

    private Widths() {}

    /** What {@code probe}, which has a public constructor without parameters, supplies at this width. */
    public static byte[] at(int bits, Class<? extends Supplier<byte[]>> probe) {
        System.setProperty(PROPERTY, Integer.toString(bits));
        try {
            Object supplier = new Anew()
                    .loadClass(probe.getName())
                    .getDeclaredConstructor()
                    .newInstance();
            return (byte[]) ((Supplier<?>) supplier).get();
        } catch (ReflectiveOperationException failure) {
            throw new IllegalStateException(probe + " could not run at " + bits + " bits", failure);
        } finally {
            System.clearProperty(PROPERTY);
        }
    }

    private static final class Anew extends ClassLoader {
        Anew() {
            super(Widths.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                if (loaded != null) {
                    return loaded;
                }
                if (!name.startsWith("io.millrace.")) {
                    return super.loadClass(name, resolve);
                }
                try (InputStream bytes = getResourceAsStream(name.replace('.', '/') + ".class")) {
                    byte[] content = bytes.readAllBytes();
                    return defineClass(name, content, 0, content.length);
                } catch (IOException failure) {
                    throw new UncheckedIOException(failure);
                }
            }
        }
    }
}
