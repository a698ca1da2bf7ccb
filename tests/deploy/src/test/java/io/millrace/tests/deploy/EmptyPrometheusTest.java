package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The dashboards on a Prometheus that has nothing of Millrace yet: their panels say "no data", none says "error". */
class EmptyPrometheusTest {
    @TempDir
    Path folder;

    @Test
    void everyQueryIsAnsweredAndNoPanelShowsAnything() throws Exception {
        OperationsTool program = OperationsTool.orSkip("prometheus");
        try (Prometheus prometheus = Prometheus.start(program, folder, Map.of())) {
            SoftAssertions all = new SoftAssertions();
            for (Query query : Query.all().toList()) {
                // A panel that counts shows 0 where nothing is; alerts, and who lists them, may say that all is
                // missing.
                all.assertThat(prometheus.ask(query.filled()))
                        .as(query.where() + ": " + query.filled())
                        .allMatch(series -> query.where().startsWith("alert ")
                                || query.metrics().contains("ALERTS")
                                || series.at("/value/1").asDouble() == 0);
            }
            all.assertAll();
            assertThat(Query.all()).hasSizeGreaterThan(50);
        }
    }
}
