package io.millrace.store;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.function.Predicate;

/**
 * Stands before an S3 server and does to the requests that a test names what networks and servers do. It changes headers
 * that are signed, so the server must not ask for credentials.
 */
final class FaultProxy implements AutoCloseable {
    enum Fault {
        /** 500, and the server never sees the request. */
        FAILS,
        /** The server does what it was asked; the answer is a 500. */
        ANSWER_LOST,
        /** No answer as long as the proxy lives. */
        SILENT,
        /** The connection ends after half of the content. */
        CUT,
        /** Written although a condition forbade it. */
        CONDITION_IGNORED,
        /** Refused, as to credentials without the right. */
        DENIED,
        /** Refused, as a request whose time is not the server's. */
        SKEWED,
        /** Refused, as from a bucket of another region that the signature does not name. */
        MALFORMED_REGION,
        /** Sent away, as from a bucket of another region. */
        ELSEWHERE
    }

    private static final Set<String> OF_THE_CONNECTION =
            Set.of("connection", "content-length", "expect", "host", "upgrade", "transfer-encoding");

    private record Rule(Predicate<String> requests, Fault fault, CountDownLatch left) {}

    private final URI server;
    private final HttpServer http;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final List<Rule> rules = new CopyOnWriteArrayList<>();
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private final CountDownLatch closed = new CountDownLatch(1);

    FaultProxy(URI server) throws IOException {
        this.server = server;
        this.http = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        http.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        http.createContext("/", this::forward);
        http.start();
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + http.getAddress().getPort());
    }

    /** Does this to the next so many requests, named like {@code "PUT /bucket/key?query"}, that fit. */
    void next(int count, Fault fault, Predicate<String> fits) {
        rules.add(new Rule(fits, fault, new CountDownLatch(count)));
    }

    /** What was asked so far. */
    List<String> requests() {
        return requests;
    }

    private synchronized Optional<Fault> fault(String request) {
        for (Rule rule : rules) {
            if (rule.left().getCount() > 0 && rule.requests().test(request)) {
                rule.left().countDown();
                return Optional.of(rule.fault());
            }
        }
        return Optional.empty();
    }

    private void forward(HttpExchange exchange) throws IOException {
        String request = exchange.getRequestMethod() + " " + exchange.getRequestURI();
        requests.add(request);
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            Optional<Fault> fault = fault(request);
            if (fault.isEmpty()) {
                answer(exchange, send(exchange, body, true), false);
                return;
            }
            switch (fault.get()) {
                case FAILS -> exchange.sendResponseHeaders(500, -1);
                case SILENT -> closed.await();
                case ANSWER_LOST -> {
                    send(exchange, body, true);
                    exchange.sendResponseHeaders(500, -1);
                }
                case CONDITION_IGNORED -> answer(exchange, send(exchange, body, false), false);
                case CUT -> answer(exchange, send(exchange, body, true), true);
                case DENIED -> refuse(exchange, 403, "AccessDenied");
                case SKEWED -> refuse(exchange, 403, "RequestTimeTooSkewed");
                case MALFORMED_REGION -> refuse(exchange, 400, "AuthorizationHeaderMalformed");
                case ELSEWHERE -> refuse(exchange, 301, "PermanentRedirect");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** As Amazon words it. */
    private static void refuse(HttpExchange exchange, int status, String code) throws IOException {
        byte[] body = ("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>" + code
                        + "</Code><Message>said the server</Message></Error>")
                .getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/xml");
        exchange.getResponseHeaders().set("x-amz-bucket-region", "eu-central-1");
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(status, head ? -1 : body.length);
        if (!head) {
            exchange.getResponseBody().write(body);
        }
    }

    private HttpResponse<byte[]> send(HttpExchange exchange, byte[] body, boolean conditions)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create(server + exchange.getRequestURI().toString()))
                .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.ofByteArray(body));
        exchange.getRequestHeaders().forEach((name, values) -> {
            String lower = name.toLowerCase(Locale.ROOT);
            if (!OF_THE_CONNECTION.contains(lower) && (conditions || !lower.equals("if-none-match"))) {
                values.forEach(value -> request.header(name, value));
            }
        });
        return client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    private static void answer(HttpExchange exchange, HttpResponse<byte[]> answer, boolean cut) throws IOException {
        answer.headers().map().forEach((name, values) -> {
            if (!OF_THE_CONNECTION.contains(name.toLowerCase(Locale.ROOT))) {
                exchange.getResponseHeaders().put(name, values);
            }
        });
        byte[] body = answer.body();
        if (exchange.getRequestMethod().equals("HEAD")) {
            answer.headers()
                    .firstValue("content-length")
                    .ifPresent(length -> exchange.getResponseHeaders().set("Content-Length", length));
        }
        exchange.sendResponseHeaders(answer.statusCode(), body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body, 0, cut ? body.length / 2 : body.length);
        exchange.getResponseBody().flush();
    }

    @Override
    public void close() {
        closed.countDown();
        http.stop(0);
        client.close();
    }
}
