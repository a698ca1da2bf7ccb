package io.millrace.cli;

import io.millrace.cli.local.Home;
import io.millrace.events.wire.Topics;
import io.millrace.store.Stores;
import io.millrace.worker.configuration.KafkaFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The options that say which Millrace a command speaks to. Without any it is the one that runs in {@code ./.millrace}. */
final class Cluster {
    @SuppressWarnings("NullAway.Init") // picocli sets the field
    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(
            names = "--home",
            paramLabel = "DIR",
            description =
                    "Folder of a local Millrace (default: ${DEFAULT-VALUE}); its broker and store are found there.")
    private Path home = Path.of(".millrace");

    @Option(
            names = "--kafka",
            paramLabel = "HOST:PORT",
            description = "Kafka of a cluster, instead of a local Millrace.")
    private @Nullable String kafka;

    @Option(
            names = "--kafka-config",
            paramLabel = "FILE",
            description = "More settings of the Kafka clients (security.protocol, sasl.jaas.config …).")
    private @Nullable Path kafkaConfig;

    @Option(
            names = "--store",
            paramLabel = "STORE",
            description = "The artifact store: a folder, or s3://bucket/prefix.")
    private @Nullable String store;

    @Option(
            names = "--topic-prefix",
            paramLabel = "PREFIX",
            description = "Prefix of all topics (default: that of the local Millrace, otherwise millrace.).")
    private @Nullable String topicPrefix;

    Home home() {
        return new Home(home, topics());
    }

    /** What the options say of the topics. */
    Topics topics() {
        return topicPrefix == null ? Topics.DEFAULT : new Topics(topicPrefix);
    }

    Optional<String> kafka() {
        return Optional.ofNullable(kafka);
    }

    /** What the options say of the store. */
    Optional<String> namedStore() {
        return Optional.ofNullable(store);
    }

    /** Finds the broker and the store and makes sure that the broker answers. */
    Connection connect() throws IOException {
        Map<String, Object> settings = kafkaSettings();
        String address = kafka;
        String place = store;
        Topics topics = topics();
        if (address == null) {
            Home.Running running = home().awaitRunning()
                    .orElseThrow(() -> new CommandFailure(
                            ExitCode.UNAVAILABLE,
                            "no Millrace runs in " + home().folder()
                                    + "; start one with 'millrace up --home "
                                    + home().folder()
                                    + "', or name the folder of another with --home, or a cluster with --kafka"));
            address = running.kafka();
            place = place == null ? running.store() : place;
            topics = topicPrefix == null ? home().announcedTopics() : topics;
        }
        settings.put("bootstrap.servers", address);
        Connection connection = new Connection(settings, topics, Optional.ofNullable(place));
        connection.requireBroker(spec.commandLine().getErr());
        return connection;
    }

    /** As {@link #connect}, if a cluster is named or one runs in the home; for what needs no more than the store. */
    Optional<Connection> connectIfThere() throws IOException {
        return kafka != null || home().running().isPresent() ? Optional.of(connect()) : Optional.empty();
    }

    /** The store that is named, or that of the connection, or that of a home where nothing runs. */
    String storePlace(Optional<Connection> connection) {
        Optional<String> named = Optional.ofNullable(store);
        Optional<String> place = connection.isPresent()
                ? connection.get().storePlace()
                : named.or(() ->
                        Optional.of(home().store()).filter(Files::isDirectory).map(Path::toString));
        return place.orElseThrow(() -> new CommandFailure(
                ExitCode.USAGE,
                "this command needs the artifact store; name it with --store"
                        + (connection.isPresent() ? "" : " (there is none in " + home().folder() + ")")));
    }

    /** The store that is named, or the folder in the home; processes with another working folder understand it, too. */
    String storeOfHome() throws IOException {
        if (store == null) {
            return home().store().toString();
        }
        return Stores.folderOf(store)
                .map(folder -> folder.toAbsolutePath().normalize().toString())
                .orElse(store);
    }

    /** Settings of {@code --kafka-config} that a command was given; none if it takes no such option. */
    static Map<String, Object> kafkaSettings(CommandLine command) {
        return command.getCommandSpec().mixins().values().stream()
                .filter(mixin -> mixin.userObject() instanceof Cluster)
                .map(mixin -> ((Cluster) mixin.userObject()).kafkaSettings())
                .findFirst()
                .orElse(Map.of());
    }

    /** Settings of {@code --kafka-config}. */
    Map<String, Object> kafkaSettings() {
        try {
            return kafkaConfig == null
                    ? new HashMap<>()
                    : new HashMap<>(KafkaFile.read(kafkaConfig).values());
        } catch (IOException e) {
            throw new CommandFailure(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
        }
    }
}
