package io.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FormerPortsTest {
    @TempDir
    Path folder;

    @Test
    void theFormerPortTakesConnectionsUntilItIsGivenUp() throws Exception {
        int port = freePort();
        FormerPorts.add(folder, port);

        try (FormerPorts _ = FormerPorts.hold(folder)) {
            assertThatCode(() -> connect(port)).doesNotThrowAnyException();
        }

        assertThatThrownBy(() -> connect(port)).isInstanceOf(ConnectException.class);
    }

    @Test
    void aConnectionIsCutWhenThePortIsGivenUp() throws Exception {
        int port = freePort();
        FormerPorts.add(folder, port);

        Socket marks;
        try (FormerPorts _ = FormerPorts.hold(folder)) {
            marks = new Socket(InetAddress.getLoopbackAddress(), port);
        }

        try (marks) {
            assertThat(isCut(marks)).isTrue();
        }
    }

    @Test
    void startsThatDiedTooAreRemembered() throws Exception {
        int registered = freePort();
        FormerPorts.replace(folder, registered);
        FormerPorts.add(folder, freePort());

        try (FormerPorts _ = FormerPorts.hold(folder)) {
            assertThatCode(() -> connect(registered)).doesNotThrowAnyException();
        }
    }

    @Test
    void nothingIsHeldAfterAFarewellNorWhereTheFileIsSpoiled() throws Exception {
        int port = freePort();
        FormerPorts.add(folder, port);
        FormerPorts.forget(folder);
        try (FormerPorts _ = FormerPorts.hold(folder)) {
            assertThatThrownBy(() -> connect(port)).isInstanceOf(ConnectException.class);
        }

        Files.writeString(folder.resolve("broker.ports"), "70000\n-1\nspoiled\n");
        assertThatCode(() -> FormerPorts.hold(folder).close()).doesNotThrowAnyException();
    }

    @Test
    void aPortThatSomethingElseUsesIsLeftAlone() throws Exception {
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            FormerPorts.add(folder, other.getLocalPort());

            assertThatCode(() -> FormerPorts.hold(folder).close()).doesNotThrowAnyException();
        }
    }

    private static boolean isCut(Socket socket) {
        try {
            socket.setSoTimeout(10_000);
            return socket.getInputStream().read() == -1;
        } catch (SocketTimeoutException e) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }

    private static void connect(int port) throws IOException {
        new Socket(InetAddress.getLoopbackAddress(), port).close();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
