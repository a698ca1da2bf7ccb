/**
 * For other people's programs. Training code publishes a checkpoint in one call ({@link io.millrace.client.Publisher});
 * serving code receives each accepted model ({@link io.millrace.client.ModelSubscriber}), or follows the newest model of
 * each target ({@link io.millrace.client.LatestModels}), and fetches its files ({@link io.millrace.client.ModelFiles}).
 * It needs a broker's address and the artifact store, and knows nothing of the services behind them.
 *
 * <pre>{@code
 * try (ArtifactStore store = Stores.open("/srv/millrace/store");
 *         Publisher publisher = new Publisher(Map.of("bootstrap.servers", "kafka:9092"), store, "millrace.")) {
 *     publisher.publish(Path.of("checkpoints/step-4000"), "chat-small", "step-4000", 4000, Map.of("branch", "main"));
 * }
 *
 * try (ArtifactStore store = Stores.openToRead("/srv/millrace/store");
 *         ModelSubscriber models = new ModelSubscriber(Map.of("bootstrap.servers", "kafka:9092"), "millrace.", "phones")) {
 *     models.forEach(model -> ModelFiles.pull(store, model, Path.of("models", model.version())));
 * }
 * }</pre>
 *
 * <p>A checkpoint stays where it is: the event carries the digest of every file, and workers read the folder itself. So
 * publish a folder that is complete, on a path that the workers share, and do not write into it again.
 */
@NullMarked
package io.millrace.client;

import org.jspecify.annotations.NullMarked;
