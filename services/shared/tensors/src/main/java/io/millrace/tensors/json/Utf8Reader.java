package io.millrace.tensors.json;

import java.io.IOException;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The characters of a file, of which only some are held at a time. Bytes that are no UTF-8 are refused with their place. */
final class Utf8Reader extends Reader {
    private static final int BUFFER_BYTES = 1 << 16;

    private final String file;
    private final FileChannel channel;
    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    private final ByteBuffer bytes = ByteBuffer.allocate(BUFFER_BYTES).flip();
    /** Where the buffer begins. */
    private long start;

    private boolean ended;

    private Utf8Reader(String file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    static Utf8Reader of(Path file) throws IOException {
        return new Utf8Reader(String.valueOf(file.getFileName()), FileChannel.open(file, StandardOpenOption.READ));
    }

    @Override
    public int read(char[] target, int offset, int length) throws IOException {
        if (length < 2) {
            throw new IllegalArgumentException("room for " + length + " characters, and a letter may take 2");
        }
        CharBuffer chars = CharBuffer.wrap(target, offset, length);
        while (true) {
            CoderResult result = decoder.decode(bytes, chars, ended);
            if (result.isError()) {
                // The decoder leaves the buffer at the first byte it could not take.
                throw StrictJson.notUtf8(file, start + bytes.position());
            }
            if (chars.position() > 0) {
                return chars.position();
            }
            if (ended) {
                return -1;
            }
            fill();
        }
    }

    private void fill() throws IOException {
        start += bytes.position();
        bytes.compact();
        ended = channel.read(bytes) < 0;
        bytes.flip();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
