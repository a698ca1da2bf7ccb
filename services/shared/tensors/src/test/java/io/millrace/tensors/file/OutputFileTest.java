package io.millrace.tensors.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputFileTest {
    private static final int BYTES = 3 << 20;

    @TempDir
    Path folder;

    @Test
    void digestIsThatOfTheFileInWhateverOrderItsPiecesCome() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 20; round++) {
            Path file = folder.resolve("file-" + round);
            byte[] content = new byte[BYTES];
            random.nextBytes(content);

            byte[] digest = written(file, content, pieces(random));

            assertThat(Files.readAllBytes(file)).isEqualTo(content);
            assertThat(digest).isEqualTo(MessageDigest.getInstance("SHA-256").digest(content));
        }
    }

    private static byte[] written(Path file, byte[] content, List<int[]> pieces) throws IOException {
        try (OutputFile output = OutputFile.create(file, true)) {
            for (int[] piece : pieces) {
                output.write(ByteBuffer.wrap(content, piece[0], piece[1] - piece[0]), piece[0]);
            }
            return output.finish().orElseThrow();
        }
    }

    /** Begin and end of each, in a random order. */
    private static List<int[]> pieces(Random random) {
        List<int[]> pieces = new ArrayList<>();
        for (int begin = 0; begin < BYTES; ) {
            int end = Math.min(BYTES, begin + 1 + random.nextInt(BYTES / 8));
            pieces.add(new int[] {begin, end});
            begin = end;
        }
        Collections.shuffle(pieces, random);
        return pieces;
    }

    @Test
    void undigestedFileHasNoDigest() throws IOException {
        try (OutputFile output = OutputFile.create(folder.resolve("file"), false)) {
            output.append(ByteBuffer.wrap(new byte[] {1, 2}));
            output.append(ByteBuffer.wrap(new byte[] {3}));
            assertThat(output.finish()).isEmpty();
        }

        assertThat(Files.readAllBytes(folder.resolve("file"))).containsExactly(1, 2, 3);
    }

    @Test
    void gapIsNamed() throws IOException {
        try (OutputFile output = OutputFile.create(folder.resolve("file"), true)) {
            output.write(ByteBuffer.allocate(10), 0);
            output.write(ByteBuffer.allocate(10), 12);

            assertThatThrownBy(output::finish)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("bytes 10 to 12 were not written");
        }
    }

    @Test
    void pieceThatComesTwiceIsNamed() throws IOException {
        try (OutputFile output = OutputFile.create(folder.resolve("file"), true)) {
            output.write(ByteBuffer.allocate(10), 0);

            assertThatThrownBy(() -> output.write(ByteBuffer.allocate(4), 8))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("byte 8 was written twice");
        }
    }
}
