package io.millrace.models.llama;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.models.WorkProgress;
import java.io.PrintStream;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** Progress as lines {@code {"done": …, "total": …, "what": …}} to the asking process; seldom, since it is measured time. */
final class SpokenProgress implements WorkProgress {
    private static final long BETWEEN_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final PrintStream out;
    private final LongSupplier nanoClock;
    private long dueNanos;

    SpokenProgress(PrintStream out, LongSupplier nanoClock) {
        this.out = out;
        this.nanoClock = nanoClock;
        dueNanos = nanoClock.getAsLong();
    }

    @Override
    public void advance(long done, long total, String what) {
        long now = nanoClock.getAsLong();
        if (now - dueNanos >= 0) {
            dueNanos = now + BETWEEN_NANOS;
            out.println(JSON.createObjectNode()
                    .put("done", done)
                    .put("total", total)
                    .put("what", what));
        }
    }

    /** Hands on what a line says; false where it says something else. */
    static boolean heard(JsonNode line, WorkProgress listener) {
        if (!line.has("done")) {
            return false;
        }
        listener.advance(
                line.path("done").longValue(),
                line.path("total").longValue(),
                line.path("what").asText());
        return true;
    }
}
