package io.millrace.tensors.format.gguf;

import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;

/**
 * A GGUF model that is decided to its last byte's position before the first is written: metadata, tensors, their types
 * and offsets.
 */
public final class GgufPlan {
    private final Checkpoint checkpoint;
    private final GgufHeader header;
    private final List<Part> parts;
    private final List<String> lost;

    /** One file of it. */
    record Part(GgufHeader header, List<PlannedTensor> tensors) {
        Part {
            tensors = List.copyOf(tensors);
        }

        /** Lays tensors out one after the other. */
        static Part of(Map<String, GgufValue> metadata, List<PlannedTensor> tensors) {
            GgufHeader header = GgufHeader.laidOut(
                    metadata, tensors.stream().map(PlannedTensor::target).toList());
            List<PlannedTensor> placed = new ArrayList<>();
            for (int i = 0; i < tensors.size(); i++) {
                placed.add(tensors.get(i).at(header.tensors().get(i)));
            }
            return new Part(header, placed);
        }
    }

    private GgufPlan(Checkpoint checkpoint, GgufHeader header, List<Part> parts, List<String> lost) {
        this.checkpoint = checkpoint;
        this.header = header;
        this.parts = List.copyOf(parts);
        this.lost = List.copyOf(lost);
    }

    /** Of one file, or of as many as the rule cuts. */
    static GgufPlan of(
            Checkpoint checkpoint,
            Map<String, GgufValue> metadata,
            List<PlannedTensor> tensors,
            Optional<GgufSplit> split,
            List<String> lost) {
        Part whole = Part.of(metadata, tensors);
        List<List<PlannedTensor>> cut = split.map(rule -> rule.cut(tensors)).orElse(List.of(tensors));
        if (cut.size() == 1) {
            return new GgufPlan(checkpoint, whole.header(), List.of(whole), lost);
        }
        List<Part> parts = new ArrayList<>();
        for (int number = 0; number < cut.size(); number++) {
            Map<String, GgufValue> keys = number == 0 ? new LinkedHashMap<>(metadata) : new LinkedHashMap<>();
            keys.putAll(GgufParts.keys(number, cut.size(), tensors.size()));
            parts.add(Part.of(keys, cut.get(number)));
        }
        return new GgufPlan(checkpoint, whole.header(), parts, lost);
    }

    /** What the file will start with, or would if the model were in one; the list of tensors says which gets which type. */
    public GgufHeader header() {
        return header;
    }

    /** What the file cannot say of the model; whoever runs it has to know. */
    public List<String> lost() {
        return lost;
    }

    /** Size of the finished file, or of all parts. */
    public long fileBytes() {
        return parts.stream()
                .mapToLong(part ->
                        GgufHeaderEncoder.size(part.header()) + part.header().dataBytes())
                .sum();
    }

    /** The files that {@link #write} makes of this one: it, or its parts beside it. */
    public List<Path> files(Path file) {
        if (parts.size() == 1) {
            return List.of(file);
        }
        GgufPartName first = GgufPartName.first(String.valueOf(file.getFileName()), parts.size());
        return IntStream.rangeClosed(1, parts.size())
                .mapToObj(number -> file.resolveSibling(first.withNumber(number).toString()))
                .toList();
    }

    /**
     * Writes the file, or {@link #files its parts}: under temporary names beside it, forced to disk, then renamed, the
     * first part last. If this fails nothing is left behind. The bytes do not depend on {@code threads}, each of which
     * holds a row block of about 3 MiB.
     *
     * @return one report per tensor that comes from the checkpoint, in the order of the file; experts of a layer share one
     */
    public List<TensorReport> write(Path file, int threads, Progress progress)
            throws IOException, InterruptedException {
        return write(file, threads, progress, Optional.empty());
    }

    /**
     * The same, and computes the digests beside it.
     *
     * @param digests takes the SHA-256 of each finished file
     */
    public List<TensorReport> write(
            Path file, int threads, Progress progress, Optional<BiConsumer<Path, byte[]>> digests)
            throws IOException, InterruptedException {
        try (GgufFileWriter writer = new GgufFileWriter(files(file), threads, digests)) {
            return writer.write(parts, checkpoint, progress);
        }
    }
}
