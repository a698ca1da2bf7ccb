package io.millrace.worker.observe;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.turbo.TurboFilter;
import ch.qos.logback.core.spi.FilterReply;
import io.millrace.worker.report.EventPublisher;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;

/**
 * Lets the same warning of Kafka's clients through once a minute, whichever of them has it. While a broker is away each client
 * of a process warns of it about once a second, and each job whose end cannot be told warns every few; whoever reads the log
 * finds nothing else. {@code logback.xml} names it.
 */
public final class RepeatedWarnings extends TurboFilter {
    private static final String CLIENTS = "org.apache.kafka.clients.";
    /** Its causes count milliseconds and partitions. */
    private static final String PUBLISHER = EventPublisher.class.getName();

    private static final Pattern NUMBER = Pattern.compile("[0-9]+");
    private static final long BETWEEN_NANOS = Duration.ofMinutes(1).toNanos();
    /** More texts than this are no repetition of a few. */
    private static final int KNOWN = 1000;

    private final LongSupplier nanoTime;
    private final Map<String, Long> told = new ConcurrentHashMap<>();

    public RepeatedWarnings() {
        this(System::nanoTime);
    }

    RepeatedWarnings(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    @Override
    public FilterReply decide(
            @Nullable Marker marker,
            Logger logger,
            Level level,
            @Nullable String text,
            Object @Nullable [] values,
            @Nullable Throwable error) {
        boolean publisher = logger.getName().equals(PUBLISHER);
        if (level != Level.WARN
                || text == null
                || !(publisher || logger.getName().startsWith(CLIENTS))) {
            return FilterReply.NEUTRAL;
        }
        String said = Arrays.toString(values);
        String warning = withoutClient(text) + (publisher ? NUMBER.matcher(said).replaceAll("#") : said);
        return isNew(warning) ? FilterReply.NEUTRAL : FilterReply.DENY;
    }

    private boolean isNew(String warning) {
        long now = nanoTime.getAsLong();
        if (told.size() >= KNOWN) {
            told.values().removeIf(at -> now - at >= BETWEEN_NANOS);
        }
        boolean[] tell = {false};
        told.compute(warning, (_, before) -> {
            tell[0] = before == null || now - before >= BETWEEN_NANOS;
            return tell[0] ? Long.valueOf(now) : before;
        });
        return tell[0];
    }

    /** Kafka puts the client's name in brackets before each text. */
    private static String withoutClient(String text) {
        return text.startsWith("[") ? text.substring(text.indexOf(']') + 1) : text;
    }
}
