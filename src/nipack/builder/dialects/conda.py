"""How conda spells what a definition says of its relations.

Sources: the conda package specification; CEP 20 (noarch packages and virtual packages).
"""

from nipack.builder.package import DataPackage


def depends(package: DataPackage) -> list[str]:
    """Return what the package depends on: no code, but Unix where it has links.

    Windows cannot make the links, and a noarch package is offered there too (CEP 20).
    """
    return ["__unix"] if package.links else []


def constrains(package: DataPackage) -> list[str]:
    """Return which consumers may be installed beside this version: those that take it."""
    return [
        f"{consumer.package} <{consumer.since}"
        for consumer in package.definition.consumers
        if consumer.refuses(package.version)
    ]
