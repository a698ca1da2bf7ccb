package io.millrace.conductor.topology;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.millrace.conductor.ConductorSettings;
import io.millrace.conductor.StreamsPropertiesAccess;
import io.millrace.conductor.run.Table;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.processor.TaskId;
import org.apache.kafka.streams.processor.api.MockProcessorContext;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IndexedTableTest {
    private static final int REMEMBERED = 3;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void itIsTheStoreWhateverIsDoneAndWhoeverBeginsAnew(boolean indexed) {
        long seed = System.nanoTime();
        System.out.println("IndexedTableTest seed " + seed);
        Random random = new Random(seed);
        KeyValueStore<String, byte[]> store = store();
        store.put("other|a|1", new byte[0]);
        Table<String> table = over(store, indexed);
        TreeMap<String, String> expected = new TreeMap<>();
        for (int step = 0; step < 4000; step++) {
            String key = "abc".charAt(random.nextInt(3)) + "|" + random.nextInt(8);
            switch (random.nextInt(5)) {
                case 0, 1 -> {
                    table.put(key, "value " + step);
                    expected.put(key, "value " + step);
                }
                case 2 -> {
                    table.delete(key);
                    expected.remove(key);
                }
                case 3 -> table = random.nextInt(20) == 0 ? over(store, indexed) : table;
                default -> assertThat(table.get(key)).isEqualTo(Optional.ofNullable(expected.get(key)));
            }
            String prefix = random.nextBoolean() ? "" : "abc".charAt(random.nextInt(3)) + "|";
            Map<String, String> seen = new LinkedHashMap<>();
            table.forEach(prefix, seen::put);
            assertThat(seen.entrySet())
                    .containsExactlyElementsOf(expected.subMap(prefix, prefix.isEmpty() ? "~" : prefix.charAt(0) + "}")
                            .entrySet());
        }
        assertThat(store.approximateNumEntries()).isEqualTo(expected.size() + 1);
    }

    private static Table<String> over(KeyValueStore<String, byte[]> store, boolean indexed) {
        StoreTable<String> table = new StoreTable<>("mine", store, Serdes.String(), REMEMBERED, new Unreadable());
        return indexed ? new IndexedTable<>(table) : table;
    }

    private KeyValueStore<String, byte[]> store() {
        var context = new MockProcessorContext<>(
                StreamsPropertiesAccess.of(ConductorSettings.local("unused:9092", folder, new SimpleMeterRegistry())),
                new TaskId(0, 0),
                folder.toFile());
        KeyValueStore<String, byte[]> store = Stores.keyValueStoreBuilder(
                        Stores.inMemoryKeyValueStore("state"), Serdes.String(), Serdes.ByteArray())
                .withLoggingDisabled()
                .build();
        store.init(context.getStateStoreContext(), store);
        return store;
    }
}
