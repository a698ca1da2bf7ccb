package io.millrace.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The command 'compress' on a small model of chance weights. */
abstract class CompressFixture {
    @TempDir
    static Path shared;

    static Path model = Path.of("");

    @TempDir
    Path folder;

    @BeforeAll
    static void writeAModel() throws IOException {
        model = RandomModel.write(shared.resolve("model"));
    }

    Said compress(String... options) {
        return Said.to(
                Stream.concat(Stream.of("compress", model.toString(), "-o", out().toString()), Stream.of(options))
                        .toArray(String[]::new));
    }

    Said compressOther(Path checkpoint) {
        return Said.to("compress", checkpoint.toString(), "--to", "gguf:Q8_0", "-o", out().toString());
    }

    Path out() {
        return folder.resolve("out");
    }

    /** The older form: entries; per entry name, calls, count and sums of squares. */
    Path importances(String tensor, int columns) throws IOException {
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
}
