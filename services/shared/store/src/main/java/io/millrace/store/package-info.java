/**
 * The artifact store: immutable blobs named by their SHA-256, manifests that make artifacts of them, one committed
 * result per job key, and claims that say who works on a key. It knows of identifiers and measurements, not of Kafka.
 *
 * <pre>
 * blobs/&lt;2 hex&gt;/&lt;sha-256&gt;     immutable content, written once; manifests are blobs too
 * results/&lt;jobKey&gt;.json       the committed result of a job: created conditionally, once, never changed
 * claims/&lt;jobKey&gt;.json        holder, starts, beat
 * condemned/&lt;2 hex&gt;/&lt;uuid&gt;    in a bucket, while garbage is collected: the blobs that are about to go
 * </pre>
 */
@NullMarked
package io.millrace.store;

import org.jspecify.annotations.NullMarked;
