package io.millrace.tests.deploy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** An authority of the test's own and certificates of it, made by the JDK's keytool. */
record Certificates(Path folder) {
    static final String PASSWORD = "of-the-test";
    private static final long LONGEST_SECONDS = 60;

    static Certificates in(Path folder) throws IOException, InterruptedException {
        Certificates certificates = new Certificates(folder);
        certificates.keytool(
                "authority.p12", "-genkeypair", "-alias", "authority", "-dname", "CN=authority", "-ext", "bc:c");
        certificates.keytool(
                "authority.p12",
                "-exportcert",
                "-rfc",
                "-alias",
                "authority",
                "-file",
                certificates.trust().toString());
        return certificates;
    }

    /** The authority, in PEM. */
    Path trust() {
        return folder.resolve("authority.pem");
    }

    /** A key store for localhost. */
    Path server(String name, String from, int days) throws IOException, InterruptedException {
        Path store = folder.resolve(name);
        Files.copy(folder.resolve("authority.p12"), store);
        keytool(
                name,
                "-genkeypair",
                "-alias",
                "server",
                "-dname",
                "CN=localhost",
                "-ext",
                "san=dns:localhost",
                "-signer",
                "authority",
                "-startdate",
                from,
                "-validity",
                Integer.toString(days));
        keytool(name, "-delete", "-alias", "authority");
        return store;
    }

    private void keytool(String store, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        command.addAll(List.of(arguments));
        command.addAll(List.of("-keystore", folder.resolve(store).toString(), "-storepass", PASSWORD));
        if (command.contains("-genkeypair")) {
            command.addAll(List.of("-keyalg", "EC", "-groupname", "secp256r1"));
        }
        Process keytool = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("keytool.log").toFile())
                .start();
        if (!keytool.waitFor(LONGEST_SECONDS, TimeUnit.SECONDS) || keytool.exitValue() != 0) {
            throw new IOException("keytool failed: " + Files.readString(folder.resolve("keytool.log")));
        }
    }
}
