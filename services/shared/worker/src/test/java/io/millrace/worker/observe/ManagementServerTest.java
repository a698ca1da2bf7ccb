package io.millrace.worker.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.worker.StartException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class ManagementServerTest {
    private final AtomicBoolean alive = new AtomicBoolean(true);
    private final AtomicBoolean ready = new AtomicBoolean(true);

    @Test
    void healthFollowsItsProcess() throws Exception {
        try (ManagementServer server = start()) {
            assertThat(get(server, "/livez").statusCode()).isEqualTo(200);

            ready.set(false);

            assertThat(get(server, "/livez").statusCode()).isEqualTo(200);
            assertThat(get(server, "/readyz").statusCode()).isEqualTo(503);

            alive.set(false);

            assertThat(get(server, "/livez").statusCode()).isEqualTo(503);
        }
    }

    @Test
    void onlyTheNamedPathsExist() throws Exception {
        try (ManagementServer server = start()) {
            assertThat(get(server, "/metrics").body()).isEqualTo("jobs 1\n");
            assertThat(get(server, "/metrics/more").statusCode()).isEqualTo(404);
            assertThat(get(server, "/").statusCode()).isEqualTo(404);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aPortThatIsTakenIsNamedWithTheProcessThatHasIt() throws Exception {
        try (ManagementServer server = start()) {
            assertThatThrownBy(() -> ManagementServer.start(server.port(), () -> "jobs 1\n", alive::get, ready::get))
                    .isInstanceOf(StartException.class)
                    .hasMessageStartingWith("management port " + server.port() + " cannot be opened")
                    .hasMessageContaining("process " + ProcessHandle.current().pid() + " (")
                    .hasMessageEndingWith("another with --management-port, or 0 for a free one");
        }
    }

    @Test
    void aPortThatIsPickedIsForThisMachineAlone() {
        assertThat(ManagementServer.address(0).getAddress().isLoopbackAddress()).isTrue();
        assertThat(ManagementServer.address(9464).getAddress().isAnyLocalAddress())
                .isTrue();
    }

    private ManagementServer start() throws IOException {
        return ManagementServer.start(0, () -> "jobs 1\n", alive::get, ready::get);
    }

    private static HttpResponse<String> get(ManagementServer server, String path)
            throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            URI address = URI.create("http://localhost:" + server.port() + path);
            return client.send(HttpRequest.newBuilder(address).build(), BodyHandlers.ofString());
        }
    }
}
