package io.millrace.conductor;

import io.millrace.conductor.topology.QueueRefusedException;
import io.millrace.conductor.topology.Queues;
import io.millrace.events.Device;
import io.millrace.events.StageName;
import io.millrace.events.wire.KafkaRefusal;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.PolicyViolationException;

/**
 * Creates the job topics of a device class when its first job appears. A device that nobody has, even a misspelt one,
 * thus shows as a queue that nobody works.
 */
final class JobTopics implements Queues {
    private final Admin admin;
    private final Map<String, Object> kafka;
    private final Topics topics;
    private final short replication;
    private final QueueWatch watch;
    private final Set<Device> known = ConcurrentHashMap.newKeySet();

    /** @param kafka settings of {@code admin} */
    JobTopics(Admin admin, Map<String, Object> kafka, Topics topics, short replication, QueueWatch watch) {
        this.watch = watch;
        this.admin = admin;
        this.kafka = kafka;
        this.topics = topics;
        this.replication = replication;
    }

    @Override
    public void ensure(StageName stage, Device device) {
        if (known.contains(device)) {
            return;
        }
        try {
            TopicAdmin.apply(admin, topics, List.of(device), replication);
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        } catch (InvalidPartitionsException e) {
            throw new QueueRefusedException(String.valueOf(e.getMessage()), e);
        } catch (AuthorizationException | PolicyViolationException e) {
            throw new QueueRefusedException(
                    "the job topics of device '" + device + "' cannot be created: "
                            + KafkaRefusal.of(e, kafka, AclOperation.CREATE).orElse(String.valueOf(e.getMessage())),
                    e);
        } catch (KafkaException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new KafkaException("cannot create the job topics of device '" + device + "'", e);
        }
        known.add(device);
    }

    @Override
    public void begun() {
        watch.lookUnlessDown();
    }
}
