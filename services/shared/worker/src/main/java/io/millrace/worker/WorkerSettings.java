package io.millrace.worker;

import io.millrace.events.Device;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;

/**
 * What a worker is told when it starts.
 *
 * @param service the process's name in events, logs and client ids: {@code quantizer}
 * @param store where the artifact store is
 * @param devices the device classes whose queues it works on
 * @param slots jobs at a time
 * @param workFolder local disk for inputs and unfinished outputs
 * @param managementPort serves metrics and health; 0 picks a free port
 */
public record WorkerSettings(
        String service,
        KafkaSettings kafka,
        String store,
        List<Device> devices,
        int slots,
        Path workFolder,
        OptionalInt managementPort,
        Limits limits) {

    public WorkerSettings {
        devices = List.copyOf(devices);
        if (devices.isEmpty()) {
            throw new IllegalArgumentException("a worker serves at least one device class, such as 'cpu'");
        }
        if (devices.stream().distinct().count() != devices.size()) {
            throw new IllegalArgumentException("--devices names a class twice: " + devices);
        }
        requireSlots(slots);
    }

    /** Refuses a number of slots that no worker has. */
    public static void requireSlots(int slots) {
        if (slots < 1 || slots > 64) {
            throw new IllegalArgumentException("--slots is " + slots + ", expected 1 to 64");
        }
    }

    /**
     * Times that bound a worker.
     *
     * @param stall a stage whose progress stands still for this long is interrupted
     * @param interrupt how long an interrupted stage may take to return before it is given up
     * @param start how long to wait for Kafka and its topics when starting
     * @param tick how often a running job is looked at
     */
    public record Limits(Duration stall, Duration interrupt, Duration start, Duration tick) {
        public static final Limits DEFAULT = new Limits(
                Duration.ofMinutes(10), Duration.ofSeconds(20), Duration.ofMinutes(1), Duration.ofSeconds(1));
    }
}
