"""The small pictures on buttons: strokes in a box of 24, drawn here."""

_PATHS = {
    "copy": '<rect x="9" y="9" width="11" height="11" rx="2"/>'
    '<path d="M5 15H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v1"/>',
    "retry": '<path d="M20 11a8 8 0 1 0-2.3 6.3"/><path d="M20 4v7h-7"/>',
    "edit": '<path d="M4 20l1-4L16 5l3 3L8 19z"/><path d="M14 7l3 3"/>',
    "continue": '<path d="M6 5v14l9-7z"/><path d="M19 5v14"/>',
    "sliders": '<path d="M4 7h8M18 7h2M4 17h2M12 17h8"/><circle cx="15" cy="7" r="2.5"/>'
    '<circle cx="9" cy="17" r="2.5"/>',
    "panel": '<rect x="3" y="4" width="18" height="16" rx="3"/><path d="M9 4v16"/>',
    "close": '<path d="M6 6l12 12M18 6L6 18"/>',
    "pin": '<path d="M9 4h6l-1 6 3 3v2H7v-2l3-3z"/><path d="M12 15v6"/>',
    "prompt": '<path d="M8 6l-5 6 5 6M16 6l5 6-5 6"/>',
    "replay": '<path d="M4 12a8 8 0 1 1 2.3 5.6"/><path d="M4 20v-6h6"/><path d="M11 9v6l4-3z"/>',
    "why": '<circle cx="12" cy="12" r="9"/><path d="M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 '
    '.8-1 1.7"/><path d="M12 16.8v.2"/>',
    "back": '<path d="M15 5l-7 7 7 7"/>',
    "next": '<path d="M9 5l7 7-7 7"/>',
}


def icon(name: str) -> str:
    """An SVG that takes the colour of the text around it."""
    return (
        '<svg viewBox="0 0 24 24" width="16" height="16" fill="none" stroke="currentColor" '
        'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
        f"{_PATHS[name]}</svg>"
    )
