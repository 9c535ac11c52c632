"""Everything that makes packages of a data package; `nipack.build.flow` is the whole story.

Nothing is imported here, so that a command which builds nothing does not wait for what builds.
"""
