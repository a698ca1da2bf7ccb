package io.millrace.tensors.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.tensors.DType;
import io.millrace.tensors.Progress;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.DenseWriter;
import io.millrace.tensors.format.safetensors.SafetensorsReader;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Folders in compressed-tensors form, and damage to them. */
final class CompressedFolders {
    static final String QUERY = "model.layers.0.self_attn.q_proj";

    private CompressedFolders() {}

    /** Its digest, taken while it was written, is that of the file. */
    static Path compress(Path folder, Path source, CompressedScheme scheme, int threads) throws Exception {
        Path target = folder.resolve(scheme + "-" + threads);
        Map<Path, byte[]> digests = new HashMap<>();
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            CompressedTensorsWriter.plan(checkpoint, scheme)
                    .write(target, threads, Progress.NONE, Optional.of(digests::put));
        }
        Path file = target.resolve("model.safetensors");
        assertThat(digests).containsOnlyKeys(file);
        assertThat(digests.get(file))
                .isEqualTo(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
        return target;
    }

    /** Overwrites bytes of a stored tensor. */
    static void patch(Path model, String tensor, long offset, byte... bytes) throws IOException {
        Path file = model.resolve("model.safetensors");
        long position = Files.size(file) + offset;
        try (SafetensorsReader reader = SafetensorsReader.open(file)) {
            List<TensorSpec> tensors = reader.tensors();
            for (int i = tensors.size() - 1; i >= 0; i--) {
                position -= tensors.get(i).byteSize();
                if (tensors.get(i).name().equals(tensor)) {
                    break;
                }
            }
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(bytes), position);
        }
    }

    static float[] floats(WeightSource source, String name, Shape shape) throws IOException {
        float[] floats = new float[Math.toIntExact(shape.elements())];
        source.read(name, 0, shape.rows(), MemorySegment.ofArray(floats));
        return floats;
    }

    /** The compressed model as our reader sees it, in F32. */
    static Path dense(Path compressed, Path target) throws IOException {
        try (CompressedTensorsReader reader = CompressedTensorsReader.open(compressed)) {
            List<TensorSpec> tensors = reader.tensors().stream()
                    .map(tensor -> TensorSpec.plain(tensor.name(), DType.F32, tensor.shape()))
                    .toList();
            try (DenseWriter writer =
                    DenseWriter.original(target, reader.config().json(), tensors)) {
                for (TensorSpec tensor : tensors) {
                    float[] floats = new float[Math.toIntExact(tensor.shape().elements())];
                    reader.read(tensor.name(), 0, tensor.shape().rows(), MemorySegment.ofArray(floats));
                    writer.appendFloats(tensor.name(), MemorySegment.ofArray(floats));
                }
                writer.finish();
            }
        }
        return target;
    }
}
