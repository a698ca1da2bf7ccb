package io.millrace.tensors.format.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsReaderTest {
    private static final String TWO = "{\"__metadata__\":{\"format\":\"pt\"},"
            + "\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
            + "\"b\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[16,22]}}";

    @TempDir
    Path folder;

    @Test
    void tensorsComeInTheOrderOfTheDataWithTheirBytes() throws IOException {
        try (SafetensorsReader reader = SafetensorsReader.open(file(TWO, 22))) {
            assertThat(reader.tensors())
                    .containsExactly(
                            TensorSpec.plain("a", DType.F32, Shape.of(2, 2)),
                            TensorSpec.plain("b", DType.BF16, Shape.of(3)));
            assertThat(reader.metadata()).containsEntry("format", "pt");
            assertThat(reader.rows("a", 1, 2).toArray(ValueLayout.JAVA_BYTE))
                    .containsExactly(8, 9, 10, 11, 12, 13, 14, 15);
            assertThat(reader.rows("b", 0, 1).toArray(ValueLayout.JAVA_BYTE)).containsExactly(16, 17, 18, 19, 20, 21);
            assertThatThrownBy(() -> reader.rows("a", 1, 3)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> reader.rows("c", 0, 1)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void scalarAndEmptyTensorsAreReadable() throws IOException {
        String header = "{\"z\":{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[0,0]},"
                + "\"s\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}}";

        try (SafetensorsReader reader = SafetensorsReader.open(file(header, 8))) {
            assertThat(reader.rows("z", 0, 0).byteSize()).isZero();
            assertThat(reader.rows("s", 0, 1).byteSize()).isEqualTo(8);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'a':{'dtype':'F32','shape':[4],'data_offsets':[8,24]} | a hole lies before it",
                "'a':{'dtype':'F32','shape':[4],'data_offsets':[0,16]},'b':{'dtype':'F32','shape':[2],'data_offsets':[8,16]}"
                        + " | it overlaps the one before",
                "'a':{'dtype':'F32','shape':[4],'data_offsets':[0,16]},'b':{'dtype':'F32','shape':[4],'data_offsets':[0,16]}"
                        + " | it overlaps the one before",
                "'a':{'dtype':'F32','shape':[4],'data_offsets':[0,16]},'a':{'dtype':'F32','shape':[0],'data_offsets':[16,16]}"
                        + " | Duplicate field",
                "'a':{'dtype':'F32','shape':[4],'data_offsets':[-16,0]} | expected whole numbers from 0",
                "'a':{'dtype':'F32','shape':[4],'data_offsets':[16,0]} | expected 16 bytes",
                "'a':{'dtype':'F32','shape':[4],'data_offsets':[0,15]} | expected 16 bytes for F32 [4]",
                "'a':{'dtype':'F32','shape':[4],'data_offsets':[0,16,16]} | has 3 data_offsets, expected 2",
                "'a':{'dtype':'F32','shape':[4],'data_offsets':[0.0,16]} | expected whole numbers",
                "'a':{'dtype':'F32','shape':[4],'data_offsets':[0,99999999999999999999]} | expected whole numbers",
                "'a':{'dtype':'F32','shape':[8],'data_offsets':[0,32]} | ends at data byte 32 but the file has 16 bytes",
                "'a':{'dtype':'F32','shape':[3],'data_offsets':[0,12]} | expected nothing after it",
                "'a':{'dtype':'F32','shape':[4611686018427387904,4],'data_offsets':[0,16]} | more than 2^63 - 1 elements",
                "'a':{'dtype':'F32','shape':[4611686018427387904],'data_offsets':[0,16]} | more than 2^63 - 1 bytes",
                "'a':{'dtype':'I8','shape':[9223372036854775807],'data_offsets':[0,9223372036854775807]}"
                        + " | but the file has 16 bytes of data",
                "'a':{'dtype':'F32','shape':[-4],'data_offsets':[0,16]} | expected whole numbers from 0",
                "'a':{'dtype':'F32','shape':4,'data_offsets':[0,16]} | has shape 4, expected a list",
                "'a':{'dtype':'F64','shape':[2],'data_offsets':[0,16]} | has dtype 'F64', expected one of",
                "'a':{'shape':[2],'data_offsets':[0,16]} | has dtype ''",
                "'a':{'dtype':'F32','shape':[4]} | has data_offsets nothing",
                "'a':{'dtype':'F32','shape':[4],'data_offsets':[0,16],'x':1} | has the field 'x'",
                "'a':[] | expected an object",
                "'__metadata__':{'k':1},'a':{'dtype':'F32','shape':[4],'data_offsets':[0,16]} | expected a text",
                "'__metadata__':[],'a':{'dtype':'F32','shape':[4],'data_offsets':[0,16]} | expected an object of texts",
                "'a':{'dtype':'F32','shape':[4],'data_offsets':[0,16]"
                        + " | not one JSON object (Unexpected end-of-input: expected close marker for Object, character",
            })
    void headerThatContradictsItselfOrTheFileIsRefusedByName(String fields, String message) throws IOException {
        Path file = file("{" + fields.replace('\'', '"') + "}", 16);

        assertThatThrownBy(() -> SafetensorsReader.open(file))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContainingAll(message, "; copy the file again");
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(file(TWO, 22));

        for (int length = 0; length < whole.length; length++) {
            Path cut = Files.write(folder.resolve("cut"), Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> SafetensorsReader.open(cut))
                    .as("the first %d of %d bytes", length, whole.length)
                    .isInstanceOf(MalformedFileException.class);
        }
    }

    @Test
    void headerLengthThatLiesIsRefusedBeforeAnythingIsAllocated() throws IOException {
        for (long length : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, 100_000_001, 1000, 0}) {
            Path file = Files.write(
                    folder.resolve("lie"),
                    ByteBuffer.allocate(64)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(length)
                            .array());
            assertThatThrownBy(() -> SafetensorsReader.open(file))
                    .as("header length %d", length)
                    .isInstanceOf(MalformedFileException.class);
        }
    }

    @Test
    void headerThatIsNotUtf8NamesTheByte() throws IOException {
        byte[] header = "{\"a\u00e9\":{}}".getBytes(StandardCharsets.ISO_8859_1);

        assertThatThrownBy(() -> SafetensorsReader.open(file(header, 0)))
                .isInstanceOfSatisfying(
                        MalformedFileException.class,
                        malformed -> assertThat(malformed.offset()).isEqualTo(11))
                .hasMessageContaining("not UTF-8 at byte 11");
    }

    @Test
    void deeplyNestedHeaderDoesNotExhaustTheStack() throws IOException {
        Path file = file("{\"a\":" + "[".repeat(500_000), 0);

        assertThatThrownBy(() -> SafetensorsReader.open(file)).isInstanceOf(MalformedFileException.class);
    }

    @Test
    void tenThousandMutatedHeadersAreReadOrRefusedButNothingElse() throws IOException {
        long seed = Long.getLong("millrace.seed", 20261124L);
        System.out.println("mutation seed: " + seed);
        Random random = new Random(seed);
        byte[] header = TWO.getBytes(StandardCharsets.UTF_8);
        byte[] alphabet = "{}[]\":,0123456789-.eE aF\\\u0000\u00ff".getBytes(StandardCharsets.ISO_8859_1);
        int rounds = Integer.getInteger("millrace.mutations", 10_000);
        int refused = 0;

        for (int round = 0; round < rounds; round++) {
            byte[] mutated = header.clone();
            for (int change = random.nextInt(1, 5); change > 0; change--) {
                int at = random.nextInt(mutated.length);
                mutated = switch (random.nextInt(4)) {
                    case 0 -> replace(mutated, at, 1, alphabet[random.nextInt(alphabet.length)]);
                    case 1 -> replace(mutated, at, 0, alphabet[random.nextInt(alphabet.length)]);
                    case 2 -> replace(mutated, at, Math.min(random.nextInt(1, 9), mutated.length - at));
                    default -> replace(mutated, at, 1, (byte) (mutated[at] ^ 1 << random.nextInt(8)));
                };
            }
            try {
                SafetensorsHeader.parse(ByteBuffer.wrap(mutated), 8L + mutated.length + 22, "mutated");
            } catch (MalformedFileException _) {
                refused++;
            }
        }

        assertThat(refused).isGreaterThan(rounds / 5 * 4);
    }

    private static byte[] replace(byte[] bytes, int at, int length, byte... with) {
        byte[] replaced = new byte[bytes.length - length + with.length];
        System.arraycopy(bytes, 0, replaced, 0, at);
        System.arraycopy(with, 0, replaced, at, with.length);
        System.arraycopy(bytes, at + length, replaced, at + with.length, bytes.length - at - length);
        return replaced.length == 0 ? new byte[] {'{'} : replaced;
    }

    private Path file(String header, int dataBytes) throws IOException {
        return file(header.getBytes(StandardCharsets.UTF_8), dataBytes);
    }

    /** Data bytes count 0, 1, 2 … */
    private Path file(byte[] header, int dataBytes) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(header.length).put(header);
        for (int i = 0; i < dataBytes; i++) {
            bytes.put((byte) i);
        }
        return Files.write(folder.resolve("model.safetensors"), bytes.array());
    }
}
