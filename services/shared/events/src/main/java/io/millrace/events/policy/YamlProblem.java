package io.millrace.events.policy;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Where a text is no YAML, and why, in one line. */
public record YamlProblem(int line, String text) {
    private static final Pattern PLACE = Pattern.compile("(?m)^ in .*, line (\\d+), column \\d+");

    /**
     * The parser tells in lines of their own what it was doing and what it found; the indented ones below each have the
     * place. Its location is that of the last token that was sound.
     */
    public static YamlProblem of(JsonProcessingException error) {
        String message = error.getOriginalMessage();
        int line = error.getLocation() == null ? 1 : error.getLocation().getLineNr();
        Matcher places = PLACE.matcher(message);
        while (places.find()) {
            line = Integer.parseInt(places.group(1));
        }
        String text = message.lines()
                .filter(part -> !part.isBlank() && !Character.isWhitespace(part.charAt(0)))
                .collect(Collectors.joining(", "));
        boolean unquoted = text.contains("alias") || text.contains("block scalar") || text.contains("'>'");
        return new YamlProblem(
                line,
                unquoted
                        ? text.replace(". (Do not use > for indentation)", "")
                                + "; values that start with > or * need quotes"
                        : text);
    }
}
