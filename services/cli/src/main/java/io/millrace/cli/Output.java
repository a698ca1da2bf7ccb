package io.millrace.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** How a command prints: tables for people, JSON for programs. */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class Output {
    /** The forms of {@code --output}. */
    enum Form {
        table,
        json
    }

    @Spec(Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORM",
            description =
                    "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}); JSON is one document, or one line per event")
    private Form form = Form.table;

    /** As a mixin. */
    Output() {}

    /** For a command whose {@code -o} is something else. */
    Output(CommandSpec command, Form form) {
        this.command = command;
        this.form = form;
    }

    boolean json() {
        return form == Form.json;
    }

    /** Prints a document for programs, or what {@code text} makes for people; fails if it cannot be written. */
    void print(Object document, Supplier<String> text) {
        PrintWriter out = out();
        out.println(
                json()
                        ? EventJson.pretty(document)
                        : Text.printableLines(text.get().stripTrailing()));
        requireTold(out);
    }

    /** Prints one event of a stream; fails if nobody reads any more, so that no event counts as told that was not. */
    void line(Object document, Supplier<String> text) {
        PrintWriter out = out();
        out.println(json() ? EventJson.line(document) : Text.printableLines(text.get()));
        requireTold(out);
    }

    private static void requireTold(PrintWriter out) {
        if (out.checkError()) {
            throw new CommandFailure(
                    ExitCode.FAILED, "nobody reads standard output any more, or it goes to a disk that is full");
        }
    }

    void table(Object document, List<String> header, List<List<String>> rows, String whenEmpty) {
        print(document, () -> rows.isEmpty() ? whenEmpty : new Table(header, rows).toString());
    }

    /** A remark for people, which programs do not see on standard output. */
    void remark(String text) {
        PrintWriter err = command.commandLine().getErr();
        err.println(Text.printableLines(text));
        err.flush();
    }

    PrintWriter out() {
        return command.commandLine().getOut();
    }
}
