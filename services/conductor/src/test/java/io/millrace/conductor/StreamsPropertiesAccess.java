package io.millrace.conductor;

import java.util.Properties;

/** The shipped settings of Kafka Streams, for the test driver. */
public final class StreamsPropertiesAccess {
    private StreamsPropertiesAccess() {}

    public static Properties of(ConductorSettings settings) {
        return StreamsProperties.of(settings);
    }
}
