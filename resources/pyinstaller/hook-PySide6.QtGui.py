"""Qt's plugins that a desktop needs.

The others would bring QML, PDF, the virtual keyboard, embedded screens and GTK with them.
"""

from pathlib import PurePath

from PyInstaller.utils.hooks.qt import add_qt6_dependencies

WANTED = {
    "iconengines": "qsvgicon",
    "imageformats": "qico qjpeg qsvg",
    "platforminputcontexts": "composeplatforminputcontextplugin ibusplatforminputcontextplugin",
    "platforms": "qcocoa qdirect2d qminimal qoffscreen qwayland qwindows qxcb",
    "platformthemes": "qxdgdesktopportal",
    "styles": "qmacstyle qmodernwindowsstyle qwindowsvistastyle",
    "wayland-decoration-client": "adwaita bradient",
    "wayland-graphics-integration-client": "qt-plugin-wayland-egl",
    "wayland-shell-integration": "qt-shell xdg-shell",
    "xcbglintegrations": "qxcb-egl-integration qxcb-glx-integration",
}


def wanted(source):
    """Whether a plugin's file is one of those; a file that is no plugin always is."""
    path = PurePath(source)
    if "plugins" not in path.parts:
        return True
    return path.stem.removeprefix("lib") in WANTED.get(path.parent.name, "").split()


hiddenimports, binaries, datas = add_qt6_dependencies(__file__)
binaries = [(source, target) for source, target in binaries if wanted(source)]
