package io.millrace.tests.compatibility;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.millrace.events.policy.PolicyFile;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What the README shows is what the commands take. */
class ReadmeTest {
    private static final Pattern POLICY =
            Pattern.compile("^```yaml\\n(policy: .*?)^```", Pattern.MULTILINE | Pattern.DOTALL);

    @Test
    void policiesOfTheReadmeAreWellFormed() {
        List<String> policies = POLICY.matcher(Repository.read(Repository.ROOT.resolve("README.md")))
                .results()
                .map(match -> match.group(1))
                .toList();

        assertThat(policies)
                .hasSizeGreaterThanOrEqualTo(2)
                .allSatisfy(policy -> assertThatCode(() -> PolicyFile.parse(policy))
                        .as(policy)
                        .doesNotThrowAnyException());
    }
}
