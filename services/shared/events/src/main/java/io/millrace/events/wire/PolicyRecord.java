package io.millrace.events.wire;

import io.millrace.events.Policy;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A record of the policies' topic: a policy under its name, or a name alone, whose policy is out of force. */
public final class PolicyRecord {
    private PolicyRecord() {}

    /** What is wrong with it; a policy of a newer version's kind counts as right, whatever it says. */
    public static Optional<String> problem(EventCodec codec, @Nullable String key, byte @Nullable [] value) {
        if (key == null) {
            return Optional.of("a policy has its name as key");
        }
        if (value == null) {
            return Optional.empty();
        }
        return switch (codec.decode(value)) {
            case Decoded.Known(Policy policy) ->
                policy.name().equals(key)
                        ? Optional.empty()
                        : Optional.of("its key is '" + key + "' and its policy is '" + policy.name() + "'");
            case Decoded.Known(var other) ->
                Optional.of("a " + other.getClass().getSimpleName() + " does not belong on this topic");
            case Decoded.UnknownKind _ -> Optional.empty();
            case Decoded.Undecodable(String why) -> Optional.of(why);
        };
    }
}
