package io.millrace.tensors.format.gguf;

import io.millrace.tensors.GgufType;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a GGUF file shall be like.
 *
 * @param pure every matrix of the file type's base type, embedding and head too, unless said otherwise below
 * @param embedding type of the token embedding
 * @param output type of the head; in a file of blocks also of an embedding that serves as head and that no override covers
 * @param overrides types of other tensors, in a file of blocks; the first whose pattern is found in the name counts
 * @param split when the model goes on in another file; empty for one file
 */
public record GgufOptions(
        GgufFileType fileType,
        boolean pure,
        Optional<GgufType> embedding,
        Optional<GgufType> output,
        List<TensorType> overrides,
        Optional<GgufSplit> split) {

    /** Tensors whose GGUF name the pattern is found in get the type, if their rows are whole blocks of it. */
    public record TensorType(Pattern pattern, GgufType type) {
        boolean covers(String name) {
            return pattern.matcher(name).find();
        }
    }

    public GgufOptions {
        overrides = List.copyOf(overrides);
        if (fileType.plain() && !overrides.isEmpty()) {
            throw new IllegalArgumentException(fileType + " files hold all matrices in one type, but "
                    + overrides.size() + " tensors' types are given; choose a file type of blocks");
        }
    }

    /** A file type's own mixture. */
    public static GgufOptions of(GgufFileType fileType) {
        return new GgufOptions(fileType, false, Optional.empty(), Optional.empty(), List.of(), Optional.empty());
    }

    public GgufOptions withPure() {
        return new GgufOptions(fileType, true, embedding, output, overrides, split);
    }

    public GgufOptions withEmbedding(GgufType type) {
        return new GgufOptions(fileType, pure, Optional.of(type), output, overrides, split);
    }

    public GgufOptions withOutput(GgufType type) {
        return new GgufOptions(fileType, pure, embedding, Optional.of(type), overrides, split);
    }

    public GgufOptions withOverrides(List<TensorType> wanted) {
        return new GgufOptions(fileType, pure, embedding, output, wanted, split);
    }

    public GgufOptions withSplit(GgufSplit wanted) {
        return new GgufOptions(fileType, pure, embedding, output, overrides, Optional.of(wanted));
    }
}
