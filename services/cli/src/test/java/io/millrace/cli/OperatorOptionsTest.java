package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.millrace.events.Digest;
import io.millrace.events.Failure;
import io.millrace.events.ModelName;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Reason;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class OperatorOptionsTest {
    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");

    /** The conductor whose clock is ahead would take it for a request that was carried out before. */
    @Test
    void aRequestIsNotOlderThanTheStateThatItsAskerSaw() {
        Instant ahead = NOW.plus(Duration.ofHours(1));

        assertThat(OperatorOptions.asked(ahead, NOW)).isEqualTo(ahead);
        assertThat(OperatorOptions.asked(NOW.minusSeconds(1), NOW)).isEqualTo(NOW);
    }

    /** The conductor would pass it over without a word. */
    @ParameterizedTest
    @EnumSource
    void whatChangesNothingIsRefused(RunStatus status) {
        RunChanged run = run(status, Optional.empty());
        boolean failed = status == RunStatus.FAILED;

        assertRefused(!failed, run, OperatorRequest.Kind.RETRY);
        assertRefused(!status.ended() || status == RunStatus.SUPERSEDED, run, OperatorRequest.Kind.RECOMPUTE);
        assertRefused(status.ended(), run, OperatorRequest.Kind.CANCEL);
    }

    @Test
    void aVersionThatStandsForOtherFilesIsNotTriedAgain() {
        RunChanged run =
                run(RunStatus.FAILED, Optional.of(new Failure(Reason.VERSION_CONFLICT, "publish under a new version")));

        assertRefused(true, run, OperatorRequest.Kind.RETRY);
        assertRefused(true, run, OperatorRequest.Kind.RECOMPUTE);
    }

    private static void assertRefused(boolean refused, RunChanged run, OperatorRequest.Kind kind) {
        AbstractThrowableAssert<?, ?> said = assertThatCode(() -> OperatorOptions.refuseWhatChangesNothing(run, kind))
                .as("%s", kind);
        if (refused) {
            said.isInstanceOfSatisfying(
                    CommandFailure.class,
                    failure -> assertThat(failure.exitCode()).isEqualTo(ExitCode.REFUSED));
        } else {
            said.doesNotThrowAnyException();
        }
    }

    private static RunChanged run(RunStatus status, Optional<Failure> failure) {
        return new RunChanged(
                new RunId(Digest.of("run")),
                new ModelName("chat"),
                "7",
                "policy",
                "phone",
                NOW,
                NOW,
                status,
                0,
                1,
                0,
                3,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                1,
                false,
                0,
                0,
                "",
                failure,
                List.of(),
                List.of(),
                Optional.empty());
    }
}
