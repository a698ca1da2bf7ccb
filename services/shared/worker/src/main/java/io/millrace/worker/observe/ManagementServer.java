package io.millrace.worker.observe;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.millrace.worker.StartException;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Metrics and health of a process over HTTP: {@code /metrics}, {@code /livez}, {@code /readyz}. Alive means that a restart
 * would not help: it never depends on Kafka or the store, else an outage of theirs would restart every worker.
 */
public final class ManagementServer implements AutoCloseable {
    private static final String METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    private ManagementServer(HttpServer server) {
        this.server = server;
    }

    /** @param port on every interface; 0 picks a free one of the loopback */
    public static ManagementServer start(
            int port, Supplier<String> metrics, BooleanSupplier alive, BooleanSupplier ready) throws IOException {
        ManagementServer management = new ManagementServer(bound(port));
        HttpServer server = management.server;
        server.createContext("/metrics", exchange -> answer(exchange, "/metrics", 200, METRICS_TYPE, metrics.get()));
        server.createContext("/livez", exchange -> health(exchange, "/livez", alive.getAsBoolean()));
        server.createContext("/readyz", exchange -> health(exchange, "/readyz", ready.getAsBoolean()));
        server.setExecutor(management.threads);
        server.start();
        return management;
    }

    private static HttpServer bound(int port) throws IOException {
        try {
            return HttpServer.create(address(port), 0);
        } catch (BindException e) {
            String holder = PortHolder.of(port)
                    .map(process -> process + " listens there; stop it, or choose")
                    .orElse("'ss -ltnp' shows who listens where, to root also other users' processes; choose");
            throw new StartException(
                    "management port " + port + " cannot be opened (" + e.getMessage() + "): " + holder
                            + " another with --management-port, or 0 for a free one",
                    e);
        }
    }

    /** Who asks from another machine has to know the port; one that is picked is for this machine alone. */
    static InetSocketAddress address(int port) {
        return port == 0 ? new InetSocketAddress(InetAddress.getLoopbackAddress(), 0) : new InetSocketAddress(port);
    }

    public int port() {
        return server.getAddress().getPort();
    }

    private static void health(HttpExchange exchange, String path, boolean well) throws IOException {
        answer(exchange, path, well ? 200 : 503, "text/plain; charset=utf-8", well ? "ok\n" : "not now\n");
    }

    /** A context answers every path below it too; only the path itself exists. */
    private static void answer(HttpExchange exchange, String path, int status, String type, String text)
            throws IOException {
        try (exchange) {
            boolean found = exchange.getRequestURI().getPath().equals(path);
            byte[] body = (found ? text : "there is /metrics, /livez and /readyz\n").getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", found ? type : "text/plain; charset=utf-8");
            exchange.sendResponseHeaders(found ? status : 404, body.length);
            exchange.getResponseBody().write(body);
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.close();
    }
}
