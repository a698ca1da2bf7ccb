package io.millrace.tensors.format.gguf;

import java.util.AbstractList;
import java.util.RandomAccess;

/** Texts as values, made when they are looked at. */
final class TextValues extends AbstractList<GgufValue> implements RandomAccess {
    private final PackedTexts texts;

    TextValues(PackedTexts texts) {
        this.texts = texts;
    }

    @Override
    public GgufValue get(int index) {
        return new GgufValue.Text(texts.get(index));
    }

    @Override
    public int size() {
        return texts.size();
    }
}
