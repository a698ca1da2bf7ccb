package io.millrace.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

final class StoryWriterTest {
    @Test
    void theSameSeedWritesTheSameStories() {
        assertThat(new StoryWriter(Split.TRAIN, 7).write(5000)).isEqualTo(new StoryWriter(Split.TRAIN, 7).write(5000));
        assertThat(new StoryWriter(Split.TRAIN, 7).write(5000))
                .isNotEqualTo(new StoryWriter(Split.TRAIN, 8).write(5000));
    }

    @Test
    void noNameAndNoThingIsInTwoSplits() {
        List<String> words = new ArrayList<>();
        for (Split split : Split.values()) {
            words.addAll(split.names());
            words.addAll(split.things());
        }

        assertThat(new HashSet<>(words)).hasSameSizeAs(words);
    }

    @Test
    void splitsShareNoSentence() {
        String train = new StoryWriter(Split.TRAIN, 1).write(100_000);
        String evaluation = new StoryWriter(Split.EVALUATION, 1).write(20_000);

        assertThat(StoryWriter.sharedSentences(evaluation, train)).isZero();
        assertThat(StoryWriter.sharedSentences(train, train)).isOne();
    }

    @Test
    void unigramPerplexityOfUniformBytesIsTheirNumber() {
        assertThat(Unigram.perplexity("abcd".repeat(10_000), "dcba")).isBetween(4.0, 4.1);
    }
}
