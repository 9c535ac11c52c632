"""Everything that makes packages; `nipack.builder.flows.build` is the whole story of a build.

Nothing is imported here, so that a command which builds nothing does not wait for what builds.
"""
