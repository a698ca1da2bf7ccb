package io.millrace.tests.deploy;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A question to Prometheus.
 *
 * @param where dashboard and panel, or alert
 * @param legend how Grafana names its series: {@code {{label}}} stands for a label's value
 */
record Query(String where, String expression, String legend) {
    private static final Pattern LABEL = Pattern.compile("\\{\\{\\s*(\\w+)\\s*}}");
    private static final Pattern NOT_A_NAME = Pattern.compile("\"[^\"]*\"|\\{[^}]*}|\\[[^]]*]|\\boffset\\s+\\S+"
            + "|\\b(?:by|without|on|ignoring|group_left|group_right)\\s*\\([^)]*\\)");
    private static final Pattern NAME = Pattern.compile("(?<![\\w.:$])[a-zA-Z_:][\\w:]*(?!\\s*\\()(?![\\w:])");
    private static final Set<String> WORDS = Set.of("and", "or", "unless", "bool", "inf", "nan");

    /** Of every dashboard, alert and scaler. */
    static Stream<Query> all() {
        Stream<Query> shown = Dashboard.all()
                .flatMap(dashboard -> Stream.of(
                                dashboard.queries(), dashboard.annotations(), dashboard.variableQueries())
                        .flatMap(List::stream));
        Stream<Query> watched = Stream.concat(
                Alert.all().map(Alert::query), ScaledObject.all().flatMap(scaler -> scaler.queries().stream()));
        return Stream.concat(shown, watched);
    }

    /** What Grafana puts in place of its variables. */
    String filled() {
        return expression
                .replace("$__rate_interval", "1m")
                .replace("$__range_s", "3600")
                .replace("$__range", "1h")
                .replaceAll("\"\\$\\w+\"", "\".*\"");
    }

    Set<String> metrics() {
        String bare = NOT_A_NAME.matcher(filled()).replaceAll(" ");
        Set<String> names = new TreeSet<>();
        NAME.matcher(bare).results().map(match -> match.group()).forEach(names::add);
        names.removeAll(WORDS);
        return names;
    }

    /** Labels that the legend shows, which a series must have. */
    List<String> legendLabels() {
        return LABEL.matcher(legend).results().map(match -> match.group(1)).toList();
    }
}
