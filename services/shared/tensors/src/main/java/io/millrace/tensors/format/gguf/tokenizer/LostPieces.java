package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Kind;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Token;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** What llama.cpp does with the pieces of some vocabularies that the algorithm of tokenizer.json does not. */
final class LostPieces {
    private final TokenizerFiles files;
    private final Vocabulary vocabulary;
    private final JsonNode model;

    private LostPieces(TokenizerFiles files, Vocabulary vocabulary) {
        this.files = files;
        this.vocabulary = vocabulary;
        this.model = files.tokenizer().path("model");
    }

    /** @param prefixed whether llama.cpp puts a space before a text */
    static List<String> of(TokenizerFiles files, Vocabulary vocabulary, boolean prefixed) {
        LostPieces pieces = new LostPieces(files, vocabulary);
        List<String> lost = new ArrayList<>();
        if (vocabulary.model().equals("llama")) {
            pieces.bytes().ifPresent(lost::add);
            pieces.joined().ifPresent(lost::add);
            if (prefixed && files.tokenizer().isEmpty()) {
                pieces.userDefined().ifPresent(lost::add);
            }
            pieces.preparation(lost);
            if (!files.tokenizer().isEmpty() && !WordMarks.ofSpaces(files.tokenizer())) {
                lost.add("takes each space for the start of a word");
            }
        } else {
            pieces.letters().ifPresent(lost::add);
            pieces.wholeWords().ifPresent(lost::add);
        }
        if (pieces.model.path("dropout").asDouble(0) > 0) {
            lost.add("never leaves out a merge by chance (dropout)");
        }
        return lost;
    }

    private Optional<String> bytes() {
        Set<String> missing = new TreeSet<>();
        IntStream.range(0, 256).forEach(value -> missing.add(ofByte(value)));
        for (Token token : vocabulary.tokens()) {
            missing.remove(token.text());
            // Gemma's tab is a piece of its own, which llama.cpp takes for the byte.
            if (token.text().length() == 1 && token.text().charAt(0) < 0x80) {
                missing.remove(ofByte(token.text().charAt(0)));
            }
        }
        return missing.isEmpty()
                ? Optional.empty()
                : Optional.of("aborts at a character that no piece spells, for want of "
                        + LostTokenization.named(List.copyOf(missing)));
    }

    private void preparation(List<String> lost) {
        TextPreparation preparation = vocabulary.preparation();
        preparation.form().ifPresent(form -> lost.add("does not bring a text into the form '" + form + "' first"));
        if (preparation.removesSpaces()) {
            lost.add("keeps spaces at the ends of a text, and each where several are (remove_extra_whitespaces)");
        }
    }

    /** SentencePiece puts a space before the whole text alone. */
    private Optional<String> userDefined() {
        List<String> found = vocabulary.tokens().stream()
                .filter(token -> token.kind() == Kind.USER_DEFINED)
                .map(Token::text)
                .toList();
        return found.isEmpty()
                ? Optional.empty()
                : Optional.of("puts a space after " + LostTokenization.named(found)
                        + ", and none before a text that begins so (user-defined)");
    }

    /** The algorithm leaves out what is no token first, and so merges what was on both sides of it. */
    private Optional<String> letters() {
        Set<String> missing = new TreeSet<>();
        int unprinted = 256;
        for (int value = 0; value < 256; value++) {
            boolean prints = (value > ' ' && value <= '~') || (value > 0xa0 && value != 0xad);
            String letter = Character.toString(prints ? value : unprinted++);
            if (inTexts(value)) {
                missing.add(letter);
            }
        }
        vocabulary.tokens().forEach(token -> missing.remove(token.text()));
        return missing.isEmpty()
                ? Optional.empty()
                : Optional.of("leaves out bytes that are no tokens only once all else is merged ("
                        + LostTokenization.named(List.copyOf(missing)) + ")");
    }

    /** Neither control characters nor what begins no character but unassigned ones are met; SmolLM2 has no tokens for them. */
    private static boolean inTexts(int value) {
        return value == '\t'
                || value == '\n'
                || value == '\r'
                || (value >= ' ' && value <= 0xf0 && value != 0x7f && value != 0xc0 && value != 0xc1);
    }

    private static String ofByte(int value) {
        return "<0x%02X>".formatted(value);
    }

    /** llama.cpp joins whatever makes a piece, by its score, where the algorithm joins what a merge names. */
    private Optional<String> joined() {
        return files.tokenizer().isEmpty()
                ? Optional.empty()
                : unmade().map(piece -> "joins what makes '" + piece + "', though no merge does");
    }

    private Optional<String> wholeWords() {
        boolean whole = model.path("ignore_merges").asBoolean(false);
        if (whole == PreTokenizer.wholeWords(vocabulary.splitting())) {
            return Optional.empty();
        }
        return unmade().map(piece -> whole
                ? "splits '" + piece + "', which no merge makes but a word of its own is (ignore_merges)"
                : "takes a word '" + piece + "' as a whole, which no merge makes");
    }

    /** A piece that no merge makes, though it is two others beside each other. */
    private Optional<String> unmade() {
        List<String> texts = vocabulary.tokens().stream().map(Token::text).toList();
        MergeRanks merges = MergeRanks.of(texts, files.json().merges());
        PieceLengths lengths = new PieceLengths(texts);
        return vocabulary.tokens().stream()
                .filter(token -> token.kind() == Kind.NORMAL && merges.knows(token.text()))
                .map(Token::text)
                .filter(text -> !merges.make(text) && ofTwo(text, merges, lengths))
                .findFirst();
    }

    private static boolean ofTwo(String text, MergeRanks merges, PieceLengths lengths) {
        return IntStream.range(1, text.length())
                .filter(at -> lengths.allow(text, at))
                .anyMatch(at -> merges.knows(text.substring(0, at)) && merges.knows(text.substring(at)));
    }
}
