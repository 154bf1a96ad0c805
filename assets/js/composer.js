// The message box: what is typed, and the keys that send it.
import {find, fit} from './dom.js';

/**
 * @param {{submit: () => void, changed: () => void, typed: () => void}} page `changed` on every change, `typed` when a person made it
 */
export const makeComposer = (page) => {
    const box = /** @type {HTMLTextAreaElement} */ (document.querySelector('#message textarea'));
    box.addEventListener('input', () => { fit(box); page.changed(); page.typed(); });
    box.addEventListener('keydown', (event) => {
        // Safari ends a composition before the key that confirms it: its code is 229 then.
        if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
            event.preventDefault();
            page.submit();
        }
        if (event.key === 'ArrowUp' && !box.value) {
            const buttons = document.querySelectorAll('#transcript .turn.user [data-act="edit"]');
            if (!buttons.length) return;
            event.preventDefault();
            /** @type {HTMLElement} */ (buttons[buttons.length - 1]).click();
        }
    });
    find('send').addEventListener('click', () => { page.submit(); box.focus(); });
    return {
        box,
        /** What is typed; half a character, as some input methods leave one, is none. */
        get text() { return box.value.toWellFormed(); },
        type: (/** @type {string} */ text) => { box.value = text; fit(box); page.changed(); },
        focus: () => box.focus(),
        // Not before all is there: what is typed earlier would be sent by nobody.
        open: () => { box.disabled = false; box.focus(); },
    };
};
