package io.millrace.store;

import io.millrace.events.Digest;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Numbers that lost a bit on a disk are still numbers: by them a model would be published or refused. So a result ends
 * with the digest of what it is without it. It follows the writer, in whose name every version takes any text: an older
 * one reads a sealed result, and what an older one wrote has no seal and is taken as it is.
 *
 * <pre>
 * {…,"writer":"&lt;writer&gt;"}              what is sealed
 * {…,"writer":"&lt;writer&gt;.&lt;sha-256&gt;"}    what is written
 * </pre>
 */
final class Seal {
    private static final String END = "\"}\n";
    private static final int DIGITS = 64;
    private static final Pattern TAIL = Pattern.compile("\\.([0-9a-f]{" + DIGITS + "})" + Pattern.quote(END));
    private static final int TAIL_BYTES = 1 + DIGITS + END.length();

    private Seal() {}

    /** @param content a JSON object whose last field is a text */
    static byte[] put(byte[] content) {
        String json = new String(content, StandardCharsets.UTF_8);
        if (!json.endsWith(END)) {
            throw new IllegalArgumentException("expected a line of JSON whose last field is a text, found " + json);
        }
        return (json.substring(0, json.length() - END.length()) + "." + Digest.of(content) + END)
                .getBytes(StandardCharsets.UTF_8);
    }

    /**
     * What was sealed, or all of it if it has no seal.
     *
     * @throws DamagedFileException if it is not as it was sealed
     */
    static byte[] open(String where, byte[] content) throws DamagedFileException {
        int start = content.length - TAIL_BYTES;
        if (start < 0) {
            return content;
        }
        Matcher tail = TAIL.matcher(new String(content, start, TAIL_BYTES, StandardCharsets.ISO_8859_1));
        if (!tail.matches()) {
            return content;
        }
        byte[] sealed = Arrays.copyOf(content, start + END.length());
        System.arraycopy(END.getBytes(StandardCharsets.ISO_8859_1), 0, sealed, start, END.length());
        Digest found = Digest.of(sealed);
        if (!found.hex().equals(tail.group(1))) {
            throw new DamagedFileException(where + ": has the digest " + found + ", expected " + tail.group(1)
                    + ", with which it was written");
        }
        return sealed;
    }
}
