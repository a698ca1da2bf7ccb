package io.millrace.models.llama;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.models.WorkProgress;
import io.millrace.models.speed.Rates;
import io.millrace.models.speed.SpeedPlan;
import io.millrace.models.speed.SpeedReport;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Asks llama.cpp in a child JVM with the class path of this one, so that its aborts cost an answer and not this process.
 * A child that says nothing for a time is given up; an interrupt ends it.
 *
 * <p>Throws {@link LlamaUnavailableException} where there is no llama.cpp for this machine, {@link LlamaUnusableException}
 * where there is one that cannot be used, and {@link LlamaFailedException} where it was called and gave no answer.
 */
public final class LlamaProcess {
    private static final int ABORTED = 134; // 128 + SIGABRT
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Duration patience;

    /** @param patience longest time without a word: an answer, or progress where a question takes long */
    public LlamaProcess(Duration patience) {
        this.patience = patience;
    }

    /** Speed of two GGUF files, alternating in one process, which says how far it is about once a second. */
    public SpeedReport speed(Path original, Path candidate, SpeedPlan plan, WorkProgress progress)
            throws IOException, InterruptedException {
        List<JsonNode> lines = inFolder(folder -> ask(
                folder,
                List.of(
                        "speed",
                        original.toString(),
                        candidate.toString(),
                        Integer.toString(plan.threads()),
                        Integer.toString(plan.promptTokens()),
                        Integer.toString(plan.generatedTokens()),
                        Integer.toString(plan.pairs())),
                progress));
        JsonNode head = lines.getFirst();
        return new SpeedReport(text(head, "runtime"), plan, rates(lines, "original"), rates(lines, "candidate"));
    }

    /**
     * Logits [tokens][vocabulary] after each token.
     *
     * @param exact F32 cache and no flash attention, for comparison with another F32 forward pass
     */
    public float[][] logits(Path gguf, int[] tokens, int threads, boolean exact)
            throws IOException, InterruptedException {
        return inFolder(folder -> {
            Path ids = folder.resolve("tokens");
            Path output = folder.resolve("logits");
            Files.writeString(
                    ids, IntStream.of(tokens).mapToObj(Integer::toString).collect(Collectors.joining(" ")));
            JsonNode answer = ask(
                            folder,
                            List.of(
                                    "logits",
                                    gguf.toString(),
                                    ids.toString(),
                                    output.toString(),
                                    Integer.toString(threads),
                                    exact ? "exact" : "served"),
                            WorkProgress.NONE)
                    .getFirst();
            return rows(output, tokens.length, (int) number(answer, "vocabulary"));
        });
    }

    /** @param addSpecial put BOS in front if the file says so */
    public int[] tokenize(Path gguf, String text, boolean addSpecial) throws IOException, InterruptedException {
        return inFolder(folder -> {
            Path file = folder.resolve("text");
            Files.writeString(file, text);
            JsonNode answer = ask(
                            folder,
                            List.of("tokenize", gguf.toString(), file.toString(), addSpecial ? "add-special" : "plain"),
                            WorkProgress.NONE)
                    .getFirst();
            return IntStream.range(0, answer.path("tokens").size())
                    .map(i -> answer.path("tokens").path(i).intValue())
                    .toArray();
        });
    }

    /** What llama.cpp there is. */
    public String runtime() throws IOException, InterruptedException {
        return inFolder(folder ->
                text(ask(folder, List.of("runtime"), WorkProgress.NONE).getFirst(), "runtime"));
    }

    private interface Question<T> {
        T in(Path folder) throws IOException, InterruptedException;
    }

    private static <T> T inFolder(Question<T> question) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("millrace-llama-ask-");
        try {
            return question.in(folder);
        } finally {
            try (var files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    private List<JsonNode> ask(Path folder, List<String> arguments, WorkProgress progress)
            throws IOException, InterruptedException {
        Path err = folder.resolve("err");
        ProcessBuilder builder = new ProcessBuilder(command(arguments)).redirectError(err.toFile());
        // Else the library starts a debugger when it aborts, if there is one.
        builder.environment().put("GGML_NO_BACKTRACE", "1");
        Process child = start(builder);
        try {
            child.getOutputStream().close();
            List<JsonNode> lines = hear(new ChildLines(child), arguments, progress);
            if (!child.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new LlamaFailedException("llama.cpp answered and did not end" + what(arguments));
            }
            return checked(lines, arguments, child.exitValue(), err);
        } finally {
            child.destroyForcibly();
        }
    }

    /** Fails where the Java of this process was replaced or removed while it runs. */
    private static Process start(ProcessBuilder builder) throws LlamaUnusableException {
        try {
            return builder.start();
        } catch (IOException e) {
            String why = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            throw new LlamaUnusableException(builder.command().getFirst()
                    + ": cannot be started to ask llama.cpp; expected the Java that this process began with; if it was"
                    + " replaced or removed, start this process again with the Java that is there (" + why + ")");
        }
    }

    /** All that is said until the end, without the progress, which is handed on. */
    private List<JsonNode> hear(ChildLines said, List<String> arguments, WorkProgress progress)
            throws IOException, InterruptedException {
        List<JsonNode> lines = new ArrayList<>();
        try {
            for (Optional<String> line = said.next(patience); line.isPresent(); line = said.next(patience)) {
                if (line.get().startsWith("{")) {
                    JsonNode answer = JSON.readTree(line.get());
                    if (!SpokenProgress.heard(answer, progress)) {
                        lines.add(answer);
                    }
                }
            }
            return lines;
        } catch (TimeoutException e) {
            throw new LlamaFailedException("llama.cpp gave no answer within " + patience + what(arguments));
        }
    }

    private static List<String> command(List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:-CreateCoredumpOnCrash",
                "--enable-native-access=ALL-UNNAMED",
                // The library is unpacked there, and /tmp may forbid code.
                "-Djava.io.tmpdir=" + System.getProperty("java.io.tmpdir"),
                "-cp",
                System.getProperty("java.class.path")));
        if (!arguments.getFirst().equals("speed")) {
            // Such a child lives for a second, of which the second compiler would take a third; what is timed keeps it.
            command.add("-XX:TieredStopAtLevel=1");
        }
        String library = System.getProperty(LlamaLibrary.PATH_SETTING);
        if (library != null) {
            command.add("-D" + LlamaLibrary.PATH_SETTING + "=" + library);
        }
        command.add(LlamaProbe.class.getName());
        command.addAll(arguments);
        return command;
    }

    private static List<JsonNode> checked(List<JsonNode> lines, List<String> arguments, int code, Path err)
            throws IOException {
        String error = lines.isEmpty() ? "" : lines.getLast().path("error").asText();
        if (code == LlamaProbe.UNAVAILABLE) {
            throw new LlamaUnavailableException(error);
        }
        if (code == LlamaProbe.UNUSABLE) {
            throw new LlamaUnusableException(error);
        }
        if (code == LlamaProbe.REFUSED) {
            throw new LlamaFailedException(error);
        }
        if (code != 0 || lines.isEmpty()) {
            String how = code == ABORTED ? "aborted (a failed assertion inside the library)" : "ended";
            throw new LlamaFailedException("llama.cpp " + how + " with exit code " + code + what(arguments)
                    + "; its last words: " + lastWords(err));
        }
        return lines;
    }

    private static String what(List<String> arguments) {
        return ", asked for '" + String.join(" ", arguments) + "'";
    }

    private static String lastWords(Path err) throws IOException {
        List<String> lines = Files.readAllLines(err, java.nio.charset.StandardCharsets.ISO_8859_1);
        return lines.stream()
                .filter(line -> !line.isBlank())
                .skip(Math.max(0, lines.size() - 5L))
                .collect(Collectors.joining(" | "));
    }

    private static List<Rates> rates(List<JsonNode> lines, String model) throws IOException {
        List<Rates> rates = new ArrayList<>();
        for (JsonNode line : lines) {
            if (line.path("model").asText().equals(model)) {
                rates.add(new Rates(number(line, "promptPerSecond"), number(line, "generationPerSecond")));
            }
        }
        return rates;
    }

    private static float[][] rows(Path file, int tokens, int vocabulary) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        long expected = (long) Float.BYTES * tokens * vocabulary;
        if (bytes.capacity() != expected) {
            throw new LlamaFailedException("llama.cpp answered " + bytes.capacity() + " bytes of logits; expected "
                    + expected + " for " + tokens + " tokens and a vocabulary of " + vocabulary);
        }
        float[][] rows = new float[tokens][vocabulary];
        for (float[] row : rows) {
            bytes.asFloatBuffer().get(row);
            bytes.position(bytes.position() + Float.BYTES * vocabulary);
        }
        return rows;
    }

    private static double number(JsonNode line, String key) throws IOException {
        if (!line.path(key).isNumber()) {
            throw new LlamaFailedException(
                    "llama.cpp's process answered " + line + "; expected a number '" + key + "'");
        }
        return line.path(key).doubleValue();
    }

    private static String text(JsonNode line, String key) throws IOException {
        if (!line.path(key).isTextual()) {
            throw new LlamaFailedException("llama.cpp's process answered " + line + "; expected a text '" + key + "'");
        }
        return line.path(key).asText();
    }
}
