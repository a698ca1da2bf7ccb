package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.millrace.events.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Who the store says it is, and whom it trusts. */
class S3ConnectionIT {
    private static final char[] PASSWORD = "changeit".toCharArray();

    @RegisterExtension
    static final S3Server SERVER = new S3Server(S3Proxy::startTrusting);

    @TempDir
    Path temp;

    private final Map<String, String> settings = Map.of(
            "aws.disableEc2Metadata", "true",
            "aws.sharedCredentialsFile", "/no/such/file",
            "aws.configFile", "/no/such/file",
            "aws.region", "us-east-1");

    @BeforeEach
    void knowNobody() {
        assumeTrue(System.getenv("AWS_ACCESS_KEY_ID") == null, "skipped: there are credentials in the environment");
        settings.forEach(System::setProperty);
        System.clearProperty("aws.accessKeyId");
        System.clearProperty("aws.secretAccessKey");
    }

    @AfterEach
    void knowCredentials() {
        settings.keySet().forEach(System::clearProperty);
        List.of("aws.roleArn", "aws.webIdentityTokenFile", "aws.endpointUrlSts").forEach(System::clearProperty);
        S3Proxy.knowCredentials();
    }

    private String address(URI endpoint) {
        return S3Proxy.address("test-" + UUID.randomUUID(), endpoint, temp.resolve("cache"));
    }

    private static InetSocketAddress anyPort() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    }

    private static URI endpoint(String scheme, HttpServer server) {
        return URI.create(scheme + "://localhost:" + server.getAddress().getPort());
    }

    /** As pods of Kubernetes have it. */
    @Test
    void aWebIdentityIsExchangedForCredentials() throws Exception {
        List<String> asked = new CopyOnWriteArrayList<>();
        HttpServer tokens = HttpServer.create(anyPort(), 0);
        tokens.createContext("/", exchange -> {
            asked.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            byte[] answer = """
                    <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
                    <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>some-key</AccessKeyId>
                    <SecretAccessKey>some-secret</SecretAccessKey><SessionToken>some-token</SessionToken>
                    <Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
                    </AssumeRoleWithWebIdentityResponse>""".getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "text/xml");
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        tokens.start();
        System.setProperty("aws.roleArn", "arn:aws:iam::123456789012:role/millrace");
        System.setProperty(
                "aws.webIdentityTokenFile",
                Files.writeString(temp.resolve("token"), "the-token").toString());
        System.setProperty("aws.endpointUrlSts", endpoint("http", tokens).toString());
        try (FaultProxy proxy = new FaultProxy(SERVER.endpoint());
                ArtifactStore store = Stores.open(address(proxy.endpoint()))) {
            Digest blob = store.put(Samples.bytes("content"));

            assertThat(store.contains(blob)).isTrue();
            assertThat(asked).hasSize(1);
            assertThat(asked.getFirst()).contains("WebIdentityToken=the-token");
        } finally {
            tokens.stop(0);
        }
    }

    @Test
    void whyThereAreNoCredentialsIsToldToTheEnd() {
        System.setProperty("aws.roleArn", "arn:aws:iam::123456789012:role/millrace");
        System.setProperty("aws.webIdentityTokenFile", "/no/such/token");

        assertThatThrownBy(() -> Stores.open(address(SERVER.endpoint())))
                .hasMessageContaining("no credentials were found; set AWS_ACCESS_KEY_ID")
                .hasMessageContaining("/no/such/token")
                .hasMessageNotContaining("AwsCredentialsProviderChain(");
    }

    @Test
    void aFileOfProfilesThatCannotBeReadIsSaidToBeOne() throws Exception {
        profiles("[profile");

        assertThatThrownBy(() -> Stores.open(address(SERVER.endpoint())))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the settings cannot be used; correct the address, the profile")
                .hasMessageContaining("must end with ']' on line 1");
    }

    @Test
    void aProfileWithARoleSaysWhatItLacks() throws Exception {
        profiles("[default]\nrole_arn=some-role\nsource_profile=nobody");

        assertThatThrownBy(() -> Stores.open(address(SERVER.endpoint())))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no credentials were found")
                .hasMessageContaining("nobody");
    }

    private void profiles(String text) throws IOException {
        System.setProperty(
                "aws.configFile",
                Files.writeString(temp.resolve("config"), text).toString());
    }

    @Test
    void aCertificateThatNobodyTrustsIsSaidToBeOne() throws Exception {
        S3Proxy.knowCredentials();
        HttpsServer server = HttpsServer.create(anyPort(), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(selfSigned()));
        server.start();
        try {
            assertThatThrownBy(() -> Stores.open(address(endpoint("https", server))))
                    .hasMessageContaining("the server's certificate is not trusted; name a trust store")
                    .hasMessageContaining("MILLRACE_JAVA_OPTS=-Djavax.net.ssl.trustStore=FILE")
                    .hasMessageContaining(endpoint("https", server).toString());
        } finally {
            server.stop(0);
        }
    }

    private SSLContext selfSigned() throws Exception {
        Path keys = temp.resolve("keys.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=localhost",
                        "-keystore",
                        keys.toString(),
                        "-storepass",
                        new String(PASSWORD))
                .redirectErrorStream(true)
                .start();
        assertThat(keytool.waitFor())
                .as(new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .isZero();
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(keys)) {
            store.load(in, PASSWORD);
        }
        KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(store, PASSWORD);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        return context;
    }

    @Test
    void aPortThatSpeaksNoTlsIsSaidToSpeakNone() {
        S3Proxy.knowCredentials();
        URI plain = URI.create(SERVER.endpoint().toString().replace("http:", "https:"));

        assertThatThrownBy(() -> Stores.open(address(plain)))
                .hasMessageContaining("no TLS could be agreed on; check that the endpoint's port speaks https");
    }
}
