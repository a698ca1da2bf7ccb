package io.millrace.tensors.architecture;

import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.IntNode;
import io.millrace.tensors.MalformedFileException;
import java.util.Optional;

/** The experts of a mixture; one that chooses or weighs them otherwise is refused. */
final class ExpertsParser {
    private static final int MOST_EXPERTS = 4096;

    private ExpertsParser() {}

    static Optional<Experts> parse(ConfigJson config, Architecture architecture) throws MalformedFileException {
        if (architecture.expertKeys().isEmpty()) {
            return Optional.empty();
        }
        Experts.Keys keys = architecture.expertKeys().get();
        boolean renamed = !config.present(keys.count()) && config.present(Experts.COUNT_OF_ALL);
        int count = config.whole(renamed ? Experts.COUNT_OF_ALL : keys.count(), MOST_EXPERTS);
        int perToken = config.whole("num_experts_per_tok", count);
        if (architecture.has(Trait.NORMED_EXPERTS_STATED) && !config.present("norm_topk_prob")) {
            throw config.variant("'norm_topk_prob' is missing, which means false; expected true");
        }
        config.expect("norm_topk_prob", BooleanNode.TRUE, ": the weights of chosen experts are divided by their sum");
        config.expect("decoder_sparse_step", IntNode.valueOf(1), ": every layer has experts");
        if (!config.at("mlp_only_layers").isEmpty()) {
            throw config.variant(
                    "'mlp_only_layers' is " + config.at("mlp_only_layers") + ", expected []: every layer has experts");
        }
        return Optional.of(new Experts(count, perToken, config.size(keys.size())));
    }
}
