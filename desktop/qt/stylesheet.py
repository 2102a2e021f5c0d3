"""The program's stylesheet, made from the tokens of a palette. No Qt in here."""

from __future__ import annotations

from collections.abc import Mapping

_TEMPLATE = """
* { outline: none; }
QWidget { color: @text; font-size: @base; }
QMainWindow, QDialog, QWidget[surface="canvas"] { background: @canvas; }
QWidget[surface="surface"] { background: @surface; }
QWidget[surface="alt"] { background: @surface_alt; }
QFrame[card="true"] { background: @surface; border: 1px solid @border; border-radius: 10px; }
QFrame[drop="idle"] { border: 2px dashed @border_strong; background: @surface_alt; }
QFrame[drop="over"] { border: 2px dashed @accent; background: @accent_soft; }
QFrame[line="h"] { background: @border; border: 0; max-height: 1px; min-height: 1px; }
QFrame[line="v"] { background: @border; border: 0; max-width: 1px; min-width: 1px; }

QLabel { background: transparent; }
QLabel[role="display"] { font-size: @display; font-weight: 600; }
QLabel[role="title"] { font-size: @title; font-weight: 600; }
QLabel[role="heading"] { font-size: @heading; font-weight: 600; }
QLabel[role="label"] { color: @text_muted; font-size: @small; font-weight: 600; }
QLabel[role="muted"] { color: @text_muted; }
QLabel[role="small"] { color: @text_muted; font-size: @small; }
QLabel[role="error"] { color: @danger; font-size: @small; }
QLabel[role="strong"] { font-weight: 600; }
QLabel[key="true"] { color: @text_muted; background: @surface_alt; border: 1px solid @border;
    border-radius: 4px; padding: 1px 6px; font-size: @small; }
QLabel[badge="neutral"] { color: @text_muted; background: @surface_alt; }
QLabel[badge="accent"] { color: @accent_soft.text; background: @accent_soft; }
QLabel[badge="info"] { color: @info_soft.text; background: @info_soft; }
QLabel[badge="success"] { color: @success_soft.text; background: @success_soft; }
QLabel[badge="warning"] { color: @warning_soft.text; background: @warning_soft; }
QLabel[badge="danger"] { color: @danger_soft.text; background: @danger_soft; }
QLabel[badge] { border-radius: 9px; padding: 2px 9px; font-size: @small; font-weight: 600; }

QFrame[banner="info"] { background: @info_soft; border-radius: 8px; }
QFrame[banner="info"] QLabel { color: @info_soft.text; }
QFrame[banner="success"] { background: @success_soft; border-radius: 8px; }
QFrame[banner="success"] QLabel { color: @success_soft.text; }
QFrame[banner="warning"] { background: @warning_soft; border-radius: 8px; }
QFrame[banner="warning"] QLabel { color: @warning_soft.text; }
QFrame[banner="danger"] { background: @danger_soft; border-radius: 8px; }
QFrame[banner="danger"] QLabel { color: @danger_soft.text; }
QFrame[toast="true"] { background: @text; border-radius: 8px; }
QFrame[toast="true"] QLabel { color: @surface; }
QFrame[toast="true"] QPushButton { color: @surface; background: transparent; border: 2px solid transparent;
    text-decoration: underline; min-height: 24px; }
QFrame[toast="true"] QPushButton:focus { border-color: @focus; }

QPushButton { background: @surface; color: @text; border: 1px solid @border_strong; border-radius: 6px;
    padding: 0 14px; min-height: 32px; font-weight: 500; }
QPushButton:hover { background: @surface_hover; }
QPushButton:pressed { background: @surface_alt; }
QPushButton:focus { border: 2px solid @focus; padding: 0 13px; min-height: 30px; }
QPushButton:disabled { color: @text_disabled; border-color: @border; background: @surface_alt; }
QPushButton:checked { background: @accent_soft; color: @accent_soft.text; border-color: @accent; }
QPushButton[kind="primary"] { background: @accent; color: @accent_text; border: 1px solid @accent; font-weight: 600; }
QPushButton[kind="primary"]:hover { background: @accent_hover; }
QPushButton[kind="primary"]:pressed { background: @accent_pressed; }
QPushButton[kind="primary"]:focus { border: 2px solid @text; }
QPushButton[kind="primary"]:disabled { background: @surface_hover; color: @text_disabled; border-color: @surface_hover; }
QPushButton[kind="danger"] { background: @danger; color: @danger_text; border: 1px solid @danger; font-weight: 600; }
QPushButton[kind="danger"]:hover { background: @danger_hover; }
QPushButton[kind="danger"]:focus { border: 2px solid @text; }
QPushButton[kind="danger"]:disabled { background: @surface_hover; color: @text_disabled; border-color: @surface_hover; }
QPushButton[kind="quiet"] { background: transparent; border: 1px solid transparent; }
QPushButton[kind="quiet"]:hover { background: @surface_hover; }
QPushButton[kind="quiet"]:checked { background: @accent_soft; color: @accent_soft.text; }
QPushButton[kind="quiet"]:focus { border: 2px solid @focus; }
QPushButton[kind="quiet"]:disabled { background: transparent; color: @text_disabled; }
QPushButton[kind="link"] { background: transparent; border: 1px solid transparent; color: @link; padding: 0 4px;
    text-align: left; }
QPushButton[kind="link"]:hover { text-decoration: underline; }
QPushButton[kind="link"]:focus { border: 2px solid @focus; padding: 0 3px; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 5px; color: @text; }
QToolButton:hover { background: @surface_hover; }
QToolButton:checked { background: @accent_soft; color: @accent_soft.text; }
QToolButton:focus { border: 2px solid @focus; padding: 4px; }
QToolButton:disabled { color: @text_disabled; }
QToolButton::menu-indicator { image: none; }

QLineEdit, QPlainTextEdit, QTextEdit, QComboBox, QAbstractSpinBox { background: @surface; color: @text;
    border: 1px solid @border_strong; border-radius: 6px; padding: 0 9px; selection-background-color: @accent;
    selection-color: @accent_text; }
QLineEdit, QPlainTextEdit, QTextEdit { placeholder-text-color: @text_muted; }
QLineEdit, QComboBox { min-height: 32px; }
QAbstractSpinBox { min-height: 29px; }
QPlainTextEdit, QTextEdit { padding: 6px 9px; }
QLineEdit:hover, QPlainTextEdit:hover, QComboBox:hover, QAbstractSpinBox:hover { border-color: @text_muted; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QComboBox:focus, QAbstractSpinBox:focus {
    border: 2px solid @focus; padding: 0 8px; }
QPlainTextEdit:focus, QTextEdit:focus { padding: 5px 8px; }
QLineEdit:focus, QComboBox:focus, QLineEdit[invalid="true"], QComboBox[invalid="true"] { min-height: 30px; }
QAbstractSpinBox:focus, QAbstractSpinBox[invalid="true"] { min-height: 27px; }
QLineEdit:disabled, QPlainTextEdit:disabled, QComboBox:disabled, QAbstractSpinBox:disabled {
    color: @text_disabled; background: @surface_alt; border-color: @border; }
QLineEdit:read-only { background: @surface_alt; }
QLineEdit[invalid="true"], QPlainTextEdit[invalid="true"], QComboBox[invalid="true"],
QAbstractSpinBox[invalid="true"] { border: 2px solid @danger; padding: 0 8px; }
QComboBox::drop-down { border: 0; width: 26px; }
QComboBox::down-arrow { image: url(@icons/chevron-down.png); width: 14px; height: 14px; }
QComboBox QAbstractItemView { background: @surface; border: 1px solid @border; padding: 4px;
    selection-background-color: @selection; selection-color: @selection.text; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { width: 20px; border: 0; background: transparent; }
QAbstractSpinBox::up-arrow { image: url(@icons/chevron-up.png); width: 12px; height: 12px; }
QAbstractSpinBox::down-arrow { image: url(@icons/chevron-down.png); width: 12px; height: 12px; }
QDateEdit::drop-down { border: 0; width: 26px; image: url(@icons/chevron-down.png); }

QCheckBox, QRadioButton { spacing: 8px; min-height: 24px; background: transparent; }
QCheckBox::indicator, QRadioButton::indicator { width: 16px; height: 16px; border: 1px solid @border_strong;
    background: @surface; }
QCheckBox::indicator { border-radius: 4px; }
QRadioButton::indicator { border-radius: 9px; }
QCheckBox::indicator:checked { background: @accent; border-color: @accent; image: url(@icons/check.png); }
QRadioButton::indicator:checked { border: 5px solid @accent; width: 8px; height: 8px; }
QCheckBox::indicator:focus, QRadioButton::indicator:focus { border: 2px solid @focus; }
QCheckBox:focus, QRadioButton:focus { color: @link; }

QListView, QTreeView, QTableView { background: @surface; alternate-background-color: @surface_alt;
    border: 1px solid @border; border-radius: 8px; gridline-color: @grid; padding: 2px;
    selection-background-color: @selection; selection-color: @selection.text; }
QListView:focus, QTreeView:focus, QTableView:focus { border: 2px solid @focus; padding: 1px; }
QListView[floating="true"] { border-color: @border_strong; }
QListView::item, QTreeView::item { padding: 6px 8px; border-radius: 4px; }
QTableView::item { padding: 4px 8px; }
QListView::item:hover, QTreeView::item:hover, QTableView::item:hover { background: @surface_hover; }
QListView::item:selected, QTreeView::item:selected, QTableView::item:selected { background: @selection;
    color: @selection.text; }
QHeaderView { background: transparent; }
QHeaderView::section { background: @surface_alt; color: @text_muted; border: 0; border-bottom: 1px solid @border;
    padding: 7px 11px; font-size: @small; font-weight: 600; }
QTableCornerButton::section { background: @surface_alt; border: 0; }

QScrollArea { border: 0; background: transparent; }
QScrollArea > QWidget > QWidget { background: transparent; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 2px; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 2px; }
QScrollBar::handle { background: @grid_strong; border-radius: 4px; min-height: 32px; min-width: 32px; }
QScrollBar::handle:hover { background: @border_strong; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QProgressBar { background: @surface_hover; border: 0; border-radius: 4px; max-height: 8px; min-height: 8px;
    text-align: center; }
QProgressBar::chunk { background: @accent; border-radius: 4px; }
QTabBar { background: transparent; }
QTabBar::tab { background: transparent; color: @text_muted; padding: 8px 14px; border: 0;
    border-bottom: 2px solid transparent; font-weight: 600; }
QTabBar::tab:selected { color: @text; border-bottom-color: @accent; }
QTabBar::tab:hover { color: @text; }
QTabBar::tab:focus { color: @link; border-bottom-color: @focus; }
QTabWidget::pane { border: 0; }
QMenu { background: @surface; border: 1px solid @border; padding: 6px; }
QMenu::item { padding: 7px 28px 7px 12px; border-radius: 4px; }
QMenu::item:selected { background: @selection; color: @selection.text; }
QMenu::item:disabled { color: @text_disabled; }
QMenu::separator { height: 1px; background: @border; margin: 6px 4px; }
QToolTip { background: @text; color: @surface; border: 0; padding: 6px 8px; font-size: @small; }
QSplitter::handle { background: @canvas; }
QSplitter::handle:horizontal { width: 8px; }
QCalendarWidget QWidget { background: @surface; }
QCalendarWidget QAbstractItemView { selection-background-color: @accent; selection-color: @accent_text; }
QCalendarWidget QToolButton { color: @text; }

QWidget[rail="true"] { background: @rail; }
QWidget[rail="true"] QLabel { color: @rail.text; }
QWidget[rail="true"] QLabel[badge] { background: @danger; color: @danger_text; padding: 1px 4px; border-radius: 8px; }
QToolButton[rail="item"] { color: @rail.text; border-radius: 8px; padding: 8px 4px; font-size: @small;
    font-weight: 600; }
QToolButton[rail="item"]:hover { background: @rail_hover; }
QToolButton[rail="item"]:checked { background: @rail_active; color: @rail_active.text; }
QToolButton[rail="item"]:focus { border: 2px solid @focus; padding: 7px 3px; }
QWidget[bar="top"] { background: @surface; border-bottom: 1px solid @border; }
QWidget[bar="status"] { background: @surface; border-top: 1px solid @border; }
QWidget[bar="status"] QPushButton { min-height: 24px; border: 1px solid transparent; background: transparent;
    padding: 0 8px; font-weight: 500; font-size: @small; }
QWidget[bar="status"] QPushButton:hover { background: @surface_hover; }
QWidget[bar="status"] QPushButton:focus { border: 2px solid @focus; padding: 0 7px; }
QWidget[bar="status"] QCheckBox { font-size: @small; }
QWidget[bar="status"] QLabel { font-size: @small; }
QPushButton[tone="danger"] { color: @danger; font-weight: 600; }
QPushButton[tone="warning"] { color: @warning; font-weight: 600; }
QPushButton[tone="success"] { color: @success; }
QPushButton[tone="neutral"] { color: @text_muted; }
QLabel[tone="danger"] { color: @danger; font-weight: 600; }
QLabel[tone="warning"] { color: @warning; font-weight: 600; }
QLabel[tone="success"] { color: @success; }
QLabel[tone="neutral"] { color: @text_muted; }
"""


def stylesheet(colours: Mapping[str, str], sizes: Mapping[str, int], icons: str) -> str:
    """The stylesheet for one palette.

    :param colours: token → ``#rrggbb`` (or ``#aarrggbb``), as in :mod:`desktop.qt.palette`.
    :param sizes: ``base``, ``small``, ``heading``, ``title``, ``display`` in pixels.
    :param icons: folder with the little pictures that the style needs, drawn in these colours.
    """
    words = dict(colours)
    words |= {name: f"{size}px" for name, size in sizes.items()}
    words["icons"] = icons
    text = _TEMPLATE
    for token in sorted(words, key=len, reverse=True):
        text = text.replace(f"@{token}", words[token])
    return text
