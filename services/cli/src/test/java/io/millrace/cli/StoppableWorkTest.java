package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

final class StoppableWorkTest {
    private final CommandSpec spec = CommandSpec.create();
    private final Output output = new Output(new CommandLine(spec).getCommandSpec(), Output.Form.table);

    @Test
    void ofAFullDiskItIsSaidWhatIsLeftAndWhatToDo() {
        IOException full = new IOException("No space left on device");

        assertThatThrownBy(() -> StoppableWork.run(spec, output, () -> "nothing was left", _ -> {
                    throw full;
                }))
                .isInstanceOf(CommandFailure.class)
                .hasMessage(
                        "the disk is full (No space left on device): nothing was left; make room, then run it again")
                .hasCause(full);
    }

    @Test
    void anotherFailureIsPassedOn() {
        IOException other = new IOException("the device is gone");

        assertThatThrownBy(() -> StoppableWork.run(spec, output, () -> "nothing was left", _ -> {
                    throw other;
                }))
                .isSameAs(other);
    }
}
