package io.millrace.events.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Device;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TopicAdminTest {
    /** As it is told, it must make what is missing: the command by itself makes the topics of cpu, and the usual ones. */
    @Test
    void theRemedyNamesTheDevicesAndThePrefixThatAreMeant() {
        assertThat(TopicAdmin.remedy(Topics.DEFAULT, List.of()))
                .isEqualTo("run 'millrace topics apply --kafka HOST:PORT'");
        assertThat(TopicAdmin.remedy(Topics.DEFAULT, List.of(new Device("h200"), Device.CPU, Device.CPU)))
                .isEqualTo("run 'millrace topics apply --kafka HOST:PORT --devices cpu,h200'");
        assertThat(TopicAdmin.remedy(new Topics("team-a."), List.of(Device.CPU)))
                .isEqualTo("run 'millrace topics apply --kafka HOST:PORT --devices cpu --topic-prefix team-a.'");
    }
}
