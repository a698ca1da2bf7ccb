package io.millrace.events;

import java.net.URI;

/**
 * Names an artifact: the digest of its manifest, which is its identity, and where its files lie.
 *
 * @param location {@code store:} when the files are blobs of the artifact store, or the {@code file:} folder in which a
 *     checkpoint stays; never part of the identity
 */
public record ArtifactRef(Digest manifest, URI location) {
    private static final URI STORE = URI.create("store:/");

    public static ArtifactRef inStore(Digest manifest) {
        return new ArtifactRef(manifest, STORE);
    }

    public boolean isInStore() {
        return "store".equals(location.getScheme());
    }
}
