package io.millrace.events;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** When a GGUF model goes on in another file, as llama.cpp's {@code gguf-split} decides it. */
public sealed interface GgufPartLimit {
    String SIZE = "split-max-size";
    String TENSORS = "split-max-tensors";

    /** Before the tensors of a file would have more bytes; a larger tensor has a file of its own. */
    record Size(long bytes) implements GgufPartLimit {
        private static final Pattern FORM = Pattern.compile("(\\d{1,9})([MG]?)");

        public Size {
            if (bytes < 1) {
                throw new IllegalArgumentException("'" + SIZE + "' is " + bytes + " but must be at least 1 byte");
            }
        }

        /** Reads {@code 4G}, {@code 500M} or bytes; M and G are powers of ten, as for {@code gguf-split}. */
        public static Size parse(String text) {
            Matcher matcher = FORM.matcher(text);
            if (!matcher.matches()) {
                throw new IllegalArgumentException(
                        "'" + SIZE + "' is '" + text + "' but must be a size such as 4G or 500M");
            }
            long unit = switch (matcher.group(2)) {
                case "M" -> 1_000_000;
                case "G" -> 1_000_000_000;
                default -> 1;
            };
            return new Size(Long.parseLong(matcher.group(1)) * unit);
        }

        @Override
        public String toString() {
            if (bytes % 1_000_000_000 == 0) {
                return bytes / 1_000_000_000 + "G";
            }
            return bytes % 1_000_000 == 0 ? bytes / 1_000_000 + "M" : Long.toString(bytes);
        }
    }

    /** After so many tensors. */
    record Tensors(int most) implements GgufPartLimit {
        public Tensors {
            if (most < 1) {
                throw new IllegalArgumentException("'" + TENSORS + "' is " + most + " but must be at least 1");
            }
        }

        @Override
        public String toString() {
            return most + " tensors";
        }
    }
}
