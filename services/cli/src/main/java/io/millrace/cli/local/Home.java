package io.millrace.cli.local;

import io.millrace.events.wire.Topics;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Optional;
import java.util.Properties;

/**
 * The folder in which a local Millrace lives.
 *
 * <pre>
 * kafka/             the embedded broker's data
 * store/             the artifact store
 * conductor/         state of the conductor, rebuilt from Kafka if it is gone
 * work/              scratch of the stage services
 * logs/              one file per process
 * lock               held by the process that runs here; its id
 * local.properties   where the running one is found; other commands read it
 * </pre>
 *
 * @param topics that a Millrace which is started here uses
 */
public record Home(Path folder, Topics topics) {
    /** The file that is locked while something runs here. */
    public static final String LOCK = "lock";

    private static final Duration LONGEST_START = Duration.ofMinutes(2);
    private static final Duration LONGEST_SILENCE = Duration.ofSeconds(2);
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(100);

    public Home {
        folder = folder.toAbsolutePath().normalize();
    }

    /** One with the usual topics. */
    public Home(Path folder) {
        this(folder, Topics.DEFAULT);
    }

    public Path kafka() {
        return folder.resolve("kafka");
    }

    public Path store() {
        return folder.resolve("store");
    }

    public Path conductor() {
        return folder.resolve("conductor");
    }

    public Path work() {
        return folder.resolve("work");
    }

    public Path logs() {
        return folder.resolve("logs");
    }

    /** Makes this process the only one that runs here, until the lock is closed or the process dies. */
    public FolderLock lock() throws IOException {
        WritableFolder.make(folder, "--home");
        return FolderLock.take(folder, lockFile());
    }

    /** Writes down where the running Millrace is found. */
    void announce(Running running) throws IOException {
        Properties properties = new Properties();
        properties.setProperty("kafka", running.kafka());
        properties.setProperty("store", running.store());
        properties.setProperty("topic-prefix", topics.prefix());
        properties.setProperty("pid", Long.toString(running.pid()));
        Path next = folder.resolve("local.properties.next");
        try (Writer writer = Files.newBufferedWriter(next)) {
            properties.store(writer, "the Millrace that runs here");
        }
        Files.move(next, announcement(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    void withdraw() throws IOException {
        Files.deleteIfExists(announcement());
    }

    /** The Millrace that runs here, if its process lives. */
    public Optional<Running> running() throws IOException {
        if (!Files.exists(announcement())) {
            return Optional.empty();
        }
        Properties properties = announced();
        String kafka = properties.getProperty("kafka");
        String store = properties.getProperty("store");
        String pid = properties.getProperty("pid", "");
        if (kafka == null || store == null || !pid.matches("[0-9]{1,18}")) {
            throw new IOException(
                    announcement() + " does not say where Millrace runs; delete it and start 'millrace up' again");
        }
        Running running = new Running(kafka, store, Long.parseLong(pid));
        boolean alive =
                ProcessHandle.of(running.pid()).map(ProcessHandle::isAlive).orElse(false);
        return alive ? Optional.of(running) : Optional.empty();
    }

    /**
     * The Millrace that runs here; one that is starting is waited for, also where its process itself was started a
     * moment ago, as by {@code millrace up &}.
     */
    public Optional<Running> awaitRunning() throws IOException {
        long began = System.nanoTime();
        Optional<Running> running = running();
        while (running.isEmpty()
                && System.nanoTime() - began < (isHeld() ? LONGEST_START : LONGEST_SILENCE).toNanos()) {
            try {
                Thread.sleep(BETWEEN_LOOKS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while Millrace was starting in " + folder);
            }
            running = running();
        }
        return running;
    }

    /** Told by the holder's id, not by trying the lock: who tries it has it for a moment, and another may want it then. */
    private boolean isHeld() throws IOException {
        if (!Files.exists(lockFile())) {
            return false;
        }
        String holder = Files.readString(lockFile());
        return holder.matches("[0-9]{1,18}")
                && ProcessHandle.of(Long.parseLong(holder))
                        .map(ProcessHandle::isAlive)
                        .orElse(false);
    }

    /** The topics of the Millrace that is announced here. */
    public Topics announcedTopics() throws IOException {
        return new Topics(announced().getProperty("topic-prefix", Topics.DEFAULT.prefix()));
    }

    private Properties announced() throws IOException {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(announcement())) {
            properties.load(reader);
        }
        return properties;
    }

    private Path lockFile() {
        return folder.resolve(LOCK);
    }

    private Path announcement() {
        return folder.resolve("local.properties");
    }

    /** Where a running Millrace is found. */
    public record Running(String kafka, String store, long pid) {}
}
