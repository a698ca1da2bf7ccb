package io.millrace.cli;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A text that a policy names. What every job would fail on is refused before the policy is in force. */
final class PolicyText {
    private static final int CHARACTERS_AT_A_TIME = 1 << 16;

    private PolicyText() {}

    static void require(Path text) throws IOException {
        if (!Files.isRegularFile(text)) {
            throw new CommandFailure(ExitCode.NOT_FOUND, "the policy names the text " + text + ", which is no file");
        }
        if (Files.size(text) == 0) {
            throw new CommandFailure(
                    ExitCode.REFUSED,
                    "the policy names the text " + text + ", which is empty; nothing could be measured on it");
        }
        try (Reader reader = Files.newBufferedReader(text)) {
            long read;
            do {
                read = reader.skip(CHARACTERS_AT_A_TIME);
            } while (read > 0);
        } catch (CharacterCodingException e) {
            throw new CommandFailure(
                    ExitCode.REFUSED,
                    "the policy names the text " + text + ", which is not UTF-8; convert it, for example with iconv",
                    e);
        }
    }
}
