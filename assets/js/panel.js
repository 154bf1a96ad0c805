// The options at the side: opened and closed; where it lies over the page, Esc and a click beside it close it.
import {button, find, icon, make} from './dom.js';

export const makePanel = () => {
    const panel = find('options');
    const overlay = window.matchMedia('(max-width: 1100px)');
    const opener = button({class: 'options-button', title: 'Advanced options', 'aria-label': 'Advanced options', 'aria-controls': 'options', 'aria-expanded': 'false', onclick: () => fold()},
        icon('sliders'), make('span', {}, 'Advanced options'));
    const closer = /** @type {HTMLElement} */ (panel.querySelector('.options-button'));
    const isOpen = () => find('frame').classList.contains('options-open');
    const fold = () => {
        find('frame').classList.toggle('options-open');
        opener.setAttribute('aria-expanded', String(isOpen()));
        (isOpen() ? closer : opener).focus();
    };
    closer.append(icon('close'));
    closer.title = 'Close the options';
    closer.addEventListener('click', fold);
    find('keys').append(opener);
    find('options-backdrop').addEventListener('click', fold);
    document.addEventListener('keydown', (event) => {
        if (event.key !== 'Escape' || !isOpen() || !(overlay.matches || panel.contains(document.activeElement))) return;
        event.stopImmediatePropagation();
        fold();
    });
};
