package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Gate;
import io.millrace.events.Limit;
import io.millrace.events.Metric;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Recipe;
import io.millrace.events.Step;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import io.millrace.events.wire.EventCodec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class PolicyBookTest {
    private static final byte[] NOISE = "no event".getBytes(StandardCharsets.UTF_8);

    private final EventCodec codec = new EventCodec();
    private final List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();

    @Test
    void aDamagedEntryIsToldAndWhatWasInForceBeforeItStays() {
        put("chat", policy("chat", 3));
        put("chat", NOISE);
        put("other", policy("other", 1));

        PolicyBook book = PolicyBook.of(records, codec);

        assertThat(book.inForce())
                .extracting(Policy::name, Policy::revision)
                .containsExactly(tuple("chat", 3L), tuple("other", 1L));
        assertThat(book.damaged())
                .singleElement()
                .asString()
                .contains("'chat'", "(policies, partition 0, offset 1)", "8 bytes", "'millrace policy delete chat'");
    }

    @Test
    void applyingAgainAndDeletingMendIt() {
        put("chat", NOISE);
        put("chat", policy("chat", 1));
        put("gone", policy("gone", 1));
        put("gone", NOISE);
        put("gone", null);

        PolicyBook book = PolicyBook.of(records, codec);

        assertThat(book.damaged()).isEmpty();
        assertThat(book.names()).containsExactly("chat");
    }

    @Test
    void aPolicyUnderAnotherNameIsNotInForceAndCanBeDeleted() {
        put("chat", policy("other", 1));

        PolicyBook book = PolicyBook.of(records, codec);

        assertThat(book.inForce()).isEmpty();
        assertThat(book.damaged()).singleElement().asString().contains("its key is 'chat' and its policy is 'other'");
        assertThat(book.names()).containsExactly("chat");
    }

    @Test
    void ofANameThatNoPolicyCanHaveTheCommandIsOneThatAShellTakes() {
        put("", NOISE);
        put("two words", NOISE);
        put("$HOME", NOISE);

        PolicyBook book = PolicyBook.of(records, codec);

        assertThat(book.damaged())
                .extracting(PolicyBook.Damaged::toString)
                .satisfiesExactly(
                        empty -> assertThat(empty).endsWith("with 'millrace policy delete -- \"\"'"),
                        shell -> assertThat(shell)
                                .doesNotContain("policy delete")
                                .contains("without a value"),
                        words -> assertThat(words).endsWith("with 'millrace policy delete -- \"two words\"'"));
        assertThat(Main.commandLine()
                        .parseArgs("policy", "delete", "--", "")
                        .subcommand()
                        .subcommand()
                        .matchedPositionalValue(0, "none"))
                .isEmpty();
    }

    @Test
    void aRevisionIsNeverGivenTwiceNotEvenAfterADeletionOrADamagedEntry() {
        put("chat", policy("chat", 1));
        put("chat", policy("chat", 2));
        put("chat", NOISE);
        put("chat", null);

        PolicyBook book = PolicyBook.of(records, codec);

        assertThat(book.nextRevision("chat")).isEqualTo(3);
        assertThat(book.nextRevision("new")).isEqualTo(1);
    }

    private void put(String name, byte @Nullable [] value) {
        records.add(new ConsumerRecord<>("policies", 0, records.size(), name.getBytes(StandardCharsets.UTF_8), value));
    }

    private byte[] policy(String name, long revision) {
        Target target = new Target(
                "phone",
                Device.CPU,
                Device.CPU,
                new TextUse(ArtifactRef.inStore(Digest.of("text")), 1, 2, 0),
                Optional.empty(),
                List.of(new Recipe(List.of(new Step(new Parameters.Gguf("Q8_0"), Device.CPU)))),
                new Gate(List.of(new Limit(Metric.SIZE_RATIO, Limit.Comparison.AT_MOST, 0.9))));
        return codec.encode(new Policy(name, "*", Policy.OnNewer.KEEP, List.of(target), revision, 1));
    }
}
