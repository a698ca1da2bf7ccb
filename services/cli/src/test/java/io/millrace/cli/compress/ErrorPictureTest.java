package io.millrace.cli.compress;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.cli.compress.TensorErrors.Entry;
import java.io.StringReader;
import java.util.List;
import java.util.Optional;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

final class ErrorPictureTest {
    @Test
    void eachTensorThatLostSomethingIsACellWithItsNumber() throws Exception {
        Document picture = parse(ErrorPicture.draw(
                "model",
                errors(
                        entry("model.embed_tokens.weight", 0.01),
                        entry("model.layers.0.mlp.up_proj.weight", 0.05),
                        entry("model.layers.1.mlp.up_proj.weight", 0.07),
                        entry("model.layers.0.input_layernorm.weight", 0))));

        assertThat(picture.getElementsByTagName("title").getLength()).isEqualTo(3);
        assertThat(picture.getDocumentElement().getTextContent())
                .contains("model.layers.1.mlp.up_proj.weight, Q4_K: 0.07")
                .doesNotContain("layernorm");
    }

    @Test
    void ofManyExpertsTheOneThatLostMostStandsForItsLayer() throws Exception {
        Document picture = parse(ErrorPicture.draw(
                "model",
                errors(
                        entry("model.layers.0.mlp.experts.0.up_proj.weight", 0.05),
                        entry("model.layers.0.mlp.experts.1.up_proj.weight", 0.07))));

        assertThat(picture.getElementsByTagName("title").getLength()).isEqualTo(1);
        assertThat(picture.getDocumentElement().getTextContent())
                .contains("experts.1")
                .contains("experts.*.up_proj");
    }

    @Test
    void stacksOfExpertsInGgufHaveALayerToo() throws Exception {
        String svg = ErrorPicture.draw(
                "gguf:Q4_0",
                errors(entry("blk.0.ffn_down_exps.weight", 0.05), entry("blk.1.ffn_down_exps.weight", 0.07)));

        assertThat(svg).contains(">ffn_down_exps.weight<").doesNotContain(">blk.0.ffn_down_exps.weight<");
    }

    @Test
    void aNameOfAFileCannotBecomeMarkup() throws Exception {
        Document picture = parse(ErrorPicture.draw("<script>&\"", errors(entry("<a>\u0001.weight", 1))));

        assertThat(picture.getElementsByTagName("script").getLength()).isZero();
        assertThat(picture.getDocumentElement().getTextContent()).contains("<script>&\"");
    }

    private static TensorErrors errors(Entry... tensors) {
        return new TensorErrors(List.of(tensors), Optional.empty());
    }

    private static Entry entry(String name, double error) {
        return new Entry(name, "Q4_K", 256, 144, error);
    }

    private static Document parse(String svg) throws Exception {
        return DocumentBuilderFactory.newDefaultInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(svg)));
    }
}
