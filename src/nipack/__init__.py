"""Find installed neuroimaging data (the runtime) and make packages of it (`nipack.build`)."""

__version__ = "0.1.0"
