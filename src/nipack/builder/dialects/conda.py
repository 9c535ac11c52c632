"""How conda spells what a definition says of its relations.

Sources: the conda package specification; CEP 20 (noarch packages and virtual packages).
"""

from nipack.builder.package import DataPackage


def depends(package: DataPackage) -> list[str]:
    """Return what the package depends on: no code, but Unix where it has links.

    Windows cannot make the links, and a noarch package is offered there too (CEP 20).  A part needs
    the one that has the config.ini.
    """
    unix = ["__unix"] if package.links else []
    return [*unix, *([package.needs] if package.needs else [])]


def constrains(package: DataPackage) -> list[str]:
    """Return what may be installed beside this version: consumers that take it.

    Of a part that had some of its files, the versions that have them no more.
    """
    consumers = [
        f"{consumer.package} <{consumer.since}"
        for consumer in package.definition.consumers
        if consumer.refuses(package.version)
    ]
    return [*consumers, *(f"{each.name} >={each.before}" for each in package.replaces)]
