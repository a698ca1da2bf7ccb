/**
 * What must stay as it is: released schemas, the description of the topics, who may use whom. The folders of the
 * repository are read as files, so these tests need no module but the ones they speak of.
 */
@NullMarked
package io.millrace.tests.compatibility;

import org.jspecify.annotations.NullMarked;
