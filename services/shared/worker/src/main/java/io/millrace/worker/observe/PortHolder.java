package io.millrace.worker.observe;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Who listens on a port of this machine, as far as Linux tells: {@code /proc/net/tcp} has the socket of each port, and
 * the open files of a process name its sockets, to its own user and to root.
 */
final class PortHolder {
    private static final Path PROCESSES = Path.of("/proc");
    private static final String LISTENS = "0A";
    private static final int ADDRESS = 1;
    private static final int STATE = 3;
    private static final int SOCKET = 9;

    private PortHolder() {}

    /** "process 4711 (java)"; empty if nobody is seen. */
    static Optional<String> of(int port) {
        Set<String> sockets = Stream.of("net/tcp", "net/tcp6")
                .flatMap(table -> lines(PROCESSES.resolve(table)).stream())
                .map(line -> line.strip().split("\\s+"))
                .filter(columns -> columns.length > SOCKET && columns[STATE].equals(LISTENS))
                .filter(columns -> columns[ADDRESS].endsWith(String.format(":%04X", port)))
                .map(columns -> "socket:[" + columns[SOCKET] + "]")
                .collect(Collectors.toSet());
        return sockets.isEmpty()
                ? Optional.empty()
                : ProcessHandle.allProcesses()
                        .map(ProcessHandle::pid)
                        .filter(pid -> holds(pid, sockets))
                        .findFirst()
                        .map(pid -> "process " + pid + " (" + name(pid) + ")");
    }

    private static boolean holds(long pid, Set<String> sockets) {
        try (Stream<Path> files = Files.list(PROCESSES.resolve(pid + "/fd"))) {
            return files.anyMatch(file -> sockets.contains(target(file)));
        } catch (IOException e) {
            return false; // Another user's, or gone.
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "";
        }
    }

    /** Without its arguments, which may hold secrets. */
    private static String name(long pid) {
        return String.join("", lines(PROCESSES.resolve(pid + "/comm")));
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            return List.of();
        }
    }
}
