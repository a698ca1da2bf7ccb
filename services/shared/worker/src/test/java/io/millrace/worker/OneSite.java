package io.millrace.worker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.kafka.common.utils.Utils;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.StoreScope;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Gives every test class of a process the same site: a broker takes longer to start than most tests run. */
final class OneSite implements ParameterResolver {
    /** A site and the folder that it fills, which goes with it. */
    private record Opened(Site site, Path folder) implements AutoCloseable {
        static Opened now() {
            try {
                Path folder = Files.createTempDirectory("worker-site");
                return new Opened(new Site(folder), folder);
            } catch (Exception e) {
                throw new IllegalStateException("the tests' broker does not start", e);
            }
        }

        @Override
        public void close() throws IOException {
            site.close();
            Utils.delete(folder.toFile());
        }
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext test) {
        return parameter.getParameter().getType() == Site.class;
    }

    @Override
    public Site resolveParameter(ParameterContext parameter, ExtensionContext test) {
        return test.getStore(StoreScope.LAUNCHER_SESSION, Namespace.create(OneSite.class))
                .computeIfAbsent(Site.class, _ -> Opened.now(), Opened.class)
                .site();
    }
}
