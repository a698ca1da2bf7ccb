package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The files under deploy/kubernetes are resources that Kubernetes, its operators and Kustomize know. */
final class ManifestsTest {
    @TempDir
    Path folder;

    static Stream<Path> kustomizations() {
        return Repository.filesBelow(Manifest.FOLDER, "kustomization.yaml").stream();
    }

    @Test
    void noFileHasAFieldOrAValueThatTheApiDoesNotKnow() {
        assertThat(Manifest.all()).hasSizeGreaterThan(50);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{apiVersion: apps/v1, kind: Deployment, spec: {replica: 1}}",
                "{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {containers: [{name: a, lifecycel: {}}]}}}}",
                "{apiVersion: v1, kind: Deployment}",
                "{apiVersion: kafka.strimzi.io/v1, kind: Kafka, spec: {kafka: {replication: 3}}}",
                "{apiVersion: kafka.strimzi.io/v1, kind: KafkaNodePool, spec: {roles: [brooker]}}",
                "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, spec: {minReplicas: 0}}"
            })
    void aSlipOfThePenIsFound(String yaml) {
        assertThatThrownBy(() -> Manifest.read("slip.yaml", yaml).toList())
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith("slip.yaml: ");
    }

    @ParameterizedTest
    @MethodSource("kustomizations")
    void everyFileOfAFolderIsPartOfItAndEveryPartIsThere(Path file) {
        Path here = Objects.requireNonNull(file.getParent());
        List<String> parts = Manifest.read(file.toString(), Repository.text(file))
                .flatMap(manifest -> manifest.as(Kustomization.class))
                .flatMap(Kustomization::parts)
                .toList();

        assertThat(parts).doesNotHaveDuplicates();
        assertThat(parts.stream().filter(part -> part.endsWith(".yaml")))
                .containsExactlyInAnyOrderElementsOf(Repository.files(here, ".yaml").stream()
                        .map(path -> path.getFileName().toString())
                        .filter(name -> !name.equals("kustomization.yaml"))
                        .toList());
        assertThat(parts.stream().filter(part -> !part.endsWith(".yaml")))
                .allSatisfy(part -> assertThat(here.resolve(part).resolve("kustomization.yaml"))
                        .matches(Files::exists));
    }

    @ParameterizedTest
    @ValueSource(strings = {"overlays/folder", "overlays/gpu", "strimzi"})
    void kustomizeBuildsResourcesOfIt(String overlay) throws Exception {
        List<Manifest> built = rendered(overlay);

        assertThat(built)
                .allSatisfy(manifest -> assertThat(
                                manifest.json().at("/metadata/namespace").asText("millrace"))
                        .isEqualTo("millrace"));
        assertThat(built.stream().flatMap(Manifest::pods).map(Pods::container))
                .as("from the registry, and of a version: nodes do not fetch a tag again that they have")
                .allSatisfy(container -> assertThat(container.getImage())
                        .matches("registry\\.example\\.com/millrace(-cuda)?:\\d+(\\.\\d+)+"));
    }

    /** Nothing of a Job's pods can be changed, so a finished one must not be in the way of the next image. */
    @Test
    void theJobOfTheTopicsGoesByItself() {
        assertThat(Manifest.all().flatMap(manifest -> manifest.as(Job.class)))
                .singleElement()
                .satisfies(job -> assertThat(job.getSpec().getTtlSecondsAfterFinished())
                        .as("long enough for the README's wait")
                        .isBetween(600, 86_400));
    }

    @Test
    void eachOverlayGivesStagesAndPeopleTheirStore() throws Exception {
        List<Manifest> folderStore = rendered("overlays/folder");
        List<Manifest> bucket = rendered("overlays/gpu");

        assertThat(Manifest.settings(folderStore.stream(), "millrace"))
                .containsEntry("MILLRACE_STORE", "/srv/millrace/store");
        assertThat(folderStore.stream().flatMap(Manifest::pods).filter(ManifestsTest::needsStore))
                .hasSize(5)
                .allSatisfy(pods -> assertThat(pods.writable()).contains("/srv/millrace"));
        assertThat(Manifest.settings(bucket.stream(), "millrace").get("MILLRACE_STORE"))
                .startsWith("s3://");
        assertThat(bucket.stream().flatMap(Manifest::pods).filter(ManifestsTest::needsStore))
                .hasSize(7)
                .allSatisfy(pods ->
                        assertThat(pods.environment()).containsKeys("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"));
    }

    /** A checkpoint stays where it was published, whatever the store, and its address is a file's. */
    @ParameterizedTest
    @ValueSource(strings = {"overlays/folder", "overlays/gpu"})
    void eachOverlayShowsTheCheckpointsToStagesAndPeople(String overlay) throws Exception {
        List<Manifest> built = rendered(overlay);

        assertThat(built.stream().flatMap(manifest -> manifest.as(PersistentVolumeClaim.class)))
                .anyMatch(claim -> claim.getMetadata().getName().equals("checkpoints")
                        && claim.getSpec().getAccessModes().equals(List.of("ReadWriteMany")));
        assertThat(built.stream().flatMap(Manifest::pods).filter(ManifestsTest::needsStore))
                .hasSizeGreaterThanOrEqualTo(5)
                .allSatisfy(pods -> {
                    assertThat(pods.container().getVolumeMounts())
                            .anyMatch(mount -> mount.getName().equals("checkpoints")
                                    && mount.getMountPath().equals("/checkpoints")
                                    && mount.getReadOnly());
                    assertThat(pods.spec().getVolumes())
                            .anyMatch(volume -> volume.getName().equals("checkpoints")
                                    && volume.getPersistentVolumeClaim()
                                            .getClaimName()
                                            .equals("checkpoints"));
                });
    }

    private static boolean needsStore(Pods pods) {
        return pods.ofStage() || pods.ofPeople();
    }

    private List<Manifest> rendered(String overlay) throws Exception {
        OperationsTool kubectl = OperationsTool.orSkip("kubectl");
        String said = kubectl.run(
                folder, "kustomize", Manifest.FOLDER.resolve(overlay).toString());
        assertThat(said).startsWith("0\n");
        return Manifest.read(overlay, said.substring(2)).toList();
    }
}
