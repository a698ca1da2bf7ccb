package io.millrace.cli.local;

import io.millrace.events.Device;
import io.millrace.events.wire.Topics;
import io.millrace.worker.WorkerSettings;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a local Millrace is told.
 *
 * @param kafka an outside broker instead of the embedded one
 * @param kafkaSettings more settings of every Kafka client
 * @param store the artifact store's address, the same for processes that work in another folder
 * @param devices device classes that this machine works for
 * @param slots jobs at a time of each stage service
 */
public record LocalSettings(
        Home home,
        Optional<String> kafka,
        Map<String, Object> kafkaSettings,
        Topics topics,
        String store,
        List<Device> devices,
        int slots) {
    public LocalSettings {
        kafkaSettings = Map.copyOf(kafkaSettings);
        devices = List.copyOf(devices);
        WorkerSettings.requireSlots(slots);
    }
}
