// A panel over the page: the browser keeps the focus in it, Esc and a click beside it close it.
import {button, find, icon, make} from './dom.js';

/** @param {{id: string, title: string, bar?: HTMLElement[]}} of @param {...(Node | string)} content */
export const openDialog = ({id, title, bar = []}, ...content) => {
    document.getElementById(id)?.remove();
    const close = () => panel.close();
    const last = button({class: 'close', 'aria-label': 'Close', title: 'Close', onclick: close}, icon('close'));
    const panel = make('dialog', {id, class: 'panel open', 'aria-labelledby': `${id}-title`, onclose: () => {
        panel.remove();
        const back = opener?.isConnected ? opener : /** @type {HTMLElement | null} */ (document.querySelector('#message textarea'));
        back?.focus();
    }}, make('div', {class: 'inside'}, make('header', {}, make('h2', {id: `${id}-title`}, title), ...bar, last), ...content));
    const opener = /** @type {HTMLElement | null} */ (document.activeElement);
    // Text that is selected to beyond the panel is no click beside it.
    let pressed = /** @type {EventTarget | null} */ (null);
    panel.addEventListener('pointerdown', ({target}) => { pressed = target; });
    panel.addEventListener('click', ({target}) => { if (target === panel && pressed === panel) close(); });
    // Esc is for the panel alone: behind it, it stops a reply.
    panel.addEventListener('keydown', (event) => { if (event.key === 'Escape') event.stopPropagation(); });
    find('main').append(panel);
    panel.showModal();
    last.focus();
};
