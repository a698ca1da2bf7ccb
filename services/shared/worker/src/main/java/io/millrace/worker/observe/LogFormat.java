package io.millrace.worker.observe;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.core.joran.spi.JoranException;
import java.net.URL;
import org.slf4j.LoggerFactory;

/** Text for people, or one JSON object a line for machines. */
public enum LogFormat {
    TEXT,
    JSON;

    /** The variable that {@code logback.xml} reads. */
    private static final String VARIABLE = "MILLRACE_LOG_APPENDER";

    /** Switches this process's log; loggers that are in use already follow. */
    public void apply() {
        URL file = LogFormat.class.getResource("/logback.xml");
        if (file != null && LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            try {
                context.reset();
                context.putProperty(VARIABLE, name());
                JoranConfigurator configurator = new JoranConfigurator();
                configurator.setContext(context);
                configurator.doConfigure(file);
            } catch (JoranException e) {
                throw new IllegalStateException(file + ": " + e.getMessage(), e);
            }
        }
    }
}
