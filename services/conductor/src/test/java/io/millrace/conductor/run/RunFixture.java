package io.millrace.conductor.run;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.Job;
import io.millrace.events.Reason;
import io.millrace.events.RunId;
import io.millrace.events.Target;
import java.time.Duration;

/** A conductor with one policy and one checkpoint, whose jobs succeed or fail as a test says. */
abstract class RunFixture {
    static final Target PHONE = Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")));
    static final Target LADDER =
            Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")), Given.recipe(Given.gguf("Q6_K")));

    /** Its rungs begin with the same distillation. */
    static final Target DISTILLED = Given.target(
            "phone",
            Given.recipe(Given.distill(), Given.gguf("Q4_K_M")),
            Given.recipe(Given.distill(), Given.gguf("Q6_K")),
            Given.recipe(Given.distill(), Given.gguf("Q8_0")));

    final World world = new World();

    RunId start(Target target) {
        world.apply(Given.policy(target));
        world.publish(Given.checkpoint("v1"));
        return RunId.of(Given.checkpoint("v1"), "chat-models", target);
    }

    /** The last job succeeds; returns it. */
    Job succeed() {
        Job job = world.lastJob();
        world.hear(Answers.started(job, world.now()));
        world.hear(Answers.succeeded(job, world.now(), 0.01));
        return job;
    }

    /** The last job fails until it is not tried again. */
    void failEachAttempt(Reason ours) {
        for (int attempt = 1; attempt <= 3; attempt++) {
            world.hear(Answers.failed(world.lastJob(), world.now(), ours));
            world.pass(Duration.ofMinutes(1));
        }
    }
}
