package io.millrace.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.millrace.tensors.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Figures of a trained model (stories260K) that other implementations gave: numpy in double precision, llama.cpp. */
class StoriesTest {
    @Test
    void perplexityInWindowsOf128IsThatOfLlamaPerplexity() throws IOException {
        Path folder = TrainedModel.folder();
        try (Checkpoint checkpoint = Checkpoint.open(folder);
                Tokenizer tokenizer = Tokenizer.open(folder);
                CausalLanguageModel model = CausalLanguageModel.load(checkpoint)) {
            TokenStream text = TokenStream.of(tokenizer, Files.readString(folder.resolve("eval.txt")));

            double loss = 0;
            int scored = 0;
            for (int window = 0; window < text.windows(128); window++) {
                int[] tokens = text.window(window, 128);
                float[][] logits = model.logits(tokens);
                for (int p = 64; p < 127; p++) {
                    loss += loss(logits[p], tokens[p + 1]);
                    scored++;
                }
            }

            assertThat(Math.exp(loss / scored)).isCloseTo(2.587032357, within(1e-5));
        }
    }

    @Test
    void perplexityOfOneFullContextIsTheKnownOne() throws IOException {
        Path folder = TrainedModel.folder();
        try (Checkpoint checkpoint = Checkpoint.open(folder);
                Tokenizer tokenizer = Tokenizer.open(folder);
                CausalLanguageModel model = CausalLanguageModel.load(checkpoint)) {
            int[] tokens = TokenStream.of(tokenizer, Files.readString(folder.resolve("eval.txt")))
                    .window(0, 512);
            float[][] logits = model.logits(tokens);

            double loss = 0;
            for (int p = 0; p < 511; p++) {
                loss += loss(logits[p], tokens[p + 1]);
            }

            assertThat(Math.exp(loss / 511)).isCloseTo(2.567, within(5e-4));
        }
    }

    @Test
    void greedyTextBeginsAsKnown() throws IOException {
        Path folder = TrainedModel.folder();
        try (Checkpoint checkpoint = Checkpoint.open(folder);
                Tokenizer tokenizer = Tokenizer.open(folder);
                CausalLanguageModel model = CausalLanguageModel.load(checkpoint)) {
            int begin = tokenizer.beginToken().orElseThrow();

            String text = tokenizer.decode(model.generate(new int[] {begin}, 50));

            assertThat(tokenizer.encode("Once upon a time")).containsExactly(403, 407, 261, 378);
            assertThat(text)
                    .startsWith("Once upon a time, there was a little girl named Lily. She loved to play outside in the"
                            + " park. One day, she saw a big, red ball.");
        }
    }

    private static double loss(float[] logits, int token) {
        double largest = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = Math.max(largest, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - largest);
        }
        return largest + Math.log(sum) - logits[token];
    }
}
