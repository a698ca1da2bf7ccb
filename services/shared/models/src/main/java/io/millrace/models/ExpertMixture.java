package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.Experts;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.Trait;
import java.util.ArrayList;
import java.util.List;

/**
 * Several feed-forward networks, of which a router picks a few for each token: softmax over all, the largest weights
 * divided by their sum, the chosen networks' outputs added up by weight. An expert computes only the tokens that come to
 * it.
 */
record ExpertMixture(
        LinearMap router, // [experts, hidden]
        List<FeedForward.Gated> experts,
        int perToken)
        implements FeedForward {

    static ExpertMixture of(ModelConfig config, Experts numbers, int layer, WeightTable weights) {
        Architecture names = config.architecture();
        List<FeedForward.Gated> experts = new ArrayList<>();
        for (int expert = 0; expert < numbers.count(); expert++) {
            experts.add(new FeedForward.Gated(
                    List.of(
                            LinearMap.of(weights, names.matrix(layer, expert, Projection.EXPERT_GATE)),
                            LinearMap.of(weights, names.matrix(layer, expert, Projection.EXPERT_UP))),
                    LinearMap.of(weights, names.matrix(layer, expert, Projection.EXPERT_DOWN)),
                    names.has(Trait.GELU)));
        }
        String router = names.find(layer, new TensorRole.Router()).orElseThrow();
        return new ExpertMixture(LinearMap.of(weights, router), List.copyOf(experts), numbers.perToken());
    }

    @Override
    public NDArray apply(NDArray x) {
        long hidden = x.getShape().get(x.getShape().dimension() - 1);
        NDArray tokens = x.reshape(-1, hidden);
        NDArray shares = router.apply(tokens).softmax(-1);
        NDArray chosen = shares.topK(perToken, -1).get(1); // [tokens, perToken] i64
        NDArray weights = shares.gather(chosen, 1);
        weights = weights.div(weights.sum(new int[] {1}, true));
        NDArray outputs = outputs(tokens, chosen.toLongArray()).reshape(-1, perToken, hidden);
        return outputs.mul(weights.reshape(-1, perToken, 1)).sum(new int[] {1}).reshape(x.getShape());
    }

    /** tokens [n, hidden], the expert of each of their n · perToken places → what it makes of them, by place. */
    private NDArray outputs(NDArray tokens, long[] expertOfPlace) {
        NDManager scope = tokens.getManager();
        NDList byExpert = new NDList();
        long[] row = new long[expertOfPlace.length]; // of a place, among the rows ordered by expert
        int rows = 0;
        for (int expert = 0; expert < experts.size(); expert++) {
            List<Long> routed = new ArrayList<>();
            for (int place = 0; place < expertOfPlace.length; place++) {
                if (expertOfPlace[place] == expert) {
                    routed.add((long) (place / perToken));
                    row[place] = rows++;
                }
            }
            if (!routed.isEmpty()) {
                NDArray input = rows(
                        scope,
                        tokens,
                        routed.stream().mapToLong(Long::longValue).toArray());
                byExpert.add(experts.get(expert).apply(input));
            }
        }
        NDArray ordered =
                byExpert.size() == 1 ? byExpert.get(0) : byExpert.get(0).concat(byExpert.get(1), 0);
        for (int i = 2; i < byExpert.size(); i++) {
            ordered = ordered.concat(byExpert.get(i), 0);
        }
        return rows(scope, ordered, row);
    }

    /** Rows of a matrix in the order asked for; gradients flow back to them. */
    private static NDArray rows(NDManager scope, NDArray matrix, long[] which) {
        // A copy in the engine's own memory: the graph needs the indices after the Java buffer behind them is gone.
        NDArray indices = scope.create(which, new Shape(which.length)).duplicate();
        return indices.getNDArrayInternal()
                .embedding(indices, matrix, SparseFormat.DENSE)
                .get(0);
    }
}
