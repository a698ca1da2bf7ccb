package io.millrace.tensors;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Locale;

/**
 * A file of a checkpoint is not what its format demands. The message names the file, what was found, what was expected
 * and the remedy; {@link #offset()} is the byte where it was noticed, or -1 where no single byte is to blame.
 */
public final class MalformedFileException extends IOException {
    /** What is wrong, as far as it changes what to do about it. */
    public enum Kind {
        MALFORMED_CHECKPOINT,
        UNKNOWN_ARCHITECTURE,
        CHECKPOINT_CHANGED,
        ALREADY_QUANTIZED,
        MADE_BY_MILLRACE,
        NOT_FINITE,
        /** The file is sound, but its tensors have shapes that the wanted format cannot hold. */
        UNSUITABLE_SHAPE,
        /** The file is sound, but the wanted format has no way to say what it holds; another format may. */
        UNSUPPORTED,
        /** An importance matrix of another model. */
        UNSUITABLE_IMPORTANCE,
        /** The file is sound, but a pattern that shall choose among its tensors or modules is found in none of them. */
        UNMATCHED_PATTERN;

        /** Spelled as in events and messages: {@code already-quantized}. */
        public String code() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    private final Kind kind;
    private final String file;
    private final long offset;

    public MalformedFileException(Path file, long offset, String problem) {
        this(String.valueOf(file.getFileName()), offset, problem);
    }

    public MalformedFileException(String file, long offset, String problem) {
        this(Kind.MALFORMED_CHECKPOINT, file, offset, problem);
    }

    public MalformedFileException(Kind kind, Path file, String problem) {
        this(kind, String.valueOf(file.getFileName()), -1, problem);
    }

    public MalformedFileException(Kind kind, String file, String problem) {
        this(kind, file, -1, problem);
    }

    private MalformedFileException(Kind kind, String file, long offset, String problem) {
        super(onOneLine(file + ": " + problem));
        this.kind = kind;
        this.file = file;
        this.offset = offset;
    }

    /** With names from files escaped where they would end the line, turn its direction or command a terminal. */
    private static String onOneLine(String text) {
        StringBuilder line = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char letter = text.charAt(i);
            boolean unseen = switch (Character.getType(letter)) {
                case Character.CONTROL, Character.FORMAT, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR ->
                    true;
                default -> false;
            };
            line.append(unseen ? HexFormat.of().toHexDigits(letter).transform("\\u"::concat) : String.valueOf(letter));
        }
        return line.toString();
    }

    /**
     * What a fault says that was thrown while bytes of a mapped file were copied: the file has fewer bytes than when it
     * was opened, or its disk did not give them. Any other fault is thrown on.
     */
    public static MalformedFileException changed(String file, InternalError fault) {
        if (!String.valueOf(fault.getMessage()).contains("unsafe memory access")) {
            throw fault;
        }
        MalformedFileException changed = new MalformedFileException(
                Kind.CHECKPOINT_CHANGED,
                file,
                "changed while it was read: it has fewer bytes than when it was opened, or its disk does not give them;"
                        + " wait until whatever writes it is done, then begin again");
        changed.initCause(fault);
        return changed;
    }

    public Kind kind() {
        return kind;
    }

    public String file() {
        return file;
    }

    public long offset() {
        return offset;
    }
}
