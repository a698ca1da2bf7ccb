package io.millrace.tensors.format.gguf;

import io.millrace.tensors.GgufType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;

/** The types that the tensors of a model got, as one line: {@code attn_v Q6_K*4 Q4_K*2 Q6_K; ffn_down …}. */
final class MixtureTable {
    static final Pattern ATTENTION_OF_EARLY_LAYERS = Pattern.compile("blk\\.[0-5]\\.attn_(v|qkv)");

    /** What is asked beside a file type. */
    enum Wish {
        NOTHING,
        IMPORTANCE,
        PURE,
        PURE_OUTPUT_Q8,
        OUTPUT_Q8,
        EMBEDDING_Q8,
        EARLY_VALUES_Q8
    }

    private MixtureTable() {}

    /** Wishes that meet the same rules in every model are tried with a few. */
    static List<Wish> wishes(String model, GgufFileType type) {
        if (type.plain()) {
            return List.of(Wish.NOTHING, Wish.OUTPUT_Q8, Wish.EMBEDDING_Q8);
        }
        if (type.needsImportance()) {
            return List.of(Wish.IMPORTANCE);
        }
        return List.of("llama", "llama-tied", "llama-rows-320-352", "phi3").contains(model)
                ? List.of(Wish.values())
                : List.of(Wish.NOTHING, Wish.IMPORTANCE);
    }

    static GgufOptions options(GgufFileType type, Wish wish) {
        GgufOptions options = GgufOptions.of(type);
        return switch (wish) {
            case NOTHING, IMPORTANCE -> options;
            case PURE -> options.withPure();
            case PURE_OUTPUT_Q8 -> options.withPure().withOutput(GgufType.Q8_0);
            case OUTPUT_Q8 -> options.withOutput(GgufType.Q8_0);
            case EMBEDDING_Q8 -> options.withEmbedding(GgufType.Q8_0);
            case EARLY_VALUES_Q8 ->
                options.withOverrides(List.of(new GgufOptions.TensorType(ATTENTION_OF_EARLY_LAYERS, GgufType.Q8_0)));
        };
    }

    /** Tensors of one dimension are left out: they are always F32. */
    static String line(ModelOutline model, Function<String, String> typeOf) {
        Map<String, List<String>> runs = new TreeMap<>();
        for (ModelOutline.Tensor tensor : model.tensors()) {
            if (tensor.shape().rank() > 1) {
                String kind = tensor.name().replaceAll("^blk\\.\\d+\\.|\\.weight$", "");
                extend(runs.computeIfAbsent(kind, _ -> new ArrayList<>()), typeOf.apply(tensor.name()));
            }
        }
        List<String> kinds = new ArrayList<>();
        runs.forEach((kind, types) -> kinds.add(kind + " " + String.join(" ", types)));
        return String.join("; ", kinds);
    }

    private static void extend(List<String> runs, String type) {
        String last = runs.isEmpty() ? "" : runs.getLast();
        String[] parts = last.split("\\*");
        if (parts[0].equals(type)) {
            int count = parts.length > 1 ? Integer.parseInt(parts[1]) : 1;
            runs.set(runs.size() - 1, type + "*" + (count + 1));
        } else {
            runs.add(type);
        }
    }
}
