package io.millrace.conductor.run;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Job;
import io.millrace.events.Policy;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.Target;

/** Checkpoints of one model, an old and a new one, and a policy that asks for one target. */
abstract class NewestWinsFixture {
    static final Target PHONE = Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")));
    static final Target OTHER_PHONE = Given.target("phone", Given.recipe(Given.gguf("Q6_K")));
    static final CheckpointPublished OLD = Given.checkpoint("v1");
    static final CheckpointPublished NEW = Given.checkpoint(Given.MODEL, "v2", Given.START.plusSeconds(60));

    final World world = new World();

    void finish(Job first) {
        finish(world, first);
    }

    static void finish(World world, Job first) {
        Job job = first;
        while (true) {
            int before = world.jobs().size();
            world.hear(Answers.succeeded(job, world.now(), 0.01));
            if (world.jobs().size() == before) {
                return;
            }
            job = world.lastJob();
        }
    }

    RunStatus status(CheckpointPublished checkpoint) {
        return world.run(id(checkpoint)).status();
    }

    static RunId id(CheckpointPublished checkpoint) {
        return RunId.of(checkpoint, "chat-models", PHONE);
    }

    static Policy policy(Policy.OnNewer onNewer) {
        return Given.policy(onNewer, 1, PHONE);
    }
}
