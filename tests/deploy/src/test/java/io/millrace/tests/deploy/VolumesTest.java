package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The root of a pod is read-only; what Millrace writes beside it has a volume that is large enough. */
final class VolumesTest {
    private static final Pattern IMAGE_VARIABLE = Pattern.compile("(MILLRACE_WORK_FOLDER|DJL_CACHE_DIR)=(\\S+)");

    private static final Pattern CACHE = Pattern.compile("[?&]cache=([^&]+)&cache-gib=(\\d+)");

    private static final BigDecimal GIB = BigDecimal.valueOf(1L << 30);

    static Stream<Pods> writers() {
        return Pods.all().filter(pods -> !pods.owner().name().equals("topics"));
    }

    /** Of the store. */
    static Stream<Pods> users() {
        return Pods.all().filter(pods -> pods.ofStage() || pods.ofPeople());
    }

    /** An empty volume hides what the image has in its place, so a folder that must exist is a volume of its own. */
    @ParameterizedTest
    @MethodSource("writers")
    void whateverIsWrittenLiesOnAVolume(Pods pods) {
        Matcher folders = IMAGE_VARIABLE.matcher(Repository.text(Repository.DEPLOY.resolve("docker/Dockerfile")));
        Stream<String> state = pods.ofPeople() ? Stream.empty() : state(pods.invocation());

        assertThat(Stream.concat(folders.results().map(folder -> folder.group(2)), state))
                .hasSizeGreaterThanOrEqualTo(2)
                .allSatisfy(folder -> assertThat(pods.writable())
                        .anySatisfy(volume -> assertThat(Path.of(folder)).startsWithRaw(Path.of(volume))));
        assertThat(pods.writable()).contains("/tmp");
    }

    /** Natives are unpacked into it and mapped as code. A folder that outlives the container would gather what killed processes leave. */
    @Test
    void theTemporaryFolderAllowsCodeAndGoesWithItsContainer() {
        assertThat(Repository.text(Repository.DEPLOY.resolve("docker/Dockerfile")))
                .doesNotContain("java.io.tmpdir");
        assertThat(Pods.all())
                .allSatisfy(pods -> assertThat(pods.environment().getOrDefault("MILLRACE_JAVA_OPTS", ""))
                        .doesNotContain("java.io.tmpdir"));
        assertThat(ComposeService.ofMillrace()).hasSize(8).allSatisfy(service -> {
            assertThat(service.list("tmpfs")).containsExactly("/tmp:exec,size=256m");
            assertThat(service.environment()).doesNotContainKey("MILLRACE_JAVA_OPTS");
        });
    }

    /** A new volume belongs to root; whichever pod mounts the store first makes it writable for all. */
    @ParameterizedTest
    @MethodSource("users")
    void aNewStoreIsWritable(Pods pods) {
        assertThat(pods.spec().getSecurityContext().getFsGroup())
                .isNotNull()
                .isEqualTo(pods.spec().getSecurityContext().getRunAsGroup());
    }

    /** Kubernetes ends a pod that writes more than its volume may hold, so the store's own bound must be the first. */
    @ParameterizedTest
    @MethodSource("users")
    void theCacheOfABucketFitsItsVolume(Pods pods) {
        Matcher cache = CACHE.matcher(String.valueOf(pods.environment().get("MILLRACE_STORE")));
        assertThat(cache.find()).isTrue();
        BigDecimal bytes = new BigDecimal(cache.group(2)).multiply(GIB);

        assertThat(pods.container().getVolumeMounts())
                .filteredOn(mount -> Path.of(cache.group(1)).startsWith(mount.getMountPath()))
                .singleElement()
                .satisfies(mount -> assertThat(pods.spec().getVolumes())
                        .filteredOn(volume -> volume.getName().equals(mount.getName()))
                        .singleElement()
                        .satisfies(volume -> assertThat(
                                        volume.getEmptyDir().getSizeLimit().getNumericalAmount())
                                .isGreaterThan(bytes)));
    }

    private static Stream<String> state(Invocation invocation) {
        return Stream.ofNullable(invocation.parsed().subcommand().<Object>matchedOptionValue("--state", null))
                .map(String::valueOf);
    }
}
