/**
 * What must stay as it is: released schemas, the description of the topics, who may use whom, what each version of an
 * algorithm makes, and that what is promised has its tests. The folders of the repository are read as files.
 */
@NullMarked
package io.millrace.tests.compatibility;

import org.jspecify.annotations.NullMarked;
