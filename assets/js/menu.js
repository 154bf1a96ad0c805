// A menu that unfolds from its button: Esc, a choice and a click beside it close it.

/** @param {HTMLDetailsElement} menu */
export const makeMenu = (menu) => {
    const summary = /** @type {HTMLElement} */ (menu.querySelector('summary'));
    menu.addEventListener('keydown', (event) => {
        if (event.key !== 'Escape' || !menu.open) return;
        event.stopPropagation();
        menu.open = false;
        summary.focus();
    });
    document.addEventListener('click', ({target}) => {
        if (!menu.contains(/** @type {Node} */ (target))) menu.open = false;
    });
    return {close: () => { menu.open = false; }, focus: () => summary.focus()};
};
