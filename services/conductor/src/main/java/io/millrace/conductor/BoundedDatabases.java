package io.millrace.conductor;

import java.util.Map;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.Cache;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.WriteBufferManager;

/**
 * One bound for the memory of all databases of this process. Streams bounds each by itself, at 50 MB of cache and 48 MB
 * of write buffers, and a conductor has one for each partition that it owns: a long-lived one would grow by a gigabyte.
 *
 * <p>As Kafka's documentation of {@code rocksdb.config.setter} shows it: the write buffers count as part of the cache,
 * and so do the indexes and filters of the files.
 */
public final class BoundedDatabases implements RocksDBConfigSetter {
    private static final long BYTES = 64L << 20;
    private static final long WRITE_BUFFER_BYTES = 32L << 20;
    private static final long ONE_WRITE_BUFFER_BYTES = 4L << 20;

    private static final Cache CACHE;
    private static final WriteBufferManager WRITE_BUFFERS;

    static {
        RocksDB.loadLibrary();
        CACHE = new LRUCache(BYTES);
        WRITE_BUFFERS = new WriteBufferManager(WRITE_BUFFER_BYTES, CACHE);
    }

    /** Streams makes it by its class's name. */
    public BoundedDatabases() {}

    @Override
    public void setConfig(String store, Options options, Map<String, Object> configs) {
        BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
        table.setBlockCache(CACHE);
        table.setCacheIndexAndFilterBlocks(true);
        table.setPinTopLevelIndexAndFilter(true);
        options.setTableFormatConfig(table);
        options.setWriteBufferManager(WRITE_BUFFERS);
        options.setWriteBufferSize(ONE_WRITE_BUFFER_BYTES);
    }

    @Override
    public void close(String store, Options options) {
        // The cache and the buffers belong to all of them.
    }
}
