package io.millrace.tensors.checkpoint;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * How a folder names what lies in the body of its model, which is all of it but the head: behind {@code model.}, or, as
 * models are saved that have no head (transformers' AutoModel), without that. A folder names all of it one way.
 *
 * @param bare without
 */
record BodyNames(boolean bare) {
    private static final String BODY = "model.";
    private static final List<String> PARTS = List.of("embed_tokens.", "layers.", "norm.");

    /** @param stored the names of the text model's tensors */
    static BodyNames of(List<String> stored) throws MalformedFileException {
        Optional<String> bare = first(stored, BodyNames::isBare);
        Optional<String> whole = first(stored, name -> name.startsWith(BODY));
        if (bare.isPresent() && whole.isPresent()) {
            throw new MalformedFileException(
                    SafetensorsFolder.SINGLE,
                    -1,
                    "tensor '" + bare.get() + "' is named without the prefix '" + BODY + "' and '" + whole.get()
                            + "' with it, expected all of a folder one way; save the model again with save_pretrained");
        }
        return new BodyNames(bare.isPresent());
    }

    private static Optional<String> first(List<String> names, Predicate<String> kind) {
        return names.stream()
                .filter(name -> !Architecture.derived(name))
                .filter(kind)
                .findFirst();
    }

    private static boolean isBare(String name) {
        return PARTS.stream().anyMatch(name::startsWith);
    }

    /** What the architecture calls a stored tensor. */
    String modelName(String stored) {
        return bare && isBare(stored) ? BODY + stored : stored;
    }

    /** What the folder calls a tensor or module of the architecture. */
    String ownName(String name) {
        return bare && name.startsWith(BODY) ? name.substring(BODY.length()) : name;
    }
}
