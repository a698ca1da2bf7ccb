package io.millrace.store;

import static java.time.ZoneOffset.UTC;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.function.Predicate;
import java.util.regex.Pattern;

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
        /** Refused, as a conditional write while another is under way. */
        CONFLICT,
        /** Refused, as by a server that has too much to do. */
        BUSY,
        /** Refused, as to credentials without the right. */
        DENIED,
        /** Refused, as Versity words it for a key that it does not know. */
        USER_NOT_FOUND,
        /** Refused, as a request whose time is not the server's. */
        SKEWED,
        /** Refused, as from a bucket of another region that the signature does not name. */
        MALFORMED_REGION,
        /** Sent away, as from a bucket of another region. */
        ELSEWHERE,
        /** Not found, as the bucket says it. */
        NO_SUCH_KEY,
        /** Not found, says the page of whatever stands before the server while that starts. */
        PAGE_NOT_FOUND,
        /** Not found, and not a word more. */
        NOT_FOUND,
        /** The upload is not there any more, as a server says that does not remember what it completed. */
        NO_SUCH_UPLOAD,
        /** The server does what it was asked, and says that there is no such upload. */
        UPLOAD_FORGOTTEN,
        /** The first byte of the content is another one. */
        BYTE_CHANGED,
        /** Answered with the whole object, whatever range was asked for. */
        RANGE_IGNORED,
        /** The answer does not say how long the content is. */
        WITHOUT_LENGTH,
        /** The answer does not say when an object was written or an upload began. */
        WITHOUT_TIME,
        /** What the answer names was written, or begun, in the year 2000. */
        LONG_AGO,
        /** A listing has one object on each page. */
        ONE_A_PAGE,
        /** A listing has an empty token for its next page, though there is none. */
        TOKEN_EMPTY,
        /** One of the objects that were to be deleted is still there, says the answer to a request that succeeded. */
        ONE_NOT_DELETED,
        /** The connection ends without an answer, and the server never sees the request. */
        HUNG_UP,
        /** The request is one that the server does not know. */
        UNKNOWN
    }

    /** The last one is of credentials; the server of the tests asks for none and refuses it. */
    private static final Set<String> OF_THE_CONNECTION = Set.of(
            "connection", "content-length", "expect", "host", "upgrade", "transfer-encoding", "x-amz-security-token");

    private static final Pattern TIMES = Pattern.compile("<(LastModified|Initiated)>[^<]*</\\1>");

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
                answer(exchange, send(exchange, body, Set.of()), Set.of(), false);
                return;
            }
            switch (fault.get()) {
                case FAILS -> exchange.sendResponseHeaders(500, -1);
                case SILENT -> closed.await();
                case ANSWER_LOST -> {
                    send(exchange, body, Set.of());
                    exchange.sendResponseHeaders(500, -1);
                }
                case CONDITION_IGNORED ->
                    answer(exchange, send(exchange, body, Set.of("if-none-match")), Set.of(), false);
                case CUT -> answer(exchange, send(exchange, body, Set.of()), Set.of(), true);
                case CONFLICT -> refuse(exchange, 409, "ConditionalRequestConflict");
                case BUSY -> refuse(exchange, 503, "SlowDown");
                case DENIED -> refuse(exchange, 403, "AccessDenied");
                case USER_NOT_FOUND -> refuse(exchange, 404, "XAdminUserNotFound");
                case SKEWED -> refuse(exchange, 403, "RequestTimeTooSkewed");
                case MALFORMED_REGION -> refuse(exchange, 400, "AuthorizationHeaderMalformed");
                case ELSEWHERE -> refuse(exchange, 301, "PermanentRedirect");
                case NO_SUCH_KEY -> refuse(exchange, 404, "NoSuchKey");
                case NOT_FOUND -> exchange.sendResponseHeaders(404, -1);
                case PAGE_NOT_FOUND -> say(exchange, 404, "text/html", "<html>404 page not found</html>");
                case NO_SUCH_UPLOAD -> refuse(exchange, 404, "NoSuchUpload");
                case UPLOAD_FORGOTTEN -> {
                    send(exchange, body, Set.of());
                    refuse(exchange, 404, "NoSuchUpload");
                }
                case BYTE_CHANGED -> {
                    HttpResponse<byte[]> answer = send(exchange, body, Set.of());
                    answer.body()[0] ^= 1;
                    answer(exchange, answer, Set.of(), false);
                }
                case RANGE_IGNORED -> answer(exchange, send(exchange, body, Set.of("range")), Set.of(), false);
                case WITHOUT_LENGTH ->
                    answer(exchange, send(exchange, body, Set.of()), Set.of("content-length"), false);
                case WITHOUT_TIME -> answerDated(exchange, body, Optional.empty());
                case LONG_AGO ->
                    answerDated(exchange, body, Optional.of(ZonedDateTime.of(2000, 1, 1, 0, 0, 0, 0, UTC)));
                case ONE_A_PAGE -> {
                    URI onePage = URI.create(exchange.getRequestURI() + "&max-keys=1");
                    answer(exchange, send(exchange, onePage, body, Set.of()), Set.of(), false);
                }
                case TOKEN_EMPTY -> {
                    HttpResponse<byte[]> answer = send(exchange, body, Set.of());
                    String token = "<NextContinuationToken></NextContinuationToken></ListBucketResult>";
                    String text = new String(answer.body(), StandardCharsets.UTF_8);
                    say(exchange, 200, "application/xml", text.replace("</ListBucketResult>", token));
                }
                case ONE_NOT_DELETED ->
                    say(
                            exchange,
                            200,
                            "application/xml",
                            "<DeleteResult><Error><Key>some</Key><Code>AccessDenied</Code><Message>said the server</Message>"
                                    + "</Error></DeleteResult>");
                case HUNG_UP -> {}
                case UNKNOWN -> refuse(exchange, 501, "NotImplemented");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** As Amazon words it. */
    private static void refuse(HttpExchange exchange, int status, String code) throws IOException {
        String body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>" + code
                + "</Code><Message>said the server</Message></Error>";
        say(exchange, status, "application/xml", body);
    }

    private static void say(HttpExchange exchange, int status, String type, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.getResponseHeaders().set("x-amz-bucket-region", "eu-central-1");
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(status, head ? -1 : body.length);
        if (!head) {
            exchange.getResponseBody().write(body);
        }
    }

    /** Answers what the server says, but for the times in it. */
    private void answerDated(HttpExchange exchange, byte[] body, Optional<ZonedDateTime> time)
            throws IOException, InterruptedException {
        HttpResponse<byte[]> answer = send(exchange, body, Set.of());
        if (exchange.getRequestMethod().equals("HEAD")) {
            time.ifPresent(then -> exchange.getResponseHeaders()
                    .set("Last-Modified", DateTimeFormatter.RFC_1123_DATE_TIME.format(then)));
            answer(exchange, answer, Set.of("last-modified"), false);
        } else {
            String dated = time.map(then -> "<$1>" + then.toInstant() + "</$1>").orElse("");
            String text = new String(answer.body(), StandardCharsets.UTF_8);
            say(exchange, 200, "application/xml", TIMES.matcher(text).replaceAll(dated));
        }
    }

    private HttpResponse<byte[]> send(HttpExchange exchange, byte[] body, Set<String> without)
            throws IOException, InterruptedException {
        return send(exchange, exchange.getRequestURI(), body, without);
    }

    private HttpResponse<byte[]> send(HttpExchange exchange, URI asked, byte[] body, Set<String> without)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(server + asked.toString()))
                .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.ofByteArray(body));
        exchange.getRequestHeaders().forEach((name, values) -> {
            String lower = name.toLowerCase(Locale.ROOT);
            if (!OF_THE_CONNECTION.contains(lower) && !without.contains(lower)) {
                values.forEach(value -> request.header(name, value));
            }
        });
        return client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    private static void answer(HttpExchange exchange, HttpResponse<byte[]> answer, Set<String> without, boolean cut)
            throws IOException {
        answer.headers().map().forEach((name, values) -> {
            String lower = name.toLowerCase(Locale.ROOT);
            if (!OF_THE_CONNECTION.contains(lower) && !without.contains(lower)) {
                exchange.getResponseHeaders().put(name, values);
            }
        });
        byte[] body = answer.body();
        if (exchange.getRequestMethod().equals("HEAD") && !without.contains("content-length")) {
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
