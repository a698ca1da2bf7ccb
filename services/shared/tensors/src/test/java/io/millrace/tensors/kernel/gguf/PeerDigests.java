package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.GgufType;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/**
 * Digests of what llama.cpp makes of {@link Rows}, so that machines for which its library is not built can compare too.
 * Run, this prints the resource {@code peer-digests.txt}: a line per type and kind of importance, with the
 * kinds of rows that are left out because some of its blocks are not finite.
 */
final class PeerDigests {
    static final long SEED = 20261124;
    static final String PLAIN = "none";

    private PeerDigests() {}

    interface Quantizer {
        byte[] quantize(GgufType type, float[] rows, float[] importance) throws Throwable;
    }

    /** The kinds of importance by name; {@link #PLAIN} is an empty array. */
    static Map<String, float[]> importances() {
        Map<String, float[]> importances = new LinkedHashMap<>();
        importances.put(PLAIN, new float[0]);
        importances.putAll(Rows.importances(SEED));
        return importances;
    }

    static String digest(GgufType type, float[] importance, List<String> leftOut, Quantizer quantizer)
            throws Throwable {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (Map.Entry<String, float[]> kind : Rows.kinds(SEED, 2).entrySet()) {
            if (!leftOut.contains(kind.getKey())) {
                digest.update(quantizer.quantize(type, kind.getValue(), importance));
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    public static void main(String[] arguments) throws Throwable {
        PeerLibrary library = PeerLibrary.load().orElseThrow();
        StringJoiner lines = new StringJoiner("\n");
        for (GgufType type : GgufType.values()) {
            for (Map.Entry<String, float[]> importance : importances().entrySet()) {
                float[] columns = importance.getValue();
                Quantizer quantizer =
                        (of, rows, known) -> library.quantize(of, rows, Rows.LENGTH, known.length == 0 ? null : known);
                List<String> leftOut = new ArrayList<>();
                for (Map.Entry<String, float[]> kind : Rows.kinds(SEED, 2).entrySet()) {
                    if (!finite(type, quantizer.quantize(type, kind.getValue(), columns))) {
                        leftOut.add(kind.getKey());
                    }
                }
                lines.add(String.join(
                        "\t",
                        type.name(),
                        importance.getKey(),
                        digest(type, columns, leftOut, quantizer),
                        String.join(",", leftOut)));
            }
        }
        System.out.println(lines);
    }

    static boolean finite(GgufType type, byte[] blocks) {
        float[] values = new float[blocks.length / type.blockBytes() * type.blockElements()];
        BlockDequantizer.dequantize(type, blocks, 0, values.length, values, 0);
        for (float value : values) {
            if (!Float.isFinite(value)) {
                return false;
            }
        }
        return true;
    }
}
