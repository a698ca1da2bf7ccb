package io.millrace.models.llama;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.models.LayerWatch;
import io.millrace.models.WorkProgress;
import io.millrace.models.speed.Rates;
import io.millrace.models.speed.SpeedPlan;
import io.millrace.models.speed.SpeedRun;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * The child process that calls llama.cpp: one question per process, answered in JSON, one object per line, on standard
 * output. {@link LlamaProcess} starts it.
 *
 * <pre>
 * speed    ORIGINAL CANDIDATE THREADS PROMPT-TOKENS GENERATED-TOKENS PAIRS
 *          → while it works, lines {"done": …, "total": …, "what": …};
 *          a line with the runtime, then a line of rates per model and pair
 * logits   GGUF TOKENS-FILE OUTPUT-FILE THREADS exact|served
 *          → OUTPUT-FILE: F32 little-endian [tokens, vocabulary]; a line with runtime, tokens, vocabulary
 * tokenize GGUF TEXT-FILE add-special|plain
 *          → a line with the token ids
 * runtime  → a line with the runtime
 * </pre>
 *
 * Exit codes: 0 answered; 2 no llama.cpp for this machine, 3 refused, 5 the llama.cpp of this machine cannot be used, each
 * with the reason in a line {@code {"error": …}}; 4 the asking process is gone.
 */
public final class LlamaProbe {
    static final int UNAVAILABLE = 2;
    static final int REFUSED = 3;
    static final int ORPHANED = 4;
    static final int UNUSABLE = 5;
    private static final ObjectMapper JSON = new ObjectMapper();

    private LlamaProbe() {}

    public static void main(String[] arguments) throws InterruptedException {
        ProcessHandle.current().parent().ifPresent(LlamaProbe::endWith);
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        int code = 0;
        try {
            answer(List.of(arguments), out);
        } catch (LlamaUnavailableException problem) {
            out.println(error(problem));
            code = UNAVAILABLE;
        } catch (LlamaUnusableException problem) {
            out.println(error(problem));
            code = UNUSABLE;
        } catch (IOException | RuntimeException problem) {
            out.println(error(problem));
            code = REFUSED;
        }
        System.exit(code);
    }

    /** Whoever asked may be killed without ending us, and nobody waits for the answer then. */
    private static void endWith(ProcessHandle asking) {
        Thread.ofPlatform().name("asker-watch").daemon().start(() -> {
            asking.onExit().join();
            Runtime.getRuntime().halt(ORPHANED);
        });
    }

    private static String error(Exception problem) {
        return JSON.createObjectNode()
                .put("error", String.valueOf(problem.getMessage()))
                .toString();
    }

    private static void answer(List<String> arguments, PrintStream out) throws IOException, InterruptedException {
        String mode = arguments.isEmpty() ? "" : arguments.getFirst();
        List<String> rest = arguments.isEmpty() ? List.of() : arguments.subList(1, arguments.size());
        if (mode.equals("speed") && rest.size() == 6) {
            SpeedPlan plan = new SpeedPlan(
                    Integer.parseInt(rest.get(2)),
                    Integer.parseInt(rest.get(3)),
                    Integer.parseInt(rest.get(4)),
                    Integer.parseInt(rest.get(5)));
            speed(Path.of(rest.get(0)), Path.of(rest.get(1)), plan, out);
        } else if (mode.equals("logits") && rest.size() == 5) {
            int[] tokens = Arrays.stream(
                            Files.readString(Path.of(rest.get(1))).strip().split("\\s+"))
                    .mapToInt(Integer::parseInt)
                    .toArray();
            logits(
                    Path.of(rest.get(0)),
                    tokens,
                    Path.of(rest.get(2)),
                    Integer.parseInt(rest.get(3)),
                    rest.get(4).equals("exact"),
                    out);
        } else if (mode.equals("tokenize") && rest.size() == 3) {
            tokenize(
                    Path.of(rest.get(0)),
                    Files.readString(Path.of(rest.get(1))),
                    rest.get(2).equals("add-special"),
                    out);
        } else if (mode.equals("runtime") && rest.isEmpty()) {
            out.println(
                    JSON.createObjectNode().put("runtime", LlamaLibrary.open().build().description));
        } else {
            throw new IllegalArgumentException("cannot understand " + arguments
                    + "; expected speed with 6 arguments, logits with 5, tokenize with 3 or runtime");
        }
    }

    private static void speed(Path original, Path candidate, SpeedPlan plan, PrintStream out)
            throws IOException, InterruptedException {
        WorkProgress progress = new SpokenProgress(out, System::nanoTime);
        try (LlamaModel first = LlamaModel.open(original, plan.contextLength(), plan.threads(), false)) {
            progress.advance(0, plan.tokens(), "original loaded");
            try (LlamaModel second = LlamaModel.open(candidate, plan.contextLength(), plan.threads(), false)) {
                SpeedRun.Runs runs =
                        SpeedRun.alternate(new Sequence(first), new Sequence(second), plan, System::nanoTime, progress);
                out.println(JSON.createObjectNode().put("runtime", first.runtime()));
                runs.original().forEach(rates -> out.println(line("original", rates)));
                runs.candidate().forEach(rates -> out.println(line("candidate", rates)));
            }
        }
    }

    private static ObjectNode line(String which, Rates rates) {
        return JSON.createObjectNode()
                .put("model", which)
                .put("promptPerSecond", rates.promptPerSecond())
                .put("generationPerSecond", rates.generationPerSecond());
    }

    private static void logits(Path gguf, int[] tokens, Path output, int threads, boolean exact, PrintStream out)
            throws IOException {
        try (LlamaModel model = LlamaModel.open(gguf, tokens.length, threads, exact);
                OutputStream file = Files.newOutputStream(output)) {
            model.decode(tokens, 0, true);
            ByteBuffer row =
                    ByteBuffer.allocate(Float.BYTES * model.vocabularySize()).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < tokens.length; i++) {
                row.asFloatBuffer().put(model.logits(i));
                file.write(row.array());
            }
            out.println(JSON.createObjectNode()
                    .put("runtime", model.runtime())
                    .put("tokens", tokens.length)
                    .put("vocabulary", model.vocabularySize()));
        }
    }

    private static void tokenize(Path gguf, String text, boolean addSpecial, PrintStream out) throws IOException {
        try (LlamaModel model = LlamaModel.open(gguf, 32, 1, false)) {
            ObjectNode line = JSON.createObjectNode().put("runtime", model.runtime());
            var ids = line.putArray("tokens");
            for (int id : model.tokenize(text, addSpecial)) {
                ids.add(id);
            }
            out.println(line);
        }
    }

    /** One model and how far its context is filled. */
    private static final class Sequence implements SpeedRun.Subject {
        private final LlamaModel model;
        private int position;

        Sequence(LlamaModel model) {
            this.model = model;
        }

        @Override
        public int vocabularySize() {
            return model.vocabularySize();
        }

        @Override
        public void clear() {
            model.clear();
            position = 0;
        }

        @Override
        public void feed(int[] tokens, LayerWatch<InterruptedException> watch) {
            model.decode(tokens, position, false);
            // Decoding may still run until the logits are asked for.
            model.awaitLogits(-1);
            position += tokens.length;
        }
    }
}
