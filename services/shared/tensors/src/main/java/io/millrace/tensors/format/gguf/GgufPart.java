package io.millrace.tensors.format.gguf;

import io.millrace.tensors.MalformedFileException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * One mapped file of a model, its header checked by itself.
 *
 * @param file its name, for messages
 * @param dataOffset first byte of the data section, from which the offsets of tensors count
 */
record GgufPart(String file, MemorySegment bytes, GgufHeader header, long dataOffset) {
    static GgufPart over(String file, MemorySegment bytes) throws MalformedFileException {
        MemorySegment readOnly = bytes.asReadOnly();
        GgufHeaderDecoder.Decoded decoded = GgufHeaderDecoder.decode(file, readOnly);
        return new GgufPart(file, readOnly, decoded.header(), decoded.dataOffset());
    }

    static GgufPart map(Path file, Arena arena) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return over(
                    String.valueOf(file.getFileName()),
                    channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
        } catch (InternalError fault) {
            throw MalformedFileException.changed(String.valueOf(file.getFileName()), fault);
        }
    }

    MemorySegment rows(GgufTensor tensor, long from, long to) {
        long rowBytes = tensor.layout().rowBytes(tensor.shape().rowLength());
        return bytes.asSlice(dataOffset + tensor.offset() + from * rowBytes, (to - from) * rowBytes);
    }

    MalformedFileException problem(String what) {
        return new MalformedFileException(file, -1, what);
    }
}
