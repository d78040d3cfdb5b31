"""The folders of the repository's root as subpackages of `camshaft`; everything else is in pyproject.toml."""

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

LAYERS = ("envs", "perception", "agents", "experiments")


class BuildModules(build_py):
    """Leaves this file out of the package: it stands in the package's own folder."""

    def find_package_modules(self, package, package_dir):
        """(package, module, file) of every module of a package."""
        return [found for found in super().find_package_modules(package, package_dir) if found[1] != "setup"]


setup(
    cmdclass={"build_py": BuildModules},
    package_dir={"camshaft": "."},
    packages=["camshaft", *(f"camshaft.{name}" for name in find_packages() if name.split(".")[0] in LAYERS)],
)
