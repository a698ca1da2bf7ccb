package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every query of every dashboard and alert against what a running pipeline shows. */
final class QueriesIT {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    /** What shows last, and what Prometheus itself adds. */
    private static final List<String> SIGNS = List.of(
            "millrace_models_published_total",
            "millrace_models_rejected_total",
            "millrace_jobs_unattended",
            "millrace_queue_lag",
            "millrace_jobs_backed_off_total",
            "millrace_dead_letters_total",
            "millrace_worker_dead_letters_total",
            "jvm_gc_pause_seconds_sum");

    private static final Set<String> OF_PROMETHEUS = Set.of("up", "ALERTS");

    @TempDir
    static Path folder;

    private static WatchedPipeline pipeline;

    @BeforeAll
    static void start() throws Exception {
        pipeline = new WatchedPipeline(folder);
        System.gc();
        Awaitility.await("something of everything")
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(scraped()).containsAll(SIGNS));
    }

    @AfterAll
    static void stop() throws Exception {
        if (pipeline != null) {
            pipeline.close();
        }
    }

    @Test
    void everyMetricThatIsAskedForExists() throws Exception {
        Set<String> known = scraped();
        known.addAll(OF_PROMETHEUS);

        assertThat(Query.all())
                .allSatisfy(query -> assertThat(query.metrics())
                        .as(query.where() + ": " + query.expression())
                        .isNotEmpty()
                        .isSubsetOf(known));
    }

    @Test
    void prometheusAnswersEveryQueryAndEveryPanelHasSomethingToShow() throws Exception {
        OperationsTool program = OperationsTool.orSkip("prometheus");
        try (Prometheus prometheus = Prometheus.start(program, folder, pipeline.ports)) {
            for (String sign :
                    Stream.concat(SIGNS.stream(), Stream.of("ALERTS")).toList()) {
                Awaitility.await(sign)
                        .atMost(PATIENCE)
                        .until(() -> !prometheus
                                .ask("count_over_time(" + sign + "[1m]) > 1")
                                .isEmpty());
            }
            SoftAssertions all = new SoftAssertions();
            for (Query query : Query.all().toList()) {
                List<JsonNode> series = prometheus.ask(query.filled());
                if (!query.where().matches("(alert|scaler) .*")) {
                    all.assertThat(series)
                            .as(query.where() + ": " + query.filled())
                            .anyMatch(QueriesIT::hasANumber);
                }
                for (JsonNode one : series) {
                    all.assertThat(query.legendLabels())
                            .as("%s: the legend of %s", query.where(), one.get("metric"))
                            .allMatch(one.get("metric")::has);
                }
            }
            all.assertAll();
        }
    }

    /** Grafana draws no point for what is not a number. */
    private static boolean hasANumber(JsonNode series) {
        return !series.at("/value/1").asText().equals("NaN");
    }

    /** Names of all samples that the services show now. */
    private static Set<String> scraped() throws Exception {
        Set<String> names = new TreeSet<>();
        try (HttpClient http = HttpClient.newHttpClient()) {
            for (int port : pipeline.ports.values()) {
                URI address = URI.create("http://localhost:" + port + "/metrics");
                http.send(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofLines())
                        .body()
                        .filter(line -> !line.startsWith("#"))
                        .map(line -> line.replaceAll("[{ ].*", ""))
                        .forEach(names::add);
            }
        }
        return names;
    }
}
