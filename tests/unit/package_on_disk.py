"""An installed package, as an installer leaves it: its modules, and a list of them with their sums."""

import base64
import hashlib


def install(site, name, files, installer="pip"):
    """Write a package to a folder of packages.

    Args:
        site: The folder.
        name: Of the package; its version is 1.0.
        files: Text by path.
        installer: What says that it installed it.
    """
    information = site / f"{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "INSTALLER").write_text(f"{installer}\n")
    lines = []
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        lines.append(f"{path},sha256={digest},{len(text)}")
    (information / "RECORD").write_text("\n".join([*lines, f"{information.name}/RECORD,,"]) + "\n")
