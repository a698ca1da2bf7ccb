package io.millrace.models.llama;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class LlamaLibraryTest {
    @Test
    void theBindingCarriesTheLibraryOfEachMachineThatIsNamed() {
        for (String machine : List.of("amd64", "x86_64", "aarch64")) {
            String entry = LlamaLibrary.entry("Linux", machine).orElseThrow();

            assertThat(LlamaLibrary.class.getResource(entry)).as(entry).isNotNull();
        }
        assertThat(LlamaLibrary.entry("Linux", "aarch64")).isNotEqualTo(LlamaLibrary.entry("Linux", "amd64"));
    }

    @Test
    void whatWasNeverTriedIsNotLoaded() {
        assertThat(LlamaLibrary.entry("Mac OS X", "aarch64")).isEmpty();
        assertThat(LlamaLibrary.entry("Windows 11", "amd64")).isEmpty();
        assertThat(LlamaLibrary.entry("Linux", "riscv64")).isEmpty();
    }
}
