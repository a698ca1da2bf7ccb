package io.millrace.cli.local;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A service in a process of its own that is kept running: when it dies it is started again, after a pause that doubles
 * from half a second to 30 seconds and starts anew once a process lived for a minute.
 */
final class ServiceProcess implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ServiceProcess.class);
    private static final long FIRST_PAUSE_MILLIS = 500;
    private static final long LONGEST_PAUSE_MILLIS = 30_000;
    private static final long HEALTHY_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final JavaCommand command;
    private final Path logs;
    private final Thread keeper;
    private volatile Process process;
    private volatile boolean closing;

    private ServiceProcess(JavaCommand command, Path logs, Process process) {
        this.command = command;
        this.logs = logs;
        this.process = process;
        this.keeper = Thread.ofVirtual().name("keep-" + command.name()).unstarted(this::keepRunning);
    }

    static ServiceProcess start(JavaCommand command, Path logs) throws IOException {
        ServiceProcess service = new ServiceProcess(command, logs, command.start(logs));
        service.keeper.start();
        return service;
    }

    String name() {
        return command.name();
    }

    long pid() {
        return process.pid();
    }

    /** Asks it to end (SIGTERM), without waiting. */
    void stop() {
        closing = true;
        keeper.interrupt();
        process.destroy();
    }

    /** Waits for its end, and ends it by force when the time is over. */
    void awaitEnd(Duration patience) {
        try {
            keeper.join(Duration.ofSeconds(1));
            if (process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process.destroyForcibly();
    }

    @Override
    public void close() {
        stop();
        awaitEnd(Duration.ofSeconds(10));
    }

    private void keepRunning() {
        long pauseMillis = FIRST_PAUSE_MILLIS;
        try {
            while (!closing) {
                long startedNanos = System.nanoTime();
                int status = process.waitFor();
                if (closing) {
                    return;
                }
                if (System.nanoTime() - startedNanos > HEALTHY_NANOS) {
                    pauseMillis = FIRST_PAUSE_MILLIS;
                }
                LOG.atWarn()
                        .addKeyValue("service", command.name())
                        .addKeyValue("status", status)
                        .addKeyValue("pauseMillis", pauseMillis)
                        .addKeyValue("log", command.log(logs))
                        .log("a service ended by itself and is started again");
                Thread.sleep(pauseMillis);
                pauseMillis = Math.min(2 * pauseMillis, LONGEST_PAUSE_MILLIS);
                if (!closing) {
                    restart();
                }
            }
        } catch (InterruptedException e) {
            // stop() interrupts; the process is ended there.
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void restart() {
        try {
            process = command.start(logs);
        } catch (IOException e) {
            LOG.atError()
                    .addKeyValue("service", command.name())
                    .setCause(e)
                    .log("a service could not be started and is tried again");
            return;
        }
        if (closing) {
            process.destroy();
        }
    }
}
