package io.millrace.tensors.format.gguf.tokenizer;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Kind;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Token;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * SentencePiece's {@code tokenizer.model}, a protocol buffer. Of {@code ModelProto}: field 1, repeated, is a piece (1
 * its text, 2 its score as F32, 3 its kind, 1 when absent); field 2 is how it was trained (3 the algorithm: 1 unigram,
 * which is the default, 2 BPE; 24 whether marks end words); field 3 is how a text is prepared (1 the name of its form, 2
 * the table of what is replaced, 3 whether a space is put before it, 4 whether spaces are removed, 5 whether a mark stands
 * for them, all three unless said otherwise). All else is skipped.
 */
final class SentencePieceFile {
    private static final long LIMIT_BYTES = 64L << 20;
    private static final int VARINT = 0;
    private static final int EIGHT_BYTES = 1;
    private static final int BYTES = 2;
    private static final int FOUR_BYTES = 5;
    private static final int UNIGRAM = 1;
    private static final int BPE = 2;

    private final String file;
    private final byte[] content;
    private int at;
    private boolean marksEndWords;
    private boolean marksSpaces = true;
    private TextPreparation preparation = TextPreparation.DEFAULT;

    /** What a file says. */
    record Content(List<Token> pieces, TextPreparation preparation) {}

    private SentencePieceFile(String file, byte[] content) {
        this.file = file;
        this.content = content;
    }

    static Content read(Path file) throws IOException {
        long size = Files.size(file);
        if (size > LIMIT_BYTES) {
            throw new MalformedFileException(
                    file, -1, "the file has " + size + " bytes, expected at most " + LIMIT_BYTES);
        }
        byte[] content = Files.readAllBytes(file);
        String name = String.valueOf(file.getFileName());
        if (ofTiktoken(content)) {
            throw TokenizerFiles.problem(
                    name,
                    "is a list of tiktoken, which names no special tokens, expected one of SentencePiece; put the"
                            + " model's tokenizer.json in its place");
        }
        return new SentencePieceFile(name, content).content();
    }

    /** Its lines are a token in base 64 and a number, and so Llama 3 of Meta's own folder has it under the same name. */
    private static boolean ofTiktoken(byte[] content) {
        String start = new String(content, 0, Math.min(content.length, 64), StandardCharsets.ISO_8859_1);
        return start.matches("(?s)[A-Za-z0-9+/]+=* \\d+\n.*");
    }

    private Content content() throws MalformedFileException {
        List<Token> pieces = new ArrayList<>();
        int algorithm = 0;
        while (at < content.length) {
            long tag = varint(content.length);
            if (tag == (1 << 3 | BYTES)) {
                int end = end(content.length);
                pieces.add(piece(end));
            } else if (tag == (2 << 3 | BYTES)) {
                algorithm = algorithm(end(content.length));
            } else if (tag == (3 << 3 | BYTES)) {
                preparation = preparation(end(content.length));
            } else {
                skip(tag, content.length);
            }
        }
        if (algorithm == 0) {
            throw problem("does not say how it was trained");
        }
        if (algorithm != BPE) {
            throw TokenizerFiles.unsupported(
                    file,
                    "the tokenizer's algorithm is " + algorithm
                            + ", expected 2 (BPE): GGUF's reader would split words in" + " other places");
        }
        if (marksEndWords) {
            throw TokenizerFiles.unsupported(
                    file,
                    "its marks of spaces end words ('treat_whitespace_as_suffix'), expected that they begin them");
        }
        if (!marksSpaces) {
            throw TokenizerFiles.unsupported(
                    file, "its spaces have no marks ('escape_whitespaces' is false), expected U+2581 for each");
        }
        return new Content(pieces, preparation);
    }

    private Token piece(int end) throws MalformedFileException {
        String text = "";
        float score = 0;
        Kind kind = Kind.NORMAL;
        while (at < end) {
            long tag = varint(end);
            if (tag == (1 << 3 | BYTES)) {
                int textEnd = end(end);
                text = new String(content, at, textEnd - at, StandardCharsets.UTF_8);
                at = textEnd;
            } else if (tag == (2 << 3 | FOUR_BYTES)) {
                need(4, end);
                int bits = 0;
                for (int i = 3; i >= 0; i--) {
                    bits = bits << 8 | (content[at + i] & 0xff);
                }
                score = Float.intBitsToFloat(bits);
                at += 4;
            } else if (tag == (3 << 3 | VARINT)) {
                kind = kind(varint(end));
            } else {
                skip(tag, end);
            }
        }
        return new Token(text, score, kind);
    }

    private Kind kind(long id) throws MalformedFileException {
        return Kind.of(id)
                .orElseThrow(() -> problem("a piece has kind " + id + ", expected 1 to " + Kind.values().length));
    }

    private int algorithm(int end) throws MalformedFileException {
        int algorithm = UNIGRAM;
        while (at < end) {
            long tag = varint(end);
            if (tag == (3 << 3 | VARINT)) {
                algorithm = (int) varint(end);
            } else if (tag == (24 << 3 | VARINT)) {
                marksEndWords = varint(end) != 0;
            } else {
                skip(tag, end);
            }
        }
        return algorithm;
    }

    private TextPreparation preparation(int end) throws MalformedFileException {
        boolean prefix = true;
        boolean removesSpaces = true;
        boolean replaces = false;
        String form = "";
        while (at < end) {
            long tag = varint(end);
            if (tag == (1 << 3 | BYTES)) {
                int textEnd = end(end);
                form = new String(content, at, textEnd - at, StandardCharsets.UTF_8);
                at = textEnd;
            } else if (tag == (2 << 3 | BYTES)) {
                int tableEnd = end(end);
                replaces = tableEnd > at;
                at = tableEnd;
            } else if (tag == (3 << 3 | VARINT)) {
                prefix = varint(end) != 0;
            } else if (tag == (4 << 3 | VARINT)) {
                removesSpaces = varint(end) != 0;
            } else if (tag == (5 << 3 | VARINT)) {
                marksSpaces = varint(end) != 0;
            } else {
                skip(tag, end);
            }
        }
        return new TextPreparation(prefix, removesSpaces, replaces ? Optional.of(form) : Optional.empty());
    }

    private void skip(long tag, int end) throws MalformedFileException {
        switch ((int) (tag & 7)) {
            case VARINT -> varint(end);
            case EIGHT_BYTES -> advance(8, end);
            case BYTES -> at = end(end);
            case FOUR_BYTES -> advance(4, end);
            default -> throw problem("wire type " + (tag & 7) + ", expected 0, 1, 2 or 5");
        }
    }

    /** Reads a length and returns where the bytes that it announces end. */
    private int end(int limit) throws MalformedFileException {
        long length = varint(limit);
        if (length < 0 || length > limit - at) {
            throw problem("a field of " + length + " bytes, but " + (limit - at) + " are left");
        }
        return at + (int) length;
    }

    private long varint(int end) throws MalformedFileException {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            need(1, end);
            byte next = content[at++];
            value |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                return value;
            }
        }
        throw problem("a number of more than 10 bytes");
    }

    private void advance(int bytes, int end) throws MalformedFileException {
        need(bytes, end);
        at += bytes;
    }

    private void need(int bytes, int end) throws MalformedFileException {
        if (end - at < bytes) {
            throw problem("the file ends inside a field");
        }
    }

    private MalformedFileException problem(String what) {
        return new MalformedFileException(file, at, "at byte " + at + ": " + what + "; copy the file again");
    }
}
