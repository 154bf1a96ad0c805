// What the page says: faults and news above the message box, and lines that pass.
import {button, find, icon, make} from './dom.js';
import {Fault} from './server.js';

const UNDO_MS = 8000;

/** A fault in words. @param {Fault} fault */
export const drawFault = ({problem, next_step}) => make('div', {class: 'fault', role: 'alert'}, make('strong', {}, problem), ' ', next_step);

/** @param {() => void} onAway what to do when the server could not be reached */
export const makeNotices = (onAway) => {
    const aloud = make('div', {role: 'status'});
    find('sidebar').append(aloud);
    const notice = find('notice');
    return {
        /** A line that passes; `undo` puts a button on it. @param {string} text @param {null | (() => void)} [undo] */
        say: (text, undo = null) => {
            const line = make('div', {class: 'toast'}, make('span', {}, text));
            const close = () => line.remove();
            line.append(undo ? button({onclick: () => { close(); undo(); }}, 'Undo') : button({'aria-label': 'Dismiss', title: 'Dismiss', onclick: close}, icon('close')));
            aloud.replaceChildren(line);
            setTimeout(close, UNDO_MS);
        },
        news: (/** @type {string} */ text) => notice.replaceChildren(make('div', {class: 'news', role: 'status'}, text)),
        fail: (/** @type {unknown} */ fault) => {
            if (!(fault instanceof Fault)) throw fault;
            notice.replaceChildren(drawFault(fault));
            // The meter may have said so already.
            if (find('meter').textContent === notice.textContent) find('meter').replaceChildren();
            if (fault.isAway) onAway();
        },
        clear: () => notice.replaceChildren(),
        get isEmpty() { return !notice.childNodes.length; },
        get isFault() { return notice.querySelector('.fault') !== null; },
    };
};
