package io.millrace.conductor;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.conductor.run.LostQueues;
import io.millrace.conductor.topology.QueueRefusedException;
import io.millrace.events.Device;
import io.millrace.events.StageName;
import io.millrace.events.wire.Topics;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.junit.jupiter.api.Test;

/** What a refusal says is that of one device, while the conductor goes on with all others. */
final class JobTopicsTest {
    private static final Map<String, Object> KAFKA =
            Map.of("sasl.jaas.config", "module required username=\"conductor\";");

    @Test
    void aQueueThatMustNotBeCreatedIsRefusedWithTheRemedy() {
        String queue = Topics.DEFAULT.jobs(StageName.PRUNE, new Device("h100"));

        assertThatThrownBy(() -> ensure(new TopicAuthorizationException(Set.of(queue))))
                .isInstanceOf(QueueRefusedException.class)
                .hasMessageStartingWith(
                        "the job topics of device 'h100' cannot be created: Kafka denies User:conductor")
                .hasMessageContaining("--allow-principal User:conductor --operation Create --topic " + queue);
    }

    @Test
    void aBrokerThatDoesNotAnswerIsAskedAgain() {
        assertThatThrownBy(() -> ensure(new TimeoutException("no answer"))).isInstanceOf(TimeoutException.class);
    }

    private static void ensure(RuntimeException answer) {
        Admin admin = (Admin) Proxy.newProxyInstance(
                Admin.class.getClassLoader(), new Class<?>[] {Admin.class}, (proxy, method, arguments) -> {
                    throw answer;
                });
        QueueWatch watch = new QueueWatch(admin, KAFKA, Topics.DEFAULT, (short) 1, new LostQueues());
        new JobTopics(admin, KAFKA, Topics.DEFAULT, (short) 1, watch).ensure(StageName.PRUNE, new Device("h100"));
    }
}
