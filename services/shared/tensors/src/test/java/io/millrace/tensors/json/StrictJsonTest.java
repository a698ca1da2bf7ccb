package io.millrace.tensors.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.MalformedFileException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StrictJsonTest {
    private static final int LIMIT_BYTES = 1 << 20;

    @TempDir
    Path folder;

    @Test
    void lettersOfSeveralBytesAreReadWhereverTheyLie() throws Exception {
        // Three bytes each, so that one of them lies across the end of every buffer of a power of two.
        String text = "\u6c34".repeat(100_000);

        Path file = write(("{\"a\": \"" + text + "\"}").getBytes(StandardCharsets.UTF_8));

        assertThat(StrictJson.readFile(file, LIMIT_BYTES).path("a").asText()).isEqualTo(text);
    }

    @Test
    void aByteThatIsNoUtf8IsRefusedWithItsPlace() throws Exception {
        String start = "{\"a\": \"" + "\u6c34".repeat(100_000);
        byte[] json = (start + "x\"}").getBytes(StandardCharsets.UTF_8);
        int place = start.getBytes(StandardCharsets.UTF_8).length;
        json[place] = (byte) 0xff;

        Path file = write(json);

        assertThatThrownBy(() -> StrictJson.readFile(file, LIMIT_BYTES))
                .isInstanceOf(MalformedFileException.class)
                .hasMessage("a.json: the JSON is not UTF-8 at byte " + place);
    }

    @Test
    void aLetterThatIsCutOffIsNoUtf8() throws Exception {
        Path file = write(new byte[] {'{', '}', (byte) 0xe6, (byte) 0xb0});

        assertThatThrownBy(() -> StrictJson.readFile(file, LIMIT_BYTES))
                .hasMessage("a.json: the JSON is not UTF-8 at byte 2");
    }

    @Test
    void whatIsNotOneObjectIsRefused() throws Exception {
        Path again = write("{\"a\": {\"b\": 1, \"b\": 2}}".getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> StrictJson.readFile(again, LIMIT_BYTES)).hasMessageContaining("Duplicate field 'b'");

        Path more = write("{\"a\": 1} {}".getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> StrictJson.readFile(more, LIMIT_BYTES)).hasMessageContaining("something follows it");

        Path list = write("[]".getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> StrictJson.readFile(list, LIMIT_BYTES)).hasMessageContaining("JSON of another kind");

        assertThatThrownBy(() -> StrictJson.readFile(list, 1)).hasMessageContaining("2 bytes, expected at most 1");
    }

    private Path write(byte[] content) throws IOException {
        return Files.write(folder.resolve("a.json"), content);
    }
}
