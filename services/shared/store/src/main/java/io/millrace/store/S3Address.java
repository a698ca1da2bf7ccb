package io.millrace.store;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where a store on S3 is.
 *
 * <pre>
 * s3://bucket/prefix?endpoint=https://host:port&amp;region=eu-central-1&amp;path-style&amp;cache=/folder&amp;cache-gib=50
 * </pre>
 *
 * Everything after the bucket may be left out. Credentials are never part of it: addresses are logged and shown.
 *
 * @param prefix before every key: empty, or with '/' at its end
 * @param endpoint a server other than Amazon's
 * @param region if the surroundings do not name it
 * @param pathStyle the bucket is part of the path, not of the host name
 * @param cacheFolder where files are kept that were read
 */
record S3Address(
        String bucket,
        String prefix,
        Optional<URI> endpoint,
        Optional<String> region,
        boolean pathStyle,
        Path cacheFolder,
        long cacheBytes) {
    private static final String FORM =
            "s3://bucket/prefix?endpoint=URL&region=NAME&path-style&cache=FOLDER&cache-gib=NUMBER";
    private static final Pattern BUCKET = Pattern.compile("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]");
    private static final Pattern REGION = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");
    private static final Set<String> NO_NAMES = Set.of("", ".", "..");
    private static final int LAST_PORT = 65_535;
    private static final Pattern GIBIBYTES = Pattern.compile("[1-9][0-9]{0,6}");

    static S3Address parse(String address) throws StoreAddressException {
        String shown = address.replaceFirst("//[^/]*@", "//...@");
        URI uri;
        try {
            uri = new URI(address);
        } catch (URISyntaxException e) {
            // The cause would show the whole address.
            throw wrong(shown, "is no address");
        }
        if (uri.getRawAuthority() == null) {
            throw wrong(shown, "names no bucket");
        }
        String bucket = uri.getRawAuthority();
        if (bucket.contains("@")) {
            throw wrong(
                    shown,
                    "holds credentials; take them out and give them by AWS_ACCESS_KEY_ID and"
                            + " AWS_SECRET_ACCESS_KEY, a profile or the machine's role");
        }
        if (!BUCKET.matcher(bucket).matches()) {
            throw wrong(shown, "names the bucket '" + bucket + "', which is no bucket's name");
        }
        if (uri.getRawFragment() != null) {
            throw wrong(shown, "is cut off at the '#'; write it as %23");
        }
        SortedMap<String, String> options = options(uri.getRawQuery());
        try {
            S3Address parsed = new S3Address(
                    bucket,
                    prefix(uri.getPath()),
                    Optional.ofNullable(options.remove("endpoint")).map(S3Address::endpoint),
                    Optional.ofNullable(options.remove("region")).map(S3Address::region),
                    pathStyle(options.remove("path-style")),
                    cacheFolder(options.remove("cache")),
                    cacheBytes(options.remove("cache-gib")));
            if (!options.isEmpty()) {
                throw new IllegalArgumentException("has the unknown option '" + options.firstKey() + "'");
            }
            return parsed;
        } catch (IllegalArgumentException e) {
            throw wrong(shown, String.valueOf(e.getMessage()));
        }
    }

    private static StoreAddressException wrong(String shown, String what) {
        return new StoreAddressException("'" + shown + "' " + what + "; expected " + FORM);
    }

    private static SortedMap<String, String> options(@Nullable String query) {
        SortedMap<String, String> options = new TreeMap<>();
        for (String option : query == null ? new String[0] : query.split("&", -1)) {
            String[] parts = option.split("=", 2);
            options.put(parts[0], parts.length == 1 ? "" : decoded(parts[1]));
        }
        return options;
    }

    /** Unlike in a form a plus is a plus. */
    private static String decoded(String text) {
        return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    /** A server that keeps objects as files takes these parts for folders, and lists the objects under other names. */
    private static String prefix(String path) {
        String trimmed = path.replaceAll("^/|/$", "");
        if (trimmed.isEmpty()) {
            return "";
        }
        for (String part : trimmed.split("/", -1)) {
            if (NO_NAMES.contains(part)) {
                throw new IllegalArgumentException(
                        "has the part '" + part + "' in its prefix, which not every server keeps; take it out");
            }
        }
        return trimmed + "/";
    }

    private static String region(String region) {
        if (!REGION.matcher(region).matches()) {
            throw new IllegalArgumentException("has the region '" + region + "', expected a name such as eu-central-1");
        }
        return region;
    }

    /** Without a value it is switched on. */
    private static boolean pathStyle(@Nullable String value) {
        return switch (value) {
            case null -> false;
            case "", "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("has path-style '" + value + "', expected true or false");
        };
    }

    private static URI endpoint(String text) {
        if (text.contains("@")) {
            throw new IllegalArgumentException("holds credentials in its endpoint; take them out");
        }
        URI endpoint = URI.create(text);
        if (endpoint.getPort() == 0 || endpoint.getPort() > LAST_PORT) {
            throw new IllegalArgumentException(
                    "has the port " + endpoint.getPort() + " in its endpoint, expected 1 to " + LAST_PORT);
        }
        if (endpoint.getHost() == null || !String.valueOf(endpoint.getScheme()).matches("https?")) {
            throw new IllegalArgumentException("has the endpoint '" + text + "', expected http(s)://host:port");
        }
        return endpoint;
    }

    private static Path cacheFolder(@Nullable String folder) {
        if (folder != null && folder.isBlank()) {
            throw new IllegalArgumentException("names no folder with 'cache='");
        }
        return folder == null ? Path.of(System.getProperty("java.io.tmpdir"), "millrace-cache") : Path.of(folder);
    }

    private static long cacheBytes(@Nullable String gibibytes) {
        if (gibibytes == null) {
            return 50L << 30;
        }
        if (!GIBIBYTES.matcher(gibibytes).matches()) {
            throw new IllegalArgumentException("has the cache size '" + gibibytes + "' GiB, expected a whole number");
        }
        return Long.parseLong(gibibytes) << 30;
    }

    /** The address as errors name it. */
    @Override
    public String toString() {
        return "s3://" + bucket + "/" + prefix
                + endpoint.map(uri -> " at " + uri).orElse("");
    }
}
